"""Work orders, reports and whatever else the table of records has, under the paths that old clients call.

Each record's routes are made from its row of the table. Numbers in addresses are digits, so that no other address
(`/my`, `/smr-reports`) is taken for one.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from aiohttp import web

from fiberq_aiohttp import asking
from fiberq_aiohttp.answering import answer, done, versioned
from fiberq_aiohttp.caching import if_match
from fiberq_aiohttp.flows import listing, records
from fiberq_aiohttp.flows.listing import Asked
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.operation import IDEMPOTENCY_KEY, IF_MATCH, IF_NONE_MATCH, Answer, documented
from fiberq_aiohttp.openapi.records import NEXT, asked, given, taken
from fiberq_aiohttp.openapi.shapes import list_of
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action
from fiberq_core.records import RECORDS, Record
from fiberq_core.wire import Json

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NUMBER: Final = r"{number:\d{1,18}}"
PARENT: Final = r"{parent:\d{1,18}}"


def paths_of(record: Record) -> tuple[str, ...]:
    """The addresses of a record's lists."""
    above = f"/api/{record.parent.path}/{PARENT}/" if record.parent else "/api/"
    return tuple(above + path for path in record.paths)


def number_in_path(request: web.Request) -> int:
    """The number of the record that the address names."""
    return int(request.match_info["number"])


def parent_in_path(request: web.Request) -> int | None:
    """The number of what it is a part of, if the address names that too."""
    return int(request.match_info["parent"]) if "parent" in request.match_info else None


def shown(request: web.Request, value: Json, *, status: int = 200, location: str | None = None) -> web.StreamResponse:
    """A record as an answer."""
    return versioned(request, value, int(value["revision"]), status=status, location=location)


def page(request: web.Request, rows: object, cursor: str | None) -> web.StreamResponse:
    """A list, as old clients expect one, with where the next page begins in the headers."""
    after = {"X-Next-Cursor": cursor, "Link": f'<{_next(request, cursor)}>; rel="next"'} if cursor else {}
    return answer(rows, headers=after)


def _next(request: web.Request, cursor: str) -> str:
    return str(request.rel_url.update_query({"cursor": cursor}).with_path(request.path, keep_query=True, encoded=True))


def asked_of(request: web.Request, record: Record) -> Asked:
    """What the query asks of a list of records. Raises: Invalid."""
    by = {f.name: asking.texts(request, f.name, f.alias) for f in record.filters}
    project = asking.project_in_query(request) if request.query.get("project_id") else None
    days = (
        (request.query.get(record.span.first) or None, request.query.get(record.span.last) or None)
        if record.span
        else (None, None)
    )
    most = asking.whole(request, "limit", asking.MAX_PAGE, 1, asking.MAX_PAGE)
    said = {name: texts for name, texts in by.items() if texts}
    return Asked(project, parent_in_path(request), said, days, most, asking.cursor(request))


def _listed(record: Record) -> Handler:
    @requires(Action.PROJECT_READ)
    @documented(Answer(list_of(GIVEN[record.layer_name]), headers=NEXT), query=asked(record), problems=(404, 422))
    async def listed(request: web.Request) -> web.StreamResponse:
        ports, actor = request.app[PORTS], request[ACTOR]
        return page(request, *await listing.listed(ports, actor, record, asked_of(request, record)))

    return listed


def _show(record: Record) -> Handler:
    @requires(Action.PROJECT_READ)
    @documented(Answer(GIVEN[record.layer_name], headers=("ETag",)), headers=(IF_NONE_MATCH,))
    async def show(request: web.Request) -> web.StreamResponse:
        ports, actor, number, parent = (
            request.app[PORTS],
            request[ACTOR],
            number_in_path(request),
            parent_in_path(request),
        )
        return shown(request, await records.show(ports, actor, record, number, parent))

    return show


def _create(record: Record) -> Handler:
    made_answer = Answer(GIVEN[record.layer_name], headers=("ETag", "Location"))
    there = Answer(GIVEN[record.layer_name], what="It was there already, word for word")

    @requires(record.layer.rights.write)
    @documented(
        made_answer, status=201, body=taken(record, new=True), headers=(IDEMPOTENCY_KEY,),
        others={200: there} if record.same_by else None, problems=(404, 409),
    )  # fmt: skip
    async def create(request: web.Request) -> web.StreamResponse:
        ports, actor, parent = request.app[PORTS], request[ACTOR], parent_in_path(request)
        body, key = await asking.json_object(request), asking.idempotency_key(request)
        made, new = await records.create(ports, actor, record, body, parent=parent, idempotency_key=key)
        place = f"{request.path.rstrip('/')}/{made['id']}"
        return shown(request, made, status=201 if new else 200, location=place)

    return create


def _edit(record: Record) -> Handler:
    @requires(_touching(record))
    @documented(
        Answer(GIVEN[record.layer_name], headers=("ETag",)), body=taken(record, new=False), headers=(IF_MATCH,),
        problems=(409,),
    )  # fmt: skip
    async def edit(request: web.Request) -> web.StreamResponse:
        ports, actor, number, parent = (
            request.app[PORTS],
            request[ACTOR],
            number_in_path(request),
            parent_in_path(request),
        )
        match, body = if_match(request.headers), await asking.json_object(request)
        return shown(request, await records.edit(ports, actor, record, number, body, match, parent=parent))

    return edit


def _delete(record: Record) -> Handler:
    @requires(record.layer.rights.delete)
    @documented(headers=(IF_MATCH,), problems=(409,))
    async def delete(request: web.Request) -> web.StreamResponse:
        ports, actor, number, parent = (
            request.app[PORTS],
            request[ACTOR],
            number_in_path(request),
            parent_in_path(request),
        )
        await records.delete(ports, actor, record, number, if_match(request.headers), parent=parent)
        return done()

    return delete


def _touching(record: Record) -> Action:
    """The right to change the least of a record."""
    columns = (column.action for column in record.layer.columns if column.action is not None)
    return next(columns, record.layer.rights.write)


def said(handler: Handler, what: str) -> Handler:
    """*handler*, made for one record, with its own summary."""
    handler.__doc__ = what
    return handler


def _routes(record: Record) -> Iterator[web.RouteDef]:
    several, one = record.layer.labels.en, record.singular
    listed = said(_listed(record), f"{several}, in pages.")
    create = said(_create(record), f"A new {one}.")
    show = said(_show(record), f"One {one}.")
    edit = said(_edit(record), f"Change what the body names of a {one}.")
    delete = said(_delete(record), f"Take a {one} away; its history stays.")
    for path in paths_of(record):
        yield from (web.get(path, listed), web.post(path, create))
        place = f"{path}/{NUMBER}"
        yield from (web.get(place, show), web.put(place, edit), web.patch(place, edit), web.delete(place, delete))


GIVEN: Final = {record.layer_name: given(record) for record in RECORDS}
ROUTES = spelled(*(route for record in RECORDS for route in _routes(record)))
