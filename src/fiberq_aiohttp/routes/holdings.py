"""What the server holds of its projects, and the end of one."""

import time

from aiohttp import web

from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.asking import json_object, project_in_path
from fiberq_aiohttp.flows import holdings
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS, SECRET
from fiberq_aiohttp.openapi.operation import documented
from fiberq_aiohttp.openapi.people import PURGE, STORAGE
from fiberq_aiohttp.openapi.shapes import TEXT, partial
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action


@requires(Action.SERVER_WATCH)
@documented(STORAGE)
async def usage(request: web.Request) -> web.StreamResponse:
    """What each project takes: rows and history in the store, photos, raw uploads and exported packages beside it."""
    return answer(await holdings.usage(request.app[PORTS], request[ACTOR]))


@requires(Action.PROJECT_PURGE)
@documented(PURGE, body=partial(code=TEXT, name=TEXT), body_needed=False, problems=(409, 503))
async def purge(request: web.Request) -> web.StreamResponse:
    """Remove an archived project for good, after a backup. Without a body: a code; with code and name: the purge."""
    body = await json_object(request, optional=True)
    ports, actor, project = request.app[PORTS], request[ACTOR], project_in_path(request)
    return answer(await holdings.purge(ports, actor, project, body, request.app[SECRET], time.time()))


ROUTES = spelled(
    web.get("/api/admin/storage", usage),
    web.post(r"/api/projects/{project:\d{1,18}}/purge", purge),
)
