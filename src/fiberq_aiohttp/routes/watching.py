"""For whoever watches over the server: whether it is ready, and figures for Prometheus."""

from typing import Final

from aiohttp import hdrs, web

from fiberq_aiohttp.addresses import is_near
from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.guard import public, requires
from fiberq_aiohttp.keys import READINESS, SETTINGS
from fiberq_aiohttp.metrics import METRICS
from fiberq_aiohttp.openapi.operation import Answer, documented
from fiberq_aiohttp.openapi.shapes import TEXT, YES_NO, list_of, record
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_aiohttp.settings import LOCAL, OFF
from fiberq_core.errors import NotFound
from fiberq_core.policy import Action

READY: Final = record(ready=YES_NO, reasons=list_of(TEXT))
FORWARDED: Final = (hdrs.X_FORWARDED_FOR, hdrs.FORWARDED, hdrs.VIA, "X-Real-IP", "CF-Connecting-IP")
FIGURES: Final = "text/plain"
FORMAT: Final = "text/plain; version=0.0.4; charset=utf-8"


@public
@documented(READY, others={503: Answer(READY, what="It is not, and why")})
async def ready(request: web.Request) -> web.StreamResponse:
    """Whether the server can do its work: store, signing keys and disks."""
    reasons = await request.app[READINESS].reasons()
    return answer({"ready": not reasons, "reasons": list(reasons)}, status=503 if reasons else 200)


def local(request: web.Request) -> bool:
    """Whether a scraper beside the server asks, and no proxy for somebody else. Raises: NotFound, if figures are off."""
    said = request.app[SETTINGS].metrics
    if said == OFF:
        raise NotFound("Figures are turned off here; the setting METRICS turns them on")
    forwarded = any(name in request.headers for name in FORWARDED)
    return said == LOCAL and not forwarded and is_near(request.remote or "")


@requires(Action.SERVER_WATCH, unless=local)
@documented(Answer(TEXT, FIGURES), problems=(404,))
async def metrics(request: web.Request) -> web.StreamResponse:
    """Figures of this server as Prometheus reads them; without a token from this machine and private networks alone."""
    return web.Response(body=await request.app[METRICS].text(), headers={hdrs.CONTENT_TYPE: FORMAT})


ROUTES = spelled(web.get("/ready", ready), web.get("/metrics", metrics))
