"""The one way to write: gather what the core needs to decide, let it decide, apply.

Every flow that changes rows ends here: uploads, REST writes, decisions in the inbox, undo, restore.
Deciding is pure work and may be much of it: then it runs in a thread beside the event loop.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import wraps
from itertools import chain
from typing import ParamSpec, TypeVar

from attrs import frozen

from fiberq_aiohttp.flows.aside import aside, both_sides
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core import fibre, orders
from fiberq_core.changes import Change, Op, Source
from fiberq_core.checking import needs, settle
from fiberq_core.drafting import draft
from fiberq_core.errors import Conflict, Fault, Forbidden, GaveWay, Invalid
from fiberq_core.inbox import Item, ItemKind
from fiberq_core.orders import Ground
from fiberq_core.planning import Cause, Current, Draft, Held, Needs, Plan, World
from fiberq_core.policy import Actor
from fiberq_core.ports import Applied, Changeset, Reader, Unit
from fiberq_core.proposals import MassDeletion, Proposal
from fiberq_core.registry import LAYER
from fiberq_core.room import crowded
from fiberq_core.rows import Key, Row, Stored

P = ParamSpec("P")
T = TypeVar("T")
PAUSES = (0.1, 0.4, 1.5)  # seconds before what gave way to somebody is done again, give or take a half


def persistent(flow: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """*flow*, begun again a few times where it gave way to somebody at the database. Raises what *flow* does."""

    @wraps(flow)
    async def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for pause in PAUSES:
            try:
                return await flow(*args, **kwargs)
            except GaveWay:
                await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - no secret: two must not meet again
        return await flow(*args, **kwargs)

    return again


@frozen
class Since:
    """What the device knew: *revision* of its export, and the rows that this copy sent before (*own*)."""

    revision: int
    own: frozenset[Key] = frozenset()


async def plan(
    unit: Reader,
    cause: Cause,
    proposals: Sequence[Proposal],
    mass: Sequence[MassDeletion] = (),
    since: Since | None = None,
) -> Plan:
    """Authorise, merge and check; nothing is written."""
    changes = [p.change for p in proposals] + [c for deletion in mass for c in deletion.changes]
    drafted = await aside(both_sides(changes), draft, cause, proposals, mass, await current(unit, changes))
    met = await world(unit, drafted, since)
    beside = (stored.row for rows in met.appeared.values() for stored in rows)
    return await aside(chain(both_sides(changes), beside), settle, drafted, met)


async def current(unit: Reader, changes: Collection[Change]) -> Current:
    """What is there now of the rows that *changes* are about."""
    keys = {c.key for c in changes}
    rows = await unit.rows(keys)
    new = {c.key for c in changes if c.sent is not None and c.key not in rows}
    located = await unit.locate({k.uuid for k in new}) if new else {}
    last = {s.key: s for s in located.values() if s.key in new}
    verified = [c.key for c in changes if orders.verifies(c)]
    completers = {key: orders.completer(await unit.history(key)) for key in verified if key in rows}
    return Current(rows, last, await _owners(unit, changes, rows), completers)


async def _owners(unit: Reader, changes: Collection[Change], rows: Mapping[Key, Stored]) -> Mapping[str, str | None]:
    """The owners of rows that are owned through another row (an item through its work order)."""
    parents: set[Key] = set()
    for change in changes:
        layer = LAYER[change.key.layer]
        if layer.owner_via is None:
            continue
        reference = layer.reference(layer.owner_via)
        stored = rows.get(change.key)
        for row in (stored.row if stored else None, change.base, change.sent):
            uuid = row.get(layer.owner_via) if row is not None else None
            if reference is not None and isinstance(uuid, str):
                parents.update(Key(target, uuid) for target in reference.targets)
    found = await unit.rows(parents) if parents else {}
    return {key.uuid: _owner(key, stored.row) for key, stored in found.items()}


def _owner(key: Key, row: Row) -> str | None:
    column = LAYER[key.layer].owner
    owner = row.get(column) if column else None
    return owner if isinstance(owner, str) else None


async def world(unit: Reader, drafted: Draft, since: Since | None) -> World:
    """Answer what must be known to check *drafted*."""
    need: Needs = await aside(both_sides(c.proposal.change for c in drafted.candidates), needs, drafted)
    claimants = await unit.claimants(need.claims) if need.claims else {}
    located = await unit.locate(need.targets) if need.targets else {}
    cables = {located[c].key for c in need.cables if c in located}
    referring = await unit.referring(need.referred | cables) if need.referred or cables else ()
    appeared = (
        {layer: tuple(await unit.appeared_since(layer, since.revision)) for layer in need.layers} if since else {}
    )
    met = {s.key for s in located.values()} | set(claimants.values()) | {s.key for s in referring}
    rows = await _with_parents(unit, met)
    referring = [*referring, *(await _crowds(unit, drafted, rows) if need.claims or need.referred else ())]
    made = await unit.revisions({s.rev for s in rows.values()}) if claimants or referring else {}
    authors = {number: revision.author for number, revision in made.items()}
    return World(claimants, located, rows, tuple(referring), appeared, authors, since.own if since else frozenset())


async def _crowds(unit: Reader, drafted: Draft, rows: Mapping[Key, Stored]) -> Sequence[Stored]:
    """The trays and splices in the closures that may become too full, and in the trays that come there."""
    holders = await asyncio.to_thread(crowded, drafted, World(rows=rows))
    inside = await unit.referring(holders) if holders else []
    trays = {s.key for s in inside if s.key.layer == fibre.TRAYS}
    return [*inside, *(await unit.referring(trays) if trays else ())]


async def _with_parents(unit: Reader, keys: Collection[Key]) -> Mapping[Key, Stored]:
    """The rows of *keys* and what they belong to: a splice, its tray, its closure."""
    known: dict[Key, Stored] = {}
    wanted = set(keys)
    while wanted:
        found = await unit.rows(wanted)
        known.update(found)
        wanted = {parent for stored in found.values() for parent in _parents(stored)} - known.keys()
        if not found:
            break
    return known


def _parents(stored: Stored) -> set[Key]:
    return {
        Key(target, uuid)
        for reference in LAYER[stored.key.layer].references
        if reference.owned and isinstance(uuid := stored.row.get(reference.column), str)
        for target in reference.targets
    }


async def apply(
    unit: Unit,
    decided: Plan,
    source: Source,
    *,
    decided_items: Sequence[Item] = (),
    extra_types: Mapping[tuple[str, str], str] | None = None,
) -> tuple[Applied, frozenset[str]]:
    """Write a plan. Returns what was done and the ids of the inbox items that are new."""
    items = await aside(both_sides(c for held in decided.held for c in held.changes), decided.items)
    known = await unit.known_items([item.item_id for item in items]) if items else frozenset()
    new = tuple(item for item in items if item.item_id not in known)
    cause = decided.cause
    changeset = Changeset(
        cause.author, cause.at, source, cause.sync_id, decided.writes, new, tuple(decided_items), extra_types or {},
        orders.audited(decided.writes),
    )  # fmt: skip
    return await unit.apply(changeset), frozenset(item.item_id for item in new)


async def one(ports: Ports, actor: Actor, unit: Unit, changes: Sequence[Change], source: Source) -> Stored | None:
    """Make *changes*, or none of them; returns the row of the first as it then is. Raises: Forbidden, Invalid, Conflict."""
    cause = Cause(actor, ports.now(), ports.new_uuid())
    decided = insist(await plan(unit, cause, [Proposal(change) for change in changes]))
    applied, _ = await apply(unit, decided, source)
    key = changes[0].key
    return applied.rows.get(key) or (await unit.rows([key])).get(key)


def insist(decided: Plan) -> Plan:
    """A request that is answered is never held: what would wait is refused. Raises: Forbidden, Invalid, Conflict."""
    held = [h for h in decided.held if h.kind is not ItemKind.DUPLICATE]
    grounds = {h.ground.ground: h.ground for h in held if h.ground is not None}
    refused = [h for h in held if h.kind is ItemKind.REFUSED and (h.ground is None or h.ground.ground is Ground.RIGHT)]
    if refused:
        raise Forbidden(refused[0].reason)
    if Ground.STATE in grounds:
        raise Conflict(grounds[Ground.STATE].reason)
    rejected = [Fault(name, h.reason) for h in held if h.kind is ItemKind.REJECTED for name in _at_fault(h)]
    rejected += [Fault(wrong.field, wrong.reason) for wrong in grounds.values()]
    if rejected:
        raise Invalid("Nothing was changed; see the errors", rejected)
    if held:
        raise Conflict(held[0].reason)
    return decided


def _at_fault(held: Held) -> Sequence[str]:
    """The names of what is wrong; of a whole row, none."""
    return [held.field] if held.field else sorted(held.because_of) or [""]


async def with_parts(unit: Reader, changes: Sequence[Change]) -> tuple[Change, ...]:
    """*changes*, where each deletion also takes the parts of what it deletes (a closure's trays, their splices)."""
    result = {c.key: c for c in changes}
    wanted = {c.key for c in changes if c.op is Op.DELETE}
    while wanted:
        parts = [s for s in await unit.referring(wanted) if s.key not in result and _is_part(s, wanted)]
        result.update({s.key: Change(s.key, s.row, None) for s in parts})
        wanted = {s.key for s in parts}
    return tuple(result.values())


def _is_part(stored: Stored, of: Collection[Key]) -> bool:
    return not _parents(stored).isdisjoint(of)
