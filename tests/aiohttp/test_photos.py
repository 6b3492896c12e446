"""Photos as clients send and find them, on both stores."""

import asyncio
from typing import Any

import pytest
from aiohttp import FormData
from yarl import URL

from tests.aiohttp.pictures import PLACE, TAKEN_AT, exif, form, picture
from tests.aiohttp.serving import Caller, token

pytestmark = pytest.mark.each_store
PHOTO = picture(exif=exif(6))
UPLOAD = "/api/photos/upload"


def of(record: dict[str, Any], kind: str = "Stubovi", **more: Any) -> URL:
    """The address to which the plugin sends a photo of a feature."""
    return URL(UPLOAD).with_query(related_type=kind, related_id=record["properties"]["id"], **more)


async def order(engineer: Caller, project: int, **values: Any) -> dict[str, Any]:
    """A work order."""
    properties = {"title": "Dig", "order_type": "repair", **values}
    made: dict[str, Any] = await engineer.made(
        f"/api/projects/{project}/features/Work_orders", {"properties": properties}
    )
    return made


async def a_row(caller: Caller, project: int, path: str, **values: Any) -> dict[str, Any]:
    """A photo's row as a device sends it: the photo itself is still on the device."""
    properties = {"photo_path": path, **values}
    made: dict[str, Any] = await caller.made(
        f"/api/projects/{project}/features/field_photos", {"properties": properties}
    )
    return made


async def join(engineer: Caller, project: int, sub: str = "3") -> None:
    """Make somebody a field worker of the project."""
    member = {"sub": sub, "role": "field_worker"}
    assert (await engineer("POST", f"/api/projects/{project}/members", json=member)).status in (200, 201)


async def listed(caller: Caller, project: int, what: str = "") -> list[dict[str, Any]]:
    """All photos of a project, or all that are awaited."""
    answer = await caller("GET", f"/api/projects/{project}/photos{what}")
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.json["awaited" if what else "photos"]
    return found


async def revision(caller: Caller, project: int) -> int:
    """The project's revision."""
    return int((await caller("GET", f"/api/projects/{project}")).json["revision"])


@pytest.mark.parametrize("path", [UPLOAD, "/api/work-orders/photos/upload", f"{UPLOAD}/"])
async def test_the_plugins_call(engineer: Caller, path: str) -> None:
    """A constant boundary, a name that nothing is done to, everything else in the query."""
    project = await engineer.project()
    made = await order(engineer, project)
    query = {"related_type": "work_order", "related_id": made["properties"]["id"], "caption": 'Hole "7"'}
    url = URL(path).with_query(**query, latitude="44.5", longitude="20.25")
    answer = await engineer("POST", url, **form(PHOTO, 'my "best" photo; of all.jpg'))

    assert (200, "ok") == (answer.status, answer.json["status"])
    photo = answer.json
    assert photo["filename"] == photo["photo_path"] == photo["file"]["name"]
    assert ('Hole "7"', 44.5, 20.25) == (photo["caption"], photo["latitude"], photo["longitude"])
    assert ("Work_orders", made["id"], "2") == (photo["related_type"], photo["related_uuid"], photo["taken_by_sub"])
    for again in ("/api/photos", "/api/work-orders/photos"):
        assert PHOTO == (await engineer("GET", f"{again}/{photo['id']}")).body


async def test_what_the_camera_says(engineer: Caller) -> None:
    """Time and place are those of the photo, where the sender names none; the caption may be left out."""
    project = await engineer.project()
    photo = (await engineer("POST", of(await engineer.pole(project)), **form(PHOTO))).json

    assert (TAKEN_AT, *PLACE) == (photo["taken_at"], photo["longitude"], photo["latitude"])
    assert (60, 80, len(PHOTO), "image/jpeg") == tuple(
        photo["file"][n] for n in ("width", "height", "size", "media_type")
    )
    assert photo["caption"] is None


@pytest.mark.parametrize("kind, extension", [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("HEIF", "heic")])
async def test_every_kind(engineer: Caller, kind: str, extension: str) -> None:
    """Whatever the sender calls it, it is named after what it is, and comes back byte for byte."""
    project, content = await engineer.project(), picture(kind)
    made = await engineer("POST", f"/api/projects/{project}/photos", **form(content, "x.exe"))
    url = made.json["url"]

    assert (201, extension) == (made.status, made.json["file"]["name"].partition(".")[2])
    assert content == (await engineer("GET", url)).body


async def test_half_a_photo_is_better_than_none(engineer: Caller) -> None:
    """One whose end is missing is taken, says so, and is shown as far as it goes."""
    project = await engineer.project()
    path = f"/api/projects/{project}/photos"
    whole, half = await engineer("POST", path, data=PHOTO), await engineer("POST", path, data=PHOTO[:-10])
    small = await engineer("GET", f"{half.json['url']}&size=160")

    assert (201, True) == (whole.status, whole.json["file"]["whole"])
    assert (201, False) == (half.status, half.json["file"]["whole"])
    assert (200, "image/jpeg") == (small.status, small.headers["Content-Type"])


async def test_the_same_photo_again_is_one_row(engineer: Caller, worker: Caller) -> None:
    """Sent three times, by two people, at the same time: one row, one photo, one revision."""
    project = await engineer.project()
    await join(engineer, project)
    pole = await engineer.pole(project)
    before = await revision(engineer, project)
    senders = (engineer, worker, engineer)
    answers = await asyncio.gather(*(sender("POST", of(pole), **form(PHOTO)) for sender in senders))

    assert {(200, answers[0].json["uuid"])} == {(answer.status, answer.json["uuid"]) for answer in answers}
    assert 1 == len(await listed(engineer, project))
    assert before + 1 == await revision(engineer, project)


async def test_the_same_photo_of_another_record_is_another_row(engineer: Caller) -> None:
    project = await engineer.project()
    poles = [await engineer.pole(project) for _ in range(2)]
    photos = [(await engineer("POST", of(pole), **form(PHOTO))).json for pole in poles]

    assert 2 == len({photo["uuid"] for photo in photos})
    assert 1 == len({photo["file"]["name"] for photo in photos})
    found = await engineer("GET", f"/api/projects/{project}/photos?related_uuid={poles[1]['id']}")
    assert [photos[1]["uuid"]] == [photo["uuid"] for photo in found.json["photos"]]


async def test_a_deleted_photo_may_come_again(engineer: Caller) -> None:
    """It is a new row then; the deleted one keeps its history."""
    project = await engineer.project()
    pole = await engineer.pole(project)
    first = (await engineer("POST", of(pole), **form(PHOTO))).json
    path = f"/api/projects/{project}/features/field_photos/{first['uuid']}"
    assert 204 == (await engineer("DELETE", path, headers={"If-Match": f'"{first["revision"]}"'})).status
    second = (await engineer("POST", of(pole), **form(PHOTO))).json

    assert first["uuid"] != second["uuid"]
    assert [second["uuid"]] == [photo["uuid"] for photo in await listed(engineer, project)]


async def test_a_key_makes_a_repeat_the_same_answer(engineer: Caller) -> None:
    """And another photo under the same key is refused, since it would be lost."""
    project = await engineer.project()
    pole = await engineer.pole(project)
    sent = form(PHOTO)
    sent["headers"]["Idempotency-Key"] = "one"
    answers = [await engineer("POST", of(pole, caption="a"), **form(PHOTO) | sent) for _ in range(2)]
    other = form(picture(colour="red"))
    other["headers"]["Idempotency-Key"] = "one"
    refused = await engineer("POST", of(pole, caption="a"), **other)

    assert answers[0].json["uuid"] == answers[1].json["uuid"]
    assert (422, "Idempotency-Key") == (refused.status, refused.json["errors"][0]["path"])
    assert 1 == len(await listed(engineer, project))


async def test_s30_the_photo_comes_after_its_row(engineer: Caller, worker: Caller) -> None:
    """S30: the row is accepted, the photo shows as awaited, from whom and since when, until it arrives."""
    project = await engineer.project()
    await join(engineer, project)
    row = await a_row(worker, project, "DCIM/a.jpg", taken_by_sub="3")
    await a_row(worker, project, "DCIM/b.jpg", taken_by_sub="3")
    waiting = await listed(engineer, project, "/awaited")

    assert ["DCIM/a.jpg", "DCIM/b.jpg"] == [one["photo_path"] for one in waiting]
    assert ({"sub": "3", "name": "Vuk"}, row["properties"]["fiberq_rev"]) == (
        waiting[0]["from"],
        waiting[0]["revision"],
    )
    path = f"/api/photos/{row['properties']['id']}"
    assert 404 == (await engineer("GET", path)).status
    sent = await worker("PUT", f"/api/projects/{project}/photos?path=DCIM/a.jpg", data=PHOTO)
    assert (200, [row["id"]]) == (sent.status, [photo["uuid"] for photo in sent.json["photos"]])
    assert PHOTO == (await engineer("GET", path)).body
    assert ["DCIM/b.jpg"] == [one["photo_path"] for one in await listed(engineer, project, "/awaited")]


async def test_s30_the_photo_comes_before_its_row(engineer: Caller, worker: Caller) -> None:
    """S30: in whatever order; a row that comes later finds its photo."""
    project = await engineer.project()
    await join(engineer, project)
    sent = await worker("PUT", f"/api/projects/{project}/photos?path=DCIM/a.jpg", **form(PHOTO))
    assert (200, []) == (sent.status, sent.json["photos"])
    row = await a_row(worker, project, "DCIM/a.jpg", taken_by_sub="3")
    shown = (await engineer("GET", f"/api/projects/{project}/photos/{row['id']}")).json

    assert (False, sent.json["filename"]) == (shown["awaited"], shown["file"]["name"])
    assert [] == await listed(engineer, project, "/awaited")
    assert PHOTO == (await engineer("GET", shown["url"])).body


async def test_a_photo_is_sent_for_a_row(engineer: Caller) -> None:
    """By the row's identity, whatever it calls its photo."""
    project = await engineer.project()
    row = await a_row(engineer, project, "/storage/emulated/0/../DCIM/č a.jpg", taken_by_sub="2")
    sent = await engineer("PUT", f"/api/projects/{project}/photos/{row['id']}/file", data=PHOTO)

    assert (200, [row["id"]]) == (sent.status, [photo["uuid"] for photo in sent.json["photos"]])
    assert [] == await listed(engineer, project, "/awaited")


async def test_since_when_is_when_it_was_first_named(engineer: Caller) -> None:
    """An edit of something else leaves it; another photo begins anew."""
    project = await engineer.project()
    row = await a_row(engineer, project, "DCIM/a.jpg", taken_by_sub="2")
    path = f"/api/projects/{project}/features/field_photos/{row['id']}"
    first = (await listed(engineer, project, "/awaited"))[0]
    tag = f'"{row["properties"]["fiberq_rev"]}"'
    edited = await engineer("PATCH", path, json={"properties": {"caption": "x"}}, headers={"If-Match": tag})
    second = (await listed(engineer, project, "/awaited"))[0]
    tag = f'"{edited.json["properties"]["fiberq_rev"]}"'
    await engineer("PATCH", path, json={"properties": {"photo_path": "DCIM/b.jpg"}}, headers={"If-Match": tag})
    third = (await listed(engineer, project, "/awaited"))[0]

    assert first["since"] == second["since"] < third["since"]


async def test_a_path_may_get_a_better_photo_from_the_same_person(engineer: Caller, worker: Caller) -> None:
    """From somebody else it is a conflict, and what was there stays."""
    project = await engineer.project()
    for sub in ("3", "7"):
        await join(engineer, project, sub)
    path = f"/api/projects/{project}/photos?path=DCIM/a.jpg"
    await worker("PUT", path, data=PHOTO)
    refused = await Caller(worker.client, token("field_worker", sub="7"))("PUT", path, data=picture(colour="green"))
    better = await worker("PUT", path, data=picture(colour="red"))
    row = await a_row(worker, project, "DCIM/a.jpg", taken_by_sub="3")
    shown = (await engineer("GET", f"/api/projects/{project}/photos/{row['id']}")).json

    assert (409, "conflict") == (refused.status, refused.json["code"])
    assert shown["file"]["name"] == better.json["filename"]


async def test_lists_in_pages(engineer: Caller) -> None:
    """Newest first; each photo is there once."""
    project = await engineer.project()
    colours = ("red", "green", "blue", "white", "black")
    made = [
        (await engineer("POST", f"/api/projects/{project}/photos", **form(picture(colour=c)))).json for c in colours
    ]
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await engineer("GET", f"/api/projects/{project}/photos?limit=2&cursor={cursor}")).json
        found += [photo["uuid"] for photo in page["photos"]]
        cursor = page["next"]

    assert [photo["uuid"] for photo in made[::-1]] == found


async def test_awaited_in_pages(engineer: Caller) -> None:
    """Through photos and splices, each once."""
    project = await engineer.project()
    for number in range(5):
        await a_row(engineer, project, f"DCIM/{number}.jpg", taken_by_sub="2")
    features = f"/api/projects/{project}/features"
    closure = await engineer.made(f"{features}/Splice_closures", {"properties": {}})
    tray = {"closure_uuid": closure["id"], "tray_number": 1}
    tray = await engineer.made(f"{features}/fiber_splice_trays", {"properties": tray})
    splice = {"tray_uuid": tray["id"], "position_in_tray": 1, "photo_path": "DCIM/splice.jpg"}
    await engineer.made(f"{features}/fiber_splices", {"properties": splice})
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await engineer("GET", f"/api/projects/{project}/photos/awaited?limit=2&cursor={cursor}")).json
        found += [one["photo_path"] for one in page["awaited"]]
        cursor = page["next"]

    assert {*(f"DCIM/{number}.jpg" for number in range(5)), "DCIM/splice.jpg"} == set(found)
    assert 6 == len(found)


async def test_a_browsers_form(engineer: Caller) -> None:
    """Another part before the photo is read over."""
    project = await engineer.project()
    data = FormData()
    data.add_field("note", "hello")
    data.add_field("file", PHOTO, filename="x.jpg", content_type="image/jpeg")
    made = await engineer("POST", f"/api/projects/{project}/photos", data=data)

    assert (201, "x.jpg") == (made.status, made.json["file"]["file_name"])
