"""Little work is done at once; much of it, or large geometries, beside the event loop."""

import threading
from itertools import chain, repeat

import pytest

from fiberq_aiohttp.flows.aside import BYTES, ROWS, aside, both_sides
from fiberq_core.changes import Change
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row

LARGE = Row({GEOMETRY: bytes(BYTES)})
SMALL = Row({"naziv": "OK-7", GEOMETRY: b"\x01"})


async def here(*rows: Row | None) -> bool:
    """Whether work on *rows* runs in the thread of the event loop."""
    return await aside(rows, threading.current_thread) is threading.current_thread()


@pytest.mark.parametrize(
    "rows, at_once",
    [
        ((), True),
        ((SMALL, None) * (ROWS // 2), True),
        ((SMALL,) * (ROWS + 1), False),
        ((LARGE,), True),
        ((LARGE, SMALL), False),
    ],
)
async def test_where_work_is_done(rows: tuple[Row | None, ...], at_once: bool) -> None:
    """What it is about decides: how many rows, and how much geometry is in them."""
    assert at_once is await here(*rows)


async def test_no_more_rows_are_looked_at_than_are_little() -> None:
    """That there are many rows is seen without going through all of them."""
    endless = chain([SMALL], repeat(SMALL))

    assert await aside(endless, threading.current_thread) is not threading.current_thread()


async def test_what_work_raises_is_raised() -> None:
    """In either place an error is the caller's."""
    for rows in ((), (SMALL,) * (ROWS + 1)):
        with pytest.raises(ValueError, match="not a number"):
            await aside(rows, int, "not a number")


def test_both_sides_of_changes() -> None:
    """A deletion is about the row that was there, a new row about what is to come."""
    key = Key("OKNA", "")

    assert [SMALL, None, None, LARGE] == list(both_sides([Change(key, SMALL, None), Change(key, None, LARGE)]))
