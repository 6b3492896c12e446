"""The move itself: read, write, compare; then, and only then, keep."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from attrs import frozen

from fiberq_core.errors import Invalid, StoreUnavailable
from fiberq_storage.files.bringing import Volumes, bringing
from fiberq_storage.moving import database, embedded
from fiberq_storage.moving.parts import PARTS, End, Part, Tally
from fiberq_storage.postgis.connection import Settings

SAME_KIND = "Both are data folders. `fiberq backup` and `fiberq restore` copy one into another"
DIFFERS = "{} did not arrive as it was read: {} records, {} written. Nothing was moved; please report this"


@frozen
class Place:
    """Where a store is: a data folder, or a database; and where its files are."""

    store: Path | Settings
    volumes: Volumes


@frozen
class Moved:
    """What was moved: records by table, and files by volume (also where that stayed where it was)."""

    records: Mapping[str, int]
    files: Mapping[str, int]


async def move(source: Place, target: Place) -> Moved:
    """Take everything from *source* into the empty *target*; only read there, here in one transaction.

    Raises: NotFound, Busy, Conflict (the target is not empty), Invalid (what the target cannot hold),
    StoreMismatch, StoreUnavailable. The target is then as empty as before.
    """
    if isinstance(source.store, Path) and isinstance(target.store, Path):
        raise Invalid(SAME_KIND)
    with bringing(source.volumes, target.volumes) as files:
        async with _source(source) as old, _target(target) as new:
            kept = files.copy()
            records = await carry(old, new)
            files.place()
    return Moved(records, kept)


async def carry(old: End, new: End, parts: Sequence[Part] = PARTS) -> Mapping[str, int]:
    """Take all records of *parts* to the other end and compare them; how many there are by table. Raises: as `move`."""
    read = {part.name: await _copy(part, old, new) for part in parts}
    await new.complete(await old.numbers())
    for part in parts:
        await _compare(part, read[part.name], new)
    return {name: tally.count for name, tally in read.items()}


def _source(place: Place) -> AbstractAsyncContextManager[End]:
    return embedded.source(place.store) if isinstance(place.store, Path) else database.source(place.store)


def _target(place: Place) -> AbstractAsyncContextManager[End]:
    return embedded.target(place.store) if isinstance(place.store, Path) else database.target(place.store)


async def _copy(part: Part, old: End, new: End) -> Tally:
    tally = Tally()
    async for batch in old.read(part):
        tally.add(batch)
        await new.write(part, batch)
    return tally


async def _compare(part: Part, read: Tally, new: End) -> None:
    """Read again what was written. Raises: StoreUnavailable where it is not what was read."""
    written = Tally()
    async for batch in new.read(part):
        written.add(batch)
    if written != read:
        raise StoreUnavailable(DIFFERS.format(part.name, read.count, written.count))
