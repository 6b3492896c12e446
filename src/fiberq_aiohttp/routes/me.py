"""Who the caller is, as their token says it."""

from aiohttp import web

from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR
from fiberq_aiohttp.openapi.common import ME, MY_ROLES
from fiberq_aiohttp.openapi.operation import documented
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Actor, Role


def _roles(actor: Actor) -> list[str]:
    return [role.value for role in Role if role in actor.roles]


@requires(None)
@documented(ME)
async def me(request: web.Request) -> web.StreamResponse:
    """Subject, e-mail address, name and roles."""
    actor = request[ACTOR]
    return answer({"sub": actor.subject, "email": actor.email, "name": actor.name, "roles": _roles(actor)})


@requires(None)
@documented(MY_ROLES)
async def roles(request: web.Request) -> web.StreamResponse:
    """The roles alone, also as one yes or no for each."""
    actor = request[ACTOR]
    flags = {f"is_{role.value}": role in actor.roles for role in Role}
    return answer({"sub": actor.subject, "roles": _roles(actor), **flags})


ROUTES = spelled(web.get("/api/auth/me", me), web.get("/api/auth/roles", roles))
