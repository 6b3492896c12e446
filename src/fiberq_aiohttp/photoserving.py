"""A photo on its way out: by nginx where it stands before this server, by the system, or piece by piece from a bucket."""

from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.keys import PORTS, SETTINGS
from fiberq_aiohttp.sending import cut_off_if_it_breaks
from fiberq_core.photos import JPEG, PhotoFile, shelf

KEPT: Final = "private, max-age=604800, immutable"  # seven days, by the person who asked: a name never has other bytes
SIDES: Final = (160, 320, 640, 1280, 2048)  # pixels; thumbnails are made in these sizes
INERT: Final = "default-src 'none'; sandbox"  # should a browser ever take it for a page


async def send(request: web.Request, photo: PhotoFile, side: int | None) -> web.StreamResponse:
    """Answer with the photo as it came, or with a thumbnail of at least *side* pixels.

    Raises: NotFound, BadPhoto, StoreUnavailable.
    """
    ports = request.app[PORTS]
    if side is not None:
        path = await ports.photos.thumbnail(photo.name, next(s for s in SIDES if s >= side))
        return _of_file(path, JPEG.type, Path(path).name)
    accel = request.app[SETTINGS].photos_accel
    if accel:
        return web.Response(headers={**_head(photo), "X-Accel-Redirect": f"{accel}/{shelf(photo.name)}"})
    local = await ports.photos.local(photo.name)
    if local is not None:
        return _of_file(local, photo.facts.media.type, photo.name)
    return await _stream(request, ports, photo)


async def _stream(request: web.Request, ports: Ports, photo: PhotoFile) -> web.StreamResponse:
    """Send the photo piece by piece. Raises: NotFound, StoreUnavailable."""
    response = web.StreamResponse(headers=_head(photo))
    response.content_length = photo.size
    await response.prepare(request)
    with cut_off_if_it_breaks(request):
        if request.method != hdrs.METH_HEAD:
            async for piece in ports.photos.pieces(photo.name):
                await response.write(piece)
        await response.write_eof()
    return response


def _of_file(path: str, kind: str, name: str) -> web.StreamResponse:
    return web.FileResponse(path, headers=_headers(kind, name))


def _head(photo: PhotoFile) -> dict[str, str]:
    return _headers(photo.facts.media.type, photo.name)


def _headers(kind: str, name: str) -> dict[str, str]:
    return {
        hdrs.CONTENT_TYPE: kind,
        hdrs.CACHE_CONTROL: KEPT,
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
        "Content-Security-Policy": INERT,
    }
