"""The fibre plan as a whole: where light goes from a port, every way that there is, and what is in a closure."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from fiberq_aiohttp import asking
from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.flows import fibres
from fiberq_aiohttp.flows.patched import PortAsked
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.fibres import HOW, MATRIX, PATH, PLACE, TRACE
from fiberq_aiohttp.openapi.operation import CURSOR, LIMIT, Parameter, documented
from fiberq_aiohttp.openapi.shapes import WHOLE, list_of
from fiberq_aiohttp.routes.projects import ONE
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.errors import Fault, Invalid
from fiberq_core.fibre.losses import FIGURES, LIMITS, MULTI_MODE, SINGLE_MODE, TYPICAL, configured
from fiberq_core.fibre.report import Reckoning
from fiberq_core.policy import Action

KNOWN: Final = {str(wave): wave for wave in (*SINGLE_MODE, *MULTI_MODE)}
FIGURES_OF: Final = {"typical": TYPICAL, "limit": LIMITS}
PLAN: Final = "/api/fiber-plan"


def reckoning(query: Mapping[str, str]) -> Reckoning:
    """How the caller wants losses to be reckoned. Raises: Invalid."""
    said = query.get("losses") or "typical"
    waves = [text.strip() for text in query.get("wavelengths", "").split(",") if text.strip()]
    faults = [] if said in FIGURES_OF else [Fault("losses", f"must be one of {', '.join(FIGURES_OF)}")]
    if not set(waves) <= KNOWN.keys():
        faults.append(Fault("wavelengths", f"must be some of {', '.join(KNOWN)}, with commas between"))
    if faults:
        raise Invalid("This cannot be reckoned with", faults)
    own = {name: query[name] for name in FIGURES if name in query}
    return Reckoning(configured(own, FIGURES_OF[said]), tuple(dict.fromkeys(KNOWN[text] for text in waves)))


@requires(Action.PROJECT_READ)
@documented(TRACE, query=(*PLACE, *HOW), problems=(404, 409))
async def trace(request: web.Request) -> web.StreamResponse:
    """Where light goes from a port of the element with this number; 409 if that can be several elements."""
    port, fid, project = int(request.match_info["port"]), int(request.match_info["fid"]), _project(request)
    uuid, layer = asking.uuid_in_query(request, "element_uuid"), request.query.get("element_layer_id", "")
    asked = PortAsked(port, uuid, None if uuid else fid, layer, project)
    return answer(await fibres.traced(request.app[PORTS], request[ACTOR], asked, reckoning(request.query)))


@requires(Action.PROJECT_READ)
@documented(TRACE, query=HOW, problems=(404, 409))
async def trace_in_project(request: web.Request) -> web.StreamResponse:
    """Where light goes from a port of an element of this project."""
    port = int(request.match_info["port"])
    asked = PortAsked(port, asking.uuid_in_path(request), project=asking.project_in_path(request))
    return answer(await fibres.traced(request.app[PORTS], request[ACTOR], asked, reckoning(request.query)))


@requires(Action.PROJECT_READ)
@documented(
    list_of(PATH), query=(Parameter("project_id", "only those of this project", dict(WHOLE)), *HOW, LIMIT, CURSOR)
)
async def paths(request: web.Request) -> web.StreamResponse:
    """Every way from port to port, reckoned now; in pages, with where the next one begins in `X-Next-Cursor`."""
    after, most = _after(asking.cursor(request)), asking.limit(request)
    how, project = reckoning(request.query), _project(request)
    shown, following = await fibres.paths(request.app[PORTS], request[ACTOR], project, how, most, after)
    return answer(shown, headers={"X-Next-Cursor": "{}.{}".format(*following)} if following else {})


@requires(Action.PROJECT_READ)
@documented(MATRIX, problems=(404,))
async def matrix(request: web.Request) -> web.StreamResponse:
    """What is in a closure: every position of every tray, with cables, tubes, fibres and colours of both sides."""
    return answer(await fibres.closure(request.app[PORTS], request[ACTOR], int(request.match_info["number"])))


def _project(request: web.Request) -> int | None:
    return asking.project_in_query(request) if request.query.get("project_id") else None


def _after(cursor: str | None) -> tuple[int, int]:
    """The project and the patch after which a page of paths begins. Raises: Invalid."""
    parts = (cursor or "0.0").split(".")
    if len(parts) != len(("project", "patch")) or not all(
        p.isascii() and p.isdigit() and len(p) < len(str(2**63)) for p in parts
    ):
        raise Invalid("The cursor is not one that this list gave", [Fault("cursor", "Begin again without it")])
    return int(parts[0]), int(parts[1])


ROUTES = spelled(
    web.get(rf"{PLAN}/trace/{{fid:\d{{1,18}}}}/{{port:\d{{1,9}}}}", trace),
    web.get(rf"{ONE}/trace/{{uuid}}/{{port:\d{{1,9}}}}", trace_in_project),
    web.get(f"{PLAN}/paths", paths),
    web.get(rf"{PLAN}/closures/{{number:\d{{1,18}}}}/matrix", matrix),
)
