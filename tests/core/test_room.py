"""Whether there is room: e.1 of the reference, through the whole core on a store in memory."""

import re
from typing import Any

import pytest

from fiberq_core.changes import Source, Write
from fiberq_core.fibre.limits import fits, room, shrinks
from fiberq_core.inbox import Author, Decision, ItemKind
from fiberq_core.rows import Key, Row
from tests.core.offline import (
    CABLES,
    CLOSURES,
    ELEMENTS,
    PATCHES,
    SPLICES,
    TRAYS,
    Device,
    Office,
    line,
    point,
    uuid_of,
    wish,
)

K1, K2, N4, T1, E1, SP = (uuid_of(name) for name in ("k1", "k2", "n4", "t1", "e1", "sp"))


@pytest.fixture
def office():
    """A closure for 3 trays and 4 splices, a tray for 12, a cable of 24 fibres and one nobody knows of, a panel, a splitter."""
    office = Office()
    office.put(CABLES, "k1", naziv="K-1", broj_vlakana=24, geometry=line((21, 44), (22, 44)))
    office.put(CABLES, "k2", naziv="K-2", geometry=line((21, 44), (22, 44)))
    office.put(CLOSURES, "n4", naziv="N-4", tray_count=3, max_splices=4, geometry=point(21))
    office.put(TRAYS, "t1", closure_uuid=N4, tray_number=1, tray_type="12F")
    office.put(ELEMENTS, "e1", naziv="ODF-1", kapacitet=24, geometry=point(22))
    office.put(ELEMENTS, "sp", naziv="SP-1", tip="Splitter", kapacitet=8, geometry=point(23))
    return office


def splice(position: int = 1, a: int = 1, b: int = 1, tray: str = T1) -> dict[str, Any]:
    """A splice's values."""
    return {
        "tray_uuid": tray, "position_in_tray": position, "cable_a_uuid": K1, "fiber_a_number": a,
        "cable_b_uuid": K2, "fiber_b_number": b,
    }  # fmt: skip


def patch(port: int = 1, fibre: int = 1, element: str = E1) -> dict[str, Any]:
    """A patch's values."""
    return {"element_uuid": element, "port_number": port, "fiber_cable_uuid": K1, "fiber_number": fibre}


def from_elsewhere(office: Office, layer: str, name: str, **values: Any) -> None:
    """A row that came past all checks, from an old server."""
    office.apply(Author("sql"), [Write(Key(layer, uuid_of(name)), None, Row(values))], (), Source.SQL, None)


BEYOND = {
    # what: (layer, what is wanted, how it is said)
    "tray": (TRAYS, {"closure_uuid": N4, "tray_number": 4}, "splice closure N-4 has room for 3 trays, so it has no tray 4"),
    "tray 0": (TRAYS, {"closure_uuid": N4, "tray_number": 0}, "splice closure N-4 has no tray 0: they are counted from 1"),
    "position": (
        SPLICES, splice(13), "tray 1 of splice closure N-4 has room for 12 splices, so it has no position 13",
    ),
    "position 0": (SPLICES, splice(0), "tray 1 of splice closure N-4 has no position 0: they are counted from 1"),
    "port": (PATCHES, patch(25), "element ODF-1 has 24 ports, so it has no port 25"),
    "splitter port": (PATCHES, patch(10, element=SP), "element SP-1 has 9 ports, so it has no port 10"),
    "fibre": (SPLICES, splice(1, 25), "underground cable K-1 has 24 fibres, so it has no fibre 25"),
    "fibre 0": (SPLICES, splice(1, 0), "underground cable K-1 has no fibre 0: they are counted from 1"),
    "fibre of an unknown cable": (
        SPLICES, splice(1, 1, 1153), "underground cable K-2 has 1152 fibres at the most, so it has no fibre 1153",
    ),
    "fibre at a port": (PATCHES, patch(1, 25), "underground cable K-1 has 24 fibres, so it has no fibre 25"),
}  # fmt: skip


@pytest.mark.parametrize("layer, mine, words", BEYOND.values(), ids=BEYOND)
def test_a_new_row_beyond_what_there_is(office, layer, mine, words):
    """It waits, in the words of the trade, with all that was sent."""
    phone = Device.of(office)
    phone.add(layer, uuid_of("mine"), **mine)
    receipt = phone.send()
    [item] = office.inbox

    assert (0, 1, ItemKind.REJECTED, words) == (receipt["inserted"], receipt["rejected"], item.kind, item.reason)
    assert mine == wish(item)


@pytest.mark.parametrize("layer, mine, words", BEYOND.values(), ids=BEYOND)
def test_an_existing_row_keeps_what_it_had(office, layer, mine, words):
    """Only the field that does not fit waits; the others are written."""
    number = re.search(r"has no \w+ (\d+)", words)
    wrong = {n: v for n, v in mine.items() if number and v == int(number[1])}
    fitting = {n: 2 for n in mine if n.endswith(("_number", "_in_tray"))}
    office.put(layer, "mine", **{**mine, **fitting})
    before = office.row(layer, uuid_of("mine"))
    phone = Device.of(office)
    phone.edit(layer, uuid_of("mine"), **wrong, note="x")
    phone.send()
    [item] = office.inbox

    assert (words, {**before, "note": "x"}) == (item.reason, office.row(layer, uuid_of("mine")))
    assert wrong == wish(item)


@pytest.mark.parametrize("layer, mine, words", BEYOND.values(), ids=BEYOND)
def test_what_never_fitted_can_be_edited(office, layer, mine, words):
    """A row from an old server that breaks the rule can be changed in everything else."""
    from_elsewhere(office, layer, "mine", **mine)
    phone = Device.of(office)
    phone.edit(layer, uuid_of("mine"), note="x")

    assert 1 == phone.send()["updated"] and [] == office.inbox


FITS = {
    "last tray": (TRAYS, {"closure_uuid": N4, "tray_number": 3}),
    "last position": (SPLICES, splice(12)),
    "last port": (PATCHES, patch(24)),
    "last port of a splitter": (PATCHES, patch(9, element=SP)),
    "last fibre": (SPLICES, splice(1, 24, 1152)),
}


@pytest.mark.parametrize("layer, mine", FITS.values(), ids=FITS)
def test_the_last_place(office, layer, mine):
    """What fits is written."""
    phone = Device.of(office)
    phone.add(layer, uuid_of("mine"), **mine)

    assert 1 == phone.send()["inserted"] and [] == office.inbox


@pytest.mark.parametrize(
    "layer, name, values",
    [
        (CLOSURES, "n4", {"tray_count": None, "max_splices": 0}),
        (TRAYS, "t1", {"tray_type": "special"}),
        (ELEMENTS, "e1", {"kapacitet": 0}),
    ],
)
def test_what_nobody_knows_is_no_limit(office, layer, name, values):
    """0 or nothing means unknown."""
    office.edit(layer, uuid_of(name), **values)
    phone = Device.of(office)
    phone.add(TRAYS, uuid_of("t"), closure_uuid=N4, tray_number=3 if layer != CLOSURES else 99)
    phone.add(SPLICES, uuid_of("s"), **splice(12 if layer != TRAYS else 99))
    phone.add(PATCHES, uuid_of("p"), **patch(24 if layer != ELEMENTS else 99, 2))

    assert 3 == phone.send()["inserted"] and [] == office.inbox


SHRUNK = {
    "trays": (CLOSURES, "n4", {"tray_count": 2}, "splice closure N-4 still has tray 3 in use"),
    "splices": (CLOSURES, "n4", {"max_splices": 2}, "splice closure N-4 has 3 splices in it already"),
    "positions": (TRAYS, "t1", {"capacity": 6}, "tray 1 of splice closure N-4 still has position 12 in use"),
    "tray type": (TRAYS, "t1", {"tray_type": "6F"}, "tray 1 of splice closure N-4 still has position 12 in use"),
    "ports": (ELEMENTS, "e1", {"kapacitet": 12}, "element ODF-1 still has port 24 in use"),
    "fibres": (CABLES, "k1", {"broj_vlakana": 12}, "underground cable K-1 still has fibre 24 in use"),
}


@pytest.fixture
def filled(office):
    """The same, with the last places taken."""
    office.put(TRAYS, "t3", closure_uuid=N4, tray_number=3)
    office.put(SPLICES, "s1", **splice(1, 1, 1))
    office.put(SPLICES, "s3", **splice(3, 3, 3))
    office.put(SPLICES, "s12", **splice(12, 24, 2))
    office.put(PATCHES, "p24", **patch(24, 3))
    return office


@pytest.mark.parametrize("layer, name, values, words", SHRUNK.values(), ids=SHRUNK)
def test_room_that_is_in_use_is_not_taken_away(filled, layer, name, values, words):
    """What is smaller than what is in it waits; other fields are written, and once it is free it can be."""
    phone = Device.of(filled)
    phone.edit(layer, uuid_of(name), **values, note="x")
    phone.send()
    [item] = filled.inbox

    assert (ItemKind.CLASH, words, "x") == (item.kind, item.reason, filled.value(layer, uuid_of(name), "note"))
    for gone, where in (("s12", SPLICES), ("p24", PATCHES), ("t3", TRAYS)):
        filled.delete(where, uuid_of(gone))
    filled.decide(item, Decision.TAKE_MINE)
    assert values.items() <= filled.row(layer, uuid_of(name)).items()


@pytest.mark.parametrize("layer, name, values, words", SHRUNK.values(), ids=SHRUNK)
def test_room_may_be_made(filled, layer, name, values, words):
    """What was too small already may grow, even if not enough."""
    small = {n: v - 1 if isinstance(v, int) else v for n, v in values.items()}
    now = filled.rows[Key(layer, uuid_of(name))]
    write = Write(now.key, now, now.row.with_values(small))
    filled.apply(Author("sql"), [write], (), Source.SQL, None)
    phone = Device.of(filled)
    phone.edit(layer, uuid_of(name), **values, note="x")

    assert 1 == phone.send()["updated"] and [] == filled.inbox


def test_what_never_fitted_does_not_hold_a_tray_back(office):
    """A splice that lay beyond its tray all along is no reason against a tray that has room for all the others."""
    from_elsewhere(office, SPLICES, "beyond", **splice(13))
    phone = Device.of(office)
    phone.edit(TRAYS, T1, capacity=11)

    assert 1 == phone.send()["updated"] and [] == office.inbox


def test_a_holder_and_what_it_holds_in_one_upload(office):
    """A tray that grows and a splice at its new end come together."""
    phone = Device.of(office)
    phone.edit(TRAYS, T1, capacity=24)
    phone.add(SPLICES, uuid_of("s"), **splice(24))

    assert (1, 1) == ((receipt := phone.send())["inserted"], receipt["updated"]) and [] == office.inbox


def test_a_holder_that_shrinks_while_it_is_filled(office):
    """Of two that contradict each other in one upload, the new splice stays and the smaller tray waits."""
    phone = Device.of(office)
    phone.edit(TRAYS, T1, capacity=6)
    phone.add(SPLICES, uuid_of("s"), **splice(12))
    phone.send()
    [item] = office.inbox

    assert (TRAYS, "capacity") == (item.layer, item.field)
    assert Key(SPLICES, uuid_of("s")) in office.rows


def test_a_closure_has_room_for_so_many_splices(office):
    """The first that come have it; those too many wait."""
    phone = Device.of(office)
    for n in range(1, 7):
        phone.add(SPLICES, uuid_of(f"s{n}"), **splice(n, n, n))
    receipt = phone.send()

    assert (4, 2) == (receipt["inserted"], receipt["held"])
    assert {uuid_of("s5"), uuid_of("s6")} == {item.uuid for item in office.inbox}
    assert {(ItemKind.CLASH, "splice closure N-4 has room for 4 splices, and they are all there")} == {
        (item.kind, item.reason) for item in office.inbox
    }


def test_a_full_closure_can_be_worked_in(office):
    """In an over-full closure splices can be measured, moved from tray to tray, and taken away."""
    office.put(TRAYS, "t2", closure_uuid=N4, tray_number=2)
    for n in range(1, 7):
        from_elsewhere(office, SPLICES, f"s{n}", **splice(n, n, n))
    phone = Device.of(office)
    phone.edit(SPLICES, uuid_of("s1"), loss_db=0.05)
    phone.edit(SPLICES, uuid_of("s6"), tray_uuid=uuid_of("t2"))
    phone.delete(SPLICES, uuid_of("s2"))
    receipt = phone.send()

    assert (2, 1, []) == (receipt["updated"], receipt["deleted"], office.inbox)


@pytest.fixture
def two_closures(office):
    """The same, with two splices in it, and a tray with three splices in another closure."""
    office.put(CLOSURES, "n5", naziv="N-5", tray_count=3, geometry=point(24))
    office.put(TRAYS, "t5", closure_uuid=uuid_of("n5"), tray_number=2)
    for n in (1, 2):
        office.put(SPLICES, f"s{n}", **splice(n, n, n))
    for n in (3, 4, 5):
        office.put(SPLICES, f"s{n}", **splice(n, n, n, uuid_of("t5")))
    return office


def test_a_tray_comes_with_its_splices(two_closures):
    """Where there is no room for them, the tray stays in its closure, at its number; what else was said of it is written."""
    phone = Device.of(two_closures)
    phone.edit(TRAYS, uuid_of("t5"), closure_uuid=N4, tray_number=3, note="x")
    phone.send()
    [item] = two_closures.inbox
    tray = two_closures.row(TRAYS, uuid_of("t5"))

    assert "splice closure N-4 has room for 4 splices, and would have 5 with those of this tray" == item.reason
    assert (ItemKind.CLASH, {"closure_uuid": N4, "tray_number": 3}) == (item.kind, wish(item))
    assert (uuid_of("n5"), 2, "x") == (tray["closure_uuid"], tray["tray_number"], tray["note"])

    two_closures.delete(SPLICES, uuid_of("s3"))
    two_closures.decide(item, Decision.TAKE_MINE)
    assert N4 == two_closures.row(TRAYS, uuid_of("t5"))["closure_uuid"]


def test_a_tray_comes_without_those_that_leave_it(two_closures):
    """All of one upload counts together."""
    phone = Device.of(two_closures)
    phone.edit(TRAYS, uuid_of("t5"), closure_uuid=N4)
    phone.delete(SPLICES, uuid_of("s3"))

    assert (1, 1) == ((receipt := phone.send())["updated"], receipt["deleted"]) and [] == two_closures.inbox


def test_a_splice_goes_before_a_tray(two_closures):
    """Of a new splice and a tray that come into one closure, and together are too many, the tray waits."""
    phone = Device.of(two_closures)
    phone.edit(TRAYS, uuid_of("t5"), closure_uuid=N4)
    phone.add(SPLICES, uuid_of("s"), **splice(9, 9, 9))

    assert (1, [TRAYS]) == (phone.send()["inserted"], [item.layer for item in two_closures.inbox])


def test_the_second_tray_comes_where_the_first_one_waits(two_closures):
    """Each by itself: of two trays of which only the smaller one fits, that one comes."""
    two_closures.put(TRAYS, "t6", closure_uuid=uuid_of("n5"), tray_number=3)
    two_closures.put(SPLICES, "s6", **splice(6, 6, 6, uuid_of("t6")))
    phone = Device.of(two_closures)
    for number, name in enumerate(("t5", "t6"), 2):
        phone.edit(TRAYS, uuid_of(name), closure_uuid=N4, tray_number=number)
    phone.send()

    assert [uuid_of("t5")] == [item.uuid for item in two_closures.inbox]


def test_trays_of_a_full_closure_can_be_exchanged(two_closures):
    """One goes as another one comes."""
    phone = Device.of(two_closures)
    phone.edit(TRAYS, T1, closure_uuid=uuid_of("n5"), tray_number=2)
    phone.edit(TRAYS, uuid_of("t5"), closure_uuid=N4, tray_number=1)

    assert 2 == phone.send()["updated"] and [] == two_closures.inbox


def test_a_splice_that_comes_from_another_closure_has_no_turn_before_those_that_are_there(office):
    """Of a full closure, one splice is measured while another is moved into it: that one waits."""
    office.put(CLOSURES, "n5", naziv="N-5", geometry=point(22))
    office.put(TRAYS, "t5", closure_uuid=uuid_of("n5"), tray_number=1)
    office.put(SPLICES, "mover", **splice(1, 9, 9, uuid_of("t5")))
    for n in range(1, 5):
        office.put(SPLICES, f"s{n}", **splice(n, n, n))
    phone = Device.of(office)
    phone.edit(SPLICES, uuid_of("mover"), tray_fid=1, tray_uuid=T1, position_in_tray=9)
    phone.edit(SPLICES, uuid_of("s1"), loss_db=0.05)
    phone.send()

    assert (uuid_of("t5"), 0.05) == (
        office.value(SPLICES, uuid_of("mover"), "tray_uuid"), office.value(SPLICES, uuid_of("s1"), "loss_db")
    )  # fmt: skip
    assert ["splice closure N-4 has room for 4 splices, and they are all there"] == [i.reason for i in office.inbox]


@pytest.mark.parametrize(
    "layer, row, expected",
    [
        (TRAYS, {"capacity": 6, "tray_type": "12F"}, 6),
        (TRAYS, {"tray_type": " 24f "}, 24),
        (TRAYS, {"tray_type": "F"}, 0),
        (TRAYS, {"capacity": -1}, 0),
        (CLOSURES, {"tray_count": 4}, 4),
        (ELEMENTS, {"kapacitet": 24}, 24),
        (ELEMENTS, {"kapacitet": 8, "tip": "Splitter"}, 9),
        (CABLES, {"total_fibers": 48}, 48),
        ("OKNA", {"kapacitet": 4}, 0),
    ],
)
def test_rooms(layer, row, expected):
    """How much each has room for."""
    assert expected == room(layer, Row(row))
    assert expected == 0 or (fits(layer, Row(row), expected) and not fits(layer, Row(row), expected + 1))


@pytest.mark.parametrize("was, now, expected", [(12, 6, True), (None, 6, True), (6, 12, False), (6, None, False), (6, 6, False)])  # fmt: skip
def test_shrinking(was, now, expected):
    """Less is less; what was not known was no limit."""
    before, after = (Row({"capacity": n} if n else {}) for n in (was, now))

    assert expected is shrinks(TRAYS, before, after)
