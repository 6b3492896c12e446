"""How answers look on the wire: JSON by one writer, a feature with its ETag, and what every answer carries."""

from collections.abc import Mapping
from typing import Final

import orjson
from aiohttp import hdrs, web

from fiberq_aiohttp.caching import PRIVATE, fresh, not_modified, revision_tag
from fiberq_core.registry.system import REV

GEOJSON: Final = "application/geo+json"
PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"  # of HTML
SERVER: Final = "FiberQ"  # and not which version of what
ALWAYS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    hdrs.CACHE_CONTROL: "no-store",  # unless the answer says otherwise
}


def encoded(value: object) -> bytes:
    """*value* as JSON."""
    return orjson.dumps(value)


def answer(
    value: object,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> web.Response:
    """*value* as JSON."""
    return web.Response(status=status, body=encoded(value), content_type=content_type, headers=dict(headers or {}))


def done() -> web.Response:
    """It is done and there is nothing to say."""
    return web.Response(status=204)


def feature(
    request: web.Request, value: Mapping[str, object], *, status: int = 200, location: str | None = None
) -> web.Response:
    """A feature with its validator; on reading, 304 for who has it."""
    return versioned(request, value, _revision(value), status=status, location=location, content_type=GEOJSON)


def versioned(
    request: web.Request,
    value: object,
    revision: int,
    *,
    status: int = 200,
    location: str | None = None,
    content_type: str = "application/json",
) -> web.Response:
    """*value* with the revision that wrote it as its validator; on reading, 304 for who has it."""
    etag = revision_tag(revision)
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD) and fresh(request.headers, etag):
        return not_modified(etag)
    headers: dict[str, str] = {hdrs.ETAG: etag, hdrs.CACHE_CONTROL: PRIVATE}
    if location is not None:
        headers[hdrs.LOCATION] = location
    return answer(value, status=status, headers=headers, content_type=content_type)


async def add_usual_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """For `app.on_response_prepare`: what every answer carries."""
    response.headers[hdrs.SERVER] = SERVER
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)


def _revision(value: Mapping[str, object]) -> int:
    properties = value["properties"]
    assert isinstance(properties, Mapping)
    return int(properties[REV])
