"""An upload on its way from the wire to a temporary file: bounded, hashed as it comes, gone whatever happens.

The body is the file itself, or a form with the part `file`, and beside it (QGIS leaves its last edits there) the
part `wal`, the file named `…-wal`. Parts come in any order; others are read over.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http import HttpProcessingError
from attrs import define, field, frozen

from fiberq_aiohttp.incoming import MAIN, WAL, create, digest_of, new_place, receiving, remove
from fiberq_core.errors import Fault, Invalid, TooLarge

BLOCK: Final = 1 << 20  # bytes that are written at a time
PIECE: Final = 1 << 18  # bytes that are asked of the connection at a time
STALL: Final = 60.0  # seconds without a byte after which a sender is given up
FRAME: Final = 1 << 16  # bytes that boundaries and part headers may add to a form
PARTS: Final = 32  # parts that a form may have; two of them matter
MEBIBYTE: Final = 1 << 20

T = TypeVar("T")

log = logging.getLogger("fiberq.http")


@frozen
class Spooled:
    """What came: the file at *path*, its digest (see `digest_of`), its size in bytes.

    *wal*: the write-ahead log came too and lies at `path + "-wal"`. *file_name* is what the sender calls it, if anything.
    """

    path: str
    digest: str
    size: int
    wal: bool
    file_name: str = ""


@asynccontextmanager
async def spooled(
    request: web.Request, folder: Path, limit: int, *, what: str = "the GeoPackage", stall: float = STALL
) -> AsyncIterator[Spooled]:
    """Receive the file of *request* into *folder*; at the end of the block it is gone.

    *limit* is bytes, *what* people call the file, *stall* seconds.
    Raises: TooLarge, Invalid (no file in the form), StoreUnavailable (the disk), HTTPBadRequest, HTTPRequestTimeout.
    """
    form = request.content_type.startswith("multipart/")
    if (request.content_length or 0) > limit + FRAME * form:
        raise _too_large(limit)
    landing = _Landing(new_place(folder), limit, stall, what)
    try:
        await (_receive_form if form else _receive_body)(request, landing)
        yield landing.done()
    finally:
        await asyncio.shield(asyncio.to_thread(landing.clear))


@define
class _File:
    """One file being written."""

    handle: BinaryIO
    size: int = 0
    hash: "hashlib._Hash" = field(factory=hashlib.sha256)

    def write(self, block: bytes) -> None:
        self.hash.update(block)
        self.handle.write(block)
        self.size += len(block)


@define
class _Landing:
    """Where an upload lands. Its files stay open, and so locked, until `clear`."""

    path: Path
    limit: int
    stall: float
    what: str
    received: int = 0
    file_name: str = ""
    files: dict[str, _File] = field(factory=dict)

    async def take(self, pieces: AsyncIterator[bytes], ending: str | None) -> None:
        """Write one part of the request; None as *ending*: read over it."""
        if ending in self.files:
            raise Invalid("The form has the same file twice", [Fault("file", "Send one file, and at most one -wal")])
        file = None if ending is None else await asyncio.to_thread(self._open, ending)
        block = bytearray()
        while (piece := await self._next(pieces)) is not None:
            self.received += len(piece)
            if self.received > self.limit:
                raise _too_large(self.limit)
            block += piece
            if len(block) >= BLOCK:
                await asyncio.to_thread(_write, file, bytes(block))
                block.clear()
        await asyncio.to_thread(_write, file, bytes(block), last=True)

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        return await self.wait(anext(pieces, None))

    async def wait(self, coming: Awaitable[T]) -> T:
        """What the sender says next, if it comes in time. Raises: HTTPBadRequest, HTTPRequestTimeout."""
        try:
            with _understood():
                async with asyncio.timeout(self.stall):
                    return await coming
        except TimeoutError:
            raise web.HTTPRequestTimeout(text=f"Nothing came for {self.stall:g} seconds; send it again") from None

    def _open(self, ending: str) -> _File:
        with receiving():
            self.files[ending] = file = _File(create(self.path, ending))
            return file

    def done(self) -> Spooled:
        """What has come. Raises: Invalid."""
        main, wal = self.files.get(MAIN), self.files.get(WAL)
        if main is None:
            raise Invalid("The form has no file", [Fault("file", f"Send {self.what} as the part named file")])
        digest = digest_of(main.hash.digest(), wal.hash.digest() if wal is not None and wal.size else None)
        return Spooled(str(self.path), digest, main.size, wal is not None, self.file_name)

    def clear(self) -> None:
        """Remove everything, also what SQLite put beside it. What became of the upload is decided by now."""
        try:
            remove(self.path)
        except OSError as broken:
            log.warning("a file stays among the incoming ones until the next start: %s", broken.strerror)
        for file in self.files.values():
            with suppress(OSError):
                file.handle.close()


def _write(file: _File | None, block: bytes, *, last: bool = False) -> None:
    if file is not None:
        with receiving():
            file.write(block)
            if last:
                file.handle.flush()


async def _receive_body(request: web.Request, landing: _Landing) -> None:
    await landing.take(request.content.iter_any(), MAIN)


async def _receive_form(request: web.Request, landing: _Landing) -> None:
    with _understood():
        reader = await request.multipart()
    for _ in range(PARTS):
        part = await landing.wait(reader.next())
        if part is None:
            return
        if isinstance(part, MultipartReader):
            raise Invalid("The form must not be nested", [Fault("file", f"Send {landing.what} as the part named file")])
        ending = _ending(part)
        if ending == MAIN:
            landing.file_name = part.filename or ""
        await landing.take(_pieces(part), ending)
    raise Invalid("The form has too many parts", [Fault("file", f"Send at most {PARTS - 1} parts")])


def _ending(part: BodyPartReader) -> str | None:
    """Which of the two files a part is; None for any other part."""
    if part.name == "wal" or (part.filename or "").endswith(WAL):
        return WAL
    return MAIN if part.name == "file" else None


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while not part.at_eof():
        yield await part.read_chunk(PIECE)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The file is larger than the {limit / MEBIBYTE:g} MiB that this server takes", limit)


@contextmanager
def _understood() -> Iterator[None]:
    """What aiohttp raises on a body that breaks the rules of HTTP or MIME is the sender's fault.

    RuntimeError among them: that is what it says of a part `_charset_` that names none.
    """
    try:
        yield
    except (web.RequestPayloadError, HttpProcessingError, ValueError, AssertionError, RuntimeError):
        raise web.HTTPBadRequest(text="The body is broken or incomplete; send it again") from None
