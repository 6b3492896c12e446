"""Files that appear whole or not at all, and stay when the power goes."""

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from fiberq_core.errors import StoreUnavailable

PART = ".part"
DAY_S = 86_400
SETTLE_S = 0.2  # between two times that a file is seen onto the disk while it is written
LEFT_S = 3_600  # what is unfinished for so long belongs to a process that is gone

FULL = "The disk is full. Nothing was changed; free some space and try again"
UNWRITABLE = "The data folder cannot be written. Check its permissions and whether the disk is mounted read-only"
UNOPENED = "The store's file cannot be opened. Check that the data folder exists and belongs to this user"
FAILING = "The disk reports errors. Nothing was changed; check the disk"
OS_MEANING = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: UNWRITABLE,
    errno.EACCES: UNWRITABLE,
    errno.EPERM: UNWRITABLE,
    errno.ENOENT: UNOPENED,
    errno.ENOTDIR: UNOPENED,
    errno.EEXIST: UNOPENED,
    errno.EIO: FAILING,
}
NOT_COPIED_BY_SYSTEM = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what the system says of files into our own errors, in words and without paths."""
    try:
        yield
    except OSError as error:
        if error.errno in OS_MEANING:
            raise StoreUnavailable(OS_MEANING[error.errno]) from error
        raise


@contextmanager
def beside(final: Path) -> Iterator[Path]:
    """A path in a fresh folder beside *final*; what stands there at the end of the block becomes *final*."""
    folder = _workplace(final.parent)
    try:
        yield folder / final.name
        land(folder / final.name, final)
    finally:
        remove_folder(folder)


@asynccontextmanager
async def workplace(folder: Path) -> AsyncIterator[Path]:
    """A fresh folder inside *folder*, for what is written while the event loop goes on; whatever does not `land` is removed.

    Raises: StoreUnavailable.
    """
    with disk_errors():
        place = await asyncio.to_thread(_workplace, folder)
        try:
            yield place
        finally:
            await asyncio.to_thread(remove_folder, place)


def _workplace(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Path(mkdtemp(suffix=PART, dir=folder))


def land(unfinished: Path, final: Path) -> None:
    """Have the finished file appear where it belongs, on the disk for good."""
    sync(unfinished)
    unfinished.replace(final)
    sync(final.parent)


def copy(source: Path, target: Path) -> None:
    """Copy a file, by the file system itself where it can."""
    with source.open("rb") as from_, target.open("wb") as to:
        left = os.fstat(from_.fileno()).st_size
        try:
            while left and (done := os.copy_file_range(from_.fileno(), to.fileno(), left)):
                left -= done
        except OSError as error:
            if error.errno not in NOT_COPIED_BY_SYSTEM:
                raise
            shutil.copyfileobj(from_, to)  # from where the system stopped


def sync(path: Path) -> None:
    """See a file or a folder onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def settling(path: Path) -> AsyncIterator[None]:
    """Have what is written to the file at *path* go to the disk meanwhile, so that little is left to `sync` at the end.

    The file need not be there yet. Whoever writes it may be in this process: it is opened only once.
    """
    done = threading.Event()
    work = asyncio.create_task(asyncio.to_thread(_settle, path, done))
    try:
        yield
    finally:
        done.set()
        await work


def _settle(path: Path, done: threading.Event) -> None:
    while not path.exists():
        if done.wait(SETTLE_S):
            return
    with path.open("rb") as file:
        while not done.wait(SETTLE_S):
            os.fdatasync(file.fileno())


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
