"""The audit."""

from collections.abc import Sequence

from aiohttp import web

from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.asking import LARGEST, cursor, limit, moment, project_in_path, whole
from fiberq_aiohttp.flows import auditing
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.operation import PAGED, Parameter, documented
from fiberq_aiohttp.openapi.people import EVENT
from fiberq_aiohttp.openapi.shapes import MOMENT, WHOLE, page_of
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action
from fiberq_core.ports import AuditQuery, Page

FILTERS = (
    Parameter("person", "the subject of who did it"),
    Parameter("what", "what was done: `member.set`, or all of `member.` where it ends in a dot"),
    Parameter("since", "from this moment on", dict(MOMENT)),
    Parameter("until", "before this moment", dict(MOMENT)),
)
PROJECT = Parameter("project_id", "of this project alone", dict(WHOLE))


@requires(Action.AUDIT_ALL)
@documented(page_of("events", EVENT), query=(PROJECT, *FILTERS, *PAGED))
async def everything(request: web.Request) -> web.StreamResponse:
    """Who did what to projects, members and access tokens; newest first."""
    project = whole(request, "project_id", 0, 0, LARGEST) or None
    query, ports = _query(request, project), request.app[PORTS]
    return _answer(await auditing.everything(ports, request[ACTOR], query, limit(request), cursor(request)))


@requires(Action.AUDIT_READ)
@documented(page_of("events", EVENT), query=(*FILTERS, *PAGED))
async def of_project(request: web.Request) -> web.StreamResponse:
    """Who did what to a project and its members; newest first."""
    project, ports, actor = project_in_path(request), request.app[PORTS], request[ACTOR]
    query = _query(request, project)
    return _answer(await auditing.of_project(ports, actor, project, query, limit(request), cursor(request)))


def _query(request: web.Request, project: int | None) -> AuditQuery:
    said = request.query
    since, until = moment(request, "since"), moment(request, "until")
    return AuditQuery(project, said.get("person") or None, said.get("what") or None, since, until)


def _answer(page: Page[dict[str, object]]) -> web.Response:
    events: Sequence[object] = page.items
    return answer({"events": events, "next": page.next})


ROUTES = spelled(
    web.get("/api/audit", everything),
    web.get(r"/api/projects/{project:\d{1,18}}/audit", of_project),
)
