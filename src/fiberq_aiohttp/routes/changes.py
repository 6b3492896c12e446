"""What happened in a project, for programs that follow it."""

from aiohttp import web

from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.asking import LARGEST, cursor, limit, project_in_path, whole
from fiberq_aiohttp.flows import reading
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.common import CHANGE
from fiberq_aiohttp.openapi.operation import PAGED, Parameter, documented
from fiberq_aiohttp.openapi.shapes import WHOLE, page_of
from fiberq_aiohttp.routes.projects import ONE
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action

SINCE = Parameter("since", "the revision that the caller knows", {**WHOLE, "minimum": 0, "default": 0})


@requires(Action.PROJECT_READ)
@documented(page_of("changes", CHANGE, revision=WHOLE), query=(SINCE, *PAGED))
async def changes(request: web.Request) -> web.StreamResponse:
    """The changes after revision `?since=`, oldest first, in pages."""
    ports, actor, project = request.app[PORTS], request[ACTOR], project_in_path(request)
    since = whole(request, "since", 0, 0, LARGEST)
    return answer(await reading.changes(ports, actor, project, since, limit(request), cursor(request)))


ROUTES = spelled(web.get(f"{ONE}/changes", changes))
