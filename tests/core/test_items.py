"""Items of an order: who did them and when is the server's to say, unless somebody said so."""

import pytest

from fiberq_core.items import STAMPS, begun, stamped
from fiberq_core.registry import LAYER
from fiberq_core.rows import Row
from tests.core.offline import AT, WORKER

PENDING, DONE = Row({"item_type": "splice", "status": "pending"}), Row({"item_type": "splice", "status": "done"})
STAMPED = DONE.with_values({"completed_at": AT, "completed_by_sub": WORKER.subject})
THEN = "2025-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "before, after, expected",
    [
        (PENDING, DONE, STAMPED),
        (PENDING, DONE.with_values({"completed_at": THEN}), STAMPED.with_values({"completed_at": THEN})),
        (STAMPED, STAMPED.with_values({"status": "pending"}), PENDING),
        (STAMPED, STAMPED.with_values({"notes": "x"}), STAMPED.with_values({"notes": "x"})),
        (PENDING, PENDING.with_values({"notes": "x"}), PENDING.with_values({"notes": "x"})),
        (DONE, DONE, DONE),
    ],
)
def test_done_and_undone(before: Row, after: Row, expected: Row) -> None:
    """Only the step itself is stamped; what somebody noted stays, and undoing takes both back."""
    assert expected == stamped(before, after, AT, WORKER)


def test_an_item_that_comes_in_done() -> None:
    """A crew adds what it did beside the plan."""
    assert STAMPED == begun(DONE, AT, WORKER)
    assert PENDING == begun(PENDING, AT, WORKER)


def test_columns_are_of_the_registry() -> None:
    """What is filled in can be stored."""
    assert {column.name for column in LAYER["work_order_items"].columns} >= STAMPS
