"""The files that a store knows of, from one folder to another."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fiberq_core.errors import Conflict, StoreUnavailable
from fiberq_storage.backup import copy_files, see_onto_disk
from fiberq_storage.files.disk import PART, disk_errors

OCCUPIED = "There are files in the folder {} already. Name an empty one, or move them away"
LOST = "Not all files arrived in the folder {}. Nothing was moved; check the disk"

Folders = Mapping[str, Path]  # name → place


@contextmanager
def bringing(source: Folders, target: Folders) -> Iterator[Callable[[], Mapping[str, int]]]:
    """A function that copies the folders of *source* to those of *target*, and says how many files there are then.

    A folder that is the same on both sides stays. What was copied is removed again if the block fails.
    """
    copied: list[Path] = []

    def bring() -> Mapping[str, int]:
        moving = [name for name in source if source[name].resolve() != target[name].resolve()]
        for name in moving:
            if target[name].exists() and any(target[name].iterdir()):
                raise Conflict(OCCUPIED.format(target[name]))
        with disk_errors():
            for name in moving:
                copied.append(target[name])
                _copy(source[name], target[name])
        return {name: len(_sizes(place)) for name, place in source.items()}

    try:
        yield bring
    except BaseException:
        for place in copied:
            shutil.rmtree(place, ignore_errors=True)
        raise


def _copy(source: Path, target: Path) -> None:
    copy_files(source, target)
    see_onto_disk(target)
    if _sizes(source) != _sizes(target):
        raise StoreUnavailable(LOST.format(target))


def _sizes(folder: Path) -> Mapping[Path, int]:
    """The files of a folder, without what is unfinished: size in bytes by the path inside it."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != PART)
    return {path.relative_to(folder): path.stat().st_size for path in files}
