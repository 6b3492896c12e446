"""What bad input gets: a clear problem, no change, and a server that still answers."""

import asyncio
import json
import os
import random
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.devkeys import issue_dev_token
from fiberq_aiohttp.settings import from_env
from fiberq_aiohttp.wiring import serving
from tests.e2e.device import Device, point
from tests.e2e.serverprocess import Server, leftovers

POLE = "Stubovi"
SECRETS = re.compile(
    r"/(tmp|root|home|work|var|usr)/|\.gpkg-|\bSELECT\b|\bINSERT\b|\bUPDATE\b|\bPRAGMA\b|sqlite_|apsw|Traceback|eyJ|\.py\b"
)


def a_clear_problem(status: int, problem: dict[str, Any], *wanted: int | str) -> None:
    """Insist on a problem document that says what is wrong and gives nothing away."""
    assert status in wanted or problem["code"] in wanted, problem
    assert {"type", "title", "status", "code", "detail", "request_id"} <= problem.keys() and status == problem["status"]
    assert problem["title"] and len(problem["detail"].split()) >= 4 and problem["detail"] != problem["title"], problem
    assert not SECRETS.search(json.dumps(problem, ensure_ascii=False)), problem


@pytest.fixture
async def pole(office):
    """A pole to be hurt."""
    return await office.pole(naziv="P-1", materijal="Wood", visina=8.0)


@pytest.fixture
async def state(client, office, project, data_folder):
    """All that may not change: rows, revision, inbox, recent syncs, folder of incoming files."""

    async def look() -> tuple[Any, ...]:
        _, layers = await office.call("GET", "/layers")
        _, page = await office.call("GET", f"/features/{POLE}")
        _, syncs = await office.call("GET", "/api/sync/status", params={"project_id": str(project)})
        uploads = [s for s in syncs if s["sync_type"] == "upload"]
        counts = {layer["name"]: layer["count"] for layer in layers["layers"]}
        return await office.revision(), counts, page["features"], await office.inbox(), uploads, leftovers(data_folder)

    return look


async def works_still(phone: Device) -> None:
    """A good file is taken."""
    await phone.download()
    phone.add(POLE, naziv="after", geom=point(21.9, 44.9))
    assert 1 == (await phone.upload())["inserted"]


def rewritten(device: Device, change: Callable[[str], str], table: str = POLE) -> None:
    """Change the stored definition of a table behind SQLite's back."""
    with closing(sqlite3.connect(device.path)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        (old,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (change(old), table))


def in_place_of_layer(device: Device, *statements: str) -> None:
    """Put something else where the layer was."""
    for (trigger,) in device.sql("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", POLE):
        device.sql(f'DROP TRIGGER "{trigger}"')
    for statement in statements:
        device.sql(statement)


def cut(share: float) -> Callable[[Device], None]:
    """A file of which only the beginning came."""

    def harm(device: Device) -> None:
        content = device.path.read_bytes()
        device.path.write_bytes(content[: int(len(content) * share)])

    return harm


def corrupt(device: Device) -> None:
    """Pages full of noise, the first one excepted."""
    content = bytearray(device.path.read_bytes())
    content[8192:] = random.Random(1).randbytes(len(content) - 8192)
    device.path.write_bytes(content)


def says_more(device: Device) -> None:
    """A header that claims two billion pages."""
    content = bytearray(device.path.read_bytes())
    content[28:32] = (2_000_000_000).to_bytes(4, "big")
    device.path.write_bytes(content)


def another_database(device: Device) -> None:
    """An SQLite file that is no GeoPackage."""
    device.path.unlink()
    device.sql("CREATE TABLE t (a)")


def a_view(device: Device) -> None:
    """A view in place of the layer, which would never end."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fid, i AS naziv, NULL AS geom FROM n"
    in_place_of_layer(device, f"ALTER TABLE {POLE} RENAME TO kept", f"CREATE VIEW {POLE} AS {endless}")


def a_virtual_table(device: Device) -> None:
    """A virtual table in place of the layer."""
    in_place_of_layer(
        device, f"ALTER TABLE {POLE} RENAME TO kept", f"CREATE VIRTUAL TABLE {POLE} USING fts4(naziv, geom)"
    )


def broken_schema(device: Device) -> None:
    """A definition that no parser takes."""
    rewritten(device, lambda _: f"CREATE TABLE {POLE} (fid INTEGER PRIMARY KEY, (((")


def a_default(device: Device) -> None:
    """A default value that would load a program."""
    rewritten(device, lambda sql: sql.rstrip().rstrip(")") + ", d TEXT DEFAULT (load_extension('x')))")


def ten_thousand_columns(device: Device) -> None:
    """More columns than SQLite itself takes."""
    rewritten(device, lambda sql: sql.rstrip().rstrip(")") + "".join(f', "c{n}" TEXT' for n in range(10_000)) + ")")


WHOLE_FILES: dict[str, Callable[[Device], object]] = {
    "nothing": lambda d: d.path.write_bytes(b""),
    "text": lambda d: d.path.write_bytes(b"naziv;visina\nP-1;8\n" * 100),
    "a header alone": lambda d: d.path.write_bytes(b"SQLite format 3\0"),
    "noise behind the header": lambda d: d.path.write_bytes(b"SQLite format 3\0" + random.Random(1).randbytes(50_000)),
    "a zip": lambda d: d.path.write_bytes(b"PK\x03\x04" + bytes(5_000)),
    "cut at once": cut(0.01),
    "cut in half": cut(0.5),
    "cut at the end": cut(0.99),
    "corrupt pages": corrupt,
    "a billion pages": says_more,
    "another database": another_database,
    "a view": a_view,
    "a virtual table": a_virtual_table,
    "a broken schema": broken_schema,
    "a default that loads programs": a_default,
    "ten thousand columns": ten_thousand_columns,
}


@pytest.mark.parametrize("harm", WHOLE_FILES.values(), ids=WHOLE_FILES.keys())
async def test_s39_a_file_that_cannot_be_believed_is_refused_whole(client, device, pole, state, harm):
    """S39: the answer says in words why, nothing changed, and the next file is taken."""
    phone = await device()
    harm(phone)
    before = await state()

    a_clear_problem(*await asyncio.wait_for(phone.answer(), 30), "bad-package")

    assert before == await state()
    await works_still(phone)


async def test_over_the_limit(tmp_path, people):
    """413, at once where the length is told and in mid-stream where it is not; the limit is named, nothing stays."""
    data = tmp_path / "data"
    data.mkdir()
    settings = from_env({"FIBERQ_DATA": str(data), "MAX_UPLOAD_MB": "1"}, dev=True)
    server = TestServer(create_app(settings, lambda: serving(settings)))
    async with TestClient(server) as client:
        issuer = settings.provider.issuer
        token = issue_dev_token(data, issuer, "engineer", people["engineer"], "Elena", time.time())
        headers = {"Authorization": f"Bearer {token}"}
        async with client.post("/api/projects", json={"name": "Village"}, headers=headers) as answer:
            project = (await answer.json())["id"]
        pieces = 0

        async def endless() -> Any:
            nonlocal pieces
            for _ in range(200):
                pieces += 1
                yield bytes(100_000)

        for body in (BytesIO(bytes(1_100_000)), endless()):
            async with client.post(
                "/api/sync/upload", params={"project_id": project}, data=body, headers=headers
            ) as answer:
                problem = await answer.json()
                a_clear_problem(answer.status, problem, 413)
                assert "1 MiB" in problem["detail"] and 1_048_576 == problem["limit"]
                assert [] == leftovers(data)
        assert pieces < 200
        async with client.get(f"/api/projects/{project}", headers=headers) as answer:
            assert 0 == (await answer.json())["revision"]


async def test_s32_a_file_of_another_project(device, pole, other_project, project, state):
    """S32: 409, and it says what to do."""
    phone = await device()
    before = await state()
    phone.edit(POLE, pole, naziv="x")
    phone.project = other_project

    a_clear_problem(*await phone.answer(), "wrong-project")

    phone.project = project
    assert before == await state()
    await works_still(phone)


async def test_projects_that_are_not_there(client, device, office, project, pole, state, settings, data_folder):
    """An unknown project and a project of others give the same 404; an archived one 409; nonsense 422."""
    stranger = issue_dev_token(data_folder, settings.provider.issuer, "engineer", "mallory", "Mallory", time.time())
    _, foreign = await office.call("POST", "/api/projects", json={"name": "Mine"})
    phone = await device("engineer")
    phone.edit(POLE, pole, naziv="x")
    before = await state()

    phone.headers = {"Authorization": f"Bearer {stranger}"}
    phone.project = foreign["id"]
    of_others = await phone.answer()
    phone.project = 987_654
    unknown = await phone.answer()
    a_clear_problem(*of_others, 404)
    a_clear_problem(*unknown, 404)
    assert of_others[1]["detail"] == unknown[1]["detail"]

    phone.headers, phone.project = office.headers, project
    a_clear_problem(*await phone.answer(project_id="1; DROP TABLE projects"), 422)
    a_clear_problem(*await phone.answer(project_id="9" * 40), 422)
    assert before == await state()


async def test_an_archived_project_takes_nothing(client, device, office, project, pole, token, state):
    """409 with what an administrator can do; given another status, it takes the same file."""
    phone = await device()
    phone.edit(POLE, pole, naziv="x")
    admin = {"Authorization": f"Bearer {token('admin')}"}
    await office.call("DELETE", f"/api/projects/{project}", headers=admin)
    before = await state()

    a_clear_problem(*await phone.answer(), 409)

    assert before == await state()
    await office.call("PUT", f"/api/projects/{project}", json={"status": "planning"}, headers=admin)
    assert 1 == (await phone.upload())["updated"]


async def test_columns_whose_names_are_sql(office, device, pole):
    """Names are only names: kept with the row, exported again, and nothing is executed."""
    names = ['x"; DROP TABLE projects; --', "'; DELETE FROM history; --", "SELECT", 'a""b', "fiberq_rev ", "%s ? :a $1"]
    phone = await device()
    for name in names:
        quoted = name.replace('"', '""')
        phone.sql(f'ALTER TABLE {POLE} ADD COLUMN "{quoted}" TEXT')
        phone.sql(f'UPDATE {POLE} SET "{quoted}" = ? WHERE fiberq_uuid = ?', f"v {name}", pole)

    await phone.upload()
    feature = await office.get(POLE, pole)
    again = (await device()).row(POLE, pole)

    assert {name: f"v {name}" for name in names} == feature["properties"]["extra"]
    assert {name: f"v {name}" for name in names} == {name: again[name] for name in names}


async def test_nearly_two_thousand_columns(office, device, pole):
    """As many columns as SQLite takes are data like any other or a clear refusal, in bounded time."""
    phone = await device()
    rewritten(phone, lambda sql: sql.rstrip().rstrip(")") + "".join(f', "c{n}" TEXT' for n in range(1_900)) + ")")
    phone.sql(f"UPDATE {POLE} SET c7 = 'seven', naziv = 'P-7'")

    status, answer = await asyncio.wait_for(phone.answer(), 60)

    if status == 200:
        assert {"c7": "seven"} == (await office.get(POLE, pole))["properties"]["extra"]
        assert "seven" == (await device()).row(POLE, pole)["c7"]
    else:
        a_clear_problem(status, answer, "bad-package")
        await works_still(phone)


async def test_claims_in_the_contents_are_not_believed(office, device, pole):
    """A billion rows in a table of counts and an extent beyond the world change nothing about what is there."""
    phone = await device()
    phone.sql("UPDATE gpkg_ogr_contents SET feature_count = 1000000000000")
    phone.sql("UPDATE gpkg_contents SET min_x = -1e300, max_x = 1e300")
    phone.edit(POLE, pole, naziv="P-2")

    receipt = await asyncio.wait_for(phone.upload(), 30)

    assert (1, 0, 0) == (receipt["updated"], receipt["deleted"], receipt["held"])


async def test_thousands_of_layers_that_are_not_there(device, pole, state):
    """A table of contents that is longer than any real one is refused, with the limit."""
    phone = await device()
    ghosts = [(f"ghost{n}", "features", f"ghost{n}", 4326) for n in range(50_000)]
    phone.sql_many("INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, ?, ?, ?)", ghosts)
    before = await state()

    a_clear_problem(*await asyncio.wait_for(phone.answer(), 30), "too-large", "bad-package")

    assert before == await state()
    await works_still(phone)


@pytest.mark.parametrize(
    "column, typed",
    [("visina", "high"), ("godina_ugradnje", "12a"), ("visina", float("inf")), ("godina_ugradnje", 1.5),
     ("godina_ugradnje", b"\x00\xff"), ("naziv", "a\0b"), ("naziv", b"\xff\xfe"), ("visina", "9" * 400)],
)  # fmt: skip
async def test_s21_values_that_do_not_fit_wait(office, device, pole, column, typed):
    """S21: text where numbers belong, infinity, NUL, bytes that are no text: that value waits, the rest applies."""
    phone = await device()
    phone.edit(POLE, pole, **{column: typed}, materijal="Steel")

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (1, 1) == (receipt["updated"], receipt["rejected"]) and column == item["field"]
    assert item["device"] is not None and item["reason"]
    assert "Steel" == await office.value(POLE, pole, "materijal")
    assert ("P-1", 8.0) == (await office.value(POLE, pole, "naziv"), await office.value(POLE, pole, "visina"))


async def test_nan_in_coordinates_and_numbers(office, device, pole):
    """NaN is no number and no place: the row waits; SQLite itself makes NULL of a NaN in a column."""
    phone = await device()
    for (trigger,) in phone.sql("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", POLE):
        phone.sql(f'DROP TRIGGER "{trigger}"')
    phone.edit(POLE, pole, visina=float("nan"), geom=point(float("nan"), 44))

    receipt = await phone.upload()

    assert (0, 1) == (receipt["applied"], receipt["rejected"])
    assert [21.0, 44.0] == (await office.get(POLE, pole))["geometry"]["coordinates"]
    assert 200 == (await office.call("GET", "/inbox"))[0] and (await device()).path.exists()


async def test_long_names_and_every_script(office, device, pole):
    """300 characters, emoji, right-to-left, combining marks: data like any other, out and in again; nothing is dropped."""
    long, odd = "ж" * 300, "🔴👷🏽‍♀️ Ђорђе עברית e\u0301 \u200b \U0010ffff"
    phone = await device()
    phone.sql(f'ALTER TABLE {POLE} ADD COLUMN "{long}" TEXT')
    phone.sql(f'CREATE TABLE "{long}t" (fid INTEGER PRIMARY KEY, a TEXT)')
    phone.sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)",
        f"{long}t",
        f"{long}t",
    )
    phone.sql(f'UPDATE {POLE} SET "{long}" = ?, naziv = ?, napomena = ? WHERE fiberq_uuid = ?', odd, long, odd, pole)

    receipt = await phone.upload()
    again = (await device()).row(POLE, pole)

    assert 1 == receipt["updated"] and [f"{long}t"] == receipt["unknown_layers"]
    assert (long, odd) == (again["naziv"], again["napomena"])
    # a column's name that long is not exported, but kept with the row, also when the file comes back without it
    assert long not in again and 0 == (await (await device()).upload())["applied"]
    assert {long: odd} == (await office.get(POLE, pole))["properties"]["extra"]
    assert (odd, long) == (await office.value(POLE, pole, "napomena"), await office.value(POLE, pole, "naziv"))


@pytest.mark.parametrize("name", ["x" * 300, "", "a\0b", "🔴" * 300, 7, None, ["x"]])
async def test_names_of_projects(office, name):
    """A project's name is a text of bounded length; anything else is 422 with its fault."""
    status, problem = await office.call("POST", "/api/projects", json={"name": name})

    if status == 201:
        assert name == problem["name"]
    else:
        a_clear_problem(status, problem, 422)
        assert problem["errors"]


async def test_triggers_and_views_are_never_run(office, device, pole):
    """Triggers that would write, views that call functions: the file is data, nothing else."""
    phone = await device()
    phone.edit(POLE, pole, naziv="P-2")
    phone.sql(f"CREATE TRIGGER evil AFTER UPDATE ON {POLE} BEGIN DELETE FROM OKNA; SELECT load_extension('x'); END")
    phone.sql(f"CREATE TRIGGER worse BEFORE INSERT ON {POLE} BEGIN SELECT writefile('x', 'y'); END")
    phone.sql("CREATE VIEW v AS SELECT load_extension('x')")

    receipt = await asyncio.wait_for(phone.upload(), 30)

    assert (1, 0) == (receipt["updated"], receipt["deleted"]) and "P-2" == await office.value(POLE, pole, "naziv")


async def test_a_generated_column_is_not_data(office, device, pole):
    """A column that the file computes is not believed, whatever it would compute; the rest applies or all is refused."""
    phone = await device()
    phone.edit(POLE, pole, naziv="P-2")
    bomb = ", g TEXT AS (printf('%.*c', 900000000, 'x')))"
    rewritten(phone, lambda sql: sql.rstrip().rstrip(")") + bomb)

    status, answer = await asyncio.wait_for(phone.answer(), 30)

    if status == 200:
        assert 1 == answer["updated"] and {} == (await office.get(POLE, pole))["properties"]["extra"]
    else:
        a_clear_problem(status, answer, "bad-package")
        assert "P-1" == await office.value(POLE, pole, "naziv")


async def test_many_uploads_at_once(office, device, pole):
    """S15, S36: twelve uploads in one moment, each of them twice: every answer is one, every effect is one."""
    phones = [await device("engineer") for _ in range(4)]
    for n, phone in enumerate(phones):
        phone.add(POLE, naziv=f"N-{n}", geom=point(21 + n / 10, 44.5))
    before = await office.revision()

    answers = await asyncio.gather(*(phone.answer() for phone in phones * 3))

    for status, answer in answers:
        if status != 200:
            a_clear_problem(status, answer, 503)
    receipts = [[a for s, a in answers[n::4] if s == 200] for n in range(4)]
    assert all(r.count(r[0]) == len(r) >= 1 for r in receipts)
    assert before + 4 == await office.revision()


@pytest.mark.parametrize(
    "kind, body",
    [("multipart/form-data; boundary=x", b"--x\r\n"), ("multipart/form-data", b"abc"), ("application/json", b"{}"),
     ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="photo"\r\n\r\nabc\r\n--x--\r\n')],
)  # fmt: skip
async def test_requests_that_bring_no_file(client, office, project, pole, state, kind, body):
    """Forms that break off, have no boundary or no file: 4xx with what is missing."""
    before = await state()
    headers = {**office.headers, "Content-Type": kind}

    async with client.post("/api/sync/upload", params={"project_id": project}, data=body, headers=headers) as answer:
        a_clear_problem(answer.status, await answer.json(), 400, 422)

    assert before == await state()


# --- disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=False).returncode
    ):
        pytest.skip("only root may mount a file system; the limited file size stands in for it")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def bigger(content: bytes, path: Path, name: str, size: int = 0) -> bytes:
    """A file with one more pole, and as many bytes of a foreign table."""
    path.write_bytes(content)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.create_function("ST_IsEmpty", 1, lambda blob: 1)
        for function in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            connection.create_function(function, 1, lambda blob: 0)
        connection.execute(f"INSERT INTO {POLE} (naziv) VALUES (?)", (name,))
        connection.execute("CREATE TABLE ballast (b)")
        connection.execute("INSERT INTO ballast VALUES (zeroblob(?))", (size,))
    return path.read_bytes()


def names(server: Server, project: int) -> list[str]:
    """The names of all poles."""
    return sorted(f["properties"]["naziv"] for f in server.features(project))


def test_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    """503 in words and nothing changed while the disk is full; once there is room, the same file is taken."""
    server = Server(small_disk / "data", tmp_path / "log.txt").start()
    try:
        project, token = server.create_project(), server.token()
        _, content = server.ask("GET", f"/api/sync/download/{project}", token=token)
        body = bigger(content, tmp_path / "a.gpkg", "N-1")
        filler = small_disk / "filler"
        for keep_free in (0, len(body) // 2, len(body) + 65_536):
            room = os.statvfs(small_disk)
            filler.write_bytes(bytes(max(0, room.f_bavail * room.f_frsize - keep_free)))
            a_clear_problem(*server.upload(project, body, token), 503)
            assert [] == leftovers(server.data) and [] == names(server, project)
            assert 200 == server.ask("GET", "/health")[0]
            filler.unlink()
        assert 200 == server.upload(project, body, token)[0]
        assert ["N-1"] == names(server, project)
    finally:
        server.kill()


def test_a_limited_file_size(tmp_path: Path) -> None:
    """A file may not grow beyond what the system allows this user: refused in words, nothing changed, still answering."""
    server = Server(tmp_path / "data", tmp_path / "log.txt", before=("prlimit", f"--fsize={6 * 1024 * 1024}")).start()
    try:
        project, token = server.create_project(), server.token()
        _, content = server.ask("GET", f"/api/sync/download/{project}", token=token)
        a_clear_problem(*server.upload(project, bigger(content, tmp_path / "a.gpkg", "N-1", 8_000_000), token), 503)
        assert [] == leftovers(server.data) and [] == names(server, project)
        assert 200 == server.upload(project, bigger(content, tmp_path / "b.gpkg", "N-2"), token)[0]
        assert ["N-2"] == names(server, project)
    finally:
        server.kill()


def test_a_read_only_data_folder(small_disk: Path, tmp_path: Path) -> None:
    """A server that starts on it says in words what is wrong and ends; nothing is lost by the attempt."""
    server = Server(small_disk / "data", tmp_path / "log.txt").start()
    second = Server(small_disk / "data", tmp_path / "second.txt")
    try:
        project, token = server.create_project(), server.token()
        _, content = server.ask("GET", f"/api/sync/download/{project}", token=token)
        body = bigger(content, tmp_path / "a.gpkg", "N-1")
        assert 200 == server.upload(project, body, token)[0]
        server.kill()
        subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
        assert 0 != second.launch().wait(60)
        said = second.log.read_text()
        assert "Traceback" not in said and re.search(r"read-only|cannot be written|permission", said, re.IGNORECASE), (
            said
        )
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        server.start()
        assert ["N-1"] == names(server, project)
    finally:
        second.kill()
        server.kill()
