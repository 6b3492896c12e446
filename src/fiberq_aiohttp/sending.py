"""A package on its way out: what stands before the export's id, the id, and the rest by the system itself."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import hdrs, web

from fiberq_aiohttp.caching import PRIVATE, Span, span
from fiberq_aiohttp.flows.exporting import Download, Offer
from fiberq_core.errors import StoreUnavailable

BLOCK: Final = 1 << 20  # bytes that are sent at a time: what the disk takes for so many, others may have to wait
CONTENT_TYPE: Final = "application/geopackage+sqlite3"


async def send(request: web.Request, download: Download) -> web.StreamResponse:
    """Answer with the package or a part of it. Raises: StoreUnavailable, HTTPRequestRangeNotSatisfiable."""
    part = span(request.headers, download.etag, download.package.size)
    response = _head(download.etag, download.filename)
    response.content_length = part.size
    if part.partial:
        response.set_status(206)
        response.headers[hdrs.CONTENT_RANGE] = part.content_range
    file, beginning = await asyncio.to_thread(_open, download, part)
    with file:  # it may be pruned by now
        await response.prepare(request)
        with cut_off_if_it_breaks(request):
            await _stream(request, response, beginning, file, part)
    return response


def described(offered: Offer) -> web.StreamResponse:
    """Say of a package what can be said without building it: HEAD."""
    package = offered.edition.package
    response = _head(offered.etag, offered.filename)
    if package is not None:
        response.content_length = package.size
    return response


def _head(etag: str, filename: str) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type = CONTENT_TYPE
    response.headers[hdrs.ETAG] = etag
    response.headers[hdrs.ACCEPT_RANGES] = "bytes"
    response.headers[hdrs.CACHE_CONTROL] = PRIVATE
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{filename}"'
    return response


def patched(block: bytes, position: int, at: int, value: bytes) -> bytes:
    """*block*, read at *position* of a file, as it is where *value* stands at *at* of that file."""
    start, end = max(position, at), min(position + len(block), at + len(value))
    if start >= end:
        return block
    return b"".join((block[: start - position], value[start - at : end - at], block[end - position :]))


@contextmanager
def cut_off_if_it_breaks(request: web.Request) -> Iterator[None]:
    """What fails after the headers cannot be said any more: the connection is cut, so that nobody takes half a file
    for a whole one.
    """
    try:
        yield
    except Exception:
        if request.transport is not None:
            request.transport.abort()
        raise


async def _stream(
    request: web.Request, response: web.StreamResponse, beginning: bytes, file: BinaryIO, part: Span
) -> None:
    if beginning:
        await response.write(beginning)
    position, end = part.start + len(beginning), part.start + part.size
    while position < end:
        position += await _send(request, file, position, min(BLOCK, end - position))
    await response.write_eof()


async def _send(request: web.Request, file: BinaryIO, position: int, size: int) -> int:
    """Have the system send *size* bytes from *position* on. Raises: OSError."""
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError
    sent = await asyncio.get_running_loop().sendfile(transport, file, position, size)
    if not sent:
        raise OSError("the package is shorter than it was")
    await asyncio.sleep(0)  # where the receiver is quick, nothing above has waited
    return sent


def _open(download: Download, part: Span) -> tuple[BinaryIO, bytes]:
    """The package, and what of *part* stands before the end of the export's id, with the id filled in.

    Raises: StoreUnavailable.
    """
    at, name = download.package.id_offset, download.export_id.encode("ascii")
    size = max(0, min(part.start + part.size, at + len(name)) - part.start)
    try:
        with ExitStack() as closing:
            file = closing.enter_context(Path(download.package.path).open("rb"))
            file.seek(part.start)
            beginning = patched(file.read(size), part.start, at, name)
            closing.pop_all()  # the caller does
            return file, beginning
    except OSError as broken:
        raise StoreUnavailable(f"cannot read a package: {broken}") from broken
