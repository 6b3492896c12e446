"""S30 as a crew lives it: the file and its photos come in any order, over any time, and find each other."""

import pytest

from tests.aiohttp.pictures import picture
from tests.e2e.device import point

pytestmark = pytest.mark.each_store

PHOTOS = "field_photos"
COLOURS = {"DCIM/a.jpg": "red", "DCIM/b.jpg": "green", "DCIM/č c.jpg": "blue"}


async def send(office, path):
    """A photo on its way from the phone; status and answer."""
    return await office.call("PUT", "/photos", params={"path": path}, data=picture(colour=COLOURS[path]))


async def waiting(office):
    """The paths of what has not come."""
    status, page = await office.call("GET", "/photos/awaited")
    assert status == 200
    return {one["photo_path"]: one for one in page["awaited"]}


async def test_s30_photos_before_and_after_their_file(office, crew_office, device):
    """One photo comes before the file, one after it, one not at all; each shows the pole that it was taken of."""
    phone = await device()
    assert 200 == (await send(crew_office, "DCIM/a.jpg"))[0]
    pole = phone.add("Stubovi", naziv="P-1", geom=point(21, 44))
    for path in COLOURS:
        phone.add(
            PHOTOS, photo_path=path, related_type="Stubovi", related_fid=pole, taken_by_sub="filip", geom=point(21, 44)
        )
    receipt = await phone.upload()
    assert (4, 0, 0) == (receipt["applied"], receipt["held"], receipt["rejected"])
    found = await waiting(office)
    assert {"DCIM/b.jpg", "DCIM/č c.jpg"} == found.keys()
    assert {"sub": "filip", "name": "Filip Field"} == found["DCIM/b.jpg"]["from"]

    status, sent = await send(crew_office, "DCIM/b.jpg")
    _, poles = await office.call("GET", "/features/Stubovi")
    assert (200, [poles["features"][0]["id"]]) == (status, [photo["related_uuid"] for photo in sent["photos"]])
    assert {"DCIM/č c.jpg"} == (await waiting(office)).keys()
    _, listed = await office.call("GET", "/photos")
    assert {"DCIM/a.jpg": False, "DCIM/b.jpg": False, "DCIM/č c.jpg": True} == {
        photo["photo_path"]: photo["awaited"] for photo in listed["photos"]
    }


async def test_s30_the_file_goes_on_as_if_nothing_had_happened(office, crew_office, device):
    """That a photo came changes no row: the next package has the name as the crew wrote it, and nothing conflicts."""
    phone = await device()
    phone.add(PHOTOS, photo_path="DCIM/a.jpg", taken_by_sub="filip", caption="before")
    await phone.upload()
    revision = await office.revision()
    await send(crew_office, "DCIM/a.jpg")
    assert revision == await office.revision()

    (row,) = (await office.call("GET", "/photos"))[1]["photos"]
    next_day = await device()
    assert "DCIM/a.jpg" == next_day.row(PHOTOS, row["uuid"])["photo_path"]
    next_day.edit(PHOTOS, row["uuid"], caption="after")
    receipt = await next_day.upload()
    assert (1, 0, 0) == (receipt["applied"], receipt["conflicts"], receipt["held"])
    assert {} == await waiting(office)


async def test_a_photo_sent_by_hand_travels_in_the_file(office, device):
    """A photo that came by HTTP is a row of the next package, under its own name."""
    status, made = await office.call("POST", "/photos", data=picture())
    assert status == 201
    row = (await device()).row(PHOTOS, made["uuid"])

    assert made["file"]["name"] == row["photo_path"]
