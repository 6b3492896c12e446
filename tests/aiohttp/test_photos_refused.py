"""What bad photos get: words, no row, no file, and nothing that reveals somebody else's."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from tests.aiohttp.pictures import form, picture
from tests.aiohttp.serving import Answer, Caller, Client, until
from tests.aiohttp.test_photos import UPLOAD, a_row, join, listed, of, order, revision
from tests.storage.test_imaging import bomb

PHOTO = picture()


def files(folder: Path) -> list[str]:
    """All photos in the volume, and whatever else lies there or among the incoming."""
    data = folder / "data"
    found = [path for name in ("photos", "incoming") for path in (data / name).rglob("*") if path.is_file()]
    return [path.name for path in found]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!DOCTYPE html><script>alert(1)</script>",
        b"GIF89a" + bytes(99),
        picture()[:20],
        bomb(60_000, 60_000),
        b"PK\3\4" + bytes(99),
    ],
    ids=["empty", "html", "gif", "only its beginning", "bomb", "zip"],
)
async def test_what_is_no_photo(engineer: Caller, tmp_path: Path, content: bytes) -> None:
    """Whatever it is called and declared as, it is refused in words, and not kept."""
    project = await engineer.project()
    pole = await engineer.pole(project)
    before = await revision(engineer, project)
    answer = await engineer("POST", of(pole), **form(content, "photo.jpg"))

    assert (422, "bad-photo") == (answer.status, answer.json["code"])
    assert answer.json["errors"][0]["path"] == "file"
    assert (before, []) == (await revision(engineer, project), await listed(engineer, project))
    await until(lambda: files(tmp_path) == [])


async def test_a_photo_of_two_gigabytes_is_refused_by_its_length(engineer: Caller, client: Client) -> None:
    """Before any of it is sent."""
    project = await engineer.project()
    host, port = client.server.host, client.server.port
    head = (
        f"POST /api/projects/{project}/photos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {engineer.token}\r\n"
        f"Content-Type: image/jpeg\r\nContent-Length: {2 << 30}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 10)
    writer.close()
    await writer.wait_closed()

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"32 MiB" in answer


async def test_a_photo_that_grows_too_large(engineer: Caller, tmp_path: Path) -> None:
    """A length that is not declared is counted."""
    project = await engineer.project()

    async def endless() -> Any:
        for _ in range(40):
            yield bytes(1 << 20)

    answer = await engineer("POST", f"/api/projects/{project}/photos", data=endless())

    assert (413, "too-large") == (answer.status, answer.json["code"])
    await until(lambda: files(tmp_path) == [])


async def test_a_sender_that_vanishes_leaves_nothing(engineer: Caller, client: Client, tmp_path: Path) -> None:
    project = await engineer.project()
    head = (
        f"POST /api/projects/{project}/photos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {engineer.token}\r\n"
        f"Content-Type: image/jpeg\r\nContent-Length: 9000000\r\n\r\n"
    )

    def half() -> None:
        with socket.create_connection((client.server.host, client.server.port)) as connection:
            connection.sendall(head.encode() + PHOTO + bytes(3_000_000))
            connection.settimeout(0.3)

    await asyncio.to_thread(half)
    await until(lambda: files(tmp_path) == [])

    assert [] == await listed(engineer, project)


NOWHERE = [
    "x",
    "%00",
    "%FF",
    "a%0Ab.jpg",
    "%F0%9F%92%A9",
    "0" * 5000,
    "'; DROP TABLE photo_files; --",
    "0" * 64 + ".jpg%00",
]


@pytest.mark.each_store
@pytest.mark.parametrize("name", NOWHERE)
async def test_names_that_nothing_has(engineer: Caller, name: str) -> None:
    """Whatever stands in an address, there is no such photo."""
    project = await engineer.project()
    for path in (f"/storage/photos/{name}", f"/api/projects/{project}/photos/{name}"):
        assert 404 == (await engineer("GET", URL(path, encoded="%" in name))).status
    row = URL(f"/api/projects/{project}/photos/{name}/file", encoded="%" in name)
    assert 404 == (await engineer("PUT", row, data=PHOTO)).status


TRAVERSALS = ["../../../etc/cron.d/x", "..\\..\\x.jpg", "/etc/passwd", "x\0.jpg", "%2e%2e%2fx", "a/../../b.jpg"]


@pytest.mark.parametrize("name", TRAVERSALS)
@pytest.mark.each_store
async def test_names_go_nowhere(engineer: Caller, tmp_path: Path, name: str) -> None:
    """A name in a form, a path, a kind of record, an address: the photo lies under its own name or nowhere."""
    project = await engineer.project()
    pole = await engineer.pole(project)
    sent = await engineer("POST", of(pole), **form(PHOTO, name.replace("\0", "0")))
    kind = await engineer("POST", of(pole, name), **form(PHOTO))
    path = await engineer("PUT", URL(f"/api/projects/{project}/photos").with_query(path=name), data=PHOTO)
    shown = await engineer("GET", URL("/storage/photos").joinpath(name.lstrip("/").replace("\0", "0"), encoded=False))

    assert (200, 422) == (sent.status, kind.status)
    assert path.status == (200 if ".." not in name and "\0" not in name else 422)
    assert shown.status == 404
    assert [sent.json["filename"]] == files(tmp_path)
    assert not {"/", "\\", "\0"} & set(sent.json["file"]["file_name"])


@pytest.mark.parametrize(
    "query, path",
    [
        ({"latitude": "999", "longitude": "20"}, "latitude"),
        ({"latitude": "44", "longitude": "-181"}, "longitude"),
        ({"latitude": "44"}, "longitude"),
        ({"longitude": "20"}, "latitude"),
        ({"latitude": "nan", "longitude": "20"}, "latitude"),
        ({"latitude": "north", "longitude": "20"}, "latitude"),
        ({"caption": "x" * 2001}, "caption"),
        ({"caption": "a\0b"}, "caption"),
    ],
)
@pytest.mark.each_store
async def test_values_that_do_not_fit(engineer: Caller, query: dict[str, str], path: str) -> None:
    project = await engineer.project()
    answer = await engineer("POST", of(await engineer.pole(project), **query), **form(PHOTO))

    assert (422, path) == (answer.status, answer.json["errors"][0]["path"])
    assert [] == await listed(engineer, project)


@pytest.mark.parametrize(
    "query", [{}, {"related_type": "Stubovi"}, {"related_id": "1"}, {"related_type": "x", "related_id": "1"}]
)
async def test_a_record_that_is_not_named(engineer: Caller, query: dict[str, str]) -> None:
    assert 422 == (await engineer("POST", URL(UPLOAD).with_query(query), **form(PHOTO))).status


@pytest.mark.parametrize("number", ["999999", "0", "-1", "1e3", "1" * 30, "'; --"])
async def test_a_record_that_is_not_there(engineer: Caller, number: str) -> None:
    url = URL(UPLOAD).with_query(related_type="Stubovi", related_id=number)

    assert (await engineer("POST", url, **form(PHOTO))).status == (404 if number == "999999" else 422)


@pytest.mark.each_store
async def test_a_record_of_another_project_is_not_there(engineer: Caller, outsider: Caller) -> None:
    """The very same answer as for one that never was; also for who is in another project."""
    project, own = await engineer.project(), await outsider.project()
    pole = await engineer.pole(project)
    photo = (await engineer("POST", of(pole), **form(PHOTO))).json
    never = URL(UPLOAD).with_query(related_type="Stubovi", related_id="999999")

    def essence(answer: Answer) -> tuple[int, str]:
        return answer.status, answer.json["detail"]

    assert essence(await outsider("POST", never, **form(PHOTO))) == essence(
        await outsider("POST", of(pole), **form(PHOTO))
    )
    by_uuid = await outsider("POST", f"/api/projects/{own}/photos?related_uuid={pole['id']}", **form(PHOTO))
    assert 404 == by_uuid.status
    for path in ("photos", "photos/awaited", f"photos/{photo['uuid']}"):
        assert 404 == (await outsider("GET", f"/api/projects/{project}/{path}")).status
    for path in ("photos?path=a.jpg", f"photos/{photo['uuid']}/file"):
        assert 404 == (await outsider("PUT", f"/api/projects/{project}/{path}", data=PHOTO)).status
    for path in (f"/api/photos/{photo['id']}", f"/storage/photos/{photo['filename']}"):
        assert essence(await outsider("GET", path))[0] == 404
    assert 1 == len(await listed(engineer, project))


@pytest.mark.each_store
async def test_somebody_elses_record(engineer: Caller, worker: Caller, tmp_path: Path) -> None:
    """A crew adds photos to its own order, not to another's; an engineer to any."""
    project = await engineer.project()
    await join(engineer, project)
    orders = [await order(engineer, project, assigned_to_sub=sub) for sub in ("3", "9")]
    answers = [await worker("POST", of(made, "work_order"), **form(PHOTO)) for made in orders]

    assert [200, 403] == [answer.status for answer in answers]
    assert 1 == len(await listed(engineer, project))
    assert (
        403
        == (await worker("POST", f"/api/projects/{project}/photos?related_uuid={orders[1]['id']}", data=PHOTO)).status
    )
    assert 200 == (await engineer("POST", of(orders[1], "work_order"), **form(PHOTO))).status
    assert [answers[0].json["filename"]] == files(tmp_path)


@pytest.mark.each_store
async def test_somebody_elses_awaited_photo(engineer: Caller, worker: Caller) -> None:
    """It is for whoever took it to send it, or for an engineer."""
    project = await engineer.project()
    await join(engineer, project)
    row = await a_row(engineer, project, "DCIM/a.jpg", taken_by_sub="9")
    for path in ("?path=DCIM/a.jpg", f"/{row['id']}/file"):
        assert 403 == (await worker("PUT", f"/api/projects/{project}/photos{path}", data=PHOTO)).status
    assert 1 == len(await listed(engineer, project, "/awaited"))
    assert 200 == (await engineer("PUT", f"/api/projects/{project}/photos/{row['id']}/file", data=PHOTO)).status


async def test_a_row_without_a_photo_waits_for_none(engineer: Caller) -> None:
    project = await engineer.project()
    pole = await engineer.pole(project)

    assert 404 == (await engineer("PUT", f"/api/projects/{project}/photos/{pole['id']}/file", data=PHOTO)).status
    assert 404 == (await engineer("GET", f"/api/projects/{project}/photos/{pole['id']}")).status


async def test_another_photo_under_a_name_of_ours(engineer: Caller) -> None:
    """A name is a digest: nothing else can be put there."""
    project = await engineer.project()
    photo = (await engineer("POST", f"/api/projects/{project}/photos", data=PHOTO)).json
    path = f"/api/projects/{project}/photos?path={photo['file']['name']}"

    assert 422 == (await engineer("PUT", path, data=picture(colour="red"))).status
    assert 200 == (await engineer("PUT", path, data=PHOTO)).status


async def test_an_archived_project_takes_no_photos(admin: Caller) -> None:
    project = await admin.project()
    await admin("DELETE", f"/api/projects/{project}")

    assert 409 == (await admin("POST", f"/api/projects/{project}/photos", data=PHOTO)).status
    assert 409 == (await admin("PUT", f"/api/projects/{project}/photos?path=a.jpg", data=PHOTO)).status


async def test_a_form_without_a_photo_or_with_more(engineer: Caller) -> None:
    project = await engineer.project()
    path = f"/api/projects/{project}/photos"
    sent = form(PHOTO)
    for wrong in (b'name="other"', b'name="wal"'):
        answer = await engineer("POST", path, **{**sent, "data": sent["data"].replace(b'name="file"', wrong)})
        assert 422 == answer.status
        assert "the photo" in answer.json["errors"][0]["message"]


async def test_nobody_without_a_role(engineer: Caller, nobody: Caller, stranger: Caller) -> None:
    """Signed in without a role: forbidden; not signed in: sign in first."""
    project = await engineer.project()
    photo = (await engineer("POST", f"/api/projects/{project}/photos", data=PHOTO)).json
    for method, path in (
        ("POST", f"{UPLOAD}?related_type=Stubovi&related_id=1"),
        ("PUT", f"/api/projects/{project}/photos?path=a"),
        ("GET", f"/api/projects/{project}/photos"),
        ("GET", f"/api/photos/{photo['id']}"),
        ("GET", f"/storage/photos/{photo['file']['name']}"),
    ):
        assert (403, 401) == ((await nobody(method, path)).status, (await stranger(method, path)).status)


@pytest.mark.parametrize("cursor", ["x", "-1:", "9999:", "0:zz", "1:", "\u0661:", "0:5b2278225d"])
@pytest.mark.each_store
async def test_cursors_that_no_list_gave(engineer: Caller, cursor: str) -> None:
    project = await engineer.project()
    url = URL(f"/api/projects/{project}/photos/awaited").with_query(cursor=cursor)

    assert (await engineer("GET", url)).status == (200 if cursor == "1:" else 422)
