"""What can stand together: S26, S41–S43, through the whole core on a store in memory."""

from itertools import pairwise
from typing import Any

import pytest

from fiberq_core import checking
from fiberq_core.changes import Change, Source, Write
from fiberq_core.checking import _goes_before, settle
from fiberq_core.inbox import Author, Decision, Item, ItemKind
from fiberq_core.planning import Candidate, Cause, ConflictPolicy, Draft, World
from fiberq_core.proposals import Proposal
from fiberq_core.registry import GEOMETRY
from fiberq_core.rows import Key, Row, Stored
from tests.core.offline import (
    AREAS,
    CABLES,
    CLOSURES,
    ELEMENTS,
    OKNA,
    OTHER_ENGINEER,
    PATCHES,
    PHOTOS,
    POLES,
    SPLICES,
    TRAYS,
    WORKER,
    Device,
    Office,
    counts,
    line,
    point,
    uuid_of,
    wish,
)

K1, K2, K3, N4, T1, T2, E1 = (uuid_of(name) for name in ("k1", "k2", "k3", "n4", "t1", "t2", "e1"))
SOMEBODY = OTHER_ENGINEER.name


@pytest.fixture
def office():
    """Three cables, a closure with two trays, an element."""
    office = Office()
    for n, name in enumerate(("k1", "k2", "k3"), 1):
        office.put(CABLES, name, naziv=f"K-{n}", geometry=line((21, 44), (22, 44)))
    office.put(CLOSURES, "n4", naziv="N-4", geometry=point(21))
    office.put(TRAYS, "t1", closure_uuid=N4, tray_number=1)
    office.put(TRAYS, "t2", closure_uuid=N4, tray_number=2)
    office.put(ELEMENTS, "e1", naziv="ODF-1", geometry=point(22))
    return office


@pytest.fixture
def phone(office):
    """A device that has all that."""
    return Device.of(office)


def splice(tray=T1, position=1, a=(K1, 1, None), b=(K2, 1, None)) -> dict[str, Any]:
    """A splice's values."""
    values = {"tray_uuid": tray, "position_in_tray": position}
    for side, (cable, fibre, end) in (("a", a), ("b", b)):
        values |= {f"cable_{side}_uuid": cable, f"fiber_{side}_number": fibre}
        values |= {f"cable_{side}_end": end} if end else {}
    return values


def patch(element=E1, port=1, cable=K1, fibre=1, end=None) -> dict[str, Any]:
    """A patch's values."""
    values = {"element_uuid": element, "port_number": port, "fiber_cable_uuid": cable, "fiber_number": fibre}
    return values | ({"fiber_cable_end": end} if end else {})


def only_item(office: Office) -> Item:
    """What waits, where one thing does."""
    [item] = office.inbox
    return item


# S42: places

TAKEN = {
    # what is taken: (layer, what the server has, what the device wants, how it is said)
    "tray number": (
        TRAYS,
        {"closure_uuid": N4, "tray_number": 5},
        {"closure_uuid": N4, "tray_number": 5, "capacity": 24},
        "tray 5 of splice closure N-4 is already taken, by Elena",
    ),
    "tray position": (
        SPLICES,
        splice(position=5),
        splice(position=5, a=(K1, 2, None), b=(K3, 2, None)),
        "position 5 in tray 1 of splice closure N-4 is already taken, by Elena",
    ),
    "port": (
        PATCHES,
        patch(port=3),
        patch(port=3, cable=K2),
        "port 3 of element ODF-1 is already taken, by Elena",
    ),
    "fibre end": (
        SPLICES,
        splice(T2, 5, (K1, 7, "to"), (K2, 7, "from")),
        splice(T1, 1, (K1, 7, "to"), (K3, 7, "from")),
        "fibre 7 of underground cable K-1 is already spliced in splice closure N-4, tray 2, position 5, by Elena",
    ),
    "fibre end at a patch": (
        PATCHES,
        patch(port=3, fibre=7, end="to"),
        splice(T1, 1, (K1, 7, "to"), (K3, 7, "from")),
        "fibre 7 of underground cable K-1 is already connected at element ODF-1, port 3, by Elena",
    ),
    "fibre in the same closure": (
        SPLICES,
        splice(T2, 5, (K1, 7, None), (K2, 7, None)),
        splice(T1, 1, (K1, 7, None), (K3, 7, None)),
        "fibre 7 of underground cable K-1 is already spliced in splice closure N-4, tray 2, position 5, by Elena",
    ),
}


@pytest.mark.parametrize("layer, theirs, mine, words", TAKEN.values(), ids=TAKEN)
def test_s42_a_place_that_somebody_took_meanwhile(office, phone, layer, theirs, mine, words):
    """S42: the server's row stays, the device's waits, in the words of the trade; nothing is renumbered."""
    office.put(layer, "theirs", **theirs)
    mine_layer = SPLICES if "tray_uuid" in mine else layer
    phone.add(mine_layer, uuid_of("mine"), **mine)
    receipt = phone.send()
    item = only_item(office)

    assert (0, 1, ItemKind.CLASH) == (receipt["inserted"], receipt["held"], item.kind)
    assert words == item.reason
    assert mine == wish(item)
    assert theirs.items() <= office.row(layer, uuid_of("theirs")).items()


@pytest.mark.parametrize("layer, theirs, mine, words", TAKEN.values(), ids=TAKEN)
def test_s42_an_existing_row_keeps_what_it_had(office, layer, theirs, mine, words):
    """S42: of a row that was there before only the fields that take the place wait; the others apply."""
    mine_layer = SPLICES if "tray_uuid" in mine else layer
    free = {TRAYS: {"tray_number": 9}, SPLICES: {"position_in_tray": 9, "fiber_a_number": 9, "fiber_b_number": 9}}
    office.put(mine_layer, "mine", **{**mine, **free.get(mine_layer, {"port_number": 9, "fiber_number": 9})})
    phone = Device.of(office)
    before = office.row(mine_layer, uuid_of("mine"))
    office.put(layer, "theirs", **theirs)
    phone.edit(mine_layer, uuid_of("mine"), **mine, note="x")
    phone.send()
    item = only_item(office)

    assert {**before, "note": "x"} == office.row(mine_layer, uuid_of("mine"))
    assert (ItemKind.CLASH, words) == (item.kind, item.reason)
    assert "note" not in wish(item)
    office.delete(layer, uuid_of("theirs"))
    office.decide(item, Decision.TAKE_MINE)
    assert mine.items() <= office.row(mine_layer, uuid_of("mine")).items()


SWAPPED = {
    "tray numbers": (TRAYS, "tray_number", {"closure_uuid": N4, "tray_number": 5}, {"closure_uuid": N4, "tray_number": 6}),
    "positions": (SPLICES, "position_in_tray", splice(position=5), splice(T1, 6, (K1, 2, None), (K2, 2, None))),
    "ports": (PATCHES, "port_number", patch(port=5), patch(port=6, fibre=2)),
    "fibre ends": (
        SPLICES,
        "fiber_a_number",
        splice(T1, 1, (K1, 5, "to"), (K2, 1, "from")),
        splice(T1, 2, (K1, 6, "to"), (K2, 2, "from")),
    ),
    "fibres": (SPLICES, "fiber_a_number", splice(T1, 1, (K1, 5, None), (K2, 1, None)), splice(T1, 2, (K1, 6, None), (K2, 2, None))),
}  # fmt: skip


@pytest.mark.parametrize("layer, name, one, other", SWAPPED.values(), ids=SWAPPED)
def test_s42_two_rows_of_one_upload_may_swap_places(office, layer, name, one, other):
    """S42: each takes what the other gives up; both stand."""
    office.put(layer, "one", **one)
    office.put(layer, "other", **other)
    phone = Device.of(office)
    phone.edit(layer, uuid_of("one"), **{name: other[name]})
    phone.edit(layer, uuid_of("other"), **{name: one[name]})

    assert 2 == phone.send()["updated"] and [] == office.inbox
    assert [other[name], one[name]] == [office.value(layer, uuid_of(row), name) for row in ("one", "other")]


@pytest.mark.parametrize("layer, name, one, other", SWAPPED.values(), ids=SWAPPED)
def test_s42_a_place_that_a_deleted_row_leaves_is_free(office, layer, name, one, other):
    """S42: what one row gave up in this upload another may take in it."""
    office.put(layer, "one", **one)
    phone = Device.of(office)
    phone.delete(layer, uuid_of("one"))
    phone.add(layer, uuid_of("other"), **one)

    assert (1, 1) == counts(phone.send(), "inserted", "deleted") and [] == office.inbox
    assert {**one}.items() <= office.row(layer, uuid_of("other")).items()


@pytest.mark.parametrize("layer, name, one, other", SWAPPED.values(), ids=SWAPPED)
def test_s42_of_two_new_rows_for_one_place_the_first_stays(office, phone, layer, name, one, other):
    """S42: both came in one upload; the first in the file has the place, the second waits."""
    phone.add(layer, uuid_of("one"), **one)
    phone.add(layer, uuid_of("other"), **{**other, name: one[name]})
    phone.send()
    item = only_item(office)

    assert (uuid_of("other"), ItemKind.CLASH) == (item.uuid, item.kind)
    assert Key(layer, uuid_of("one")) in office.rows


def test_s42_who_had_a_place_before_keeps_it(office):
    """S42: a row that cannot go where it wanted stays, and whoever wanted its place in the same upload waits."""
    office.put(TRAYS, "there", closure_uuid=N4, tray_number=5)
    phone = Device.of(office)
    office.put(TRAYS, "late", closure_uuid=N4, tray_number=6)
    phone.add(TRAYS, uuid_of("new"), closure_uuid=N4, tray_number=5)
    phone.edit(TRAYS, uuid_of("there"), tray_number=6)

    assert (0, 0, 2) == counts(phone.send(), "inserted", "updated", "held")
    assert (5, 6) == tuple(office.value(TRAYS, uuid_of(n), "tray_number") for n in ("there", "late"))
    assert {uuid_of("new"), uuid_of("there")} == {item.uuid for item in office.inbox}


def test_s42_a_place_is_not_lost_to_a_row_that_does_not_come_in(office, phone):
    """S42: the first claims a fibre but falls for another reason; the second, which only it stood in the way of, stays."""
    office.put(SPLICES, "late", **splice(T1, 5, (K2, 9, None), (K3, 9, None)))
    phone.add(SPLICES, uuid_of("first"), **splice(T1, 5, (K1, 7, "to"), (K2, 7, "from")))
    phone.add(SPLICES, uuid_of("second"), **splice(T1, 6, (K1, 7, "to"), (K3, 7, "from")))
    phone.send()

    assert uuid_of("first") == only_item(office).uuid
    assert Key(SPLICES, uuid_of("second")) in office.rows


@pytest.mark.parametrize("length", [5, 40])
def test_s42_a_long_chain_of_moves_that_cannot_be_made(office, length):
    """S42: every tray takes the next one's number, and the last number is taken: all stay, and so does who wanted the first."""
    for n in range(3, 3 + length):
        office.put(TRAYS, f"tray {n}", closure_uuid=N4, tray_number=n)
    phone = Device.of(office)
    office.put(TRAYS, "late", closure_uuid=N4, tray_number=3 + length)
    phone.add(TRAYS, uuid_of("new"), closure_uuid=N4, tray_number=3)
    for n in range(3, 3 + length):
        phone.edit(TRAYS, uuid_of(f"tray {n}"), tray_number=n + 1, capacity=n)
    receipt = phone.send()

    assert (0, length, length + 1) == counts(receipt, "inserted", "updated", "held")
    assert [(n, n) for n in range(3, 3 + length)] == [
        tuple(office.value(TRAYS, uuid_of(f"tray {n}"), name) for name in ("tray_number", "capacity"))
        for n in range(3, 3 + length)
    ]


ALLOWED = {
    "the other end of the fibre": splice(T1, 2, (K1, 1, "to"), (K3, 1, "from")),
    "another fibre": splice(T1, 2, (K1, 2, None), (K2, 2, None)),
    "the same fibre in another closure": splice(uuid_of("far tray"), 1, (K1, 1, None), (K3, 1, None)),
    "both ends of one fibre": splice(T1, 2, (K3, 5, "from"), (K3, 5, "to")),
}


@pytest.mark.parametrize("mine", ALLOWED.values(), ids=ALLOWED)
def test_s42_a_fibre_has_two_ends(office, mine):
    """S42: a fibre that is spliced once can be spliced at its other end, here or elsewhere."""
    office.put(CLOSURES, "far", naziv="N-5", geometry=point(23))
    office.put(TRAYS, "far tray", closure_uuid=uuid_of("far"), tray_number=1)
    ends = ("from", "to") if "cable_a_end" in mine else (None, None)
    office.put(SPLICES, "first", **splice(T1, 1, (K1, 1, ends[0]), (K2, 1, ends[1])))
    phone = Device.of(office)
    phone.add(SPLICES, uuid_of("mine"), **mine)

    assert 1 == phone.send()["inserted"] and [] == office.inbox


def test_s42_both_ends_are_used(office):
    """S42: where nobody says which ends, two closures elsewhere use the fibre up."""
    for name in ("x", "y", "z"):
        office.put(CLOSURES, f"closure {name}", naziv=name, geometry=point(23))
        office.put(TRAYS, f"tray {name}", closure_uuid=uuid_of(f"closure {name}"), tray_number=1)
    office.put(SPLICES, "1", **splice(uuid_of("tray x"), 1, (K1, 1, None), (K2, 1, None)))
    office.put(SPLICES, "2", **splice(uuid_of("tray y"), 1, (K1, 1, None), (K3, 1, None)))
    phone = Device.of(office)
    phone.add(SPLICES, uuid_of("3"), **splice(uuid_of("tray z"), 1, (K1, 1, None), (K3, 9, None)))
    phone.send()

    assert "fibre 1 of underground cable K-1 is already spliced in splice closure x" in only_item(office).reason


def test_a_splice_of_a_fibre_with_itself(office, phone):
    """A splice joins two fibres; a row that names one twice is rejected, unless it names two ends of it."""
    phone.add(SPLICES, uuid_of("s"), **splice(T1, 1, (K1, 1, None), (K1, 1, None)))
    phone.send()

    assert (ItemKind.REJECTED, True) == (only_item(office).kind, "two different fibres" in only_item(office).reason)


def from_elsewhere(office: Office, layer: str, name: str, **values: Any) -> None:
    """A row that came past all checks, by SQL or from an old server."""
    made = Write(Key(layer, uuid_of(name)), None, Row(values))
    office.apply(Author("sql"), [made], (), Source.SQL, None)


@pytest.mark.parametrize(
    "first, second",
    [
        (splice(T1, 1, (K1, 1, None), (K2, 1, None)), splice(T1, 2, (K1, 1, None), (K3, 1, None))),
        (splice(T1, 1, (K1, 1, None), (K2, 1, None)), splice(T1, 2, (K3, 1, None), (K3, 1, None))),
    ],
    ids=["one fibre twice in a closure", "a fibre with itself"],
)
def test_what_stood_before_may_stay(office, first, second):
    """Only what an upload changes has to stand: a measured loss is written whatever else is wrong with the splice."""
    for name, values in (("first", first), ("second", second)):
        from_elsewhere(office, SPLICES, name, **values)
    phone = Device.of(office)
    for name in ("first", "second"):
        phone.edit(SPLICES, uuid_of(name), loss_db=0.05)

    assert 2 == phone.send()["updated"] and [] == office.inbox


def test_a_row_that_was_never_complete_can_be_edited(office):
    """A photo without a file, from an old server, can get a caption; only new rows have to be complete."""
    from_elsewhere(office, PHOTOS, "p", taken_by_sub=WORKER.subject)
    phone = Device.of(office)
    phone.edit(PHOTOS, uuid_of("p"), caption="x")

    assert 1 == phone.send()["updated"] and [] == office.inbox


def test_s42_whoever_used_a_fibre_before_comes_first(office):
    """S42: two patches that are edited in the same upload go on using both ends, though they come later in the file."""
    office.put(ELEMENTS, "e2", naziv="ODF-2", geometry=point(23))
    for n, element in enumerate((E1, uuid_of("e2")), 1):
        office.put(PATCHES, f"patch {n}", **patch(element, 1, K1, 7))
    phone = Device.of(office)
    phone.add(SPLICES, uuid_of("s"), **splice(T1, 1, (K1, 7, None), (K2, 7, None)))
    for n in (1, 2):
        phone.edit(PATCHES, uuid_of(f"patch {n}"), connector_type="LC/UPC")

    assert (0, 2, ["clash"]) == (*counts(phone.send(), "inserted", "updated"), office.kinds())


def test_an_edit_beside_a_place_needs_no_place(office):
    """Whatever else is in its tray, a splice whose loss was measured keeps its fibres."""
    office.put(SPLICES, "s", **splice(T1, 1, (K1, 1, "to"), (K2, 1, "from")))
    phone = Device.of(office)
    phone.edit(SPLICES, uuid_of("s"), loss_db=0.05)
    phone.send()

    assert (0.05, []) == (office.value(SPLICES, uuid_of("s"), "loss_db"), office.inbox)


# S26: parents


def test_s26_a_child_of_a_deleted_parent_waits(office, phone):
    """S26: a tray of a closure that somebody deleted goes to the inbox, with the closure's name."""
    for tray in (T1, T2):
        office.delete(TRAYS, tray)
    office.delete(CLOSURES, N4)
    phone.add(TRAYS, uuid_of("t3"), closure_uuid=N4, tray_number=3)
    receipt = phone.send()
    item = only_item(office)

    assert (0, 1) == (receipt["inserted"], receipt["rejected"])
    assert "it belongs to splice closure N-4, which is no longer there" == item.reason


def test_s26_an_existing_row_stays_with_its_parent(office, phone):
    """S26: a tray moved to a closure that is gone stays where it was; its other edits apply."""
    office.put(CLOSURES, "n5", naziv="N-5", geometry=point(23))
    phone = Device.of(office)
    office.delete(CLOSURES, uuid_of("n5"))
    phone.edit(TRAYS, T1, closure_fid=2, capacity=24)
    phone.send()

    assert (N4, 24) == (office.value(TRAYS, T1, "closure_uuid"), office.value(TRAYS, T1, "capacity"))
    assert ("rejected", "closure_uuid") == (only_item(office).kind.value, only_item(office).field)


def test_s26_a_parent_that_nobody_knows(office, phone):
    """S26: a reference to a row that never was here is no reference."""
    phone.add(TRAYS, uuid_of("t3"), closure_uuid=uuid_of("nowhere"), tray_number=3)
    phone.send()

    assert f"it belongs to row {uuid_of('nowhere')}, which is not known here" == only_item(office).reason


def test_s26_a_parent_in_a_layer_that_it_cannot_be_in(office, phone):
    """A tray belongs to a closure; a pole with that uuid is none."""
    pole = office.put(POLES, "p", naziv="P-1")
    phone.add(TRAYS, uuid_of("t3"), closure_uuid=pole, tray_number=3)
    phone.send()

    assert (ItemKind.REJECTED, 2) == (only_item(office).kind, len(office.all(TRAYS)))


def test_a_held_parent_holds_its_new_children(office, phone):
    """S26, S42: a tray whose number is taken waits, and so do its splices; one decision each brings them in."""
    office.put(TRAYS, "theirs", closure_uuid=N4, tray_number=3)
    tray = phone.add(TRAYS, closure_uuid=N4, tray_number=3)
    phone.add(SPLICES, uuid_of("s"), **{**splice(position=1), "tray_uuid": None} | {"tray_fid": tray})
    phone.add(SPLICES, uuid_of("other"), **splice(T1, 2, (K1, 2, None), (K2, 2, None)))
    receipt = phone.send()
    held_tray, held_splice = office.inbox

    assert (1, 2) == (receipt["inserted"], receipt["held"] + receipt["rejected"])
    assert "it belongs to tray 3 of splice closure N-4, which waits itself" == held_splice.reason
    office.edit(TRAYS, uuid_of("theirs"), tray_number=4)
    office.decide(held_tray, Decision.TAKE_MINE)
    office.decide(held_splice, Decision.TAKE_MINE)
    assert 2 == len(office.all(SPLICES))


def test_a_parent_that_came_in_wrong_holds_its_children_too(office, phone):
    """S23, S41: an area without a geometry cannot stand, and a photo of it waits with it."""
    area = phone.add(AREAS, name="A")
    phone.add(PHOTOS, photo_path="a.jpg", related_type=AREAS, related_fid=area)
    phone.send()

    assert ["rejected", "rejected"] == office.kinds()
    assert ([], []) == (office.all(AREAS), office.all(PHOTOS))


@pytest.mark.parametrize(
    "layer, values, missing",
    [
        (TRAYS, {"tray_number": 1}, "Splice closures"),
        (TRAYS, {"closure_uuid": N4}, "Tray number"),
        (AREAS, {"name": "A"}, "a geometry"),
        (PHOTOS, {"caption": "x"}, "Photo"),
    ],
)
def test_new_rows_without_what_they_cannot_stand_without(office, phone, layer, values, missing):
    """A new row that lacks what its layer requires waits whole, and the reason names what is missing."""
    phone.add(layer, uuid_of("new"), **values)
    phone.send()
    item = only_item(office)

    assert (ItemKind.REJECTED, values) == (item.kind, wish(item))
    assert missing in item.reason


# S43: children


def test_s43_a_parent_to_which_somebody_added_a_child_is_not_deleted(office, phone):
    """S43: the deletion waits, with who added what; what the device deleted of the rest is deleted."""
    office.put(TRAYS, "t3", closure_uuid=N4, tray_number=3)
    for layer, uuid in ((TRAYS, T1), (TRAYS, T2), (CLOSURES, N4)):
        phone.delete(layer, uuid)
    receipt = phone.send()
    item = only_item(office)

    assert (2, 1) == (receipt["deleted"], receipt["held"])
    assert (ItemKind.HELD_DELETE, N4) == (item.kind, item.uuid)
    assert f"it was not deleted, since it still has tray 3 of splice closure N-4, by {SOMEBODY}" == item.reason


def test_s43_a_held_deletion_holds_those_above_it(office):
    """S43: a splice was added; its tray stays, and so does the tray's closure."""
    phone = Device.of(office)
    office.put(SPLICES, "s", **splice(T1))
    for layer, uuid in ((TRAYS, T1), (TRAYS, T2), (CLOSURES, N4)):
        phone.delete(layer, uuid)
    receipt = phone.send()

    assert (1, 2, {T1, N4}) == (receipt["deleted"], receipt["held"], {item.uuid for item in office.inbox})


def test_s43_a_family_goes_together(office, phone):
    """S08: a closure with all its trays, deleted in one upload, is deleted."""
    for layer, uuid in ((CLOSURES, N4), (TRAYS, T1), (TRAYS, T2)):
        phone.delete(layer, uuid)

    assert 3 == phone.send()["deleted"] and [] == office.inbox


def test_s43_many_children_are_counted(office):
    """S43: the reason names five and counts the rest."""
    for n in range(3, 9):
        office.put(TRAYS, f"tray {n}", closure_uuid=N4, tray_number=n)
    phone = Device.of(office)
    phone.delete(CLOSURES, N4)
    phone.send()

    assert "; and 3 more" in only_item(office).reason


def test_s43_a_child_that_the_same_upload_moves_away_does_not_hold(office):
    """S43: what refers to the row now, and would not any more, holds nothing back."""
    office.put(CLOSURES, "n5", naziv="N-5", geometry=point(23))
    phone = Device.of(office)
    phone.edit(TRAYS, T1, closure_uuid=uuid_of("n5"))
    phone.edit(TRAYS, T2, closure_uuid=uuid_of("n5"))
    phone.delete(CLOSURES, N4)

    assert (2, 1) == counts(phone.send(), "updated", "deleted")


def test_s26_s43_a_file_that_contradicts_itself(office, phone):
    """S26: a new tray of a closure that the same file deletes waits; the deletion, which it alone held, is made."""
    for layer, uuid in ((CLOSURES, N4), (TRAYS, T1), (TRAYS, T2)):
        phone.delete(layer, uuid)
    phone.add(TRAYS, uuid_of("t3"), closure_uuid=N4, tray_number=3)
    receipt = phone.send()

    assert (3, 0, 1) == (receipt["deleted"], receipt["inserted"], receipt["rejected"])
    assert uuid_of("t3") == only_item(office).uuid


def test_s43_a_device_that_wins_deletes_no_children(office, phone):
    """S43 is no matter of policy: a deletion that would leave somebody's row without its parent waits."""
    office.policy = ConflictPolicy.DEVICE_WINS
    office.put(TRAYS, "t3", closure_uuid=N4, tray_number=3)
    phone.delete(CLOSURES, N4)
    phone.send()

    assert ["held_delete"] == office.kinds()


# S49


def test_s49_each_row_by_its_own_case(office, phone):
    """S49: an edit, a conflict, a new row, a deletion and a clash in one file take one revision."""
    manhole = office.put(OKNA, "m", broj_okna="7", naziv="M")
    phone = Device.of(office)
    office.put(TRAYS, "late", closure_uuid=N4, tray_number=3)
    office.edit(OKNA, manhole, naziv="office")
    before = office.revision
    phone.edit(OKNA, manhole, naziv="x", broj_okna="8")
    phone.add(TRAYS, uuid_of("mine"), closure_uuid=N4, tray_number=3)
    phone.add(TRAYS, uuid_of("mine too"), closure_uuid=N4, tray_number=4)
    phone.delete(ELEMENTS, E1)
    phone.edit(CABLES, K1, **{GEOMETRY: None})
    receipt = phone.send(WORKER)

    assert before + 1 == office.revision == receipt["revision_after"]
    assert (2, 1, 1, 1, 1) == counts(receipt, "updated", "inserted", "deleted", "conflicts", "held")
    assert ("office", "8") == (office.value(OKNA, manhole, "naziv"), office.value(OKNA, manhole, "broj_okna"))


def test_s42_a_long_chain_of_moves_that_ends_nowhere_ends_all_the_same(office):
    """S42: each splice moves up by one and the last place is taken; nobody moves, and other edits of the rows apply."""
    names = [f"s{n}" for n in range(1, 61)]
    for n, name in enumerate(names, 1):
        office.put(SPLICES, name, **splice(position=n, a=(K1, n, None), b=(K2, n, None)))
    phone = Device.of(office)
    office.put(SPLICES, "last", **splice(position=61, a=(K1, 61, None), b=(K2, 61, None)))
    for n, name in enumerate(names, 1):
        phone.edit(SPLICES, uuid_of(name), position_in_tray=n + 1, notes="moved")
    receipt = phone.send()

    assert (60, 60) == counts(receipt, "updated", "held") and {"clash"} == set(office.kinds())
    assert [*range(1, 61)] == [office.value(SPLICES, uuid_of(name), "position_in_tray") for name in names]
    assert {"moved"} == {office.value(SPLICES, uuid_of(name), "notes") for name in names}


def test_s42_a_long_chain_of_moves_that_can_stand_is_made(office):
    """S42: each splice moves up by one into a free place at the end; all of them do."""
    names = [f"s{n}" for n in range(1, 61)]
    for n, name in enumerate(names, 1):
        office.put(SPLICES, name, **splice(position=n, a=(K1, n, None), b=(K2, n, None)))
    phone = Device.of(office)
    for n, name in enumerate(names, 1):
        phone.edit(SPLICES, uuid_of(name), position_in_tray=n + 1)

    assert (60, 0) == counts(phone.send(), "updated", "held")


def test_s26_a_long_chain_of_jumpers_that_hangs_on_nothing_ends_all_the_same(office, phone):
    """S26: each new patch has its jumper to the next, the last to nowhere; all of them wait, none one by one."""
    names = [f"p{n}" for n in range(60)]
    for n, (name, after) in enumerate(pairwise([*names, "nowhere"]), 1):
        phone.add(PATCHES, uuid_of(name), element_uuid=E1, port_number=n, connected_to_uuid=uuid_of(after))
    phone.add(PATCHES, uuid_of("alone"), element_uuid=E1, port_number=99)
    receipt = phone.send()

    assert (1, {uuid_of("alone")}) == (receipt["inserted"], {k.uuid for k in office.rows if k.layer == PATCHES})
    assert {*map(uuid_of, names)} == {item.uuid for item in office.inbox}
    assert len({item.reason for item in office.inbox}) < len(names) / 2


def test_s43_a_long_chain_of_jumpers_that_must_stay_ends_all_the_same(office):
    """S43: patches are deleted of which each has a jumper to the next, and somebody had one to the first; all stay."""
    names = [f"p{n}" for n in range(60)]
    for n, (after, name) in enumerate(pairwise(["", *reversed(names)]), 1):
        more = {"connected_to_uuid": uuid_of(after)} if after else {}
        office.put(PATCHES, name, element_uuid=E1, port_number=n, **more)
    phone = Device.of(office)
    office.put(PATCHES, "late", element_uuid=E1, port_number=99, connected_to_uuid=uuid_of("p0"))
    for name in names:
        phone.delete(PATCHES, uuid_of(name))
    receipt = phone.send()

    assert 0 == receipt["deleted"]
    assert 61 == len(office.all(PATCHES))


def test_names_of_rows_that_are_in_each_other_come_to_an_end(office, phone):
    """S42, S26: two splices want one position of a tray that says it is in itself; they wait, and it does."""
    phone.add(TRAYS, uuid_of("odd"), closure_uuid=uuid_of("odd"), tray_number=9)
    for n in (1, 2):
        phone.add(SPLICES, uuid_of(f"s{n}"), **splice(uuid_of("odd"), 5, (K1, n, None), (K2, n, None)))
    receipt = phone.send()

    assert (0, 3) == (receipt["inserted"], receipt["held"] + receipt["rejected"])
    assert any("position 5 in tray 9 of " in item.reason for item in office.inbox)


def test_one_fibre_in_every_row_costs_no_more_than_another(monkeypatch):
    """A form that says fibre 1 in every splice is no reason to compare every row with every other."""
    compared = []

    def watched(*given: Any) -> bool:
        compared.append(given)
        return _goes_before(*given)

    monkeypatch.setattr(checking, "_goes_before", watched)
    settle_splices(400)

    assert 400 <= len(compared) < 10 * 400  # every row with every other would be 400 times


def settle_splices(rows: int) -> None:
    """Check so many new splices, all of one fibre of each of two cables: one of them can stand."""
    known = {Key(TRAYS, T1): Row({"tray_number": 1}), Key(CABLES, K1): Row(), Key(CABLES, K2): Row()}
    world = World(rows={key: Stored(key, row, 1, 1, 1) for key, row in known.items()})
    candidates = []
    for n in range(1, rows + 1):
        key, row = Key(SPLICES, uuid_of(f"s{n}")), Row(splice(position=n))
        candidates.append(Candidate(Proposal(Change(key, None, row)), Write(key, None, row)))
    plan = settle(Draft(Cause(WORKER, "", "phone"), tuple(candidates), ()), world)
    assert (1, rows - 1) == (len(plan.candidates), len(plan.held))
