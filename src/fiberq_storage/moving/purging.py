"""Taking one project out of a store for good, with a backup of it that `fiberq restore` takes."""

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from attrs import frozen

from fiberq_core.inbox import Author
from fiberq_storage import backup
from fiberq_storage.files.volumes import Folder
from fiberq_storage.moving import embedded
from fiberq_storage.moving.move import carry
from fiberq_storage.moving.one import going
from fiberq_storage.moving.parts import OF_PROJECTS
from fiberq_storage.postgis.connection import Settings
from fiberq_storage.sqlite.connection import FILE, LOCK, connect, translating
from fiberq_storage.sqlite.migrate import version


@frozen
class Farewell:
    """Which project goes, where its backup is written, and what the audit says of it.

    *beside* is an empty folder on the same disk; *folders* are the project's own files, by name.
    """

    project: int
    target: Path
    beside: Path
    folders: Mapping[str, Path]
    by: Author
    at: str
    detail: Mapping[str, object]


def purge(store: Path | Settings, farewell: Farewell) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Write the backup; then, and only then, remove the project; blocks. Records by table, files by folder.

    Raises: NotFound, Conflict, Busy, StoreUnavailable; then nothing was removed.
    """
    return asyncio.run(_purge(store, farewell))


async def _purge(store: Path | Settings, farewell: Farewell) -> tuple[Mapping[str, int], Mapping[str, int]]:
    async with going(store, farewell.project) as old:
        async with embedded.target(farewell.beside) as new:
            records = await carry(old, new, OF_PROJECTS)
        volumes = {name: Folder(place) for name, place in farewell.folders.items()}
        take = partial(_take, farewell.beside)
        kept = await asyncio.to_thread(backup.fill, farewell.target, volumes, take, at=farewell.at)
        try:
            await old.remove({**farewell.detail, "backup": farewell.target.name}, farewell.by, farewell.at)
        except BaseException:
            shutil.rmtree(farewell.target, ignore_errors=True)  # the project is still there
            raise
    return records, kept.files


def _take(beside: Path, part: Path) -> int:
    """Put the store's file, in one piece, into *part*; its version."""
    with translating():
        (beside / LOCK).unlink()
        with closing(connect(beside / FILE, writing=True)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
            number = version(db)
        (beside / FILE).rename(part / FILE)
    return number
