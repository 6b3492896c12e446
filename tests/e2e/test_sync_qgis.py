"""S01, S03, S05, S06, S08, S12–S14, S16, S31, S41, S45, S48, S52 through HTTP, the file edited by real QGIS."""

from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import FormData

from fiberq_storage.gpkg.connection import WAL_NOTE
from tests.e2e.programs import NOTHING, counts, in_the_village, only, qgis, remarks

pytestmark = [pytest.mark.qgis, pytest.mark.each_store]

POLE, CABLE, CLOSURE, TRAY, SLACK = (
    "Stubovi",
    "Kablovi_podzemni",
    "Splice_closures",
    "fiber_splice_trays",
    "Opticke_rezerve",
)
LINE = {"type": "LineString", "coordinates": [[21, 44], [21.1, 44.1], [21.2, 44.1]]}


async def names(office, layer=POLE):
    """The names of a layer's features, sorted."""
    _, page = await office.call("GET", f"/features/{layer}", params={"limit": "1000"})
    return sorted(str(f["properties"].get("naziv")) for f in page["features"])


def pair(path):
    """A form with a file and the `-wal` beside it."""
    form = FormData()
    form.add_field("file", BytesIO(path.read_bytes()), filename="project.gpkg")
    form.add_field("wal", BytesIO(Path(f"{path}-wal").read_bytes()), filename="project.gpkg-wal")
    return form


async def upload_pair(device, form):
    """Send a form for a device; the receipt."""
    params = {"project_id": str(device.project)}
    async with device.client.post("/api/sync/upload", params=params, data=form, headers=device.headers) as answer:
        assert 200 == answer.status, await answer.text()
        return await answer.json()


async def test_s33_qgis_only_looked(office, device):
    """S33: QGIS opens every layer, valid, in EPSG:4326; a file that it only looked at and styled is no edit."""
    await office.pole(naziv="P-1")
    await office.add(CABLE, LINE, naziv="K-1", duzina_m=12.5)
    phone = await device()

    seen, style = qgis(phone, {"do": "look"}, {"do": "style", "layer": POLE})
    receipt = await phone.upload()

    assert "" == style and 1 == phone.sql("SELECT count(*) FROM layer_styles")[0][0]
    assert all(s["valid"] and s["count"] == s["read"] for s in seen.values())
    assert {"EPSG:4326"} == {s["crs"] for s in seen.values() if s["spatial"]}
    assert (1, 1) == (seen[POLE]["count"], seen[CABLE]["count"]) and len(seen) >= 23
    assert NOTHING == counts(receipt) and receipt["revision_before"] == receipt["revision_after"]


async def test_s01_one_edit_in_a_whole_village(client, token, tmp_path):
    """S01: in a package with rows in every layer QGIS moves one pole, and nothing else is an edit."""
    phone = await in_the_village(client, token("engineer"), tmp_path)
    tables = [name for (name,) in phone.sql("SELECT table_name FROM gpkg_contents")]
    held = {name: phone.sql(f'SELECT count(*) FROM "{name}"')[0][0] for name in tables}
    [(pole,)] = phone.sql(f"SELECT fiberq_uuid FROM {POLE} LIMIT 1")

    seen, *_ = qgis(
        phone,
        {"do": "look"},
        {"do": "move", "layer": POLE, "uuid": pole, "wkt": "POINT(22.6 43.1)"},
        {"do": "style", "layer": CABLE},
    )
    receipt = await phone.upload()

    assert held == {name: s["count"] for name, s in seen.items()} and all(s["valid"] for s in seen.values())
    assert only(updated=1) == counts(receipt) and [pole] == [item["uuid"] for item in receipt["items"]]


async def test_s01_an_edit_in_a_form(office, device):
    """S01: exactly what was typed arrives: text, number, decimal, NULL; the rows beside it are untouched."""
    pole = await office.pole(naziv="P-1", materijal="Wood", napomena="gone soon")
    await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    values = {"materijal": "Steel", "visina": 9.25, "godina_ugradnje": 2024, "napomena": None, "naziv": "Č-1 „стълб“"}

    qgis(phone, {"do": "change", "layer": POLE, "uuid": pole, "values": values})
    receipt = await phone.upload()
    feature = await office.get(POLE, pole)
    [latest, first] = await office.history(POLE, pole)

    assert only(updated=1) == counts(receipt)
    assert values == {name: feature["properties"].get(name) for name in values}
    assert set(values) == {
        n for n in first["values"].keys() | latest["values"] if first["values"].get(n) != latest["values"].get(n)
    }


async def test_s03_s06_a_form_and_a_move_meet_the_office(office, device):
    """S03, S06: what QGIS changed and moved, and what the office changed meanwhile, are all kept."""
    a, b = await office.pole(naziv="P-1"), await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    qgis(
        phone,
        {"do": "change", "layer": POLE, "uuid": a, "values": {"materijal": "Steel"}},
        {"do": "move", "layer": POLE, "uuid": b, "wkt": "POINT(21.123456789 44.987654321)"},
    )
    await office.edit(POLE, a, visina=9.5)
    await office.edit(POLE, b, naziv="P-2a")

    receipt = await phone.upload()
    moved = await office.get(POLE, b)

    assert only(updated=2) == counts(receipt) and 2 == receipt["merged"]
    assert ("Steel", 9.5) == (await office.value(POLE, a, "materijal"), await office.value(POLE, a, "visina"))
    assert ([21.123456789, 44.987654321], "P-2a") == (moved["geometry"]["coordinates"], moved["properties"]["naziv"])


async def test_s05_two_values_for_one_field(office, device):
    """S05: QGIS and the office typed different values; the office's stays and QGIS's waits."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    qgis(phone, {"do": "change", "layer": POLE, "uuid": pole, "values": {"materijal": "Steel", "naziv": "P-1b"}})
    await office.edit(POLE, pole, materijal="Concrete")

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert only(updated=1, conflicts=1) == counts(receipt)
    assert ("Wood", "Steel", "Concrete") == (item["base"], item["device"], item["current"])
    assert "P-1b" == await office.value(POLE, pole, "naziv")


async def test_s08_a_feature_deleted_in_qgis(office, device):
    """S08: it is deleted, nothing else is, and history keeps it."""
    pole = await office.pole(naziv="P-1")
    await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    qgis(phone, {"do": "delete", "layer": POLE, "uuid": pole})

    receipt = await phone.upload()

    assert only(deleted=1) == counts(receipt) and ["P-2"] == await names(office)
    assert ["delete", "insert"] == [v["op"] for v in await office.history(POLE, pole)]


async def test_s12_s13_s14_new_features_with_and_without_uuid(office, device):
    """S12, S13, S14: drawn features are found again when the same file comes back with more edits."""
    await office.pole(naziv="P-1")
    phone = await device()
    uuid = "0b7e6a52-7a80-4c7b-8a51-3f1a2c4d5e6f"
    with_uuid, without = qgis(
        phone,
        {"do": "add", "layer": POLE, "values": {"naziv": "A", "fiberq_uuid": uuid}, "wkt": "POINT(21.3 44.3)"},
        {"do": "add", "layer": POLE, "values": {"naziv": "B"}, "wkt": "POINT(21.4 44.4)"},
    )
    first = await phone.upload()
    given = {item["fid"]: item["uuid"] for item in first["items"] if item["outcome"] == "inserted"}
    qgis(phone, {"do": "change", "layer": POLE, "fid": without, "values": {"materijal": "Wood"}})

    second = await phone.upload()

    assert only(inserted=2) == counts(first) and uuid == given[with_uuid]
    assert only(updated=1) == counts(second) and "previous_upload" == second["base"]
    assert "Wood" == await office.value(POLE, given[without], "materijal")
    assert ["A", "B", "P-1"] == await names(office)


async def test_s16_copy_and_paste(office, device):
    """S16: the original keeps its uuid, the pasted feature becomes a row of its own, also when sent again."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    [fid] = qgis(
        phone, {"do": "copy", "layer": POLE, "uuid": pole, "values": {"naziv": "P-2"}, "wkt": "POINT(21.5 44.5)"}
    )

    receipt = await phone.upload()
    [line] = [item for item in receipt["items"] if item["fid"] == fid]

    assert only(inserted=1) == counts(receipt) and pole != line["uuid"]
    assert "P-1" == await office.value(POLE, pole, "naziv") and ["P-1", "P-2"] == await names(office)


async def test_s16_a_pasted_feature_is_edited_further(office, device):
    """S16, S14: the pasted feature still carries the other's uuid when the file comes again; it is the same new row."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    [fid] = qgis(
        phone, {"do": "copy", "layer": POLE, "uuid": pole, "values": {"naziv": "P-2"}, "wkt": "POINT(21.5 44.5)"}
    )
    receipt = await phone.upload()
    [line] = [item for item in receipt["items"] if item["fid"] == fid]
    qgis(phone, {"do": "change", "layer": POLE, "fid": fid, "values": {"napomena": "later"}})

    again = await phone.upload()

    assert only(updated=1) == counts(again) and "later" == await office.value(POLE, line["uuid"], "napomena")
    assert ["P-1", "P-2"] == await names(office)


async def test_s31_save_as_into_a_new_file(office, device):
    """S31: *save as* drops the metadata; the rows know their revision, and only what was edited is an edit."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    other = await office.pole(lon=21.1, naziv="P-2")
    await office.add(CABLE, LINE, naziv="K-1", duzina_m=12.5)
    phone = await device()
    new = phone.path.with_name("saved-as.gpkg")
    qgis(
        phone,
        {"do": "change", "layer": POLE, "uuid": pole, "values": {"naziv": "P-1a"}},
        {"do": "save_as", "to": str(new)},
    )
    await office.edit(POLE, pole, materijal="Steel")
    await office.edit(POLE, other, naziv="P-2a")
    phone.path = new

    receipt = await phone.upload()

    assert 0 == phone.sql("SELECT count(*) FROM sqlite_master WHERE name = 'gpkg_metadata'")[0][0]
    assert only(updated=1) == counts(receipt) and ("row", 1) == (receipt["base"], receipt["merged"])
    assert ("P-1a", "Steel") == (await office.value(POLE, pole, "naziv"), await office.value(POLE, pole, "materijal"))
    assert ["P-1a", "P-2a"] == await names(office)


async def test_s31_a_date_loses_nothing_by_save_as(office, device):
    """S31: *save as* drops milliseconds and zone of date-times, which is no edit."""
    cable = await office.add(CABLE, LINE, naziv="K-1")
    await office.add(
        "Prekid vlakna", {"type": "Point", "coordinates": [21, 44]}, kabl_uuid=cable, vreme="2024-03-02 14:05"
    )
    phone = await device()
    before = await office.revision()
    new = phone.path.with_name("saved-as.gpkg")
    qgis(phone, {"do": "save_as", "to": str(new)})
    phone.path = new

    receipt = await phone.upload()

    assert NOTHING == counts(receipt) and before == await office.revision()


async def test_s31_no_geometry_is_none_after_save_as(office, device):
    """S31: *save as* turns a missing geometry into an empty one, which is no edit, and the row's edits apply."""
    untouched = await office.add("Work_orders", title="Dig", order_type="repair")
    order = await office.add("Work_orders", title="Splice", order_type="repair")
    phone = await device("engineer")
    new = phone.path.with_name("saved-as.gpkg")
    values = {"title": "Splice N-4"}
    edit = {"do": "change", "layer": "Work_orders", "uuid": order, "values": values}
    qgis(phone, edit, {"do": "save_as", "to": str(new)})
    phone.path = new

    receipt = await phone.upload()

    assert only(updated=1) == counts(receipt) and "Splice N-4" == await office.value("Work_orders", order, "title")
    assert (await office.get("Work_orders", untouched))["geometry"] is None


async def test_s41_a_closure_and_its_tray_by_fid(office, device):
    """S41: drawn in QGIS, a tray that names its closure by fid stays with it whatever number that gets."""
    await office.add(CLOSURE, {"type": "Point", "coordinates": [21, 44]}, naziv="N-1")
    phone, other = await device(), await device("engineer")
    for one, name in ((other, "other"), (phone, "mine")):
        [fid] = qgis(one, {"do": "add", "layer": CLOSURE, "values": {"naziv": name}, "wkt": "POINT(21.3 44.3)"})
        qgis(one, {"do": "add", "layer": TRAY, "values": {"closure_fid": fid, "tray_number": 1, "tray_type": name}})
    await other.upload()

    receipt = await phone.upload()
    _, trays = await office.call("GET", f"/features/{TRAY}")
    of = [(t["properties"]["tray_type"], t["properties"]["closure_uuid"]) for t in trays["features"]]

    assert 2 == receipt["inserted"] and 0 == receipt["conflicts"] + receipt["rejected"]
    assert {("mine", "mine"), ("other", "other")} == {(n, await office.value(CLOSURE, c, "naziv")) for n, c in of}


async def test_s41_a_closure_and_its_tray_by_uuid(office, device):
    """S41: a tray that names its closure by uuid stays with it, also when both are new."""
    phone = await device()
    uuid = "3e0a7a9e-5a0f-4f10-9c37-0d8b6a4f2b11"
    qgis(
        phone,
        {"do": "add", "layer": CLOSURE, "values": {"naziv": "N-9", "fiberq_uuid": uuid}, "wkt": "POINT(21.3 44.3)"},
        {"do": "add", "layer": TRAY, "values": {"closure_uuid": uuid, "tray_number": 1}},
    )

    receipt = await phone.upload()
    _, trays = await office.call("GET", f"/features/{TRAY}")

    assert only(inserted=2) == counts(receipt)
    assert [uuid] == [t["properties"]["closure_uuid"] for t in trays["features"]]
    again = await device()
    assert again.row(CLOSURE, uuid)["fid"] == again.sql(f"SELECT closure_fid FROM {TRAY}")[0][0]


async def test_s41_a_cable_drawn_together_with_its_slack(office, device):
    """S41: a slack that names a new cable by the layer id that QGIS gives it hangs on that cable."""
    await office.add(CABLE, LINE, naziv="K-1")
    phone = await device()
    wkt = "LINESTRING(21 44.5, 21.2 44.5)"
    [fid] = qgis(phone, {"do": "add", "layer": CABLE, "values": {"naziv": "K-2"}, "wkt": wkt})
    layer_id = f"{CABLE}_f5205a25_f262_4502_a6f7_1f8d4646bcaa"
    values = {"tip": "Terminal", "kabl_layer_id": layer_id, "kabl_fid": fid}
    qgis(phone, {"do": "add", "layer": SLACK, "values": values, "wkt": "POINT(21.2 44.5)"})

    receipt = await phone.upload()
    _, slacks = await office.call("GET", f"/features/{SLACK}")
    [slack] = slacks["features"]

    assert only(inserted=2) == counts(receipt)
    assert "K-2" == await office.value(CABLE, slack["properties"]["kabl_uuid"], "naziv")


async def test_s45_a_geometry_cleared_in_qgis(office, device):
    """S45: NULL is a value where the layer allows it, and is held where it does not."""
    pole = await office.pole(naziv="P-1")
    drawing = await office.add("Drawings", LINE)
    phone = await device()
    qgis(
        phone,
        {"do": "move", "layer": POLE, "uuid": pole, "wkt": None},
        {"do": "move", "layer": "Drawings", "uuid": drawing, "wkt": None},
    )

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert only(updated=1, rejected=1) == counts(receipt) and (await office.get(POLE, pole))["geometry"] is None
    assert ("Drawings", "geometry") == (item["layer"], item["field"])


async def test_s48_an_answer_given_in_qgis(office, device):
    """S48: the item is on the map, its form is answered in QGIS, and the answer is carried out."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    await office.edit(POLE, pole, materijal="Concrete")
    await phone.upload()
    fresh = await device()
    [[issue]] = qgis(fresh, {"do": "rows", "layer": "sync_issues"})
    values = {"decision": "take_mine", "note": "looked"}
    qgis(fresh, {"do": "change", "layer": "sync_issues", "uuid": issue["fiberq_uuid"], "values": values})

    receipt = await fresh.upload()

    assert (POLE, pole, "materijal", "Steel", "Concrete") == tuple(
        issue[n] for n in ("layer", "uuid", "field", "device", "current")
    )
    assert ["decided"] == [i["outcome"] for i in receipt["items"]] and [] == remarks(receipt)
    assert "Steel" == await office.value(POLE, pole, "materijal") and [] == await office.inbox()


async def test_s52_a_fid_is_never_used_twice(office, device):
    """S52: QGIS deletes its newest feature and draws another; they are two rows."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    change = {"do": "change", "layer": POLE, "uuid": pole, "values": {"napomena": "leans to the road"}}
    _, first = qgis(phone, change, {"do": "add", "layer": POLE, "values": {"naziv": "A"}, "wkt": "POINT(21.3 44.3)"})
    one = await phone.upload()
    _, second = qgis(
        phone,
        {"do": "delete", "layer": POLE, "fid": first},
        {"do": "add", "layer": POLE, "values": {"naziv": "B"}, "wkt": "POINT(21.4 44.4)"},
    )

    two = await phone.upload()

    assert first != second and only(inserted=1, updated=1) == counts(one) and only(inserted=1, deleted=1) == counts(two)
    assert ["B", "P-1"] == await names(office)


async def test_a_file_and_its_wal_copied_while_qgis_is_open(office, device):
    """QGIS keeps edits in `-wal` while it is open: the pair is read whole, the file alone says what is missing."""
    pole = await office.pole(naziv="P-1")
    for n in range(2, 5):
        await office.pole(lon=21 + n / 10, naziv=f"P-{n}")
    phone = await device()
    copied = phone.path.with_name("copied.gpkg")
    *_, had_wal = qgis(
        phone,
        {"do": "change", "layer": POLE, "uuid": pole, "values": {"materijal": "Wood"}},
        {"do": "browse", "layer": POLE},
        {"do": "change", "layer": POLE, "uuid": pole, "values": {"naziv": "P-1a"}},
        {"do": "copy_open", "to": str(copied)},
    )
    assert had_wal
    alone = phone.copy()
    alone.path.write_bytes(copied.read_bytes())

    warned = await alone.upload()
    before = await office.value(POLE, pole, "naziv")
    receipt = await upload_pair(phone, pair(copied))
    closed = await phone.upload()

    assert only(updated=1) == counts(warned) and [WAL_NOTE] == warned["notes"] and "P-1" == before
    assert only(updated=1) == counts(receipt) and [] == receipt["notes"]
    assert only() == counts(closed)
    assert ("Wood", "P-1a") == (await office.value(POLE, pole, "materijal"), await office.value(POLE, pole, "naziv"))
