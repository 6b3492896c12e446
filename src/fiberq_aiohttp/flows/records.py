"""Records as old clients call them: listed, shown, made, changed and deleted, all by the one write path.

Who may not know of a project is answered as if its records were not there; who may not do something is told that
before anything else.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from fiberq_aiohttp.flows import writing
from fiberq_aiohttp.flows.access import demand, writable
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.homes import Values, home, linked
from fiberq_aiohttp.flows.numbers import Found, found, shown
from fiberq_aiohttp.flows.once import once
from fiberq_core import orders
from fiberq_core.changes import Change, Source
from fiberq_core.errors import Conflict, Fault, Forbidden, Invalid, NotFound, Stale
from fiberq_core.fibre import TRAYS
from fiberq_core.geojson import to_geojson
from fiberq_core.policy import Action, Actor, allows
from fiberq_core.ports import Reader, Unit
from fiberq_core.records import bodies, entries, plan
from fiberq_core.records.bodies import Body
from fiberq_core.records.model import Filled, Form, Record
from fiberq_core.records.showing import position
from fiberq_core.registry import GEOMETRY, PROJECT
from fiberq_core.rows import Key, Row, Stored, Value, present
from fiberq_core.unchanged import as_spelled
from fiberq_core.wire import Json

# what saying one thing means for another, by layer
MEANING: Mapping[str, Callable[[Row | None, Values], Values]] = {orders.LAYER: orders.assigning, TRAYS: plan.sized}


async def show(ports: Ports, actor: Actor, record: Record, number: int, parent: int | None = None) -> Json:
    """One record. Raises: NotFound."""
    here, within = await _found(ports, actor, record, number, parent)
    demand(here.actor, Action.PROJECT_READ)
    async with ports.store.reading(here.project.id) as reader:
        return await shown(reader, record, await _current(reader, record, here.key, within))


@writing.persistent
async def create(
    ports: Ports,
    actor: Actor,
    record: Record,
    body: Mapping[str, object],
    *,
    parent: int | None = None,
    idempotency_key: str | None = None,
) -> tuple[Json, bool]:
    """Add a record. Returns it, and whether it is new: what was sent before, word for word, is not made twice.

    Raises: NotFound, Forbidden, Invalid, Conflict.
    """
    project_id, actor, links = await home(ports, actor, record, body, parent)
    said = (await asyncio.to_thread(lambda: bodies.read(record, body, new=True))).filled(record, _filling(ports, actor))
    values = await linked(ports, actor, record, said, project_id, links)
    values = MEANING[record.layer_name](None, values) if record.layer_name in MEANING else values
    request = await once(actor, f"{record.layer_name}/{parent or ''}", idempotency_key, body)
    async with ports.store.unit(project_id) as unit:
        answered = await request.earlier(unit)
        if answered is not None:
            return dict(answered), True
        row = Row(present(values))
        same = None if idempotency_key or said.uuid else await _sent_before(unit, record, row, links)
        if same is not None:
            return await shown(unit, record, same), False
        key = Key(record.layer_name, said.uuid or ports.new_uuid())
        answer = await shown(unit, record, await _insert(ports, actor, unit, key, row))
        await request.remember(unit, answer)
        return answer, True


@writing.persistent
async def edit(
    ports: Ports,
    actor: Actor,
    record: Record,
    number: int,
    body: Mapping[str, object],
    if_match: int | None,
    *,
    parent: int | None = None,
) -> Json:
    """Change what the body names. Old clients name no version: then the last is meant.

    Raises: NotFound, Forbidden, Invalid, Conflict, Stale.
    """
    here, within = await _found(ports, actor, record, number, parent)
    writable(here.project)
    async with ports.store.reading(here.project.id) as reader:
        await _allow(reader, here.actor, record, await _current(reader, record, here.key, within), *_to_edit(record))
    said = await asyncio.to_thread(bodies.read, record, body)
    _stays(record, body, here.project.id)
    values = await linked(ports, here.actor, record, said, here.project.id, {})
    async with ports.store.unit(here.project.id) as unit:
        now = await _current(unit, record, here.key, within)
        await _matching(unit, record, now, if_match)
        values = MEANING[record.layer_name](now.row, values) if record.layer_name in MEANING else values
        sent = await asyncio.to_thread(_as_it_was, record, now.row, values, said)
        if sent == now.row:
            return await shown(unit, record, now)
        after = await writing.one(ports, here.actor, unit, [Change(now.key, now.row, sent)], Source.REST)
        return await shown(unit, record, after or now)


@writing.persistent
async def delete(
    ports: Ports, actor: Actor, record: Record, number: int, if_match: int | None, *, parent: int | None = None
) -> None:
    """Take a record away, with what is a part of it. Raises: NotFound, Forbidden, Conflict, Stale."""
    here, within = await _found(ports, actor, record, number, parent)
    writable(here.project)
    async with ports.store.unit(here.project.id) as unit:
        now = await _current(unit, record, here.key, within)
        await _allow(unit, here.actor, record, now, record.layer.rights.delete)
        await _matching(unit, record, now, if_match)
        changes = await writing.with_parts(unit, [Change(now.key, now.row, None)])
        await writing.one(ports, here.actor, unit, changes, Source.REST)


async def _found(
    ports: Ports, actor: Actor, record: Record, number: int, parent: int | None
) -> tuple[Found, Key | None]:
    """The record with this number, and what it must be a part of. Raises: NotFound."""
    if record.parent is None or parent is None:
        return await found(ports, actor, record.layer_name, number, record.absent), None
    above = await found(ports, actor, record.parent.layer, parent, record.absent)
    here = await found(ports, actor, record.layer_name, number, record.absent)
    if here.project.id != above.project.id:
        raise NotFound(record.absent)
    return here, above.key


async def _current(reader: Reader, record: Record, key: Key, within: Key | None) -> Stored:
    """The row as it is, if it is (still) there and a part of *within*. Raises: NotFound."""
    stored = (await reader.rows([key])).get(key)
    apart = record.parent and within and stored and stored.row.get(record.parent.column) != within.uuid
    if stored is None or apart:
        raise NotFound(record.absent)
    return stored


async def _matching(unit: Unit, record: Record, now: Stored, if_match: int | None) -> None:
    if if_match is not None and if_match != now.rev:
        reason = "It was changed since; merge your edit into the current one and try again"
        raise Stale(reason, await shown(unit, record, now))


async def _allow(reader: Reader, actor: Actor, record: Record, now: Stored, *rights: Action) -> None:
    """Insist that *actor* has one of *rights* to this row, before anything else is said of it. Raises: Forbidden."""
    owner = (await writing.current(reader, [Change(now.key, now.row, now.row)])).owner(now.key, now.row)
    if not any(allows(actor, right, owner=owner) for right in rights):
        raise Forbidden(f"Your role in this project does not allow this with this {record.singular}")


def _to_edit(record: Record) -> tuple[Action, ...]:
    """The rights of which one is needed to change anything of a row; which one for what, the core says."""
    columns = [column.action for column in record.layer.columns if column.action is not None]
    return (record.layer.rights.write, *columns)


def _filling(ports: Ports, actor: Actor) -> Mapping[Filled, Value]:
    now = ports.now()
    return {Filled.NOW: now, Filled.TODAY: now[: len("2026-01-01")], Filled.ACTOR: actor.subject}


async def _sent_before(unit: Unit, record: Record, row: Row, links: Mapping[str, Key]) -> Stored | None:
    """The record of the same parent that says the same."""
    if not record.same_by or not links:
        return None
    siblings = [s for s in await unit.referring(set(links.values())) if s.key.layer == record.layer_name]
    alike = (s for s in siblings if all(s.row.get(name) == row.get(name) for name in (*record.same_by, *links)))
    return next(alike, None)


async def _insert(ports: Ports, actor: Actor, unit: Unit, key: Key, row: Row) -> Stored:
    if await unit.locate([key.uuid]):
        raise Conflict("There is, or was, a record with this uuid; choose another or leave it out")
    stored = await writing.one(ports, actor, unit, [Change(key, None, row)], Source.REST)
    assert stored is not None
    return stored


def _stays(record: Record, body: Mapping[str, object], project_id: int) -> None:
    """Insist that a body does not move a record to another project. Raises: Invalid."""
    named, _ = bodies.home(record, body)
    if named not in (None, project_id):
        raise Invalid(
            "Nothing was changed; see the errors", [Fault(PROJECT, f"a {record.singular} stays in its project")]
        )


def _as_it_was(record: Record, now: Row, values: Values, said: Body) -> Row:
    """The row with *values*, where they say anything else than it does."""
    changes = dict(values)
    for one in record.fields:
        if (
            one.form is Form.LIST
            and one.column in changes
            and entries.shown(changes[one.column]) == entries.shown(now.get(one.column))
        ):
            del changes[one.column]
    if said.by_pair and now.geometry and _at(now.geometry) == _at(changes.get(GEOMETRY)):
        del changes[GEOMETRY]  # the two numbers say nothing of a height
    return as_spelled(record.layer, now.with_values(changes), now)


def _at(wkb: Value | None) -> Sequence[object]:
    return position(to_geojson(wkb)) if isinstance(wkb, bytes) else ()
