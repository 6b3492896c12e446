"""Personal access tokens."""

from aiohttp import web

from fiberq_aiohttp.answering import answer, done
from fiberq_aiohttp.asking import cursor, flag, json_object, limit
from fiberq_aiohttp.flows import tokens
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.operation import PAGED, documented
from fiberq_aiohttp.openapi.people import NEW_TOKEN, TOKEN, TOKEN_BODY, WHOSE
from fiberq_aiohttp.openapi.shapes import page_of
from fiberq_aiohttp.routes.spelling import spelled

ALL = "/api/auth/tokens"


@requires(None)
@documented(NEW_TOKEN, status=201, body=TOKEN_BODY, problems=(403, 409))
async def make(request: web.Request) -> web.StreamResponse:
    """A new access token; only this answer ever shows it."""
    return answer(await tokens.make(request.app[PORTS], request[ACTOR], await json_object(request)), status=201)


@requires(None)
@documented(page_of("tokens", TOKEN), query=(*WHOSE, *PAGED), problems=(403,))
async def listed(request: web.Request) -> web.StreamResponse:
    """The caller's access tokens, newest first; for an administrator also those of others."""
    whose, everybodys = request.query.get("user") or None, flag(request, "all")
    ports, actor = request.app[PORTS], request[ACTOR]
    page = await tokens.listed(ports, actor, whose, limit(request), cursor(request), everybodys=everybodys)
    return answer({"tokens": page.items, "next": page.next})


@requires(None)
@documented(None, problems=(403, 404))
async def revoke(request: web.Request) -> web.StreamResponse:
    """End an access token. Every server knows within seconds."""
    await tokens.revoke(request.app[PORTS], request[ACTOR], request.match_info["token"])
    return done()


ROUTES = spelled(
    web.post(ALL, make),
    web.get(ALL, listed),
    web.delete(f"{ALL}/{{token}}", revoke),
)
