"""Splices and patches as old clients call them, on top of the flows of all records.

Two things are different: a cable or an element may be named by (layer, number in a file), which is resolved within the
project and kept beside the uuid; and colours and tubes are not what somebody typed, they follow from the cable.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from attrs import evolve

from fiberq_aiohttp.flows import listing, records
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.fibres import NO_CLOSURE, all_of
from fiberq_aiohttp.flows.homes import home
from fiberq_aiohttp.flows.listing import Asked
from fiberq_aiohttp.flows.numbers import found
from fiberq_aiohttp.flows.patched import PortAsked, elements_meant, patches_of, projects_of, rows_meant
from fiberq_core.errors import Conflict, Fault, Invalid
from fiberq_core.fibre.limits import CLOSURES
from fiberq_core.fibre.naming import UNKNOWN, following, keys_named, named
from fiberq_core.fibre.network import SETTINGS, Network
from fiberq_core.fibre.places import PATCHES, SPLICES, TRAYS
from fiberq_core.policy import Actor
from fiberq_core.records import Record
from fiberq_core.records.plan import DERIVED, ELEMENT, PAIRS, Pair
from fiberq_core.registry import PROJECT
from fiberq_core.registry.names import layer_of_id
from fiberq_core.wire import Json

Body = Mapping[str, object]
WHICH = {SPLICES: ("tray_id", "closure_id", "project_id"), PATCHES: ("element_fid", "element_uuid", "project_id")}


async def show(ports: Ports, actor: Actor, record: Record, number: int) -> Json:
    """One of them. Raises: NotFound, Forbidden."""
    return await _one(ports, record, await records.show(ports, actor, record, number))


async def create(
    ports: Ports, actor: Actor, record: Record, body: Body, *, idempotency_key: str | None = None
) -> tuple[Json, bool]:
    """Add one. Raises: NotFound, Forbidden, Invalid, Conflict."""
    if record.layer_name == PATCHES:
        body = await _at_element(ports, actor, body)
    project, _, _ = await home(ports, actor, record, body, None)
    body = await _completed(ports, project, record, {**body, PROJECT: project}, {})
    made, new = await records.create(ports, actor, record, body, idempotency_key=idempotency_key)
    return await _one(ports, record, made), new


async def edit(ports: Ports, actor: Actor, record: Record, number: int, body: Body, if_match: int | None) -> Json:
    """Change what the body names. Raises: NotFound, Forbidden, Invalid, Conflict, Stale."""
    now = await show(ports, actor, record, number)
    body = await _completed(ports, int(now[PROJECT]), record, body, now)
    return await _one(ports, record, await records.edit(ports, actor, record, number, body, if_match))


async def listed(ports: Ports, actor: Actor, record: Record, asked: Asked) -> tuple[Sequence[Json], str | None]:
    """A page of them. Raises: NotFound, Forbidden, Invalid."""
    if asked.project is None and not asked.by:
        first, *others = WHICH[record.layer_name]
        raise Invalid("Say which", [Fault(first, f"must be said, or {' or '.join(others)}")])
    shown, cursor = await listing.listed(ports, actor, record, asked)
    return await _many(ports, record, shown), cursor


async def in_closure(
    ports: Ports, actor: Actor, record: Record, number: int, asked: Asked
) -> tuple[Sequence[Json], str | None]:
    """A page of the splices in all trays of a closure. Raises: NotFound, Forbidden, Invalid."""
    here = await found(ports, actor, CLOSURES, number, NO_CLOSURE)
    async with ports.store.reading(here.project.id) as reader:
        trays = tuple(s.key.uuid for s in await reader.referring([here.key]) if s.key.layer == TRAYS)
    wanted = evolve(asked, project=asked.project or here.project.id, among={"tray_uuid": trays})
    return await listed(ports, actor, record, wanted)


async def at_element(ports: Ports, actor: Actor, record: Record, asked: PortAsked) -> Sequence[Json]:
    """The patches of an element, by port. Raises: NotFound, Conflict (several are meant)."""
    rows = await patches_of(ports, actor, asked)
    if len({stored.row.get("element_uuid") for _, stored in rows}) > 1:
        raise Conflict("Several elements have this number; name one by element_uuid, or its layer or project")
    rows = sorted(rows, key=lambda placed: (int(str(placed[1].row.get("port_number") or 0)), placed[1].id))
    return await _many(ports, record, await listing.shown_rows(ports, record, rows, {}))


async def _at_element(ports: Ports, actor: Actor, body: Body) -> Body:
    """*body* of a new patch, with the element and the project that it means. Raises: NotFound, Conflict."""
    uuid, fid, layer, project = (body.get(n) for n in (ELEMENT.uuid, ELEMENT.fid, ELEMENT.layer, PROJECT))
    said = isinstance(uuid, str)
    if not said and (isinstance(fid, bool) or not isinstance(fid, int) or fid in UNKNOWN):
        return body
    asked = PortAsked(
        0, str(uuid) if said else None, fid if isinstance(fid, int) else None, str(layer or ""),
        project if isinstance(project, int) else None,
    )  # fmt: skip
    meant = await elements_meant(ports, await projects_of(ports, actor, asked.project), asked)
    if len(meant) > 1:
        named_ = ", ".join(f"project {number}: {stored.key.uuid}" for number, stored in meant)
        raise Conflict(f"Several elements have this number; name one by element_uuid. {named_}")
    return {**body, **{k: v for number, s in meant for k, v in ((ELEMENT.uuid, s.key.uuid), (PROJECT, number))}}


async def _completed(ports: Ports, project: int, record: Record, body: Body, now: Body) -> Body:
    """*body* with the uuids that are meant, and with the colours and tubes that follow. *now*: what it is shown as."""
    body = await _resolved(ports, project, record, body, now)
    said = {**now, **body}
    if not keys_named([said], _uuids(record)):
        return body
    network = await _known(ports, record, project, [said])
    return following(body, now, network, DERIVED[record.layer_name])


async def _resolved(ports: Ports, project: int, record: Record, body: Body, now: Body) -> Body:
    """*body*, where cables and elements that it names by layer and number have their uuids; *now*: what they are shown as.

    What cannot be resolved stays as it was said, without a uuid, so that it never points at somebody else's cable.
    """
    changed = dict(body)
    for pair in PAIRS[record.layer_name]:
        if not {pair.fid, pair.layer} & changed.keys() or changed.get(pair.uuid) is not None:
            continue
        said = [changed.get(name, now.get(name)) for name in (pair.layer, pair.fid)]
        if now and said == [now.get(name) for name in (pair.layer, pair.fid)]:
            changed = {n: v for n, v in changed.items() if n not in (pair.layer, pair.fid, pair.uuid)}
        elif said[1] in UNKNOWN or isinstance(said[1], int):
            changed[pair.uuid] = await _meant(ports, project, pair, str(said[0] or ""), said[1])
    return changed


async def _meant(ports: Ports, project: int, pair: Pair, layer: str, number: object) -> str | None:
    """The uuid of the only row that a pair can mean in a project."""
    if not isinstance(number, int) or number in UNKNOWN:
        return None
    known = layer_of_id(layer) if layer else None
    targets = [t for t in pair.targets if not layer or (known is not None and known.layer.name == t)]
    fixed = known.fixed if known else {}
    rows = [placed for target in targets for placed in await rows_meant(ports, (project,), target, number)]
    uuids = {s.key.uuid for _, s in rows if all(s.row.get(name) == value for name, value in fixed.items())}
    return uuids.pop() if len(uuids) == 1 else None


async def _one(ports: Ports, record: Record, shown: Json) -> Json:
    [one] = await _many(ports, record, [shown])
    return one


async def _many(ports: Ports, record: Record, shown: Sequence[Json]) -> list[Json]:
    """*shown*, each with what follows from its cables."""
    by_project: dict[int, list[Json]] = defaultdict(list)
    for one in shown:
        by_project[int(one[PROJECT])].append(one)
    networks = {project: await _known(ports, record, project, some) for project, some in by_project.items()}
    layer, pairs = record.layer_name, [(p.uuid, p.layer, p.fid) for p in PAIRS[record.layer_name]]
    return await asyncio.to_thread(
        lambda: [named(layer, one, networks[int(one[PROJECT])], DERIVED[layer], pairs) for one in shown]
    )


def _uuids(record: Record) -> list[tuple[str, tuple[str, ...]]]:
    return [(pair.uuid, pair.targets) for pair in PAIRS[record.layer_name]]


async def _known(ports: Ports, record: Record, project: int, shown: Sequence[Json]) -> Network:
    keys = keys_named(shown, _uuids(record))
    async with ports.store.reading(project) as reader:
        rows = await reader.rows(keys)
        settings = await all_of(reader, SETTINGS)
    return await asyncio.to_thread(Network.of, [*rows.values(), *settings])
