"""Work orders on their way: who has which, who gets one, what is done. Every step is an edit by the one write path."""

from collections.abc import Mapping, Sequence
from typing import Final

from fiberq_aiohttp.flows import records
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.numbers import visible
from fiberq_core import items, orders
from fiberq_core.errors import Fault, Invalid
from fiberq_core.policy import Actor
from fiberq_core.ports import Sought
from fiberq_core.records import ORDER_ITEMS, WORK_ORDERS
from fiberq_core.records.showing import record_json
from fiberq_core.rows import Stored
from fiberq_core.wire import Json

PAGE: Final = 1000  # orders that are asked for at a time
REASONS: Final = ("reason", orders.REASON)


async def mine(ports: Ports, actor: Actor) -> Sequence[Json]:
    """The orders that *actor* has to see to: the most urgent first, then by their due dates."""
    wanted = Sought(
        orders.LAYER,
        await visible(ports, actor),
        {orders.ASSIGNEE: (actor.subject,), orders.STATUS: orders.OPEN},
    )
    found: list[tuple[int, Stored]] = []
    cursor: str | None = None
    while True:
        page = await ports.store.sought(wanted, PAGE, cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    found.sort(key=lambda one: orders.urgency(one[1].row))
    return [record_json(WORK_ORDERS, project, stored, {}) for project, stored in found]


async def assign(ports: Ports, actor: Actor, number: int, body: Mapping[str, object], if_match: int | None) -> Json:
    """Give an order to somebody. Raises: NotFound, Forbidden, Invalid, Conflict, Stale."""
    who = body.get(orders.ASSIGNEE)
    if not isinstance(who, str) or not who.strip():
        raise Invalid("Nothing was changed", [Fault(orders.ASSIGNEE, "must be the subject of whoever shall do it")])
    wanted = {orders.ASSIGNEE: who, orders.STATUS: orders.ASSIGNED}
    return await records.edit(ports, actor, WORK_ORDERS, number, wanted, if_match)


async def move(ports: Ports, actor: Actor, number: int, body: Mapping[str, object], if_match: int | None) -> Json:
    """Take an order to another state; a rejection says why. Raises: NotFound, Forbidden, Invalid, Conflict, Stale."""
    status = body.get(orders.STATUS)
    if not isinstance(status, str):
        raise Invalid("Nothing was changed", [Fault(orders.STATUS, "must be the state that the order goes to")])
    wanted: dict[str, object] = {orders.STATUS: status}
    if status == orders.REJECTED:  # the reason of an earlier one is none of this
        wanted[orders.REASON] = next((body[name] for name in REASONS if name in body), None)
    return await records.edit(ports, actor, WORK_ORDERS, number, wanted, if_match)


async def complete(ports: Ports, actor: Actor, order: int, number: int, notes: str | None) -> Json:
    """An item is done; a second time, nothing happens. Raises: NotFound, Forbidden, Invalid, Conflict."""
    said = {"notes": notes} if notes else {}
    return await records.edit(ports, actor, ORDER_ITEMS, number, {items.STATUS: items.DONE, **said}, None, parent=order)


async def undo(ports: Ports, actor: Actor, order: int, number: int) -> Json:
    """An item is not done after all. Raises: NotFound, Forbidden, Conflict."""
    return await records.edit(ports, actor, ORDER_ITEMS, number, {items.STATUS: items.PENDING}, None, parent=order)
