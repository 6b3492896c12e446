"""Backups, of either store and all files, while servers work; and their restore into an empty place of either kind.

A backup is a folder: the store as a file of the embedded store, in one consistent state; the files, from a folder or a
bucket, which are copied after it; and the digests of all of these. Files are never changed once they are there,
so everything that the store knows of is in the backup; what came later is in excess and does no harm. Exported
packages are not in it: they are made again. How a store in a database becomes such a file and is made of one
stands in `moving.keeping`.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import apsw
from attrs import frozen

from fiberq_core.errors import Conflict, Invalid
from fiberq_storage.files.bringing import Volumes, bringing
from fiberq_storage.files.copying import count_files, differing, see_onto_disk, write_digests
from fiberq_storage.files.disk import PART, sync
from fiberq_storage.files.volumes import Folder, copy_into
from fiberq_storage.sqlite.connection import FILE, connect, translating
from fiberq_storage.sqlite.migrate import check_version, version

NOTE, DIGESTS = "backup.json", "SHA256SUMS"
_READ_ONLY = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI

TAKEN = "There is something under the name of the backup already. Choose another name"
OCCUPIED = "A backup is restored into empty folders only. Move away what is there, or name other folders"
NONE = "This is not a FiberQ backup, or an unfinished one"
LINKS = "There are links in this backup, which may lead anywhere. Put the files themselves in their place"
DAMAGED = "The store in this backup is damaged. Take another backup"


@frozen
class Kept:
    """What a backup holds: the store's version and how many files of each kind."""

    store_version: int
    files: Mapping[str, int]


def backup(data: Path, target: Path, volumes: Volumes, *, at: str) -> Kept:
    """Copy the store in *data* and *volumes* to the new folder *target*.

    Raises: Conflict where *target* is there already; StoreUnavailable.
    """
    return fill(target, volumes, partial(_copy_store, data), at=at)


def fill(target: Path, volumes: Volumes, keep: Callable[[Path], int], *, at: str) -> Kept:
    """Make the backup *target*: *keep* writes the store's file into a folder and says its version.

    Raises: Conflict where *target* is there already; StoreUnavailable.
    """
    if target.exists():
        raise Conflict(TAKEN)
    with translating():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(mkdtemp(suffix=PART, dir=target.parent))
        try:
            number = keep(part)
            for name, volume in volumes.items():
                copy_into(volume, part / name)
            kept = Kept(number, {name: count_files(part / name) for name in volumes})
            note = {"at": at, "store_version": kept.store_version, "files": dict(kept.files)}
            (part / NOTE).write_text(json.dumps(note))
            write_digests(part, part / DIGESTS)
            see_onto_disk(part)
            part.rename(target)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return kept


def restore(source: Path, data: Path, volumes: Volumes) -> Kept:
    """Put the backup *source* into *data* and *volumes*; folders must be empty or absent.

    Everything is checked before anything is written. Raises: Conflict, Invalid, StoreMismatch, StoreUnavailable.
    """
    places = (data, *(volume.folder for volume in volumes.values() if volume.folder))
    if any(place.exists() and any(_foreign(place, places)) for place in places):
        raise Conflict(OCCUPIED)
    kept = verify(source)
    with translating(), bringing(inside(source, volumes), volumes) as files:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.copy()
        part = data / (FILE + PART)
        shutil.copyfile(source / FILE, part)
        sync(part)
        files.place()
    with translating():
        part.rename(data / FILE)  # last: a folder without it is not a restored one
        sync(data)
    return kept


def verify(source: Path) -> Kept:
    """Check that a backup is whole. Raises: Invalid, StoreMismatch, StoreUnavailable."""
    try:
        note = json.loads((source / NOTE).read_text())
        kept = Kept(note["store_version"], note["files"])
        check_version(kept.store_version)
        if any(path.is_symlink() for path in source.rglob("*")):
            raise Invalid(LINKS)
        wrong = differing(source, source / DIGESTS)
    except (OSError, ValueError, KeyError, TypeError):
        raise Invalid(NONE) from None
    if short := [name for name, count in kept.files.items() if count_files(source / name) < count]:
        raise Invalid(f"Files are missing in this backup: {', '.join(short)}. Take another backup")
    if FILE in wrong or not (source / FILE).is_file():
        raise Invalid(DAMAGED)
    if wrong:
        raise Invalid(f"{len(wrong)} files in this backup are not what was copied. Take another backup")
    with translating(), closing(apsw.Connection(f"file:{source / FILE}?immutable=1", flags=_READ_ONLY)) as db:
        sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if not sound or version(db) != kept.store_version or db.execute("PRAGMA foreign_key_check").get:
            raise Invalid(DAMAGED)
    return kept


def inside(source: Path, names: Iterable[str]) -> Volumes:
    """The files in a backup."""
    return {name: Folder(source / name) for name in names}


def _copy_store(data: Path, part: Path) -> int:
    with closing(connect(data / FILE, writing=False)) as db:
        db.execute("PRAGMA query_only = OFF")  # VACUUM INTO writes, though not here
        db.execute("VACUUM INTO ?", (str(part / FILE),))
        return version(db)


def _foreign(place: Path, places: tuple[Path, ...]) -> list[Path]:
    """What is in a folder, apart from the other folders that are to be filled."""
    return [path for path in place.iterdir() if path not in places]
