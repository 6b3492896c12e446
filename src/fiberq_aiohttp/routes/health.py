"""Whether the server is well, and a page for whoever looks at its address with a browser."""

import asyncio
from typing import Final

import aiohttp_jinja2
from aiohttp import web

from fiberq_aiohttp.answering import PAGE_POLICY, answer
from fiberq_aiohttp.guard import public
from fiberq_aiohttp.keys import PORTS, SETTINGS
from fiberq_aiohttp.openapi.operation import Answer, documented
from fiberq_aiohttp.openapi.shapes import TEXT, YES_NO, one_of, record
from fiberq_aiohttp.routes.spelling import spelled

PATIENCE: Final = 5.0  # seconds in which the store must answer
HEALTH: Final = record(status=one_of("ok", "unavailable"), db=YES_NO)


@public
@documented(HEALTH, others={503: Answer(HEALTH, what="The store does not answer")})
async def health(request: web.Request) -> web.StreamResponse:
    """Whether the store answers."""
    try:
        async with asyncio.timeout(PATIENCE):
            alive = await request.app[PORTS].store.alive()
    except TimeoutError:
        alive = False
    return answer({"status": "ok" if alive else "unavailable", "db": alive}, status=200 if alive else 503)


@public
@documented(Answer(TEXT, "text/html"))
async def front(request: web.Request) -> web.StreamResponse:
    """What this is and where to go."""
    settings = request.app[SETTINGS]
    context = {"dev": settings.dev, "issuer": settings.provider.issuer}
    response = aiohttp_jinja2.render_template("index.html", request, context)
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    return response


ROUTES = (*spelled(web.get("/health", health), web.get("/api/health", health)), web.get("/", front))
