"""The same thing drawn twice (S44): both stay, and a person is told."""

import math

import pytest

from fiberq_core.geometry import METRES_PER_DEGREE
from fiberq_core.inbox import Decision, ItemKind
from fiberq_core.rows import Key
from tests.core.offline import CABLES, OKNA, POLES, TRAYS, Device, Office, line, point, uuid_of

LAT = 44.0


def east(metres: float, lat: float = LAT) -> float:
    """So many metres east of 21° E, in degrees."""
    return 21 + metres / METRES_PER_DEGREE / math.cos(math.radians(lat))


@pytest.fixture
def office():
    """An empty project."""
    return Office()


@pytest.fixture
def phone(office):
    """A device that left before anything was drawn."""
    return Device.of(office)


@pytest.mark.parametrize(
    "metres, lat, told",
    [(0, 44, True), (0.9, 44, True), (1.1, 44, False), (0.9, 0, True), (0.9, 69, True), (1.1, 69, False)],
)
def test_s44_within_a_metre(office, phone, metres, lat, told):
    """S44: less than a metre apart on the ground is told, wherever that is; both rows stay."""
    office.put(POLES, "theirs", geometry=point(21, lat))
    phone.add(POLES, uuid_of("mine"), geometry=point(east(metres, lat), lat))
    receipt = phone.send()

    assert (1, int(told), ["duplicate"] * told) == (receipt["inserted"], receipt["held"], office.kinds())
    assert 2 == len(office.all(POLES))


OTHERS = {
    "another type": (OKNA, {"tip": "D1", "geometry": point(21)}, {"tip": "D2", "geometry": point(21)}, False),
    "the same type": (OKNA, {"tip": "D1", "geometry": point(21)}, {"tip": "D1", "geometry": point(21)}, True),
    "no type": (OKNA, {"geometry": point(21)}, {"geometry": point(21)}, True),
    "one without a place": (POLES, {}, {"geometry": point(21)}, False),
    "both without a place": (POLES, {}, {}, False),
    "lines that touch end to end": (
        CABLES, {"geometry": line((21, 44), (22, 44))}, {"geometry": line((22, 44), (23, 44))}, False,
    ),
    "a part of a line": (
        CABLES, {"geometry": line((21, 44), (22, 44))}, {"geometry": line((21, 44), (21.5, 44))}, False,
    ),
    "a line drawn twice": (
        CABLES, {"geometry": line((21, 44), (22, 44))}, {"geometry": line((21, 44 + 4e-6), (22, 44))}, True,
    ),
    "a line drawn backwards": (
        CABLES, {"geometry": line((21, 44), (22, 44))}, {"geometry": line((22, 44), (21, 44))}, True,
    ),
    "a shape that no library can draw": (CABLES, {"geometry": b"\x01\x02\x00\x00\x00"}, {"geometry": point(21)}, False),
}  # fmt: skip


@pytest.mark.parametrize("layer, theirs, mine, told", OTHERS.values(), ids=OTHERS)
def test_s44_the_same_thing(office, phone, layer, theirs, mine, told):
    """S44: same layer, same type, and no part of the one farther than a metre from the other."""
    office.put(layer, "theirs", **theirs)
    phone.add(layer, uuid_of("mine"), **mine)
    phone.send()

    assert ["duplicate"] * told == office.kinds()


def test_s44_other_layers_are_other_things(office, phone):
    """S44: a pole beside a manhole is no duplicate."""
    office.put(POLES, "theirs", geometry=point(21))
    phone.add(OKNA, uuid_of("mine"), geometry=point(21))
    phone.send()

    assert [] == office.kinds()


def test_s44_what_the_device_had_received_is_known_to_it(office):
    """S44: whoever draws a pole beside one that they see means it."""
    office.put(POLES, "theirs", geometry=point(21))
    phone = Device.of(office)
    phone.add(POLES, uuid_of("mine"), geometry=point(21))
    phone.send()

    assert [] == office.kinds()


def test_s44_ones_own_rows_are_no_duplicates(office, phone):
    """S44: neither two rows of one upload, nor one of an earlier upload of the same copy, came from elsewhere."""
    phone.add(POLES, uuid_of("a"), geometry=point(21))
    phone.add(POLES, uuid_of("b"), geometry=point(21))
    phone.send()
    phone.add(POLES, uuid_of("c"), geometry=point(21))
    phone.send()

    assert ([], 3) == (office.kinds(), len(office.all(POLES)))


def test_s44_an_edit_is_no_new_thing(office):
    """S44: a pole that was moved beside another was not drawn twice; nor was one that comes back."""
    office.put(POLES, "old", geometry=point(22))
    phone = Device.of(office)
    office.put(POLES, "theirs", geometry=point(21))
    phone.edit(POLES, uuid_of("old"), geometry=point(21))
    phone.send()
    office.delete(POLES, uuid_of("theirs"))
    office.undo(office.revision)

    assert ([], 2) == (office.kinds(), len(office.all(POLES)))


def test_s44_each_new_row_is_told_of_once(office, phone):
    """S44: one item per row of the device, however many it lies beside; sent again it is not told again."""
    for name in "abc":
        office.put(POLES, name, geometry=point(21))
    phone.add(POLES, uuid_of("mine"), geometry=point(21))
    phone.send()
    phone.send()
    [item] = office.inbox

    assert (ItemKind.DUPLICATE, uuid_of("mine")) == (item.kind, item.uuid)
    assert "number 1 " in item.reason


@pytest.mark.parametrize("decision, left", [(Decision.TAKE_BOTH, 2), (Decision.DISMISS, 2), (Decision.KEEP_SERVER, 1)])
def test_s44_decisions(office, phone, decision, left):
    """S44: both may stay; keeping the server's takes the device's row away again."""
    office.put(POLES, "theirs", geometry=point(21))
    phone.add(POLES, uuid_of("mine"), geometry=point(21))
    phone.send()
    [item] = office.inbox

    office.decide(item, decision)

    assert left == len(office.all(POLES)) and Key(POLES, uuid_of("theirs")) in office.rows


def test_s44_layers_without_places_have_no_duplicates(office, phone):
    """S44: rows that lie nowhere are compared with nothing."""
    office.put("Splice_closures", "c", naziv="N")
    phone.add(TRAYS, uuid_of("t"), closure_uuid=uuid_of("c"), tray_number=1)
    phone.send()

    assert [] == office.kinds()


def test_s44_the_nearest_of_the_same_type_is_told(office, phone):
    """S44: another type lies nearer, and a whole stack of poles at one place costs no more than one."""
    for n in range(300):
        office.put(POLES, f"stack {n}", tip="other", geometry=point(21, LAT))
    office.put(POLES, "theirs", tip="POLE", geometry=point(east(0.5), LAT))
    for n in range(300):
        phone.add(POLES, uuid_of(f"mine {n}"), tip="POLE", geometry=point(21, LAT))
    receipt = phone.send()

    assert (300, 300) == (receipt["inserted"], receipt["held"])
