"""Files between a person's folder and the data folder: never read in place, never half written, never overwritten.

A file that comes in is copied first, to where uploads over HTTP lie (see `incoming`).
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import click
from attrs import frozen

from fiberq_aiohttp.cli.exits import Exit
from fiberq_aiohttp.cli.watching import Advance, copying
from fiberq_aiohttp.incoming import JOURNAL, MAIN, WAL, create, digest_of, new_place, remove
from fiberq_core.errors import BadPackage, Busy, Conflict, NotFound, StoreUnavailable

BLOCK: Final = 1 << 20  # bytes that are copied at a time


class Unwritable(click.ClickException):
    """A file that a command was to write cannot be written."""

    exit_code = Exit.BAD_FILE

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path} cannot be written: {why}")


@frozen
class Copied:
    """A private copy of a file, and its digest as uploads have it."""

    path: str
    digest: str


@contextmanager
def private_copy(file: Path, folder: Path) -> Iterator[Copied]:
    """Copy *file*, and its WAL where QGIS left one, into *folder*; at the end of the block the copy is gone.

    Raises: NotFound, Busy (another program is writing to it), BadPackage (it cannot be read), StoreUnavailable.
    """
    target = new_place(folder)
    with ExitStack() as stack:
        sources = [stack.enter_context(_source(path)) for path in _parts(file)]
        stack.callback(remove, target)
        try:
            digests = _copy_all(sources, target, stack)
        except OSError as broken:
            raise StoreUnavailable(f"The file cannot be copied into the data folder: {broken.strerror}") from broken
        yield Copied(str(target), digest_of(*digests))


def _parts(file: Path) -> list[Path]:
    """What has to be copied: the file, and the write-ahead log where there is something in it."""
    if _size(file, JOURNAL):
        raise Busy(f"Another program is writing to {file.name}. Close it there, then try again")
    return [file, file.with_name(file.name + WAL)] if _size(file, WAL) else [file]


def _size(file: Path, ending: str) -> int:
    try:
        return file.with_name(file.name + ending).stat().st_size
    except OSError:
        return 0


def _source(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}") from None
    except OSError as broken:
        raise BadPackage(f"{path} cannot be read: {broken.strerror}") from None


def _copy_all(sources: list[BinaryIO], target: Path, stack: ExitStack) -> list[bytes]:
    """Copy every source beside *target*; the copies stay locked until *stack* ends. Returns their digests."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    size = sum(os.fstat(source.fileno()).st_size for source in sources)
    with copying(f"Reading {Path(sources[0].name).name}", size) as advance:
        return [
            _copy(source, stack.enter_context(create(target, ending)), advance)
            for source, ending in zip(sources, (MAIN, WAL), strict=False)
        ]


def _copy(source: BinaryIO, out: BinaryIO, advance: Advance) -> bytes:
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        digest.update(block)
        out.write(block)
        advance(len(block))
    out.flush()
    return digest.digest()


def deliver(package: str, size: int, offset: int, value: bytes, file: Path, *, replace: bool) -> None:
    """Write the file *package* of *size* bytes to *file*, with *value* standing at *offset*; whole or not at all.

    Raises: Conflict (there is such a file, or a program has it open), StoreUnavailable (no package), Unwritable.
    """
    if any(_size(file, ending) for ending in (WAL, JOURNAL)):
        raise Conflict(f"A program has {file} open, or left edits beside it. Close it there, or choose another name")
    if file.exists() and not replace:
        raise Conflict(f"There is a file {file} already, perhaps with edits in it. --force replaces it")
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")
    try:
        with _package(package) as source, part.open("xb") as out, copying(f"Writing {file.name}", size) as advance:
            _copy(source, out, advance)
            out.seek(offset)
            out.write(value)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as broken:
        raise Unwritable(file, broken.strerror or str(broken)) from broken
    finally:
        part.unlink(missing_ok=True)


def _package(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as broken:
        raise StoreUnavailable(f"The exported package cannot be read: {broken.strerror}") from broken
