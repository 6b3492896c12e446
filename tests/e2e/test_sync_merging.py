"""S01–S11, S14, S15, S33, S36, S37, S49–S51 through HTTP: what becomes of edits, deletions and repeats."""

import asyncio

import pytest

from tests.e2e.device import Device, Office, point

pytestmark = pytest.mark.each_store

POLE = "Stubovi"


async def test_s01_an_edit_alone_is_applied(office, device):
    """S01: a field changed only on the device becomes current."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")

    receipt = await phone.upload()

    assert (1, 1, 0) == (receipt["updated"], receipt["applied"], receipt["conflicts"])
    assert "export" == receipt["base"] and "ok" == receipt["status"] and 1 == receipt["features_merged"]
    assert "Steel" == await office.value(POLE, pole, "materijal")


async def test_s02_what_only_the_server_changed_stays(office, device):
    """S02: a file without edits never reverts what the office did."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    await office.edit(POLE, pole, naziv="P-1a")

    receipt = await phone.upload()

    assert 0 == receipt["applied"] + receipt["conflicts"] + receipt["held"]
    assert "P-1a" == await office.value(POLE, pole, "naziv")


async def test_s03_different_fields_merge(office, device):
    """S03: edits of different fields of one row are both kept."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    await office.edit(POLE, pole, visina=9.5)

    receipt = await phone.upload()

    assert (1, 1, 0) == (receipt["updated"], receipt["merged"], receipt["conflicts"])
    assert ("Steel", 9.5) == (await office.value(POLE, pole, "materijal"), await office.value(POLE, pole, "visina"))


async def test_s04_the_same_edit_is_no_conflict(office, device):
    """S04: both sides wrote the same value; there is nothing to do."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    await office.edit(POLE, pole, materijal="Steel")
    before = await office.revision()

    receipt = await phone.upload()

    assert (0, 0) == (receipt["applied"], receipt["conflicts"])
    assert before == await office.revision()


async def test_s05_two_values_for_one_field_wait(office, device):
    """S05: the server's value stays, the device's waits with its author, other edits of the row apply."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel", naziv="P-1b")
    await office.edit(POLE, pole, materijal="Concrete")

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (1, 1, 1) == (receipt["updated"], receipt["conflicts"], receipt["merged"])
    assert ("Concrete", "P-1b") == (
        await office.value(POLE, pole, "materijal"),
        await office.value(POLE, pole, "naziv"),
    )
    assert ("conflict", POLE, pole, "materijal") == (item["kind"], item["layer"], item["uuid"], item["field"])
    assert ("Wood", "Steel", "Concrete") == (item["base"], item["device"], item["current"])
    assert item["author"]["sub"] and item["reason"] and {"keep_server", "take_mine"} <= set(item["choices"])


async def test_s05_taking_the_devices_value_makes_it_current(office, device):
    """S05: a held value becomes current with one action, and history has both."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    await office.edit(POLE, pole, materijal="Concrete")
    await phone.upload()
    [item] = await office.inbox()

    decided = await office.decide(item["item_id"], "take_mine", "seen on site")

    assert "Steel" == await office.value(POLE, pole, "materijal")
    assert ("decided", "take_mine", "seen on site") == (
        decided["state"], decided["decided"]["decision"], decided["decided"]["note"],
    )  # fmt: skip
    assert ["Steel", "Concrete", "Wood"] == [v["values"]["materijal"] for v in await office.history(POLE, pole)]
    assert [] == await office.inbox()


async def test_s06_a_move_and_an_attribute_merge(office, device):
    """S06: the device moved it, the office renamed it; both hold."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, geom=point(21.5, 44.5))
    await office.edit(POLE, pole, naziv="P-9")

    await phone.upload()
    feature = await office.get(POLE, pole)

    assert [21.5, 44.5] == feature["geometry"]["coordinates"] and "P-9" == feature["properties"]["naziv"]


async def test_s07_two_moves_are_a_conflict_with_both_places(office, device):
    """S07: both geometries can be seen; the server's stays."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, geom=point(21.5, 44.5))
    await office.edit(POLE, pole, geometry={"type": "Point", "coordinates": [21.25, 44.25]})

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert 1 == receipt["conflicts"] and "geometry" == item["field"]
    assert [21.5, 44.5] == item["device"]["coordinates"] and [21.25, 44.25] == item["current"]["coordinates"]
    assert [21.25, 44.25] == (await office.get(POLE, pole))["geometry"]["coordinates"]


async def test_s07_take_both_keeps_two_rows(office, device):
    """S07: taking both leaves the server's row and adds the device's place as a row of its own."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, geom=point(21.5, 44.5))
    await office.edit(POLE, pole, geometry={"type": "Point", "coordinates": [21.25, 44.25]})
    await phone.upload()
    [item] = await office.inbox()

    await office.decide(item["item_id"], "take_both")
    _, page = await office.call("GET", f"/features/{POLE}")

    assert [[21.25, 44.25], [21.5, 44.5]] == sorted(f["geometry"]["coordinates"] for f in page["features"])


async def test_s08_a_deletion_is_applied_and_can_be_restored(office, device):
    """S08: deleted, kept in history, restored with one call."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.delete(POLE, pole)

    receipt = await phone.upload()
    gone = await office.get(POLE, pole)
    versions = await office.history(POLE, pole)
    status, feature = await office.call("POST", f"/features/{POLE}/{pole}/restore", json={})

    assert 1 == receipt["deleted"] and gone is None
    assert ["delete", "insert"] == [v["op"] for v in versions]
    assert 200 == status and "P-1" == feature["properties"]["naziv"]


async def test_s09_deleting_what_was_edited_waits(office, device):
    """S09: the row stays and the deletion goes to the inbox; accepted, it is carried out."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.delete(POLE, pole)
    await office.edit(POLE, pole, naziv="P-2")

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert 0 == receipt["deleted"] and "held_delete" == item["kind"]
    assert "P-2" == await office.value(POLE, pole, "naziv")
    await office.decide(item["item_id"], "take_mine")
    assert await office.get(POLE, pole) is None


async def test_s10_editing_what_was_deleted_waits_as_a_whole_row(office, device):
    """S10: it stays deleted; the device's full row can be restored with its values."""
    pole = await office.pole(naziv="P-1", visina=8.0)
    phone = await device()
    phone.edit(POLE, pole, naziv="P-1x")
    await office.delete(POLE, pole)

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert 0 == receipt["applied"] and await office.get(POLE, pole) is None
    assert item["field"] is None and "restore" in item["choices"] and "P-1x" == item["device"]["naziv"]
    await office.decide(item["item_id"], "restore")
    assert ("P-1x", 8.0) == (await office.value(POLE, pole, "naziv"), await office.value(POLE, pole, "visina"))


async def test_s11_both_deleted(office, device):
    """S11: there is nothing to do."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.delete(POLE, pole)
    await office.delete(POLE, pole)

    receipt = await phone.upload()

    assert 0 == receipt["applied"] + receipt["held"] + receipt["conflicts"] and [] == await office.inbox()


async def test_s14_only_what_changed_since_the_last_upload_counts(office, device):
    """S14: after an upload the device goes on with the same file; the office's later value is not in conflict."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    await phone.upload()
    await office.edit(POLE, pole, materijal="Concrete")
    phone.edit(POLE, pole, naziv="P-1c")

    receipt = await phone.upload()

    assert ("previous_upload", 1, 0) == (receipt["base"], receipt["updated"], receipt["conflicts"])
    assert ("Concrete", "P-1c") == (
        await office.value(POLE, pole, "materijal"),
        await office.value(POLE, pole, "naziv"),
    )
    assert [] == await office.inbox()


async def test_s14_undoing_ones_own_edit_in_the_same_file_is_an_edit(office, device):
    """S14: a value that the device put back after its first upload is put back."""
    pole, other = await office.pole(naziv="P-1", materijal="Wood"), await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    phone.edit(POLE, other, naziv="P-2a")
    await phone.upload()
    phone.edit(POLE, pole, materijal="Wood")

    receipt = await phone.upload()

    assert 1 == receipt["updated"] and "Wood" == await office.value(POLE, pole, "materijal")
    assert "P-2a" == await office.value(POLE, other, "naziv")


async def test_s15_the_same_file_twice_has_one_effect(office, device):
    """S15: a repeat gets the same receipt and changes nothing, in sequence and at the same moment."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, naziv="P-1d")
    phone.add(POLE, naziv="new", geom=point(21.3, 44.3))

    first, second = await asyncio.gather(phone.upload(), phone.upload())
    third = await phone.upload()
    _, page = await office.call("GET", f"/features/{POLE}")

    assert first == second == third
    assert 2 == len(page["features"])


async def test_s33_no_difference_takes_no_revision(office, device):
    """S33: zeros and the same revision."""
    await office.pole(naziv="P-1")
    phone = await device()
    before = await office.revision()

    receipt = await phone.upload()

    assert 0 == sum(receipt[n] for n in ("inserted", "updated", "deleted", "conflicts", "held", "rejected"))
    assert before == receipt["revision_before"] == receipt["revision_after"] == await office.revision()
    assert 1 == receipt["layers"][POLE]["unchanged"]


async def test_s36_two_devices_at_the_same_moment(office, device):
    """S36: one after the other; the second merges against the first, and the loser's value waits."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    one, two = await device("field_worker"), await device("engineer")
    one.edit(POLE, pole, materijal="Steel")
    two.edit(POLE, pole, materijal="Concrete")

    first, second = await asyncio.gather(one.upload(), two.upload())
    [item] = await office.inbox()

    assert 1 == first["updated"] + second["updated"] == first["conflicts"] + second["conflicts"]
    assert {"Steel", "Concrete"} == {await office.value(POLE, pole, "materijal"), item["device"]}


async def test_s37_two_projects_at_the_same_moment(office, device, client, token, other_project, tmp_path):
    """S37: uploads to two projects go side by side; each counts its own revisions and holds its own rows."""
    town = Office(client, token("engineer"), other_project)
    (tmp_path / "town").mkdir()
    here, there = await device(), await Device(client, token("engineer"), tmp_path / "town", other_project).download()
    for n in range(20):
        here.add(POLE, naziv=f"V-{n}", geom=point(21 + n / 100, 44))
        there.add(POLE, naziv=f"T-{n}", geom=point(22 + n / 100, 44))

    receipts = await asyncio.gather(here.upload(), there.upload())
    names = {
        place.project: {
            f["properties"]["naziv"][0] for f in (await place.call("GET", f"/features/{POLE}"))[1]["features"]
        }
        for place in (office, town)
    }

    assert [(20, 1), (20, 1)] == [(r["inserted"], r["revision_after"]) for r in receipts]
    assert {office.project: {"V"}, other_project: {"T"}} == names


async def test_s50_a_second_copy_does_not_revert_the_first(office, device):
    """S50: what the copy never touched is no revert of the other's edits; a question waits, the server's side stays."""
    pole, other = await office.pole(naziv="P-1"), await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    tablet = phone.copy()
    phone.edit(POLE, pole, naziv="P-1e")
    await phone.upload()
    tablet.edit(POLE, other, naziv="P-2e")

    receipt = await tablet.upload()

    assert ("P-1e", "P-2e") == (await office.value(POLE, pole, "naziv"), await office.value(POLE, other, "naziv"))
    assert (1, "export") == (receipt["updated"], receipt["base"])
    assert ["question"] == [i["kind"] for i in await office.inbox()]


async def test_s50_new_rows_of_two_copies_are_two_rows(office, device):
    """S13, S50: both copies number their first new row alike; they are different rows all the same."""
    await office.pole(naziv="P-1")
    phone = await device()
    tablet = phone.copy()
    assert phone.add(POLE, naziv="A", geom=point(21.3, 44.3)) == tablet.add(POLE, naziv="B", geom=point(21.4, 44.4))

    await phone.upload()
    await tablet.upload()
    phone.sql(f"UPDATE {POLE} SET materijal = 'Steel' WHERE naziv = 'A'")
    await phone.upload()
    _, page = await office.call("GET", f"/features/{POLE}")

    assert [("A", "Steel"), ("B", None), ("P-1", None)] == sorted(
        (f["properties"]["naziv"], f["properties"]["materijal"]) for f in page["features"]
    )


async def test_s51_old_bytes_after_newer_ones_change_nothing(office, device):
    """S51: an old file sent again gets its old receipt."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, naziv="P-1f")
    old = phone.copy()
    first = await phone.upload()
    phone.edit(POLE, pole, naziv="P-1g")
    await phone.upload()

    again = await old.upload()

    assert first == again and "P-1g" == await office.value(POLE, pole, "naziv")


async def test_s49_each_row_by_its_own_case_in_one_transaction(office, device):
    """S49: an edit, a conflict, a deletion and a new row in one file take one revision."""
    a, b, c = [await office.pole(lon=21 + n / 10, naziv=f"P-{n}") for n in range(3)]
    phone = await device()
    phone.edit(POLE, a, naziv="edit")
    phone.edit(POLE, b, naziv="mine")
    phone.delete(POLE, c)
    phone.add(POLE, naziv="new", geom=point(21.9, 44.9))
    await office.edit(POLE, b, naziv="theirs")
    before = await office.revision()

    receipt = await phone.upload()

    assert (1, 1, 1, 1) == tuple(receipt[n] for n in ("updated", "deleted", "inserted", "conflicts"))
    assert before + 1 == receipt["revision_after"] == await office.revision()


async def test_undo_takes_an_upload_back_against_todays_data(office, device):
    """The inverse of an upload is itself a merge: what somebody changed since stays and is asked about."""
    a, b = await office.pole(naziv="P-1"), await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    phone.edit(POLE, a, naziv="x")
    phone.edit(POLE, b, naziv="y")
    receipt = await phone.upload()
    await office.edit(POLE, b, naziv="z")

    status, undone = await office.call("POST", f"/api/sync/receipts/{receipt['sync_id']}/undo")

    assert 200 == status and (1, 1) == (undone["updated"], undone["conflicts"])
    assert ("P-1", "z") == (await office.value(POLE, a, "naziv"), await office.value(POLE, b, "naziv"))


async def test_a_dry_run_says_what_would_happen_and_changes_nothing(office, device):
    """`?dry_run=1` gives the counts of the real thing and leaves no trace."""
    pole = await office.pole(naziv="P-1")
    phone = await device()
    phone.edit(POLE, pole, naziv="P-1h")
    before = await office.revision()

    rehearsal = await phone.upload(dry_run="1")
    unchanged = await office.value(POLE, pole, "naziv")
    receipt = await phone.upload()

    assert (1, "P-1") == (rehearsal["updated"], unchanged) and rehearsal["dry_run"]
    assert before + 1 == receipt["revision_after"] and "P-1h" == await office.value(POLE, pole, "naziv")
