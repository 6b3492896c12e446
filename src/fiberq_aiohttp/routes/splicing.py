"""Splices and patches under the addresses that old clients call."""

from typing import Final

from aiohttp import web

from fiberq_aiohttp import asking
from fiberq_aiohttp.answering import done
from fiberq_aiohttp.caching import if_match
from fiberq_aiohttp.flows import records, splicing
from fiberq_aiohttp.flows.patched import PortAsked
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.fibres import PLACE
from fiberq_aiohttp.openapi.operation import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, Answer, Parameter, documented
from fiberq_aiohttp.openapi.records import NEXT, asked, given, taken
from fiberq_aiohttp.openapi.shapes import TEXT, WHOLE, YES_NO, Shape, extended, list_of
from fiberq_aiohttp.routes.records import Handler, asked_of, number_in_path, page, paths_of, said, shown
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action
from fiberq_core.records import Record
from fiberq_core.records.plan import PATCHES, SPLICES

ONE: Final = r"{number:\d{1,18}}"


def _named(record: Record, **more: object) -> Shape:
    plain = given(record)
    return Shape(plain.name, extended(plain, unresolved=list_of(TEXT), **more))  # type: ignore[arg-type]


GIVEN: Final = {SPLICES: _named(SPLICES, measured=YES_NO), PATCHES: _named(PATCHES)}
CLOSURE: Final = Parameter("closure_id", "those in all trays of this closure", dict(WHOLE))
ELEMENT: Final = Parameter("element_fid", "those of the element with this number", dict(WHOLE))


@requires(Action.PROJECT_READ)
@documented(Answer(list_of(GIVEN[SPLICES]), headers=NEXT), query=(CLOSURE, *asked(SPLICES)), problems=(404, 422))
async def splices(request: web.Request) -> web.StreamResponse:
    """Splices of a tray, of a closure or of a project, in pages."""
    ports, actor = request.app[PORTS], request[ACTOR]
    if request.query.get("closure_id") and not request.query.get("tray_id"):
        closure = asking.whole(request, "closure_id", None, 1, asking.LARGEST)
        return page(request, *await splicing.in_closure(ports, actor, SPLICES, closure, asked_of(request, SPLICES)))
    return page(request, *await splicing.listed(ports, actor, SPLICES, asked_of(request, SPLICES)))


@requires(Action.PROJECT_READ)
@documented(
    Answer(list_of(GIVEN[PATCHES]), headers=NEXT), query=(ELEMENT, *PLACE, *asked(PATCHES)), problems=(404, 409, 422)
)
async def patches(request: web.Request) -> web.StreamResponse:
    """Patches of an element, by port; 409 if its number can be that of several. Without one, of a project, in pages."""
    ports, actor, uuid = request.app[PORTS], request[ACTOR], asking.uuid_in_query(request, "element_uuid")
    if uuid is None and not request.query.get("element_fid"):
        return page(request, *await splicing.listed(ports, actor, PATCHES, asked_of(request, PATCHES)))
    fid = None if uuid else asking.whole(request, "element_fid", None, 0, asking.LARGEST)
    project = asking.project_in_query(request) if request.query.get("project_id") else None
    wanted = PortAsked(0, uuid, fid, request.query.get("element_layer_id", ""), project)
    return page(request, await splicing.at_element(ports, actor, PATCHES, wanted), None)


def _show(record: Record) -> Handler:
    @requires(Action.PROJECT_READ)
    @documented(Answer(GIVEN[record], headers=("ETag",)), headers=(IF_NONE_MATCH,))
    async def show(request: web.Request) -> web.StreamResponse:
        ports, actor = request.app[PORTS], request[ACTOR]
        return shown(request, await splicing.show(ports, actor, record, number_in_path(request)))

    return said(show, f"One {record.singular}, with what follows from its cables.")


def _create(record: Record) -> Handler:
    made_answer = Answer(GIVEN[record], headers=("ETag", "Location"))

    @requires(record.layer.rights.write)
    @documented(made_answer, status=201, body=taken(record, new=True), headers=(IDEMPOTENCY_KEY,), problems=(404, 409))
    async def create(request: web.Request) -> web.StreamResponse:
        ports, actor = request.app[PORTS], request[ACTOR]
        body, key = await asking.json_object(request), asking.idempotency_key(request)
        made, _ = await splicing.create(ports, actor, record, body, idempotency_key=key)
        return shown(request, made, status=201, location=f"{request.path.rstrip('/')}/{made['id']}")

    return said(create, f"A new {record.singular}; cables by uuid, or by layer and number.")


def _edit(record: Record) -> Handler:
    @requires(record.layer.rights.write)
    @documented(
        Answer(GIVEN[record], headers=("ETag",)), body=taken(record, new=False), headers=(IF_MATCH,), problems=(409,)
    )
    async def edit(request: web.Request) -> web.StreamResponse:
        ports, actor, number = request.app[PORTS], request[ACTOR], number_in_path(request)
        match, body = if_match(request.headers), await asking.json_object(request)
        return shown(request, await splicing.edit(ports, actor, record, number, body, match))

    return said(edit, f"Change what the body names of a {record.singular}.")


def _delete(record: Record) -> Handler:
    @requires(record.layer.rights.delete)
    @documented(headers=(IF_MATCH,), problems=(409,))
    async def delete(request: web.Request) -> web.StreamResponse:
        ports, actor, number = request.app[PORTS], request[ACTOR], number_in_path(request)
        await records.delete(ports, actor, record, number, if_match(request.headers))
        return done()

    return said(delete, f"Take a {record.singular} away; its history stays.")


def _routes(record: Record, listed: Handler) -> list[web.RouteDef]:
    [path] = paths_of(record)
    edit = _edit(record)
    return [
        web.get(path, listed),
        web.post(path, _create(record)),
        web.get(f"{path}/{ONE}", _show(record)),
        web.put(f"{path}/{ONE}", edit),
        web.patch(f"{path}/{ONE}", edit),
        web.delete(f"{path}/{ONE}", _delete(record)),
    ]


ROUTES = spelled(*_routes(SPLICES, splices), *_routes(PATCHES, patches))
