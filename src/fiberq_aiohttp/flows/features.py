"""One feature at a time: create, edit, delete, restore. A REST write is never held, it is answered.

What is sent may be megabytes of coordinates: taking it apart runs in a thread beside the event loop.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from fiberq_aiohttp.flows import writing
from fiberq_aiohttp.flows.access import writer_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.once import once
from fiberq_core.changes import Change, Source
from fiberq_core.errors import Conflict, Fault, Invalid, NotFound, PreconditionRequired, Stale
from fiberq_core.geopackage import RESERVED
from fiberq_core.identity import natural_uuid
from fiberq_core.placing import geometry_of
from fiberq_core.policy import Actor
from fiberq_core.ports import Unit
from fiberq_core.registry.model import GEOMETRY, Column, Kind, Labels, Layer
from fiberq_core.registry.system import SYSTEM_NAMES
from fiberq_core.reversal import restored
from fiberq_core.rows import Key, Row, Stored, Value, present
from fiberq_core.unchanged import as_spelled
from fiberq_core.values import Fitted, Misfit, canonical, canonical_extra
from fiberq_core.wire import feature_json

MAX_NAME: Final = 128  # characters of the name of an unregistered column
IDENTITY: Final = Column("id", Kind.UUID, Labels("Identity", "Identitet", "Идентификатор"))


@frozen
class Body:
    """A Feature that somebody sent, as canonical values: what is named, None where it is to be cleared."""

    values: Mapping[str, Value | None]
    uuid: str | None = None


def parse(layer: Layer, body: Mapping[str, object]) -> Body:
    """Read a Feature, or a part of one. System columns are ignored (S29). Raises: Invalid, with every fault."""
    properties = body.get("properties")
    if not isinstance(properties, Mapping):
        raise Invalid("A Feature has its columns in an object named properties", [Fault("properties", "an object")])
    faults: list[Fault] = []
    values: dict[str, Value | None] = {}
    extra = properties.get("extra")
    named = {**properties, **(extra if isinstance(extra, Mapping) else {})}
    for name, raw in named.items():
        if name not in SYSTEM_NAMES and name != "extra":
            _read(layer, name, raw, values, faults)
    if GEOMETRY in body:
        values[GEOMETRY], wrong = geometry_of(layer, body[GEOMETRY], GEOMETRY)
        faults.extend(wrong)
    uuid = body.get("id")
    if faults:
        raise Invalid("Nothing was changed; see the errors", faults)
    return Body(values, uuid if isinstance(uuid, str) else None)


def _chosen(said: str | None) -> str | None:
    """The identity that somebody gives to a new row. Raises: Invalid: it will stand in addresses."""
    fitted = canonical(IDENTITY, said or None)
    if isinstance(fitted, Misfit):
        raise Invalid("Nothing was changed; see the errors", [Fault("id", fitted.reason)])
    return str(fitted.value) if fitted.value is not None else None


def _read(layer: Layer, name: str, raw: object, values: dict[str, Value | None], faults: list[Fault]) -> None:
    column = layer.column(name)
    fitted = canonical(column, raw) if column is not None else _unregistered(name, raw)
    if isinstance(fitted, Misfit):
        faults.append(Fault(f"properties.{name}", fitted.reason))
    else:
        values[name] = fitted.value


def _unregistered(name: str, raw: object) -> Fitted:
    """A value under a name that the registry does not know, if a package can have such a column."""
    if not 0 < len(name) <= MAX_NAME or "\0" in name:
        return Misfit(f"a column's name has 1 to {MAX_NAME} characters, none of them NUL")
    if name.casefold() in RESERVED:
        return Misfit("this is the name of something that every table has")
    return canonical_extra(raw)


@writing.persistent
async def create(
    ports: Ports,
    actor: Actor,
    project_id: int,
    layer: Layer,
    feature: Mapping[str, object],
    *,
    idempotency_key: str | None = None,
) -> Mapping[str, object]:
    """Add a feature. Raises: NotFound, Forbidden, Invalid, Conflict."""
    project, actor = await writer_in(ports, actor, project_id)
    body = await asyncio.to_thread(parse, layer, feature)
    request = await once(actor, layer.name, idempotency_key, feature)
    async with ports.store.unit(project_id) as unit:
        answered = await request.earlier(unit)
        if answered is not None:
            return answered
        uuid = _chosen(body.uuid) or ports.new_uuid()
        if layer.natural_key is not None:
            uuid = natural_uuid(project.uuid, layer.name, str(body.values.get(layer.natural_key)))
        if await unit.locate([uuid]):
            raise Conflict("There is, or was, a row with this id; choose another or leave it out.")
        change = Change(Key(layer.name, uuid), None, Row(present(body.values)))
        answer = await _write(ports, actor, unit, change, Source.REST)
        await request.remember(unit, answer)
        return answer


@writing.persistent
async def edit(
    ports: Ports,
    actor: Actor,
    project_id: int,
    layer: Layer,
    uuid: str,
    feature: Mapping[str, object],
    if_match: int | None,
    *,
    whole: bool,
) -> Mapping[str, object]:
    """Change what the body names; *whole*: put it in the place of the current feature, with all its columns.

    Raises as `create`, PreconditionRequired, Stale.
    """
    _, actor = await writer_in(ports, actor, project_id)
    body = await asyncio.to_thread(parse, layer, feature if whole else {"properties": {}, **feature})
    async with ports.store.unit(project_id) as unit:
        now = await _matching(unit, Key(layer.name, uuid), if_match)
        sent = Row(present(body.values)) if whole else now.row.with_values(body.values)
        sent = await asyncio.to_thread(as_spelled, layer, sent, now.row)
        if sent == now.row:
            return await asyncio.to_thread(feature_json, now)
        return await _write(ports, actor, unit, Change(now.key, now.row, sent), Source.REST)


@writing.persistent
async def delete(ports: Ports, actor: Actor, project_id: int, layer: Layer, uuid: str, if_match: int | None) -> None:
    """Take a feature away. Raises: NotFound, Forbidden, Conflict, PreconditionRequired, Stale."""
    _, actor = await writer_in(ports, actor, project_id)
    async with ports.store.unit(project_id) as unit:
        now = await _matching(unit, Key(layer.name, uuid), if_match)
        await _write(ports, actor, unit, Change(now.key, now.row, None), Source.REST)


@writing.persistent
async def restore(
    ports: Ports,
    actor: Actor,
    project_id: int,
    layer: Layer,
    uuid: str,
    revision: int | None,
    *,
    idempotency_key: str | None = None,
) -> Mapping[str, object]:
    """Make the version of *revision* current again; None: the last before the deletion. Raises: NotFound, Forbidden, Conflict."""
    _, actor = await writer_in(ports, actor, project_id)
    key = Key(layer.name, uuid)
    request = await once(actor, f"{layer.name}/{uuid}/restore", idempotency_key, {"revision": revision})
    async with ports.store.unit(project_id) as unit:
        answered = await request.earlier(unit)
        if answered is not None:
            return answered
        now = (await unit.rows([key])).get(key)
        found = (
            (await unit.versions({key: revision})).get(key)
            if revision is not None
            else (await unit.locate([uuid])).get(uuid)
        )
        if found is None or found.key != key:
            raise NotFound("There is no such version; see the feature's history.")
        change = restored(found.row, now, key)
        answer: Mapping[str, object]
        if change is None:
            answer = await asyncio.to_thread(feature_json, found if now is None else now)
        else:
            answer = await _write(ports, actor, unit, change, Source.RESTORE)
        await request.remember(unit, answer)
        return answer


async def _matching(unit: Unit, key: Key, if_match: int | None) -> Stored:
    now = (await unit.rows([key])).get(key)
    if now is None:
        raise NotFound("There is no such feature in this layer.")
    if if_match is None:
        raise PreconditionRequired("Send the feature's ETag as If-Match, so that nobody's work is overwritten.")
    if if_match != now.rev:
        raise Stale(
            "The feature was changed since; merge your edit into the current one and try again.", feature_json(now)
        )
    return now


async def _write(ports: Ports, actor: Actor, unit: Unit, change: Change, source: Source) -> Mapping[str, object]:
    stored = await writing.one(ports, actor, unit, [change], source)
    return await asyncio.to_thread(feature_json, stored) if stored is not None else {}
