"""A package on its way out: in blocks that are read beside the event loop, the export's id set in as they pass."""

import asyncio
import logging
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import hdrs, web

from fiberq_aiohttp.caching import PRIVATE, Span, everything, fresh, not_modified, span
from fiberq_aiohttp.flows.sync import Download
from fiberq_core.errors import StoreUnavailable

BLOCK: Final = 1 << 20  # bytes that are read at a time
CONTENT_TYPE: Final = "application/geopackage+sqlite3"

log = logging.getLogger("fiberq.sync.exporter")


async def send(request: web.Request, download: Download) -> web.StreamResponse:
    """Answer with the package, a part of it, or that the caller has it.

    Raises: StoreUnavailable, HTTPRequestRangeNotSatisfiable.
    """
    if fresh(request.headers, download.etag):
        return not_modified(download.etag)
    if request.method == hdrs.METH_HEAD:
        return _head(download, everything(download.package.size))
    part = span(request.headers, download.etag, download.package.size)
    response = _head(download, part)
    with await asyncio.to_thread(_open, download.package.path) as file:  # from here on it may be pruned
        await response.prepare(request)
        await _stream(request, response, file, download, part)
    return response


def patched(block: bytes, position: int, at: int, value: bytes) -> bytes:
    """*block*, read at *position* of a file, as it is where *value* stands at *at* of that file."""
    start, end = max(position, at), min(position + len(block), at + len(value))
    if start >= end:
        return block
    return b"".join((block[: start - position], value[start - at : end - at], block[end - position :]))


def _head(download: Download, part: Span) -> web.StreamResponse:
    response = web.StreamResponse(status=206 if part.partial else 200)
    response.content_type = CONTENT_TYPE
    response.content_length = part.size
    response.headers[hdrs.ETAG] = download.etag
    response.headers[hdrs.ACCEPT_RANGES] = "bytes"
    response.headers[hdrs.CACHE_CONTROL] = PRIVATE
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="{download.filename}"'
    if part.partial:
        response.headers[hdrs.CONTENT_RANGE] = part.content_range
    return response


async def _stream(
    request: web.Request, response: web.StreamResponse, file: BinaryIO, download: Download, part: Span
) -> None:
    """Send *part*. What fails after the headers cannot be said any more: the connection is cut, so that nobody
    takes half a file for a whole one.
    """
    position, end = part.start, part.start + part.size
    offset, name = download.package.id_offset, download.export_id.encode("ascii")
    try:
        while position < end:
            block = await asyncio.to_thread(_read, file, position, min(BLOCK, end - position))
            await response.write(patched(block, position, offset, name))
            position += len(block)
        await response.write_eof()
    except OSError as broken:
        if not isinstance(broken, ConnectionError):
            log.exception("a download broke off")
        if request.transport is not None:
            request.transport.abort()


def _open(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as broken:
        raise StoreUnavailable(f"cannot read a package: {broken}") from broken


def _read(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    block = file.read(size)
    if not block:
        raise OSError("the package is shorter than it was")
    return block
