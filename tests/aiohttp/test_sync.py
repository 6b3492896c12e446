"""Down and up over HTTP: validators, ranges, forms and raw bodies, limits, receipts. What merges is tested elsewhere."""

import asyncio
import io
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp import receiving
from fiberq_aiohttp.app import UPLOADS_AT_ONCE
from fiberq_aiohttp.keys import SPOOL, UPLOAD_SLOTS
from fiberq_aiohttp.sending import patched
from tests.aiohttp.serving import Caller, Client, an_app, token, until

pytestmark = pytest.mark.each_store

TYPE = "application/geopackage+sqlite3"


def form(**files: bytes | io.BytesIO) -> FormData:
    """A form with these files, each in a part of that name."""
    data = FormData()
    for name, content in files.items():
        data.add_field(name, content, filename=f"project.gpkg{'-wal' if name == 'wal' else ''}")
    return data


def spool_of(client: Client) -> list[Path]:
    """What lies where uploads land."""
    app = client.app
    assert app is not None
    return list(app[SPOOL].iterdir())


async def edited(caller: Caller, project: int, folder: Path, **values: str) -> bytes:
    """The project as downloaded, with these values in every pole."""
    path = folder / "edited.gpkg"
    path.write_bytes((await caller("GET", f"/api/sync/download/{project}")).body)
    with sqlite3.connect(path) as db:
        for trigger in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f'DROP TRIGGER "{trigger[0]}"')
        for name, value in values.items():
            db.execute(f'UPDATE "Stubovi" SET "{name}" = ?', (value,))
    db.close()
    return path.read_bytes()


async def sent(caller: Caller, project: int, data: Any, **query: str) -> Any:
    """Upload; the answer."""
    return await caller("POST", "/api/sync/upload", params={"project_id": str(project), **query}, data=data)


async def test_download(engineer: Caller, tmp_path: Path) -> None:
    """The package is a GeoPackage under a name and with a validator, and carries an id of its own."""
    project = await engineer.project()
    await engineer.pole(project, naziv="P-1")
    answer = await engineer("GET", f"/api/sync/download/{project}/")
    path = tmp_path / "p.gpkg"
    path.write_bytes(answer.body)

    assert (200, TYPE, f'attachment; filename="fiberq_project_{project}.gpkg"', str(len(answer.body))) == (
        answer.status,
        answer.headers["Content-Type"],
        answer.headers["Content-Disposition"],
        answer.headers["Content-Length"],
    )
    db = sqlite3.connect(path)
    assert [("P-1",)] == db.execute('SELECT naziv FROM "Stubovi"').fetchall()
    assert "0" * 32 not in db.execute("SELECT metadata FROM gpkg_metadata").fetchone()[0]
    db.close()


async def test_two_people_hold_two_exports(admin: Caller, engineer: Caller) -> None:
    """The bytes differ in the export's id and in nothing else; the same person gets the same again."""
    project = await engineer.project()
    path = f"/api/sync/download/{project}"
    first, again, other = [(await caller("GET", path)).body for caller in (engineer, engineer, admin)]
    differing = [i for i, (a, b) in enumerate(zip(first, other, strict=True)) if a != b]

    assert first == again
    assert differing
    assert differing[-1] - differing[0] < 32


async def test_validators(engineer: Caller) -> None:
    """Who has the current revision gets 304; a change makes a new validator."""
    project = await engineer.project()
    path = f"/api/sync/download/{project}"
    etag = (await engineer("GET", path)).headers["ETag"]
    same = await engineer("GET", path, headers={"If-None-Match": f'"x", W/{etag}'})
    await engineer.pole(project)
    changed = await engineer("GET", path, headers={"If-None-Match": etag})

    assert (304, b"", etag) == (same.status, same.body, same.headers["ETag"])
    assert 200 == changed.status
    assert etag != changed.headers["ETag"]


async def test_head(engineer: Caller) -> None:
    """HEAD says what GET would send again."""
    project = await engineer.project()
    path = f"/api/sync/download/{project}"
    get, head = await engineer("GET", path), await engineer("HEAD", path, headers={"Range": "bytes=0-1"})

    assert (200, b"", str(len(get.body)), get.headers["ETag"], "bytes") == (
        head.status,
        head.body,
        head.headers["Content-Length"],
        head.headers["ETag"],
        head.headers["Accept-Ranges"],
    )


async def test_ranges(engineer: Caller) -> None:
    """Ranges of the file, put together, are the file, also where one ends within the export's id."""
    project = await engineer.project()
    path = f"/api/sync/download/{project}"
    whole = await engineer("GET", path)
    size, etag = len(whole.body), whole.headers["ETag"]
    parts = []
    for start in range(0, size, 40_009):
        part = await engineer("GET", path, headers={"Range": f"bytes={start}-{start + 40_008}", "If-Range": etag})
        parts.append(part.body)
        assert (206, f"bytes {start}-{min(start + 40_008, size - 1)}/{size}") == (
            part.status,
            part.headers["Content-Range"],
        )
    assert whole.body == b"".join(parts)


@pytest.mark.parametrize(
    "asked, status, first, last",
    [
        ("bytes=0-0", 206, 0, 0),
        ("bytes=100-", 206, 100, -1),
        ("bytes=-7", 206, -7, -1),
        ("bytes=-99999999999", 206, 0, -1),
        ("bytes=0-99999999999", 206, 0, -1),
        ("bytes=5-2", 200, 0, -1),
        ("bytes=-", 200, 0, -1),
        ("bytes=0-1,5-6", 200, 0, -1),
        ("lines=0-1", 200, 0, -1),
        ("bytes=99999999999-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
    ],
)
async def test_odd_ranges(engineer: Caller, asked: str, status: int, first: int, last: int) -> None:
    """What cannot be read as one range is answered whole; what lies outside is refused with the size."""
    project = await engineer.project()
    path = f"/api/sync/download/{project}"
    whole = (await engineer("GET", path)).body
    answer = await engineer("GET", path, headers={"Range": asked})

    assert status == answer.status
    if status == 416:
        assert (f"bytes */{len(whole)}", "range-not-satisfiable") == (
            answer.headers["Content-Range"],
            answer.json["code"],
        )
    else:
        assert whole[first:][: None if last == -1 else 1] == answer.body


async def test_range_of_another_version(engineer: Caller) -> None:
    """If-Range with an old validator gets the whole new file."""
    project = await engineer.project()
    path = f"/api/sync/download/{project}"
    etag = (await engineer("GET", path)).headers["ETag"]
    await engineer.pole(project)

    assert 200 == (await engineer("GET", path, headers={"Range": "bytes=0-1", "If-Range": etag})).status


@pytest.mark.parametrize("at", range(-6, 12))
def test_patched(at: int) -> None:
    """Wherever a block lies, what comes out is that part of the patched file."""
    file, value = bytearray(b"abcdefghijkl"), b"1234"
    for position, size in ((p, s) for p in range(12) for s in range(1, 12 - p + 1)):
        wanted = bytearray(file)
        for i, byte in enumerate(value):
            if 0 <= at + i < 12:
                wanted[at + i] = byte
        if at >= 0:
            block = bytes(file[position : position + size])
            assert bytes(wanted[position : position + size]) == patched(block, position, at, value)[:size]


async def test_upload_as_a_form_or_raw(engineer: Caller, tmp_path: Path) -> None:
    """Both ways of sending bring the edit in, once; nothing stays in the spool."""
    project = await engineer.project()
    pole = await engineer.pole(project, naziv="P-1")
    data = await edited(engineer, project, tmp_path, naziv="P-2")
    dry = await sent(engineer, project, data, dry_run="1")
    first = await sent(engineer, project, form(file=data))
    again = await sent(engineer, project, data)
    shown = await engineer("GET", f"/api/projects/{project}/features/Stubovi/{pole['id']}")

    assert (200, 1) == (dry.status, dry.json["applied"])
    assert (200, 1, first.json) == (first.status, first.json["applied"], again.json)
    assert "P-2" == shown.json["properties"]["naziv"]
    assert [] == spool_of(engineer.client)


async def test_upload_with_other_parts_around(engineer: Caller, tmp_path: Path) -> None:
    """Other parts are read over, in any order."""
    project = await engineer.project()
    await engineer.pole(project)
    data = await edited(engineer, project, tmp_path, naziv="P-2")
    body = FormData()
    body.add_field("project", "7")
    body.add_field("file", data, filename="čudno ime.gpkg")
    body.add_field("after", b"x" * 10_000, filename="x")

    assert 1 == (await sent(engineer, project, body)).json["applied"]


async def test_upload_with_its_wal(engineer: Caller, tmp_path: Path) -> None:
    """Edits that are still in the write-ahead log arrive with it."""
    project = await engineer.project()
    pole = await engineer.pole(project)
    path = tmp_path / "wal.gpkg"
    path.write_bytes(await edited(engineer, project, tmp_path, naziv="P-2"))
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("UPDATE \"Stubovi\" SET naziv = 'P-3'")
    db.commit()
    main, wal = path.read_bytes(), path.with_name("wal.gpkg-wal").read_bytes()
    db.close()
    answer = await sent(engineer, project, form(wal=wal, file=main))
    shown = await engineer("GET", f"/api/projects/{project}/features/Stubovi/{pole['id']}")

    assert (200, "P-3") == (answer.status, shown.json["properties"]["naziv"])
    assert [] == spool_of(engineer.client)


@pytest.mark.parametrize(
    "body, code",
    [
        (b"", "bad-package"),
        (b"not a database", "bad-package"),
        (form(other=b"x"), "invalid"),
        (form(wal=b"x"), "invalid"),
    ],
    ids=["empty", "text", "no file", "only a wal"],
)
async def test_bad_uploads(engineer: Caller, body: Any, code: str) -> None:
    """What is no file, or no GeoPackage, is refused with its reason."""
    project = await engineer.project()
    answer = await sent(engineer, project, body)

    assert (422, code) == (answer.status, answer.json["code"])
    assert [] == spool_of(engineer.client)


async def test_broken_forms(engineer: Caller) -> None:
    """A form that breaks off, or names no boundary, or brings the file twice, is refused and leaves nothing behind."""
    project = await engineer.project()
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.gpkg"\r\n\r\n'
    query = {"params": {"project_id": str(project)}}
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    cut = await engineer("POST", "/api/sync/upload", data=head + b"SQLite", headers=kind, **query)
    none = await engineer(
        "POST", "/api/sync/upload", data=b"x", headers={"Content-Type": "multipart/form-data"}, **query
    )
    whole = head + b"1\r\n" + head + b"2\r\n--b--\r\n"
    twice = await engineer("POST", "/api/sync/upload", data=whole, headers=kind, **query)

    assert [(400, "bad-request"), (400, "bad-request"), (422, "invalid")] == [
        (a.status, a.json["code"]) for a in (cut, none, twice)
    ]
    assert [] == spool_of(engineer.client)


async def test_too_large(tmp_path: Path) -> None:
    """What is over the limit is refused, whether it says its length or not."""
    async with TestClient(TestServer(an_app(tmp_path, max_upload=2_000_000))) as client:
        caller = Caller(client, token("engineer", sub="2"))
        project = await caller.project()

        async def endless() -> Any:
            for _ in range(40):
                yield b"x" * 100_000

        said = await sent(caller, project, io.BytesIO(b"x" * 2_000_001))
        unsaid = await sent(caller, project, endless())
        in_form = await sent(caller, project, form(file=io.BytesIO(b"x" * 2_000_001)))
        fits = await sent(caller, project, form(file=io.BytesIO(b"x" * 2_000_000)))

        for answer in (said, unsaid, in_form):
            assert (413, "too-large", 2_000_000) == (answer.status, answer.json["code"], answer.json["limit"])
        assert 422 == fits.status
        assert [] == spool_of(client)


async def test_lost_connection(engineer: Caller, client: Client) -> None:
    """S34: an upload that breaks off leaves nothing behind."""
    project = await engineer.project()
    _, writer = await asyncio.open_connection(client.host, client.port)
    head = (
        f"POST /api/sync/upload?project_id={project} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n"
        f"Authorization: Bearer {engineer.token}\r\n\r\n"
    )
    writer.write(head.encode() + b"x" * 2_000_000)
    await writer.drain()
    await until(lambda: bool(spool_of(client)))
    writer.transport.abort()
    await until(lambda: not spool_of(client))

    assert [] == (await engineer("GET", "/api/sync/status", params={"project_id": project})).json


async def test_status_and_receipts(engineer: Caller, outsider: Caller, tmp_path: Path) -> None:
    """Syncs are listed newest first, receipts can be fetched again, by members only."""
    project = await engineer.project()
    await engineer.pole(project)
    data = await edited(engineer, project, tmp_path, naziv="P-2")
    receipt = (await sent(engineer, project, data)).json
    listed = (await engineer("GET", "/api/sync/status/", params={"project_id": project})).json
    path = f"/api/sync/receipts/{receipt['sync_id']}"

    assert [("upload", "2", 1), ("download", "2", None)] == [
        (s["sync_type"], s["user_sub"], s["features_uploaded"]) for s in listed
    ]
    assert receipt == (await engineer("GET", path)).json
    hidden, unknown = await outsider("GET", path), await outsider("GET", "/api/sync/receipts/nonsense")
    assert (404, 404, hidden.json["detail"]) == (hidden.status, unknown.status, unknown.json["detail"])
    assert 404 == (await outsider("GET", "/api/sync/status", params={"project_id": project})).status


async def test_undo(engineer: Caller, outsider: Caller, tmp_path: Path) -> None:
    """An upload can be taken back, by those who may see it."""
    project = await engineer.project()
    pole = await engineer.pole(project, naziv="P-1")
    receipt = (await sent(engineer, project, await edited(engineer, project, tmp_path, naziv="P-2"))).json
    path = f"/api/sync/receipts/{receipt['sync_id']}/undo"

    assert 404 == (await outsider("POST", path)).status
    undone = await engineer("POST", path)
    shown = await engineer("GET", f"/api/projects/{project}/features/Stubovi/{pole['id']}")
    assert (200, 1, "P-1") == (undone.status, undone.json["updated"], shown.json["properties"]["naziv"])


@pytest.mark.parametrize("query", [{}, {"project_id": "x"}, {"project_id": "-1"}, {"project_id": "9" * 30}])
async def test_project_must_be_named(engineer: Caller, query: dict[str, str]) -> None:
    """An upload without a usable project number is refused before its body is read."""
    answer = await engineer("POST", "/api/sync/upload", params=query, data=b"x")

    assert (422, "project_id") == (answer.status, answer.json["errors"][0]["path"])


async def test_refused_before_the_body(outsider: Caller, engineer: Caller) -> None:
    """Who may not upload is told so, however large the file is."""
    project = await engineer.project()

    assert 404 == (await sent(outsider, project, b"x" * 1000)).status


async def test_too_many_at_once(engineer: Caller, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads wait for their turn, and are told to come again when it takes too long."""
    project = await engineer.project()
    app = client.app
    assert app is not None
    monkeypatch.setattr(receiving, "QUEUE", 0.05)
    for _ in range(UPLOADS_AT_ONCE):
        await app[UPLOAD_SLOTS].acquire()
    full = await sent(engineer, project, b"x")
    app[UPLOAD_SLOTS].release()
    free = [(await sent(engineer, project, b"x")).status for _ in range(2)]

    assert (503, "busy", "10", [422, 422]) == (full.status, full.json["code"], full.headers["Retry-After"], free)
