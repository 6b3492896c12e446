"""What a large upload allocates makes no request wait for the garbage collector."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from fiberq_aiohttp import serving


class Knot:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """The collector afterwards as it was before."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


def full_looks() -> int:
    """How often the collector has looked at everything."""
    return int(gc.get_stats()[2]["collections"])


def test_rows_of_an_upload_are_not_looked_through() -> None:
    """However many there are."""
    serving.set_startup_aside()
    before = full_looks()
    rows = [(number, [number]) for number in range(1_000_000)]

    assert before == full_looks()
    assert 1_000_000 == len(rows)


def test_young_garbage_goes_soon() -> None:
    """Knots that are dropped at once are found without a look at everything."""
    serving.set_startup_aside()
    before, knot = full_looks(), weakref.ref(Knot())
    kept: list[object] = [[] for _ in range(10 * serving.YOUNG)]

    assert knot() is None
    assert (before, 10 * serving.YOUNG) == (full_looks(), len(kept))


async def test_old_garbage_goes_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lived long before it was dropped is found by the look from time to time."""
    monkeypatch.setattr(serving, "COLLECT", 0.01)
    serving.set_startup_aside()
    knot, gone = Knot(), asyncio.Event()
    kept: list[object] = [[] for _ in range(200 * serving.YOUNG)]  # old by now
    seen = weakref.ref(knot, lambda _: gone.set())
    del knot, kept
    assert seen() is not None

    task = asyncio.create_task(serving._collect())
    async with asyncio.timeout(5):
        await gone.wait()
    task.cancel()
