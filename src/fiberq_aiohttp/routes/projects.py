"""Projects and their members."""

from aiohttp import hdrs, web

from fiberq_aiohttp.answering import answer, done
from fiberq_aiohttp.asking import flag, json_object, moment, project_in_path, whole
from fiberq_aiohttp.flows import members as belonging
from fiberq_aiohttp.flows import overview, projects
from fiberq_aiohttp.flows.bodies import MAX_NAME
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.common import ACTIVITY, LISTED_PROJECT, MEMBER, ONE_PROJECT, POLICY, STATS, STATUS
from fiberq_aiohttp.openapi.operation import Answer, Parameter, documented, switch
from fiberq_aiohttp.openapi.shapes import MOMENT, list_of, one_of, partial, text
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action

ALL = "/api/projects"
ONE = r"/api/projects/{project:\d{1,18}}"
BEFORE = Parameter("before", "only what happened before this moment: `event_at` of the last entry seen", dict(MOMENT))
AT_MOST = Parameter("limit", "entries", {"type": "integer", "minimum": 1, "maximum": 100, "default": 20})
FIELDS = {
    "name": text(MAX_NAME, 1),
    "description": text(projects.MAX_DESCRIPTION),
    "status": STATUS,
    "conflict_policy": POLICY,
}
_SUBJECT, _NAME = text(belonging.MAX_SUBJECT, 1), text(MAX_NAME)
_ROLE = one_of(*belonging.ROLES)
NEW_MEMBER = {
    "anyOf": [
        partial("sub", "role", sub=_SUBJECT, role=_ROLE, name=_NAME),
        {
            "title": "as older clients say it",
            **partial("user_sub", user_sub=_SUBJECT, project_role=_ROLE, user_display_name=_NAME),
        },
    ]
}


@requires(Action.PROJECT_READ)
@documented(
    list_of(LISTED_PROJECT),
    query=(switch("archived", "1: archived ones too"), switch("extent", "1: with the extent of each")),
)
async def listed(request: web.Request) -> web.StreamResponse:
    """The projects that the caller may see; with `?archived=1` also archived ones."""
    archived, extents = flag(request, "archived"), flag(request, "extent")
    return answer(await projects.listed(request.app[PORTS], request[ACTOR], archived=archived, extents=extents))


@requires(Action.PROJECT_CREATE)
@documented(Answer(ONE_PROJECT, headers=("Location",)), status=201, body=partial("name", **FIELDS))
async def create(request: web.Request) -> web.StreamResponse:
    """A new project."""
    made = await projects.create(request.app[PORTS], request[ACTOR], await json_object(request))
    return answer(made, status=201, headers={hdrs.LOCATION: f"{ALL}/{made['id']}"})


@requires(Action.PROJECT_READ)
@documented(ONE_PROJECT)
async def show(request: web.Request) -> web.StreamResponse:
    """One project."""
    return answer(await projects.show(request.app[PORTS], request[ACTOR], project_in_path(request)))


@requires(Action.PROJECT_EDIT)
@documented(ONE_PROJECT, body=partial(**FIELDS))
async def update(request: web.Request) -> web.StreamResponse:
    """Change a project."""
    body = await json_object(request)
    return answer(await projects.update(request.app[PORTS], request[ACTOR], project_in_path(request), body))


@requires(Action.PROJECT_ARCHIVE)
@documented()
async def archive(request: web.Request) -> web.StreamResponse:
    """Archive a project. Nothing is lost."""
    await projects.archive(request.app[PORTS], request[ACTOR], project_in_path(request))
    return done()


@requires(Action.PROJECT_READ)
@documented(list_of(MEMBER))
async def members(request: web.Request) -> web.StreamResponse:
    """Who belongs to a project."""
    return answer(await belonging.members(request.app[PORTS], request[ACTOR], project_in_path(request)))


@requires(Action.MEMBERS_EDIT)
@documented(MEMBER, status=201, body=NEW_MEMBER)
async def add_member(request: web.Request) -> web.StreamResponse:
    """Add somebody to a project, or change their role."""
    body = await json_object(request)
    member = await belonging.add_member(request.app[PORTS], request[ACTOR], project_in_path(request), body)
    return answer(member, status=201)


@requires(Action.MEMBERS_EDIT)
@documented()
async def remove_member(request: web.Request) -> web.StreamResponse:
    """Take somebody out of a project."""
    project, sub = project_in_path(request), request.match_info["sub"]
    await belonging.remove_member(request.app[PORTS], request[ACTOR], project, sub)
    return done()


@requires(Action.PROJECT_READ)
@documented(STATS)
async def stats(request: web.Request) -> web.StreamResponse:
    """How much there is in a project, and when devices last brought something."""
    return answer(await overview.stats(request.app[PORTS], request[ACTOR], project_in_path(request)))


@requires(Action.PROJECT_READ)
@documented(ACTIVITY, query=(BEFORE, AT_MOST))
async def activity(request: web.Request) -> web.StreamResponse:
    """What happened in a project lately: uploads, memberships, changes of the project itself; newest first."""
    before, most = moment(request, "before"), whole(request, "limit", 20, 1, 100)
    found = await overview.activity(request.app[PORTS], request[ACTOR], project_in_path(request), before, most)
    return answer(found)


ROUTES = spelled(
    web.get(ALL, listed),
    web.post(ALL, create),
    web.get(ONE, show),
    web.put(ONE, update),
    web.delete(ONE, archive),
    web.get(f"{ONE}/stats", stats),
    web.get(f"{ONE}/activity", activity),
    web.get(f"{ONE}/members", members),
    web.post(f"{ONE}/members", add_member),
    web.delete(f"{ONE}/members/{{sub}}", remove_member),
)
