"""Everybody who ever signed in."""

from aiohttp import web

from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.asking import cursor, limit, project_in_path
from fiberq_aiohttp.flows import people
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.operation import PAGED, documented
from fiberq_aiohttp.openapi.people import ASSIGNABLE, PERSON
from fiberq_aiohttp.openapi.shapes import one_of, page_of, record
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action


@requires(None)
@documented(record(status=one_of("ok")), problems=(403,))
async def record_login(request: web.Request) -> web.StreamResponse:
    """Note the caller's sign-in; every sign-in is noted without it, too."""
    return answer(await people.record_login(request.app[PORTS], request[ACTOR]))


@requires(Action.PEOPLE_READ)
@documented(page_of("users", PERSON), query=PAGED)
async def listed(request: web.Request) -> web.StreamResponse:
    """Everybody who ever signed in, as their last token said it."""
    page = await people.listed(request.app[PORTS], limit(request), cursor(request))
    return answer({"users": page.items, "next": page.next})


@requires(Action.PEOPLE_READ)
@documented(PERSON)
async def show(request: web.Request) -> web.StreamResponse:
    """One person, by subject."""
    return answer(await people.show(request.app[PORTS], request.match_info["sub"]))


@requires(Action.MEMBERS_EDIT)
@documented(page_of("users", ASSIGNABLE), query=PAGED)
async def assignable(request: web.Request) -> web.StreamResponse:
    """Everybody with a role who can be made a member or be given work, and what they are in the project."""
    ports, project = request.app[PORTS], project_in_path(request)
    page = await people.assignable(ports, request[ACTOR], project, limit(request), cursor(request))
    return answer({"users": page.items, "next": page.next})


ROUTES = spelled(
    web.post("/api/auth/record-login", record_login),
    web.get("/api/users", listed),
    web.get("/api/users/{sub}", show),
    web.get(r"/api/projects/{project:\d{1,18}}/assignable-users", assignable),
)
