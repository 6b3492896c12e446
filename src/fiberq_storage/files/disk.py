"""Files that appear whole or not at all, and stay when the power goes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

PART = ".part"
DAY_S = 86_400
LEFT_S = 3_600  # what is unfinished for so long belongs to a process that is gone


@contextmanager
def beside(final: Path) -> Iterator[Path]:
    """A path in a fresh folder beside *final*; what stands there at the end of the block becomes *final*."""
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = Path(mkdtemp(suffix=PART, dir=final.parent))
    try:
        yield folder / final.name
        sync(folder / final.name)
        (folder / final.name).replace(final)
        sync(final.parent)
    finally:
        remove_folder(folder)


def sync(path: Path) -> None:
    """See a file or a folder onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path, older_than: float) -> None:
    """Remove what crashed processes left unfinished below *folder* before *older_than* (epoch seconds)."""
    for left in [*folder.glob(f"*{PART}"), *folder.glob(f"*/*{PART}")]:
        with suppress(FileNotFoundError):
            if left.is_dir() and left.stat().st_mtime < older_than:
                remove_folder(left)


def remove_folder(folder: Path) -> None:
    """Remove a flat folder; one that somebody else removes meanwhile is fine."""
    with suppress(FileNotFoundError):
        for entry in folder.iterdir():
            entry.unlink(missing_ok=True)
        folder.rmdir()
