"""The inbox: what waits for a person, and what their decision makes of it."""

import asyncio
from collections.abc import Mapping, Sequence

from attrs import evolve

from fiberq_aiohttp.flows import writing
from fiberq_aiohttp.flows.access import demand, reader_in, writer_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.once import once
from fiberq_core.changes import Source
from fiberq_core.errors import Busy, Conflict, Fault, FiberqError, Invalid, StoreUnavailable
from fiberq_core.inbox import Decided, Decision, Item
from fiberq_core.planning import Cause, Current, Outcome, Plan
from fiberq_core.policy import Action, Actor
from fiberq_core.ports import Reader, Unit
from fiberq_core.proposals import ISSUES, Proposal
from fiberq_core.reversal import choices, choices_for, proposed_by, row_of
from fiberq_core.rows import Row
from fiberq_core.wire import item_json


async def items(
    ports: Ports, actor: Actor, project_id: int, state: str | None, limit: int, cursor: str | None
) -> Mapping[str, object]:
    """What waits in a project, or has waited. Raises: NotFound, Forbidden."""
    _, actor = await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        page = await reader.items(state, limit, cursor)
        current = await _current(reader, page.items)
    shown = await asyncio.to_thread(lambda: [_json(i, actor, current) for i in page.items])
    return {"items": shown, "next": page.next}


async def show(ports: Ports, actor: Actor, project_id: int, item_id: str) -> Mapping[str, object]:
    """One item, open or decided. Raises: NotFound, Forbidden."""
    _, actor = await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        item = await reader.item(item_id)
        return _json(item, actor, await _current(reader, [item]))


async def _current(reader: Reader, shown: Sequence[Item]) -> Current:
    return await writing.current(reader, [change for item in shown for change in item.changes])


def _json(item: Item, actor: Actor, current: Current) -> dict[str, object]:
    possible = choices_for(actor, item, current)
    return item_json(item, row_of(item, current.rows), [choice.value for choice in possible])


@writing.persistent
async def decide(
    ports: Ports,
    actor: Actor,
    project_id: int,
    item_id: str,
    decision: str,
    note: str,
    *,
    idempotency_key: str | None = None,
) -> Mapping[str, object]:
    """Carry out a decision; returns the item as it then is. Sent again under its key, it gets the same answer.

    Raises: NotFound, Forbidden, Invalid (no such decision here), Conflict (it cannot stand as things are).
    """
    _, actor = await writer_in(ports, actor, project_id)
    request = await once(actor, f"inbox/{item_id}", idempotency_key, {"decision": decision, "note": note})
    async with ports.store.unit(project_id) as unit:
        answered = await request.earlier(unit)
        if answered is not None:
            return answered
        cause = Cause(actor, ports.now(), item_id)
        item = await carry_out(unit, cause, item_id, decision, note)
        answer = _json(item, actor, await _current(unit, [item]))
        await request.remember(unit, answer)
        return answer


async def carry_out(unit: Unit, cause: Cause, item_id: str, decision: str, note: str) -> Item:
    """Decide one item inside a transaction. Raises as `decide`."""
    plan, decided = await _decided(unit, cause, item_id, decision, note)
    await writing.apply(unit, plan, Source.INBOX, decided_items=[decided])
    return decided


async def _decided(unit: Unit, cause: Cause, item_id: str, decision: str, note: str) -> tuple[Plan, Item]:
    """What a decision makes of the project, and of its item; nothing is written. Raises as `decide`."""
    item = await unit.item(item_id)
    demand(cause.actor, Action.INBOX_DECIDE, owner=item.author.sub)
    current = await _current(unit, [item])
    chosen = _choice(item, decision, choices(item, row_of(item, current.rows)))
    wanted = proposed_by(item, chosen, current.rows)
    plan = await writing.plan(unit, cause, [Proposal(c) for c in await writing.with_parts(unit, wanted)])
    writing.insist(plan)
    return plan, evolve(item, decided=Decided(chosen, cause.author, cause.at, note))


def _choice(item: Item, decision: str, possible: Sequence[Decision]) -> Decision:
    chosen = next((d for d in Decision if d.value == decision), None)
    if chosen in possible and chosen is not None:
        return chosen
    if item.decided is not None:
        done = item.decided
        raise Conflict(f"This was decided already: {done.decision.value}, by {done.by.name or done.by.sub}.")
    names = ", ".join(d.value for d in possible)
    raise Invalid(f"This item can be decided with: {names}.", [Fault("decision", f"one of: {names}")])


async def answer_issues(unit: Unit, cause: Cause, answers: Sequence[Row]) -> tuple[Outcome, ...]:
    """Carry out what a device answered in the `sync_issues` layer (S48); says for each what became of it."""
    outcomes = []
    for answer in answers:
        item_id, decision = str(answer.get("item_id")), answer.get("decision")
        if isinstance(decision, str) and decision:
            outcomes.append(await _answer(unit, cause, item_id, decision, str(answer.get("note") or "")))
    return tuple(outcomes)


async def _answer(unit: Unit, cause: Cause, item_id: str, decision: str, note: str) -> Outcome:
    """Carry out one answer. What fails while it is written ends the upload: half of it would stay in the transaction."""
    try:
        item = await unit.item(item_id)
        if item.decided is not None and item.decided.decision.value == decision:
            return Outcome(ISSUES, item_id, "decided", reason="it was decided so already", item_id=item_id)
        plan, item = await _decided(unit, evolve(cause, origin=item_id), item_id, decision, note)
    except (StoreUnavailable, Busy):
        raise
    except FiberqError as error:
        return Outcome(
            ISSUES, item_id, "refused", field="decision", device_value=decision, reason=str(error), item_id=item_id
        )
    await writing.apply(unit, plan, Source.INBOX, decided_items=[item])
    return Outcome(ISSUES, item.item_id, "decided", field="decision", device_value=decision, item_id=item_id)
