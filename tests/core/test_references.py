"""Local numbers are resolved inside the file that they came from (S41), and only the columns that it has (S19)."""

import pytest

from fiberq_core.inbox import ItemKind
from fiberq_core.references import FileTargets, Seen, changed_targets, resolve
from fiberq_core.registry import LAYER
from fiberq_core.rows import Key, Row, Value
from fiberq_core.sent import LocalTarget
from tests.core.offline import (
    CABLES,
    CLOSURES,
    OKNA,
    PATCHES,
    PHOTOS,
    SPLICES,
    TRAYS,
    Device,
    Office,
    line,
    point,
    uuid_of,
)

AERIAL, SLACK = "Kablovi_vazdusni", "Opticke_rezerve"
QGIS_ID = "Underground_cables_f5205a25_f262_4502_a6f7_1f8d4646bcaa"
OLD, NEW, THIRD, TYPED = (uuid_of(name) for name in ("old", "new", "third", "typed"))
TARGETS = {
    (CABLES, 3): LocalTarget(CABLES, CABLES, 3, OLD),
    (QGIS_ID, 3): LocalTarget(CABLES, CABLES, 3, OLD),
    (CABLES, 4): LocalTarget(CABLES, CABLES, 4, NEW),
    (AERIAL, 3): LocalTarget(AERIAL, AERIAL, 3, THIRD),
    (CABLES, 5): LocalTarget(CABLES, CABLES, 5, None),
    (AERIAL, 6): LocalTarget(AERIAL, AERIAL, 6, THIRD),
    (OKNA, 8): LocalTarget(OKNA, OKNA, 8, TYPED),
}
FILE = FileTargets(TARGETS, {(CABLES, 5): uuid_of("made from the copy")})
UUID, FID, AT = "kabl_uuid", "kabl_fid", "kabl_layer_id"
ALL = frozenset({UUID, FID, AT, "tip"})
FIDS = {OLD: 3, NEW: 4}

BASE = Row({UUID: OLD})  # what is stored; the export shows the number 3 and the layer beside it
SHOWN: dict[str, Value] = {UUID: OLD, FID: 3, AT: CABLES}
BARE = Row({})

CASES = {
    # what the device had, what it sends, what is meant, whether a value does not fit
    "untouched": (BASE, SHOWN, BASE, False),
    "number alone untouched": (BASE, {FID: 3}, BASE, False),
    "another number": (BASE, {**SHOWN, FID: 4}, Row({UUID: NEW}), False),
    "another number, from the plugin": (BASE, {UUID: OLD, FID: 4, AT: CABLES}, Row({UUID: NEW}), False),
    "the same number in another layer": (BASE, {**SHOWN, AT: AERIAL}, Row({UUID: THIRD}), False),
    "another number in another layer": (BASE, {**SHOWN, FID: 6, AT: AERIAL}, Row({UUID: THIRD}), False),
    "another uuid": (BASE, {**SHOWN, UUID: TYPED}, Row({UUID: TYPED}), False),
    "number cleared": (BASE, {UUID: OLD, AT: CABLES}, BARE.with_values({AT: CABLES}), False),
    "number blanked": (BASE, {UUID: OLD, FID: 0}, BARE, False),
    "all cleared": (BASE, {}, BARE, False),
    "a number of nothing": (BASE, {**SHOWN, FID: 99}, BASE, True),
    "a number in a layer that is no target": (BASE, {**SHOWN, FID: 8, AT: OKNA}, BASE, True),
    "first reference": (BARE, {FID: 4, AT: CABLES}, Row({UUID: NEW}), False),
    "first reference, from the plugin": (BARE, {FID: 3, AT: QGIS_ID}, Row({UUID: OLD, AT: QGIS_ID}), False),
    "a parent that is new itself": (BARE, {FID: 5, AT: CABLES}, Row({UUID: uuid_of("made from the copy")}), False),
    "one layer has the number": (BARE, {FID: 4}, Row({UUID: NEW}), False),
    "two layers have the number": (BARE, {FID: 3}, Row({FID: 3}), False),
    "nothing has the number": (BARE, {FID: 99, AT: CABLES}, Row({FID: 99, AT: CABLES}), False),
    "the plugin does not know": (BARE, {FID: -1, AT: ""}, Row({FID: -1, AT: ""}), False),
    "a layer without a number": (BARE, {AT: CABLES}, Row({AT: CABLES}), False),
    "by uuid alone": (BARE, {UUID: TYPED}, Row({UUID: TYPED}), False),
    "kept verbatim and untouched": (Row({FID: 99, AT: QGIS_ID}), {FID: 99, AT: QGIS_ID}, Row({FID: 99, AT: QGIS_ID}), False),
    "kept verbatim, now resolvable": (Row({FID: 99, AT: CABLES}), {FID: 4, AT: CABLES}, Row({UUID: NEW, AT: CABLES}), False),
    "a stored layer stays as it was spelled": (Row({UUID: OLD, AT: QGIS_ID}), {UUID: OLD, FID: 3, AT: QGIS_ID}, Row({UUID: OLD, AT: QGIS_ID}), False),
    "a target that is gone, untouched": (Row({UUID: uuid_of("gone")}), {UUID: uuid_of("gone")}, Row({UUID: uuid_of("gone")}), False),
}  # fmt: skip


@pytest.mark.parametrize("base, sent, meant, bad", CASES.values(), ids=CASES)
def test_a_pair_of_layer_and_number(base, sent, meant, bad):
    """S41: what the device meant, in uuids; numbers that mean nothing stay verbatim on rows that had no reference."""
    row, faults = resolve(LAYER[SLACK], ALL, Row(sent), Seen(base, base, FIDS), FILE)

    assert (meant, bad) == (row, bool(faults))
    assert all(fault.field == FID and str(sent[FID]) in fault.reason and sent[FID] == fault.raw for fault in faults)


@pytest.mark.parametrize("base, sent, meant, bad", CASES.values(), ids=CASES)
def test_new_rows_keep_what_cannot_be_resolved(base, sent, meant, bad):
    """S41: a new row has no earlier reference to fall back on, so nothing of its own is ever bad or lost."""
    row, faults = resolve(LAYER[SLACK], ALL, Row(sent), Seen(None, None, FIDS), FILE)

    assert () == faults
    assert row.get(UUID) is not None or Row({n: v for n, v in sent.items() if n != UUID}) == row


@pytest.mark.parametrize("base, sent, meant, bad", CASES.values(), ids=CASES)
def test_a_file_means_the_same_however_often_it_is_sent(base, sent, meant, bad):
    """S14: what was resolved and sent is no edit when the file comes again; what is bad stays bad."""
    again, faults = resolve(LAYER[SLACK], ALL, Row(sent), Seen(base, meant, FIDS), FILE)

    assert (meant, bad) == (again, bool(faults))


def test_a_number_put_back_refers_to_the_old_row_again():
    """S14: the device changed a number, sent it, and put it back; its uuid column showed the old row all the time."""
    row, _ = resolve(LAYER[SLACK], ALL, Row(SHOWN), Seen(BASE, Row({UUID: NEW}), FIDS), FILE)

    assert BASE == row


def test_s19_missing_columns_are_untouched():
    """S19: a file without the number's column leaves the reference alone."""
    row = Row({"tip": "x", UUID: OLD})

    assert (row, ()) == resolve(LAYER[SLACK], ALL - {FID, AT}, row, Seen(BASE, BASE, FIDS), FILE)


def test_references_by_number_alone():
    """S41: a tray has one possible kind of parent, so its number needs no layer beside it."""
    file = FileTargets({(CLOSURES, 7): LocalTarget(CLOSURES, CLOSURES, 7, NEW)}, {})
    columns = {"closure_uuid", "closure_fid"}

    row, _ = resolve(LAYER[TRAYS], columns, Row({"closure_fid": 7, "tray_number": 1}), Seen(None, None), file)

    assert Row({"closure_uuid": NEW, "tray_number": 1}) == row


def test_changed_targets():
    """Only references that a write sets anew have to be looked at."""
    before = Row({"tray_uuid": OLD, "cable_a_uuid": OLD})
    after = Row({"tray_uuid": OLD, "cable_a_uuid": NEW, "cable_b_uuid": THIRD})

    assert {("cable_a_uuid", NEW), ("cable_b_uuid", THIRD)} == {
        (reference.column, uuid) for reference, uuid in changed_targets(SPLICES, before, after)
    }
    assert 3 == len(changed_targets(SPLICES, None, after))


# through the whole core


def test_s41_new_parents_and_children_stay_together():
    """S41: two devices make a closure with trays and splices each; every child stays with its own parent."""
    office = Office()
    office.put(CABLES, "k1", naziv="K-1", geometry=line((21, 44), (22, 44)))
    office.put(CABLES, "k2", naziv="K-2", geometry=line((21, 45), (22, 45)))
    phone = Device.of(office)
    tablet = Device.of(office, "tablet")
    for fibre, device in enumerate((phone, tablet), 1):
        closure = device.add(CLOSURES, naziv=f"of {fibre}", geometry=point(21 + fibre / 10))
        tray = device.add(TRAYS, closure_fid=closure, tray_number=1)
        device.add(
            SPLICES, tray_fid=tray, position_in_tray=1,
            cable_a_fid=1, cable_a_layer_id=CABLES, fiber_a_number=fibre,
            cable_b_fid=2, cable_b_layer_id=CABLES, fiber_b_number=fibre,
        )  # fmt: skip
        assert (1, 1, 1) == (closure, tray, 1)

    assert [3, 3] == [device.send()["inserted"] for device in (phone, tablet)]

    assert [] == office.kinds()
    for splice in office.all(SPLICES):
        closure_uuid = office.value(TRAYS, str(splice.get("tray_uuid")), "closure_uuid")
        assert office.value(CLOSURES, closure_uuid, "naziv") == f"of {splice.values['fiber_a_number']!r}"
        assert (uuid_of("k1"), uuid_of("k2")) == (splice.get("cable_a_uuid"), splice.get("cable_b_uuid"))
        assert not any(name.endswith("_fid") for name in splice.values)


def test_s41_a_bad_number_is_held_and_the_rest_of_the_row_applies():
    """S21, S41: a number of nothing in a row that had a reference goes to the inbox; the reference stays."""
    office = Office()
    cable = office.put(CABLES, "k", naziv="K-1")
    slack = office.put(SLACK, "s", tip="coil", kabl_uuid=cable)
    phone = Device.of(office)
    phone.edit(SLACK, slack, kabl_fid=99, lokacija="pole")

    receipt = phone.send()
    [item] = office.inbox

    assert (1, 1) == (receipt["updated"], receipt["rejected"])
    assert {"tip": "coil", "kabl_uuid": cable, "lokacija": "pole"} == office.row(SLACK, slack)
    assert (ItemKind.REJECTED, FID, 99) == (item.kind, item.field, item.raw)
    assert 0 == phone.send()["applied"] and [item] == office.inbox


@pytest.mark.parametrize("new", [False, True])
def test_a_parent_that_the_device_deleted_is_still_meant(new):
    """S14: a tray that was sent with its closure is no bad value when only the closure is taken out of the file."""
    office = Office()
    office.put(CLOSURES, "c", naziv="N-4", geometry=point(21))
    phone = Device.of(office)
    closure = phone.add(CLOSURES, naziv="N-5", geometry=point(22)) if new else 1
    phone.add(TRAYS, closure_fid=closure, tray_number=1)
    phone.add(OKNA, naziv="this is the phone's file", geometry=point(30))
    phone.send()
    phone.delete(CLOSURES, closure)
    phone.send()

    assert (["held_delete"], 2 if new else 1) == (office.kinds(), len(office.all(CLOSURES)))


def test_s41_patches_that_point_at_each_other():
    """S41: two new rows that refer to each other both come in, and each refers to the other's new uuid."""
    office = Office()
    phone = Device.of(office)
    for port, other in ((1, 2), (2, 1)):
        phone.add(PATCHES, port_number=port, connected_to_fid=other)
    phone.send()

    first, second = (s.key.uuid for s in sorted(office.rows.values(), key=lambda s: s.fid))
    assert [second, first] == [row.get("connected_to_uuid") for row in office.all(PATCHES)]


def test_a_photo_of_a_new_manhole():
    """S30, S41: the layer's name beside the number says which table; the manhole's new uuid is what is stored."""
    office = Office()
    phone = Device.of(office)
    manhole = phone.add(OKNA, broj_okna="7", geometry=point(21))
    phone.add(PHOTOS, related_type=OKNA, related_fid=manhole, photo_path="DCIM/7.jpg")
    phone.send()
    [photo] = office.all(PHOTOS)

    assert Key(OKNA, str(photo.get("related_uuid"))) in office.rows
    assert photo.get("related_fid") is None
