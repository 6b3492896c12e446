"""Files that came in, over HTTP or from the command line, and lie in the data folder while they are read.

SQLite writes beside what it opens, and a sender may go on editing, so nothing is read where it came from. A file is
locked as long as it is in use: so `sweep` can tell what a killed process left behind from what a living one needs.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from fiberq_core.errors import StoreUnavailable

MAIN, WAL, JOURNAL = "", "-wal", "-journal"  # what the files' names end with, as SQLite wants it
BESIDE: Final = (WAL, "-shm", JOURNAL)  # what SQLite may put beside a file


def new_place(folder: Path) -> Path:
    """A name in *folder* that nothing has."""
    return folder / f"{secrets.token_hex(16)}.gpkg"


def create(path: Path, ending: str = MAIN) -> BinaryIO:
    """A new file, or one beside it, for its owner's eyes only; locked until it is closed. Raises: OSError."""
    file = os.fdopen(os.open(f"{path}{ending}", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def remove(path: Path) -> None:
    """Remove a file, and whatever lies beside it. Raises: OSError."""
    for ending in (MAIN, *BESIDE):
        Path(f"{path}{ending}").unlink(missing_ok=True)


def digest_of(main: bytes, wal: bytes | None = None) -> str:
    """What an upload is known by: its sha256 in hex; where a write-ahead log came with it, that of both digests."""
    return (main if wal is None else hashlib.sha256(main + wal).digest()).hex()


def sweep(folder: Path) -> None:
    """Make *folder*, and remove from it what no living process is using. Raises: StoreUnavailable."""
    with receiving():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in folder.glob("*.gpkg*"):
            if not _in_use(path):
                path.unlink(missing_ok=True)


@contextmanager
def receiving() -> Iterator[None]:
    """What the system says of a disk on which nothing can be put. Raises: StoreUnavailable."""
    try:
        yield
    except OSError as broken:
        raise StoreUnavailable(f"cannot receive uploads: {broken}") from broken


def _in_use(path: Path) -> bool:
    """Whether the upload that *path* belongs to is being received or read."""
    main = path.with_name(path.name.partition(".gpkg")[0] + ".gpkg")
    try:
        with (main if main.exists() else path).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
