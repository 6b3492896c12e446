"""From a file to a change set: S17–S22, S29, S31, S33, and what a later upload of the same copy means (S14)."""

from typing import Any

import pytest
from attrs import evolve

from fiberq_core.changes import Change
from fiberq_core.identity import Named
from fiberq_core.inbox import Author, Decision, ItemKind
from fiberq_core.lineage import Lineage
from fiberq_core.ports import EarlierUpload, SentDelta
from fiberq_core.proposals import Bases, Proposals, propose
from fiberq_core.registry import GEOMETRY
from fiberq_core.rows import Key, Row, Stored
from fiberq_core.sent import BadValue, SentFile, SentLayer, SentRow
from tests.core.offline import ENGINEER, OKNA, PHOTOS, POLES, WORKER, Device, Office, counts, line, point, uuid_of

P, Q = uuid_of("p"), uuid_of("q")
T = "vreme"
BREAKS = "Prekid vlakna"


@pytest.fixture
def office():
    """Two poles and a manhole."""
    office = Office()
    office.put(POLES, "p", naziv="P-1", materijal="Wood", geometry=point(21))
    office.put(POLES, "q", naziv="P-2", geometry=point(22))
    office.put(OKNA, "m", broj_okna="7")
    return office


@pytest.fixture
def phone(office):
    """A device that has them."""
    return Device.of(office)


def changed(receipt: dict[str, object]) -> int:
    """How many rows an upload changed, or put before somebody."""
    return sum(int(str(receipt[name])) for name in ("applied", "conflicts", "held", "rejected"))


# what a file does not have


def test_s17_a_missing_layer_is_untouched(office, phone):
    """S17: a file without the layer deletes nothing of it."""
    del phone.tables[POLES]

    assert 0 == changed(phone.send()) and 2 == len(office.all(POLES))


def test_s19_a_missing_column_is_untouched(office, phone):
    """S19: what the file has no column for stays as it is; the rest of the row applies."""
    phone.without[POLES] = {"materijal", GEOMETRY}
    phone.edit(POLES, P, naziv="x", materijal="lost")
    phone.send()

    assert {"naziv": "x", "materijal": "Wood", GEOMETRY: point(21)} == office.row(POLES, P)


def test_s19_null_is_a_value(office, phone):
    """S19: a column that is there and empty was cleared."""
    phone.edit(POLES, P, materijal=None)
    phone.send()

    assert office.value(POLES, P, "materijal") is None


def test_s20_unregistered_columns_are_kept(office, phone):
    """S20: a column that nobody registered goes round like any other, and is not dropped by a file without it."""
    phone.edit(POLES, P, boja="plava")
    phone.send()
    old = Device.of(office)
    old.without[POLES] = {"boja"}
    old.edit(POLES, P, naziv="x")
    old.send()
    new = Device.of(office)
    new.edit(POLES, P, boja="crvena")
    new.send()

    assert ("x", "crvena") == (office.value(POLES, P, "naziv"), office.value(POLES, P, "boja"))


def test_s33_no_difference(office, phone):
    """S33: a file as it was delivered changes nothing, counts nothing and takes no revision."""
    before = office.revision
    receipt = phone.send()

    assert (0, 3, before) == (changed(receipt), receipt["unchanged"], office.revision)


def test_s38_a_column_that_the_file_does_not_know_yet(office, phone):
    """S38: what the server's schema gained while the device was away stays."""
    office.edit(POLES, P, nova="kolona")
    phone.edit(POLES, P, naziv="x")
    phone.send()

    assert ("x", "kolona") == (office.value(POLES, P, "naziv"), office.value(POLES, P, "nova"))


# values that do not fit


def sent_with(phone: Device, layer: str, **more: Any) -> SentFile:
    """The file, where the rows of *layer* that were looked at have further properties."""

    def change(table: SentLayer) -> SentLayer:
        if table.layer != layer:
            return table
        return evolve(table, rows=tuple(evolve(row, **more) for row in table.rows))

    return phone.file(change)


BAD = BadValue("visina", "12a", "“12a” is not a number")


def test_s21_a_bad_value_is_held_and_the_rest_applies(office, phone):
    """S21: the value waits with what was typed; the field stays as it was; asking once is enough."""
    office.edit(POLES, P, visina=8.0)
    phone = Device.of(office)
    phone.edit(POLES, P, naziv="x", visina=None)
    receipt = office.upload(sent_with(phone, POLES, bad=(BAD,)))
    phone.edit(POLES, P, materijal="Steel")
    again = office.upload(sent_with(phone, POLES, bad=(BAD,)))
    [item] = office.inbox

    assert ((1, 1), (1, 0)) == tuple((r["updated"], r["rejected"]) for r in (receipt, again))
    assert {"naziv": "x", "materijal": "Steel", "visina": 8.0, GEOMETRY: point(21)} == office.row(POLES, P)
    assert (ItemKind.REJECTED, P, "visina", "12a", BAD.reason) == (
        item.kind,
        item.uuid,
        item.field,
        item.raw,
        item.reason,
    )


def test_s21_a_bad_value_in_a_new_row(office, phone):
    """S21: the row comes in without the value."""
    fid = phone.add(POLES, naziv="new", geometry=point(23))
    office.upload(sent_with(phone, POLES, bad=(BAD,)))
    phone.edit(POLES, fid, visina=12.0)
    phone.send()

    assert [12.0] == [row.get("visina") for row in office.all(POLES)][2:]
    assert [("visina", "12a")] == [(i.field, i.raw) for i in office.inbox]


def test_s21_a_row_that_was_edited_to_nothing_but_a_bad_value(office, phone):
    """S21: the bad value waits though there is nothing else to do about its row."""
    phone.at(POLES, P).rev = 0  # so that the reader looks at it
    receipt = office.upload(sent_with(phone, POLES, bad=(BAD,)))

    assert (0, 1, 2) == counts(receipt, "applied", "rejected", "unchanged")


def test_s23_a_row_that_cannot_be_applied_waits_whole(office, phone):
    """S23: nothing of the row applies, everything typed in it is in the item; sent again it does not wait twice."""
    wrong = BadValue(GEOMETRY, {"type": "LineString"}, "A LineString does not belong here", whole_row=True)
    phone.edit(POLES, P, naziv="typed", geometry=None)
    for expected in ((0, 1), (0, 0)):
        receipt = office.upload(sent_with(phone, POLES, bad=(wrong,)))
        phone.edit(OKNA, uuid_of("m"), broj_okna=f"8 {expected}")
        assert expected == (receipt["layers"][POLES]["applied"], receipt["rejected"])
    [item] = office.inbox

    assert {"naziv": "P-1", "materijal": "Wood", GEOMETRY: point(21)} == office.row(POLES, P)
    assert {"naziv": "typed", "materijal": "Wood", GEOMETRY: wrong.raw} == item.raw
    office.decide(item, Decision.TAKE_MINE)
    assert ("typed", point(21)) == (office.value(POLES, P, "naziv"), office.value(POLES, P, GEOMETRY))


def test_s23_a_new_row_that_waited_comes_in_when_it_is_put_right(office, phone):
    """S14, S23: the device corrects the row that was held and sends it again; it is still a new row."""
    wrong = BadValue(GEOMETRY, None, "The geometry is empty", whole_row=True)
    fid = phone.add(POLES, naziv="new")
    office.upload(sent_with(phone, POLES, bad=(wrong,)))
    assert 2 == len(office.all(POLES))
    phone.edit(POLES, fid, geometry=point(23))

    receipt = phone.send()

    assert (1, 0, 0) == (receipt["inserted"], receipt["conflicts"], receipt["held"])
    assert Row({"naziv": "new", GEOMETRY: point(23)}) == office.all(POLES)[2]


# rounding


@pytest.mark.parametrize(
    "theirs, ours, carried, edited",
    [
        ("2025-03-01T10:00:00.123Z", "2025-03-01T10:00:00.000Z", True, False),
        ("2025-03-01T10:00:00.123Z", "2025-03-01T10:00:00.000Z", False, True),
        ("2025-03-01T10:00:00.123Z", "2025-03-01T10:00:01.000Z", True, True),
        ("2025-03-01T10:00:00.123Z", None, True, True),
        (None, "2025-03-01T10:00:01.000Z", True, True),
    ],
)
def test_timestamps_without_a_fraction(office, theirs, ours, carried, edited):
    """Equal to the second where the device's value carries no fraction; the stored milliseconds stay."""
    pause = office.put(BREAKS, "b", naziv="B", **({"vreme": theirs} if theirs else {}))
    phone = Device.of(office)
    phone.edit(BREAKS, pause, naziv="B-1", vreme=ours)

    office.upload(sent_with(phone, BREAKS, seconds=frozenset({T}) if carried else frozenset()))

    assert ("B-1", ours if edited else theirs) == (office.value(BREAKS, pause, "naziv"), office.value(BREAKS, pause, T))


@pytest.mark.parametrize("metres, reprojected, edited", [(5e-5, True, False), (5e-5, False, True), (5e-4, True, True)])
def test_s22_rounding_is_no_edit(office, phone, metres, reprojected, edited):
    """S22: coordinates that were brought to the store's CRS are equal to 0.1 mm; others to the last bit."""
    phone.reprojected = reprojected
    moved = point(21, 44 + metres / 111_320)
    phone.edit(POLES, P, geometry=moved)

    receipt = phone.send()

    assert (int(edited), moved if edited else point(21)) == (receipt["updated"], office.value(POLES, P, GEOMETRY))


def test_s22_an_unedited_file_in_another_crs(office, phone):
    """S22: every coordinate differs in its last bits, and nothing was edited; other edits land."""
    phone.reprojected = True
    for n, pole in enumerate((P, Q)):
        phone.edit(POLES, pole, geometry=point(21 + n, 44 + 1e-11))
    before = office.revision
    assert 0 == changed(phone.send()) and before == office.revision
    phone.edit(POLES, P, naziv="x")

    assert 1 == changed(phone.send())
    assert ("x", point(21)) == (office.value(POLES, P, "naziv"), office.value(POLES, P, GEOMETRY))


def test_s22_both_drew_the_same(office, phone):
    """S04, S22: the device and the server moved a row to one place, up to rounding: no conflict."""
    phone.reprojected = True
    office.edit(POLES, P, geometry=point(21.5))
    phone.edit(POLES, P, geometry=point(21.5 + 1e-11))
    phone.send()

    assert [] == office.kinds() and point(21.5) == office.value(POLES, P, GEOMETRY)


# many deletions


@pytest.mark.parametrize(
    "received, gone, held",
    [
        (50, 50, False),  # all of them, but not more than 50
        (51, 51, True),
        (170, 51, False),  # exactly 30 %
        (169, 51, True),  # a little more
        (1000, 300, False),
        (1000, 301, True),
    ],
)
def test_s18_thresholds(received, gone, held):
    """S18: more than 50 rows and more than 30 % of what was received wait as one item."""
    uuids = [uuid_of(f"{n}") for n in range(received)]
    stored = {Key(POLES, u): Stored(Key(POLES, u), Row({"naziv": u}), n, n, 1) for n, u in enumerate(uuids, 1)}
    layer = SentLayer(POLES, POLES, frozenset({"naziv"}), (), gone=tuple(uuids[:gone]), received=received)
    made = propose(SentFile(None, (layer,)), {POLES: ()}, Lineage(None), Bases(stored, {}, stored, {}))

    if held:
        [mass] = made.mass_deletions
        assert (POLES, gone, received, ()) == (mass.layer, len(mass.changes), mass.received, made.rows)
    else:
        assert (gone, ()) == (len(made.rows), made.mass_deletions)
    assert gone == len(made.deltas)


@pytest.fixture
def line_of_poles(office):
    """A hundred poles more."""
    for n in range(100):
        office.put(POLES, f"pole {n}", naziv=f"P{n}")
    return [uuid_of(f"pole {n}") for n in range(100)]


def test_s18_one_item_and_everything_else_applies(office, line_of_poles):
    """S18: the deletions wait as one item that can be approved; they are not asked for again by the next upload."""
    phone = Device.of(office)
    for pole in line_of_poles[:60]:
        phone.delete(POLES, pole)
    phone.edit(POLES, P, naziv="x")
    receipt = phone.send()
    phone.edit(POLES, Q, naziv="y")
    again = phone.send()
    [item] = office.inbox

    assert ((1, 0, 1), (1, 0, 0)) == tuple((r["updated"], r["deleted"], r["held"]) for r in (receipt, again))
    assert (ItemKind.HELD_DELETES, POLES, None, 60) == (item.kind, item.layer, item.uuid, len(item.changes))
    assert "60 of 102" in item.reason
    office.decide(item, Decision.TAKE_MINE)
    assert ({"x", "y"}, 42) == ({office.value(POLES, u, "naziv") for u in (P, Q)}, len(office.all(POLES)))


def test_s18_what_others_deleted_is_not_counted_against_anybody(office, line_of_poles):
    """S11, S18: of the rows that are gone from the file those that are gone from the server need no approval."""
    phone = Device.of(office)
    for pole in line_of_poles[:60]:
        phone.delete(POLES, pole)
    for pole in line_of_poles[:59]:
        office.delete(POLES, pole)
    phone.send()
    [item] = office.inbox

    assert [Key(POLES, line_of_poles[59])] == [c.key for c in item.changes]


# the same copy again


def test_s14_undone_rows(office, phone):
    """S14: a row put back as it was delivered takes back what the first upload had changed, and only that."""
    phone.edit(POLES, P, naziv="x")
    phone.edit(POLES, Q, naziv="y")
    phone.send()
    office.edit(POLES, P, materijal="Steel")
    phone.edit(POLES, P, naziv="P-1")
    receipt = phone.send()

    assert (1, 1) == (receipt["updated"], receipt["merged"])
    assert ("P-1", "Steel", "y") == (
        office.value(POLES, P, "naziv"),
        office.value(POLES, P, "materijal"),
        office.value(POLES, Q, "naziv"),
    )


def test_s14_new_rows_deleted_again(office, phone):
    """S14: a new row that an earlier upload brought and that is no longer in the file was deleted."""
    fid = phone.add(POLES, naziv="new", geometry=point(23))
    phone.edit(POLES, P, naziv="x")
    phone.send()
    phone.delete(POLES, fid)
    receipt = phone.send()
    again = phone.send()

    assert (1, 2, 0) == (receipt["deleted"], len(office.all(POLES)), changed(again))


def test_s14_a_row_edited_in_one_upload_and_deleted_in_the_next(office, phone):
    """S14: the device deletes what it sent, so its own edit is not somebody else's; the rest of the file is as it was."""
    phone.edit(POLES, P, naziv="x")
    phone.edit(POLES, Q, naziv="y")
    phone.send()
    phone.delete(POLES, P)
    receipt = phone.send()

    assert (1, 0, []) == (*counts(receipt, "deleted", "updated"), office.kinds())
    assert ["y"] == [row.get("naziv") for row in office.all(POLES)]


def test_s14_deletions_undone(office, phone):
    """S14: a row that an earlier upload deleted and that is back in the file comes back under its numbers, edits and all."""
    before = office.rows[Key(POLES, P)]
    phone.delete(POLES, P)
    phone.edit(POLES, Q, naziv="y")
    phone.send()
    phone.put_back(POLES, 1)
    phone.edit(POLES, P, naziv="back")
    receipt = phone.send()
    now = office.rows[Key(POLES, P)]

    assert (1, "back") == (receipt["inserted"], now.row.get("naziv"))
    assert (before.id, before.fid) == (now.id, now.fid)


def test_s14_a_deletion_undone_after_somebody_restored_the_row(office, phone):
    """S14: the row is there again and edited by somebody; a file that shows it as delivered changes nothing."""
    phone.delete(POLES, P)
    phone.edit(POLES, Q, naziv="y")
    phone.send()
    office.undo(office.revision)
    office.edit(POLES, P, naziv="office")
    phone.put_back(POLES, 1)
    phone.send()

    assert ("office", []) == (office.value(POLES, P, "naziv"), office.kinds())


def test_s14_a_deletion_that_was_held_is_not_asked_for_again(office, phone):
    """S09, S14: the server had edited the row; the deletion waits once, however often the file comes."""
    office.edit(POLES, P, naziv="office")
    phone.delete(POLES, P)
    phone.edit(POLES, Q, naziv="y")
    first = phone.send()
    phone.edit(POLES, Q, naziv="z")
    second = phone.send()

    assert ((1, 1), (0, 1)) == tuple((r["held"], r["updated"]) for r in (first, second))
    assert ["held_delete"] == office.kinds() and "office" == office.value(POLES, P, "naziv")


def test_s14_a_row_edited_after_its_edit_was_held(office, phone):
    """S05, S14: a conflict waits; a further edit of another field lands, and the conflict is not asked about again."""
    office.edit(POLES, P, naziv="office")
    phone.edit(POLES, P, naziv="x")
    phone.send()
    phone.edit(POLES, P, materijal="Steel")
    phone.send()

    assert ("office", "Steel") == (office.value(POLES, P, "naziv"), office.value(POLES, P, "materijal"))
    assert ["conflict"] == office.kinds()


def test_s14_deleting_ones_own_new_row_whose_owner_the_server_filled_in(office):
    """S14: what the server fills in when it takes a row is nobody's edit, so its device may delete the row again."""
    phone = Device.of(office)
    fid = phone.add(PHOTOS, photo_path="DCIM/1.jpg", geometry=point(21))
    phone.edit(POLES, P, naziv="x")
    phone.send()
    assert [WORKER.subject] == [row.get("taken_by_sub") for row in office.all(PHOTOS)]
    phone.delete(PHOTOS, fid)
    phone.send()

    assert ([], []) == (office.all(PHOTOS), office.kinds())


# whose base


def test_bases_in_order():
    """The row at the revision that it says itself, unless that is later than what was delivered; else as delivered."""
    key = Key(POLES, P)
    at = {rev: Stored(key, Row({"naziv": f"as of {rev}"}), 1, 1, rev) for rev in (2, 5, 8)}

    def base(own: int | None, delivered: int | None, *, rev: int | None, exported: bool = True) -> object:
        bases = Bases(
            {key: at[delivered]} if delivered else {},
            {key: at[own]} if own else {},
            {key: at[8]},
            {},
            exported=exported,
        )
        row = bases.of(key, rev=rev)
        return row.get("naziv") if row else None

    assert "as of 5" == base(5, 5, rev=5)
    assert "as of 5" == base(None, 5, rev=None)
    assert "as of 2" == base(2, 5, rev=2)  # pasted from an older file
    assert "as of 5" == base(8, 5, rev=8)  # typed
    assert "as of 5" == base(2, 5, rev=3)  # a revision that did not write this row
    assert "as of 8" == base(8, None, rev=8)
    assert None is base(None, None, rev=None)
    assert "as of 5" == base(5, None, rev=5, exported=False)
    assert "as of 8" == base(None, None, rev=None, exported=False)


@pytest.mark.parametrize("rev", [None, 0, 2, 99])
def test_s29_a_revision_that_was_typed_over_is_no_edit(office, phone, rev):
    """S29: the server owns the column; whatever stands there, an unedited row is unedited."""
    office.edit(POLES, P, naziv="office")
    phone.at(POLES, P).rev = rev

    assert 0 == changed(phone.send()) and "office" == office.value(POLES, P, "naziv")


def test_s31_a_file_without_origin(office):
    """S31: known rows take every difference, unknown rows are new, nothing is deleted."""
    phone = Device.of(office)
    phone.edit(POLES, P, naziv="x", materijal=None)
    phone.delete(POLES, Q)
    phone.add(POLES, naziv="new", geometry=point(25))
    for local in phone.tables[POLES].values():
        local.rev = None
    first = office.upload(phone.foreign(), ENGINEER)
    second = office.upload(phone.foreign(), ENGINEER)

    assert ((1, 1, 0), 0) == ((first["updated"], first["inserted"], first["deleted"]), changed(second))
    assert {"naziv": "x", GEOMETRY: point(21)} == office.row(POLES, P)
    assert 3 == len(office.all(POLES))


def test_s31_the_revision_in_the_row_is_the_base(office, phone):
    """A "save as" drops the file's origin; each row's own revision still says what it was made from."""
    phone.edit(POLES, P, naziv="x")
    office.edit(POLES, P, naziv="office", materijal="Steel")
    office.upload(phone.foreign())

    assert ("office", "Steel", ["conflict"]) == (
        office.value(POLES, P, "naziv"),
        office.value(POLES, P, "materijal"),
        office.kinds(),
    )


def test_s31_a_deleted_row_does_not_come_back_by_itself(office, phone):
    """S10, S31: the project knew the row and deleted it; unedited it stays away, edited it is asked about."""
    office.delete(POLES, P)
    office.delete(POLES, Q)
    phone.edit(POLES, P, naziv="x")
    for local in phone.tables[POLES].values():
        local.rev = None
    office.upload(phone.foreign())

    assert ([], ["conflict"]) == (office.all(POLES), office.kinds())


# small print


def made_of(layer: SentLayer, lineage: Lineage, versions: dict[Key, Stored], *named: Named) -> Proposals:
    """The proposals of one table."""
    return propose(SentFile(None, (layer,)), {layer.source: named}, lineage, Bases(versions, {}, versions, {}))


def test_a_row_that_is_there_under_another_fid_is_not_gone():
    """A uuid that a reader calls gone and that another row carries is edited, not deleted."""
    key = Key(POLES, P)
    stored = {key: Stored(key, Row({"naziv": "P-1"}), 1, 1, 1)}
    row = SentRow(POLES, 9, P, None, Row({"naziv": "x"}))
    layer = SentLayer(POLES, POLES, frozenset({"naziv"}), (row,), gone=(P,), received=1)
    made = made_of(layer, Lineage(None), stored, Named(key, row))

    assert [Change(key, Row({"naziv": "P-1"}), Row({"naziv": "x"}))] == [p.change for p in made.rows]
    assert [SentDelta(key, POLES, 9, Row({"naziv": "x"}))] == list(made.deltas)


def test_deltas_are_what_differs_from_the_export():
    """What an upload leaves behind is the file's difference from its export, whatever of it was applied."""
    key, gone = Key(POLES, P), Key(POLES, Q)
    stored = {k: Stored(k, Row({"naziv": "a"}), n, n, 1) for n, k in enumerate((key, gone), 1)}
    row, same = SentRow(POLES, 1, P, None, Row({"naziv": "x"})), SentRow(POLES, 3, None, None, Row({"naziv": "a"}))
    layer = SentLayer(POLES, POLES, frozenset({"naziv"}), (row, same), gone=(Q,), received=2)
    new = Key(POLES, uuid_of("new"))
    made = made_of(layer, Lineage(None), stored, Named(key, row), Named(new, same))

    assert [
        SentDelta(key, POLES, 1, Row({"naziv": "x"})),
        SentDelta(new, POLES, 3, Row({"naziv": "a"})),
        SentDelta(gone, POLES, None, None),
    ] == list(made.deltas)


def test_answers_to_issues_are_no_edits():
    """S48: rows of the exported inbox are answers, known by the item's id, even where somebody blanked it."""
    row = SentRow("sync_issues", 1, None, None, Row({"decision": "keep_server"}))
    layer = SentLayer("sync_issues", "sync_issues", frozenset({"decision"}), (row,), gone=("other item",), received=2)
    made = made_of(layer, Lineage(None), {}, Named(Key("sync_issues", "the item"), row))

    assert ((), ()) == (made.rows, made.deltas)
    assert [Row({"decision": "keep_server", "item_id": "the item"})] == list(made.issues)


def test_s19_undone_rows_in_a_file_that_lost_a_column():
    """S14, S19: the file shows the row as delivered but has no column for the edit that was sent: nothing was undone."""
    key = Key(POLES, P)
    delivered, sent = Row({"naziv": "P-1", "tip": "A"}), Row({"naziv": "x", "tip": "B"})
    delta = SentDelta(key, POLES, 1, sent)
    parent = EarlierUpload("sync 1", "copy", None, Author("me"), "", 2, (delta,))
    layer = SentLayer(POLES, POLES, frozenset({"tip"}), (), received=1)
    made = made_of(layer, Lineage(parent), {key: Stored(key, delivered, 1, 1, 1)})

    assert [Change(key, sent, Row({"naziv": "x", "tip": "A"}))] == [p.change for p in made.rows]
    assert [SentDelta(key, POLES, 1, Row({"naziv": "x", "tip": "A"}))] == list(made.deltas)


def test_a_line_moved_by_rounding_in_one_vertex_only(office):
    """S22: the structure has to be the same; a line with one vertex more was edited."""
    cable = office.put("Trasa", "t", naziv="T", geometry=line((21, 44), (22, 44)))
    phone = Device.of(office)
    phone.reprojected = True
    phone.edit("Trasa", cable, geometry=line((21, 44), (21.5, 44), (22, 44)))

    assert 1 == phone.send()["updated"]
