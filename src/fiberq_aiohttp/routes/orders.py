"""Work orders on their way: mine, assigned, moved on, their items done. The orders themselves are among `records`."""

from typing import Final

from aiohttp import web

from fiberq_aiohttp import asking
from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.caching import if_match
from fiberq_aiohttp.flows import orders
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.operation import IF_MATCH, Answer, Parameter, documented
from fiberq_aiohttp.openapi.shapes import TEXT, Schema, list_of, maybe, one_of, partial, record
from fiberq_aiohttp.routes.records import GIVEN, NUMBER, PARENT, number_in_path, shown
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core import items
from fiberq_core.orders import LAYER
from fiberq_core.policy import Action
from fiberq_core.registry.vocabularies import ORDER_STATUS

ORDERS: Final = "/api/work-orders"
ONE: Final = f"{ORDERS}/{NUMBER}"
ITEM: Final = f"{ORDERS}/{PARENT}/items/{NUMBER}"
ORDER: Final = Answer(GIVEN[LAYER], headers=("ETag",))
NOTES: Final = Parameter("notes", "what is to be said of it")
ITEM_DONE: Final[Schema] = record(status={"const": "ok"}, item=GIVEN[items.LAYER])
MOVE: Final[Schema] = partial(
    "status", status=one_of(*(term.code for term in ORDER_STATUS.terms)), reason={**maybe(TEXT), "description": "of a rejection"}
)  # fmt: skip


@requires(Action.PROJECT_READ)
@documented(list_of(GIVEN[LAYER]))
async def mine(request: web.Request) -> web.StreamResponse:
    """The orders that the caller has to see to, the most urgent first."""
    return answer(await orders.mine(request.app[PORTS], request[ACTOR]))


@requires(Action.ORDER_WRITE)
@documented(ORDER, body=record(assigned_to_sub=TEXT), headers=(IF_MATCH,), problems=(409,))
async def assign(request: web.Request) -> web.StreamResponse:
    """Give an order to somebody."""
    match, body = if_match(request.headers), await asking.json_object(request)
    return shown(request, await orders.assign(request.app[PORTS], request[ACTOR], number_in_path(request), body, match))


@requires(Action.ORDER_ADVANCE)
@documented(ORDER, body=MOVE, headers=(IF_MATCH,), problems=(409,))
async def move(request: web.Request) -> web.StreamResponse:
    """Take an order to another state; a rejection needs a `reason`."""
    match, body = if_match(request.headers), await asking.json_object(request)
    return shown(request, await orders.move(request.app[PORTS], request[ACTOR], number_in_path(request), body, match))


@requires(Action.ITEM_COMPLETE)
@documented(ITEM_DONE, body=partial(notes=maybe(TEXT)), body_needed=False, query=(NOTES,), problems=(409,))
async def complete(request: web.Request) -> web.StreamResponse:
    """An item is done."""
    ports, actor, order = request.app[PORTS], request[ACTOR], int(request.match_info["parent"])
    body = await asking.json_object(request, optional=True)
    notes = asking.text_of({"notes": request.query.get("notes") or body.get("notes")}, "notes", asking.MAX_NOTES, "")
    return _done(await orders.complete(ports, actor, order, number_in_path(request), notes))


@requires(Action.ITEM_COMPLETE)
@documented(ITEM_DONE, problems=(409,))
async def undo(request: web.Request) -> web.StreamResponse:
    """An item is not done after all."""
    ports, actor, order = request.app[PORTS], request[ACTOR], int(request.match_info["parent"])
    return _done(await orders.undo(ports, actor, order, number_in_path(request)))


def _done(item: dict[str, object]) -> web.StreamResponse:
    """As old clients expect it, with the item beside."""
    return answer({"status": "ok", "item": item})


ROUTES = spelled(
    web.get(f"{ORDERS}/my", mine),
    web.post(f"{ONE}/assign", assign),
    web.put(f"{ONE}/status", move),
    web.post(f"{ONE}/status", move),
    web.put(f"{ITEM}/complete", complete),
    web.post(f"{ITEM}/complete", complete),
    web.delete(f"{ITEM}/complete", undo),
)
