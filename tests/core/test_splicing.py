"""Who made a splice, and when: through the whole core, and as a table."""

import pytest

from fiberq_core.fibre.splicing import stamped
from fiberq_core.rows import Row
from tests.core.offline import AT, CABLES, CLOSURES, SPLICES, TRAYS, WORKER, Device, Office, line, point, uuid_of

THEN, ME = "2024-01-01T00:00:00.000Z", WORKER.subject


@pytest.fixture
def office():
    """A closure with a tray, and a planned splice in it."""
    office = Office()
    for name in ("k1", "k2"):
        office.put(CABLES, name, geometry=line((21, 44), (22, 44)))
    office.put(CLOSURES, "n", geometry=point(21))
    office.put(TRAYS, "t", closure_uuid=uuid_of("n"), tray_number=1)
    office.put(SPLICES, "s", tray_uuid=uuid_of("t"), position_in_tray=1, status="planned")
    return office


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ({"status": "planned"}, {"status": "spliced"}, (ME, AT)),
        ({}, {"status": "spliced"}, (ME, AT)),
        ({}, {"status": "tested"}, (ME, AT)),
        ({}, {"status": "planned"}, (None, None)),
        ({}, {"status": "faulty"}, (None, None)),
        ({"status": "spliced"}, {"status": "spliced"}, (None, None)),
        ({}, {"status": "spliced", "spliced_by_sub": "mila"}, ("mila", None)),
        ({}, {"status": "spliced", "spliced_at": THEN}, (None, THEN)),
        ({"status": "spliced", "spliced_by_sub": "mila", "spliced_at": THEN}, {"status": "tested"}, ("mila", THEN)),
        ({"status": "faulty", "spliced_by_sub": "mila", "spliced_at": THEN}, {"status": "spliced"}, (ME, AT)),
        ({"status": "spliced", "spliced_by_sub": "mila", "spliced_at": THEN}, {"status": "faulty"}, ("mila", THEN)),
    ],
)
def test_stamps(before, after, expected):
    """Set when a splice becomes spliced; what somebody says stands; to measure one is not to make it."""
    made = stamped(Row(before), Row({**before, **after}), AT, WORKER)

    assert expected == (made.get("spliced_by_sub"), made.get("spliced_at"))


def test_a_crew_makes_a_splice(office):
    """What the server filled in is nobody's edit: the same file, sent again and edited on, meets no conflict."""
    phone = Device.of(office)
    phone.edit(SPLICES, uuid_of("s"), status="spliced")
    phone.send()
    assert (ME, AT) == tuple(office.value(SPLICES, uuid_of("s"), n) for n in ("spliced_by_sub", "spliced_at"))

    phone.edit(SPLICES, uuid_of("s"), loss_db=0.05)
    phone.add(SPLICES, uuid_of("new"), tray_uuid=uuid_of("t"), position_in_tray=2, status="spliced")
    phone.send()
    phone.edit(SPLICES, uuid_of("new"), loss_db=0.07)
    phone.send()

    assert [] == office.inbox
    assert (ME, AT, 0.07) == tuple(
        office.value(SPLICES, uuid_of("new"), n) for n in ("spliced_by_sub", "spliced_at", "loss_db")
    )
