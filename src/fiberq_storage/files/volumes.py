"""Files that a store knows of, wherever they lie: what backups and moves see of a folder or a bucket.

A file has a name, its path inside the volume with `/`, and never changes once it is there. Everything blocks.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from attrs import define, field, frozen

from fiberq_core.errors import Conflict, NotFound, StoreUnavailable
from fiberq_storage.files.copying import see_onto_disk
from fiberq_storage.files.disk import PART, disk_errors, sync

AT_ONCE: Final = 4  # files that are copied at the same time
ASKED: Final = 1_000  # names that wait for that
ARRIVING: Final = f"moving{PART}"  # inside the target folder, which may be a file system of its own

GONE: Final = "There is no such file"
OCCUPIED: Final = "There are files in the folder {} already. Name an empty one, or move them away"
LOST: Final = "Not all files arrived in the folder {}. Nothing was moved; check the disk"


class Arrival(Protocol):
    """Files on their way into a volume."""

    def take(self, source: "Volume") -> None:
        """Copy all files of *source* to where they will be, and look whether they arrived. Raises: StoreUnavailable."""
        ...

    def place(self) -> None:
        """Let what was copied appear. Raises: StoreUnavailable."""
        ...

    def take_back(self) -> None:
        """Remove what was copied, and only that. Raises: StoreUnavailable."""
        ...


class Volume(Protocol):
    """Files by name."""

    @property
    def folder(self) -> Path | None:
        """Where they lie on this machine; None if they lie elsewhere."""
        ...

    @property
    def address(self) -> str:
        """What tells this place from others."""
        ...

    def sizes(self) -> Mapping[str, int]:
        """All files but unfinished ones: bytes by name. Raises: StoreUnavailable."""
        ...

    def fetch(self, name: str, target: Path) -> None:
        """Copy one file to *target*, whose folder is there. Raises: NotFound, StoreUnavailable."""
        ...

    def arrival(self) -> Arrival:
        """Take files in. Raises: Conflict where there are other files in their way."""
        ...


@frozen
class Folder:
    """`Volume` in a folder, which need not be there."""

    folder: Path

    @property
    def address(self) -> str:
        """The folder's one name."""
        return str(self.folder.resolve())

    def sizes(self) -> Mapping[str, int]:
        """All files, without what is unfinished and what somebody removes meanwhile: bytes by name."""
        found = {}
        for path in _finished(self.folder):
            with suppress(FileNotFoundError):
                found[path.relative_to(self.folder).as_posix()] = path.stat().st_size
        return found

    def fetch(self, name: str, target: Path) -> None:
        """Copy one file, with its times. Raises: NotFound, StoreUnavailable."""
        with disk_errors():
            try:
                shutil.copy2(self.folder / name, target)
            except FileNotFoundError as error:
                raise NotFound(GONE) from error

    def arrival(self) -> "FolderArrival":
        """Take files in. Raises: Conflict (the folder is not empty)."""
        if self.folder.exists() and any(path.name != ARRIVING for path in self.folder.iterdir()):
            raise Conflict(OCCUPIED.format(self.folder))
        return FolderArrival(self.folder)


@define
class FolderArrival:
    """`Arrival` in a folder: out of sight, in a folder inside it, until all are there."""

    target: Path
    _placed: list[Path] = field(init=False, factory=list)

    def take(self, source: Volume) -> None:
        """Copy all files of *source*. Raises: StoreUnavailable."""
        arriving = self.target / ARRIVING
        with disk_errors():
            if arriving.exists():  # of somebody who was killed
                shutil.rmtree(arriving)
            copy_into(source, arriving)
            see_onto_disk(arriving)
        if source.sizes() != Folder(arriving).sizes():
            raise StoreUnavailable(LOST.format(self.target))

    def place(self) -> None:
        """Let what was copied appear. Raises: StoreUnavailable."""
        with disk_errors():
            arriving = self.target / ARRIVING
            for path in arriving.iterdir():
                self._placed.append(path.rename(self.target / path.name))
            arriving.rmdir()
            sync(self.target)

    def take_back(self) -> None:
        """Remove what was copied. Raises: StoreUnavailable."""
        with disk_errors():
            for path in (self.target / ARRIVING, *self._placed):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def copy_into(source: Volume, folder: Path) -> None:
    """Copy a volume into *folder*, without what somebody removes meanwhile. Raises: StoreUnavailable."""

    def bring(name: str) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(NotFound):
            source.fetch(name, folder / name)

    with disk_errors():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        each(list(source.sizes()), bring)


def each(names: Sequence[str], work: Callable[[str], None]) -> None:
    """Do *work* with every name, some at the same time; the first that fails ends it."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fiberq-files") as pool:
        for start in range(0, len(names), ASKED):
            for _ in pool.map(work, names[start : start + ASKED]):
                pass


@contextmanager
def at_hand(volume: Volume, name: str) -> Iterator[Path]:
    """One file, on this machine for as long as the block lasts. Raises: NotFound, StoreUnavailable."""
    if volume.folder is not None:
        yield volume.folder / name
        return
    with TemporaryDirectory(suffix=PART) as folder:
        path = Path(folder, "file")
        volume.fetch(name, path)
        yield path


def _finished(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, followlinks=True):  # a part of it may be on another disk
        folders[:] = [name for name in folders if not name.endswith(PART)]
        yield from (Path(place, name) for name in files if not name.endswith(PART))
