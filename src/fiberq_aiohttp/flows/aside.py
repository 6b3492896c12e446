"""Pure work: done at once where it is little, in a thread where it would keep the event loop from everybody else.

To hand work to a thread costs more than to decide about a few rows, and most uploads have a few rows.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, ParamSpec, TypeVar

from fiberq_core.changes import Change
from fiberq_core.rows import Row

P = ParamSpec("P")
T = TypeVar("T")
ROWS: Final = 100  # rows that are little work: some milliseconds
BYTES: Final = 1 << 18  # of geometry in them


async def aside(about: Iterable[Row | None], work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What *work* returns; *about*: the rows that it looks at."""
    if little(about):
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)


def little(rows: Iterable[Row | None]) -> bool:
    """Whether work on *rows* takes less than to hand it over; looks at no more of them than that takes."""
    some = list(islice(rows, ROWS + 1))
    return len(some) <= ROWS and sum(len(row.geometry or b"") for row in some if row is not None) <= BYTES


def both_sides(changes: Iterable[Change]) -> Iterable[Row | None]:
    """The rows that *changes* are about."""
    return (row for change in changes for row in (change.base, change.sent))
