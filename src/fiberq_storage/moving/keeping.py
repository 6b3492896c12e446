"""A store in a database as a backup, and out of one: the file of the embedded store is the form in between."""

import asyncio
import shutil
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from fiberq_storage import backup
from fiberq_storage.files.bringing import Volumes
from fiberq_storage.files.disk import PART
from fiberq_storage.moving import database, embedded
from fiberq_storage.moving.move import Place, carry, move
from fiberq_storage.postgis.connection import Settings
from fiberq_storage.sqlite.connection import FILE, LOCK, connect, translating
from fiberq_storage.sqlite.migrate import version
from fiberq_storage.sqlite.store import open_store


def back_up(settings: Settings, target: Path, volumes: Volumes, *, at: str) -> backup.Kept:
    """Copy the store in a database, as it is at one moment, and *volumes* to the new folder *target*; blocks.

    Raises: Conflict where *target* is there already; NotFound, Busy, StoreMismatch, StoreUnavailable.
    """
    return backup.fill(target, volumes, partial(_take, settings), at=at)


def restore(source: Path, settings: Settings, volumes: Volumes, *, beside: Path) -> backup.Kept:
    """Put the backup *source* into an empty database and *volumes*, whose folders must be empty; blocks.

    Everything is checked before anything is written, and what is written is compared. *beside*: a folder with room for
    a copy of the store. Raises: Conflict, Invalid, Busy, StoreMismatch, StoreUnavailable.
    """
    kept = backup.verify(source)
    with translating():
        beside.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryDirectory(suffix=PART, dir=beside) as folder:
            shutil.copyfile(source / FILE, Path(folder, FILE))
            asyncio.run(_put(Place(Path(folder), backup.inside(source, volumes)), Place(settings, volumes)))
    return kept


def _take(settings: Settings, part: Path) -> int:
    """Write the store's file into *part*; its version."""
    asyncio.run(_write(settings, part))
    (part / LOCK).unlink()
    with closing(connect(part / FILE, writing=True)) as db:
        db.execute("PRAGMA journal_mode = DELETE")  # one file, that can be read where nothing can be written
        return version(db)


async def _write(settings: Settings, part: Path) -> None:
    async with database.snapshot(settings) as old, embedded.target(part) as new:
        await carry(old, new)


async def _put(source: Place, target: Place) -> None:
    """Move a copy of the store, brought to this version's form first, and the files."""
    assert isinstance(source.store, Path)
    await (await open_store(source.store)).close()
    await move(source, target)
