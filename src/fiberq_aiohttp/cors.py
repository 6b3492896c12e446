"""Pages of other origins may call where the settings say so; never with cookies, since tokens travel in a header."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

ANY: Final = "*"
PREFLIGHT: Final[Mapping[str, str]] = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, HEAD, POST, PUT, PATCH, DELETE",
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: (
        "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range, X-Request-ID"
    ),
    hdrs.ACCESS_CONTROL_MAX_AGE: "600",
}
EXPOSED: Final = "Content-Disposition, Content-Range, ETag, Location, Retry-After, WWW-Authenticate, X-Request-ID"

OnPrepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


@web.middleware
async def preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer the question that browsers ask before a request; `allow`'s header says whether the origin may."""
    asked = request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    if not asked or hdrs.ORIGIN not in request.headers:
        return await handler(request)
    return web.Response(status=204, headers=PREFLIGHT)


def allow(origins: frozenset[str]) -> OnPrepare:
    """For `app.on_response_prepare`: name the origin that may read the answer, if it may."""

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get(hdrs.ORIGIN)
        if ANY not in origins:
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        if origin is not None and (ANY in origins or origin in origins):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = ANY if ANY in origins else origin
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED

    return add_headers
