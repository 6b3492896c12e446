"""S12, S13, S16–S25, S29–S32, S38, S44–S48, S52 through HTTP: what a file may look like."""

import json
import sqlite3
import struct

import pytest

from tests.e2e.device import line, point

pytestmark = pytest.mark.each_store

POLE = "Stubovi"


async def names(office, layer=POLE):
    """The names of a layer's features, sorted."""
    _, page = await office.call("GET", f"/features/{layer}", params={"limit": "1000"})
    return sorted(str(f["properties"].get("naziv")) for f in page["features"])


def lines(receipt, outcome):
    """The receipt's lines with that outcome."""
    return [i for i in receipt["items"] if i["outcome"] == outcome]


async def test_s12_a_new_row_with_its_own_uuid(office, device):
    """S12: inserted under its uuid; the receipt maps fid to id and uuid."""
    phone = await device()
    uuid = "0c1d7bd6-7d3a-4a52-9a57-6d4a9d1c2b11"
    fid = phone.add(POLE, naziv="N", fiberq_uuid=uuid, geom=point(21, 44))

    receipt = await phone.upload()
    [row] = lines(receipt, "inserted")

    assert (uuid, fid) == (row["uuid"], row["fid"]) and isinstance(row["id"], int)
    assert "N" == await office.value(POLE, uuid, "naziv")


async def test_s13_a_new_row_without_a_uuid_is_found_again(office, device):
    """S13: a later upload of the same copy edits the row that the first one made."""
    phone = await device()
    fid = phone.add(POLE, naziv="N", geom=point(21, 44))
    [row] = lines(await phone.upload(), "inserted")
    phone.sql(f"UPDATE {POLE} SET naziv = 'N2' WHERE fid = ?", fid)

    receipt = await phone.upload()

    assert (0, 1) == (receipt["inserted"], receipt["updated"])
    assert "N2" == await office.value(POLE, row["uuid"], "naziv")


async def test_s16_a_copied_feature_becomes_a_new_row(office, device):
    """S16: the original keeps the uuid, the copy gets one of its own, and the receipt says so."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.add(POLE, naziv="copy", fiberq_uuid=pole, geom=point(21.01, 44))

    receipt = await phone.upload()
    [row] = lines(receipt, "inserted")

    assert pole != row["uuid"] and pole in row["reason"]
    assert ["P-1", "copy"] == await names(office)
    assert "P-1" == await office.value(POLE, pole, "naziv")


async def test_s17_a_missing_layer_is_no_deletion(office, device):
    """S17: a layer that is not in the file is untouched."""
    await office.pole(naziv="P-1")
    phone = await device()
    phone.sql("DELETE FROM gpkg_contents WHERE table_name = 'Stubovi'")
    phone.sql("DELETE FROM gpkg_geometry_columns WHERE table_name = 'Stubovi'")
    phone.sql("DROP TABLE Stubovi")

    receipt = await phone.upload()

    assert 0 == receipt["deleted"] + receipt["held"] and ["P-1"] == await names(office)


@pytest.mark.parametrize("total, gone, held", [(100, 51, 1), (100, 50, 0), (200, 60, 0), (200, 61, 1)])
async def test_s18_mass_deletions_wait_as_one_item(office, device, many, total, gone, held):
    """S18: more than 50 rows and more than 30 % of a layer wait for approval; anything less is done."""
    await many(POLE, total)
    phone = await device()
    phone.sql(f"DELETE FROM {POLE} WHERE fid <= ?", gone)
    phone.sql(f"UPDATE {POLE} SET materijal = 'Steel' WHERE fid = ?", total)

    receipt = await phone.upload()

    assert (1, held, 0 if held else gone) == (receipt["updated"], receipt["held"], receipt["deleted"])
    if held:
        [item] = await office.inbox()
        assert "held_deletes" == item["kind"] and str(gone) in item["reason"]
        await office.decide(item["item_id"], "take_mine")
        assert total - gone == len(await names(office))


async def test_s19_a_missing_column_is_not_null(office, device):
    """S19: a column that the file does not have keeps its values."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.sql(f"ALTER TABLE {POLE} DROP COLUMN materijal")
    phone.edit(POLE, pole, naziv="P-2")

    receipt = await phone.upload()

    assert 1 == receipt["updated"]
    assert ("P-2", "Wood") == (await office.value(POLE, pole, "naziv"), await office.value(POLE, pole, "materijal"))


async def test_s20_an_unknown_column_is_kept_and_exported_again(office, device):
    """S20: what the registry does not know stays with the row and comes out again."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.sql(f'ALTER TABLE {POLE} ADD COLUMN "Boja ""šine""" TEXT')
    phone.edit(POLE, pole, naziv="P-1")
    phone.sql(f'UPDATE {POLE} SET "Boja ""šine""" = ?', "crvena 🔴")

    await phone.upload()
    feature = await office.get(POLE, pole)
    fresh = await device()

    assert {'Boja "šine"': "crvena 🔴"} == feature["properties"]["extra"]
    assert "crvena 🔴" == fresh.row(POLE, pole)['Boja "šine"']


async def test_s21_a_value_that_does_not_fit_waits_alone(office, device):
    """S21: '12a' is no number and waits with its reason; '12.5' is one; the rest of the row applies."""
    a, b = await office.pole(naziv="P-1"), await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    phone.edit(POLE, a, godina_ugradnje="12a", naziv="P-1a")
    phone.edit(POLE, b, godina_ugradnje="2012", visina="12.5")

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (2, 1) == (receipt["updated"], receipt["rejected"])
    assert ("rejected", "godina_ugradnje", "12a") == (item["kind"], item["field"], item["device"])
    assert "P-1a" == await office.value(POLE, a, "naziv")
    assert (2012, 12.5) == (await office.value(POLE, b, "godina_ugradnje"), await office.value(POLE, b, "visina"))


async def test_s21_descriptive_words_are_stored_as_typed_and_flagged(office, device):
    """S21: an unknown material is what the crew saw; it is kept, and flagged in the receipt."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, materijal="bagrem")

    receipt = await phone.upload()

    assert "bagrem" == await office.value(POLE, pole, "materijal")
    assert [("materijal", pole)] == [(i["field"], i["uuid"]) for i in lines(receipt, "flagged")]


async def test_s21_the_same_bad_value_is_asked_about_once(office, device):
    """S21: going on with the same file does not fill the inbox with repeats."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, godina_ugradnje="12a", naziv="x")
    await phone.upload()
    phone.edit(POLE, pole, naziv="y")

    receipt = await phone.upload()

    assert (1, 0) == (receipt["updated"], receipt["rejected"]) and 1 == len(await office.inbox())


async def test_s22_a_file_in_another_crs(office, device, to_web_mercator):
    """S22: only what was edited is an edit, whatever CRS the file was brought to."""
    poles = [await office.pole(lon=21 + n / 7, lat=44 + n / 11, naziv=f"P-{n}") for n in range(5)]
    phone = await device()
    to_web_mercator(phone, POLE)
    phone.edit(POLE, poles[0], geom=point(2349000.0, 5470000.0, 3857))

    receipt = await phone.upload()
    feature = await office.get(POLE, poles[0])

    assert (1, 4) == (receipt["updated"], receipt["layers"][POLE]["unchanged"])
    assert feature["geometry"]["coordinates"] == pytest.approx([21.101426023967555, 44.02944502483477], abs=1e-12)


@pytest.mark.parametrize("srs", [-1, 0, 999999])
async def test_s22_an_undefined_crs_refuses_the_layer(office, device, srs):
    """S22: without a known CRS a layer is not guessed at; it waits as one item, other layers apply."""
    pole = await office.pole(naziv="P-1")
    hole = await office.add("OKNA", {"type": "Point", "coordinates": [21, 44]}, broj_okna="1")
    phone = await device()
    phone.edit(POLE, pole, geom=point(5, 5))
    phone.edit("OKNA", hole, broj_okna="2")
    phone.sql("UPDATE gpkg_geometry_columns SET srs_id = ? WHERE table_name = 'Stubovi'", srs)

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (1, 1) == (receipt["updated"], receipt["rejected"]) and POLE == item["layer"]
    assert [21.0, 44.0] == (await office.get(POLE, pole))["geometry"]["coordinates"]


@pytest.mark.parametrize(
    "geometry",
    [
        line((21, 44), (21.1, 44.1)),
        point(float("nan"), 44),
        point(float("inf"), 44),
        b"GP\x00\x01\xe6\x10\x00\x00\x01",
        b"GP",
    ],
    ids=["line", "nan", "inf", "short", "header"],
)
async def test_s23_a_geometry_that_does_not_fit_holds_the_row(office, device, geometry):
    """S23: wrong type, non-finite or broken coordinates hold that row; nothing of it applies."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    for trigger in ("insert", "update1", "update2", "update3", "update4", "update6", "update7", "delete"):
        phone.sql(f'DROP TRIGGER IF EXISTS "rtree_Stubovi_geom_{trigger}"')
    phone.edit(POLE, pole, geom=geometry, naziv="P-1x")

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (0, 1) == (receipt["applied"], receipt["rejected"]) and "rejected" == item["kind"]
    assert "P-1" == await office.value(POLE, pole, "naziv") and "P-1x" in json.dumps(item)


async def test_s24_a_self_crossing_polygon_is_accepted_and_flagged(office, device):
    """S24: geometry is never repaired silently; it is stored as drawn and flagged."""
    phone = await device()
    ring = [(21, 44), (21.1, 44.1), (21.1, 44), (21, 44.1), (21, 44)]
    blob = polygon(ring)
    phone.add("Objects", naziv="bow tie", geom=blob)

    receipt = await phone.upload()
    [row] = lines(receipt, "inserted")
    feature = await office.get("Objects", row["uuid"])

    assert [list(map(float, p)) for p in ring] == feature["geometry"]["coordinates"][0]
    assert ["geometry"] == [i["field"] for i in lines(receipt, "flagged")]


def polygon(ring):
    """A polygon as a GeoPackage holds it."""
    xs, ys = [p[0] for p in ring], [p[1] for p in ring]
    head = b"GP\x00\x03" + struct.pack("<i4d", 4326, min(xs), max(xs), min(ys), max(ys))
    return head + struct.pack("<BIII", 1, 3, 1, len(ring)) + b"".join(struct.pack("<dd", *p) for p in ring)


async def test_s25_plugin_names_are_the_same_layers(office, device):
    """S25: a layer under the plugin's name is the layer that it is."""
    hole = await office.add("OKNA", {"type": "Point", "coordinates": [21, 44]}, broj_okna="1")
    phone = await device()
    for trigger in phone.sql("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'OKNA'"):
        phone.sql(f'DROP TRIGGER "{trigger[0]}"')
    phone.sql("ALTER TABLE OKNA RENAME TO Manholes")
    phone.sql("UPDATE gpkg_contents SET table_name = 'Manholes' WHERE table_name = 'OKNA'")
    phone.sql("UPDATE gpkg_geometry_columns SET table_name = 'Manholes' WHERE table_name = 'OKNA'")
    phone.edit("Manholes", hole, broj_okna="2")

    receipt = await phone.upload()

    assert (1, 0, 0) == (receipt["updated"], receipt["inserted"], receipt["deleted"])
    assert "2" == await office.value("OKNA", hole, "broj_okna")


async def test_s29_system_columns_belong_to_the_server(office, device):
    """S29: id, audit columns, project and revision are ignored; other edits of the row apply."""
    pole = await office.pole(naziv="P-1")
    before = await office.get(POLE, pole)
    phone = await device()
    phone.edit(
        POLE, pole, id=777, project_id=99, fiberq_rev=999, _modified_by_sub="evil", _modified_at="2001-01-01T00:00:00Z",
    )  # fmt: skip
    unchanged = await phone.upload()
    phone.edit(POLE, pole, naziv="P-1a")

    receipt = await phone.upload()
    after = await office.get(POLE, pole)

    assert 0 == unchanged["applied"] and (1, 0) == (receipt["updated"], receipt["conflicts"])
    assert before["properties"]["id"] == after["properties"]["id"] and "P-1a" == after["properties"]["naziv"]


async def test_s30_a_photo_may_come_later(office, device):
    """S30: a photo's name in a field is accepted before the photo itself."""
    phone = await device()
    phone.add("field_photos", photo_path="DCIM/okna_20260101.jpg", related_type="OKNA")

    receipt = await phone.upload()

    assert (1, 0, 0) == (receipt["inserted"], receipt["held"], receipt["rejected"])


async def test_s31_a_file_without_origin_updates_what_it_knows(office, device):
    """S31: known rows take its values, unknown ones are new, nothing is deleted, and the receipt says so."""
    a, b = await office.pole(naziv="P-1"), await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    phone.sql("DELETE FROM gpkg_metadata_reference")
    phone.sql("DELETE FROM gpkg_metadata")
    phone.sql(f"UPDATE {POLE} SET fiberq_rev = NULL")
    phone.edit(POLE, a, naziv="P-1a")
    phone.delete(POLE, b)
    phone.add(POLE, naziv="new", geom=point(21.3, 44.3))

    receipt = await phone.upload()

    assert ("unknown", 1, 1, 0) == tuple(receipt[n] for n in ("base", "updated", "inserted", "deleted"))
    assert ["P-1a", "P-2", "new"] == await names(office)


async def test_s31_a_save_as_still_knows_its_rows(office, device):
    """S31: without metadata, `fiberq_rev` in the rows finds the base; the office's edits are no reverts."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.sql("DELETE FROM gpkg_metadata_reference")
    phone.sql("DELETE FROM gpkg_metadata")
    phone.edit(POLE, pole, naziv="P-1a")
    await office.edit(POLE, pole, materijal="Steel")

    receipt = await phone.upload()

    assert ("row", 1, 1, 0) == tuple(receipt[n] for n in ("base", "updated", "merged", "conflicts"))
    assert ("P-1a", "Steel") == (await office.value(POLE, pole, "naziv"), await office.value(POLE, pole, "materijal"))


async def test_s32_a_file_of_another_project_is_refused(office, device, other_project):
    """S32: refused whole, 409; nothing applied."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, naziv="x")
    phone.project = other_project

    status, problem = await phone.answer()

    assert (409, "wrong-project") == (status, problem["code"])
    assert "P-1" == await office.value(POLE, pole, "naziv")


async def test_s44_the_same_thing_drawn_twice_is_flagged(office, device):
    """S44: two devices draw the same pole; both are kept, and somebody is asked."""
    await office.pole(naziv="far")
    one, two = await device(), await device("engineer")
    one.add(POLE, naziv="A", tip="POLE", geom=point(21.3, 44.3))
    two.add(POLE, naziv="B", tip="POLE", geom=point(21.300005, 44.3))
    await one.upload()

    receipt = await two.upload()
    [item] = await office.inbox()

    assert (1, 1) == (receipt["inserted"], receipt["held"]) and "duplicate" == item["kind"]
    assert ["A", "B", "far"] == await names(office)


async def test_s45_clearing_a_geometry_is_an_edit(office, device):
    """S45: NULL is a value where the layer allows it, and is held where it does not."""
    pole = await office.pole(naziv="P-1")
    ring = {"type": "LineString", "coordinates": [[21, 44], [21.1, 44.1]]}
    drawing = await office.add("Drawings", ring)
    phone = await device()
    phone.edit(POLE, pole, geom=None)
    phone.edit("Drawings", drawing, geom=None)

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert 1 == receipt["updated"] and (await office.get(POLE, pole))["geometry"] is None
    assert ("Drawings", "geometry") == (item["layer"], item["field"])
    assert (await office.get("Drawings", drawing))["geometry"] is not None


async def test_s46_metres_declared_as_degrees_are_held(office, device):
    """S46: coordinates that the CRS cannot hold are held, row by row."""
    a, b = await office.pole(naziv="P-1"), await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    phone.edit(POLE, a, geom=point(2349000.0, 5470000.0))
    phone.edit(POLE, b, naziv="P-2a")

    receipt = await phone.upload()

    assert (1, 1) == (receipt["updated"], receipt["rejected"])
    assert [21.0, 44.0] == (await office.get(POLE, a))["geometry"]["coordinates"]


async def test_s46_a_whole_layer_in_metres_is_one_item(office, device):
    """S46: if it is the whole layer, there is one item for the layer."""
    for n in range(3):
        await office.pole(lon=21 + n / 10, naziv=f"P-{n}")
    phone = await device()
    phone.sql(f"UPDATE {POLE} SET geom = ?", point(2349000.0, 5470000.0))

    receipt = await phone.upload()

    assert (0, 1) == (receipt["applied"], receipt["rejected"])
    assert [(POLE, None)] == [(i["layer"], i["uuid"]) for i in await office.inbox()]


async def test_s47_one_bad_row_costs_only_itself(office, device, many):
    """S47: 9,999 applied, one in the inbox."""
    phone = await device()
    rows = [(f"N-{n}", 9.5 if n != 5000 else "9m", point(20 + n / 10000, 44)) for n in range(10_000)]
    phone.sql_many(f"INSERT INTO {POLE} (naziv, visina, geom) VALUES (?, ?, ?)", rows)

    receipt = await phone.upload()

    assert (10_000, 1) == (receipt["inserted"], receipt["rejected"]) and 1 == len(await office.inbox())


async def test_s48_an_answer_on_the_device_is_carried_out(office, device):
    """S48: the crew sees the item on the map, answers in the form, and the answer is carried out."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    await office.edit(POLE, pole, materijal="Concrete")
    await phone.upload()
    fresh = await device()
    [(item_id, fid)] = fresh.sql("SELECT fiberq_uuid, fid FROM sync_issues")
    fresh.sql("UPDATE sync_issues SET decision = 'take_mine', note = 'looked' WHERE fid = ?", fid)

    receipt = await fresh.upload()

    assert [item_id] == [i["item_id"] for i in lines(receipt, "decided")]
    assert receipt["revision_before"] + 1 == receipt["revision_after"]
    assert "Steel" == await office.value(POLE, pole, "materijal") and [] == await office.inbox()
    assert 0 == (await device()).sql("SELECT count(*) FROM sync_issues")[0][0]


async def test_s52_a_fid_is_never_used_twice(office, device):
    """S52: the newest new row deleted and another made; they are two rows."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    first = phone.add(POLE, naziv="A", geom=point(21.3, 44.3))
    phone.edit(POLE, pole, napomena="leans to the road")
    await phone.upload()
    phone.sql(f"DELETE FROM {POLE} WHERE fid = ?", first)
    second = phone.add(POLE, naziv="B", geom=point(21.4, 44.4))

    receipt = await phone.upload()

    assert first != second and (1, 1) == (receipt["inserted"], receipt["deleted"])
    assert ["B", "P-1"] == await names(office)


async def test_a_file_left_in_wal_mode_is_read(office, device):
    """QGIS leaves files in WAL mode; a file with only the header of it is read, and the receipt says so."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, naziv="P-1a")
    connection = sqlite3.connect(phone.path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()

    receipt = await phone.upload()

    assert 1 == receipt["updated"] and receipt["notes"]


async def test_nothing_of_a_file_is_left_behind_when_it_cannot_be_read(office, device, data_folder):
    """S39: a broken file is refused with words and leaves nothing."""
    await office.pole(naziv="P-1")
    phone = await device()
    whole = phone.path.read_bytes()
    before = await office.revision()
    answers = []
    for broken in (b"", b"hello", whole[: len(whole) // 2], b"SQLite format 3\x00" + b"\xff" * 5000):
        phone.path.write_bytes(broken)
        answers.append(await phone.answer())

    assert {422} == {status for status, _ in answers}
    assert all(problem["detail"] and str(data_folder) not in json.dumps(problem) for _, problem in answers)
    assert before == await office.revision()
