"""The files that a store knows of, from one folder to another."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field

from fiberq_core.errors import Conflict, StoreUnavailable
from fiberq_storage.files.copying import copy_files, see_onto_disk
from fiberq_storage.files.disk import PART, disk_errors, sync

OCCUPIED = "There are files in the folder {} already. Name an empty one, or move them away"
LOST = "Not all files arrived in the folder {}. Nothing was moved; check the disk"
ARRIVING = f"moving{PART}"  # inside the target folder, which may be a file system of its own

Folders = Mapping[str, Path]  # name → place


@define
class Files:
    """The folders of two stores. Those that both have in the same place stay."""

    source: Folders
    target: Folders
    _placed: list[Path] = field(init=False, factory=list)

    def copy(self) -> Mapping[str, int]:
        """Copy all files to where they will be, out of sight; how many there are by folder.

        Raises: Conflict (a target is not empty), StoreUnavailable.
        """
        for name in self._moving():
            target = self.target[name]
            if target.exists() and any(path.name != ARRIVING for path in target.iterdir()):
                raise Conflict(OCCUPIED.format(target))
        with disk_errors():
            for name in self._moving():
                _copy(self.source[name], self.target[name] / ARRIVING)
        return {name: len(_sizes(place)) for name, place in self.source.items()}

    def place(self) -> None:
        """Let what was copied appear. Raises: StoreUnavailable."""
        with disk_errors():
            for name in self._moving():
                target = self.target[name]
                for path in (target / ARRIVING).iterdir():
                    self._placed.append(path.rename(target / path.name))
                (target / ARRIVING).rmdir()
                sync(target)

    def take_back(self) -> None:
        """Remove what was copied."""
        arriving = [self.target[name] / ARRIVING for name in self._moving()]
        for path in [*arriving, *self._placed]:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def _moving(self) -> list[str]:
        return [name for name in self.source if self.source[name].resolve() != self.target[name].resolve()]


@contextmanager
def bringing(source: Folders, target: Folders) -> Iterator[Files]:
    """The files of a move; if the block fails, the target's folders are as empty as before."""
    files = Files(source, target)
    try:
        yield files
    except BaseException:
        with disk_errors():
            files.take_back()
        raise


def _copy(source: Path, target: Path) -> None:
    if target.exists():  # of a move that was killed
        shutil.rmtree(target)
    copy_files(source, target)
    see_onto_disk(target)
    if _sizes(source) != _sizes(target):
        raise StoreUnavailable(LOST.format(target.parent))


def _sizes(folder: Path) -> Mapping[Path, int]:
    """The files of a folder, without what is unfinished: size in bytes by the path inside it."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != PART)
    return {path.relative_to(folder): path.stat().st_size for path in files}
