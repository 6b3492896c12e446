"""Backup of a data folder while a server works on it, and its restore into an empty one.

A backup is a folder: the store, copied in one consistent state by SQLite itself, and copies of the
file folders, which are copied after it. Files are never changed once they are there, so everything
that the store knows of is in the backup; what came later is in excess and does no harm. Exported
packages are not in it: they are made again.
"""

import json
import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

import apsw
from attrs import frozen

from fiberq_core.errors import Conflict, Invalid
from fiberq_storage.files.disk import PART, sync
from fiberq_storage.sqlite.connection import FILE, connect, translating
from fiberq_storage.sqlite.migrate import check_version, version

NOTE = "backup.json"


@frozen
class Kept:
    """What a backup holds: the store's version and how many files each folder has."""

    store_version: int
    files: Mapping[str, int]


def backup(data: Path, target: Path, folders: Mapping[str, Path], *, at: str) -> Kept:
    """Copy the store in *data* and *folders* (name → place) to the new folder *target*.

    Raises: Conflict where *target* is there already; StoreUnavailable.
    """
    if target.exists():
        raise Conflict("There is something under the name of the backup already. Choose another name")
    with translating():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(suffix=PART, dir=target.parent))
        try:
            kept = _copy(data, part, folders)
            note = {"at": at, "store_version": kept.store_version, "files": dict(kept.files)}
            (part / NOTE).write_text(json.dumps(note))
            see_onto_disk(part)
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return kept


def restore(source: Path, data: Path, folders: Mapping[str, Path]) -> Kept:
    """Put the backup *source* into *data* and *folders*, all of which must be empty or absent.

    Everything is checked before anything is written. Raises: Conflict, Invalid, StoreMismatch, StoreUnavailable.
    """
    places = (data, *folders.values())
    if any(place.exists() and any(_foreign(place, places)) for place in places):
        raise Conflict("A backup is restored into empty folders only. Move away what is there, or name other folders")
    kept = verify(source)
    with translating():
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, place in folders.items():
            copy_files(source / name, place)
            see_onto_disk(place)
        part = data / (FILE + PART)
        shutil.copyfile(source / FILE, part)
        sync(part)
        part.rename(data / FILE)  # last: a folder without it is not a restored one
        sync(data)
    return kept


def verify(source: Path) -> Kept:
    """Check that a backup is whole. Raises: Invalid, StoreMismatch, StoreUnavailable."""
    try:
        note = json.loads((source / NOTE).read_text())
        kept = Kept(note["store_version"], note["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise Invalid("This is not a FiberQ backup, or an unfinished one") from None
    with translating(), closing(apsw.Connection(f"file:{source / FILE}?immutable=1", flags=_READ_ONLY)) as db:
        check_version(found := version(db))
        sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not sound or found != kept.store_version or db.execute("PRAGMA foreign_key_check").get:
            raise Invalid("The store in this backup is damaged. Take another backup")
    short = [name for name, count in kept.files.items() if _count(source / name) < count]
    if short:
        raise Invalid(f"Files are missing in this backup: {', '.join(short)}. Take another backup")
    return kept


_READ_ONLY = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


def _copy(data: Path, part: Path, folders: Mapping[str, Path]) -> Kept:
    with closing(connect(data / FILE, writing=False)) as db:
        db.execute("PRAGMA query_only = OFF")  # VACUUM INTO writes, though not here
        db.execute("VACUUM INTO ?", (str(part / FILE),))
        number = version(db)
    for name, place in folders.items():
        copy_files(place, part / name)
    return Kept(number, {name: _count(part / name) for name in folders})


def copy_files(source: Path, target: Path) -> None:
    """Copy a folder, without what is unfinished in it."""
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(f"*{PART}"))


def see_onto_disk(folder: Path) -> None:
    """Have a folder, with all that is in it, on the disk for good."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def _count(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*") if path.is_file())


def _foreign(place: Path, places: tuple[Path, ...]) -> list[Path]:
    """What is in a folder, apart from the other folders that are to be filled."""
    return [path for path in place.iterdir() if path not in places]
