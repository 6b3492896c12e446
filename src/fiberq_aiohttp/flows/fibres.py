"""The fibre plan as a whole: traces, paths, and what is in a closure. Read once, then reckoned with in memory."""

import asyncio
from collections.abc import Sequence

from fiberq_aiohttp.flows.access import demand, reader_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.numbers import found, visible
from fiberq_aiohttp.flows.patched import PortAsked, patch_at
from fiberq_core.errors import NotFound
from fiberq_core.fibre import SPLICES, TRAYS
from fiberq_core.fibre.limits import CLOSURES
from fiberq_core.fibre.matrix import matrix
from fiberq_core.fibre.network import LAYERS, SETTINGS, Network
from fiberq_core.fibre.paths import paths_from
from fiberq_core.fibre.report import Reckoning, trace_json
from fiberq_core.fibre.showing import Json
from fiberq_core.fibre.tracing import trace
from fiberq_core.policy import Action, Actor
from fiberq_core.ports import Page, Reader
from fiberq_core.registry.shared import CABLES
from fiberq_core.rows import Key, Stored

PAGE = 20_000  # rows that are asked for at once
NO_CLOSURE = "There is no such closure, or you are not a member of its project"


async def traced(ports: Ports, actor: Actor, asked: PortAsked, how: Reckoning) -> Json:
    """The trace from a port. Raises: NotFound, Forbidden, Conflict (several ports are meant)."""
    project, patch = await patch_at(ports, actor, asked)
    async with ports.store.reading(project) as reader:
        rows = await fibre_rows(reader)
    return await asyncio.to_thread(_traced, rows, patch, how)


def _traced(rows: Sequence[Stored], patch: str, how: Reckoning) -> Json:
    network = Network.of(rows)
    start = network.rows.get(patch)
    if start is None:
        raise NotFound("There is nothing at this port any more")
    return trace_json(network, trace(network, start), how)


async def paths(
    ports: Ports, actor: Actor, project: int | None, how: Reckoning, limit: int, after: tuple[int, int]
) -> tuple[list[Json], tuple[int, int] | None]:
    """A page of the ways from port to port, and after which (project, patch) the next one begins.

    Raises: NotFound, Forbidden.
    """
    wanted = [(await reader_in(ports, actor, project))[0].id] if project else sorted(await visible(ports, actor))
    shown: list[Json] = []
    for number in wanted:
        if number < after[0]:
            continue
        async with ports.store.reading(number) as reader:
            rows = await fibre_rows(reader)
        start = after[1] if number == after[0] else 0
        made, last = await asyncio.to_thread(paths_from, rows, how, start, limit - len(shown))
        shown += [{**one, "project_id": number} for one in made]
        if last is not None:
            return shown, (number, last)
    return shown, None


async def closure(ports: Ports, actor: Actor, number: int) -> Json:
    """What is in a closure, by tray and position. Raises: NotFound, Forbidden."""
    here = await found(ports, actor, CLOSURES, number, NO_CLOSURE)
    demand(here.actor, Action.PROJECT_READ)
    async with ports.store.reading(here.project.id) as reader:
        stored = (await reader.rows([here.key])).get(here.key)
        if stored is None:
            raise NotFound(NO_CLOSURE)
        trays = [s for s in await reader.referring([here.key]) if s.key.layer == TRAYS]
        splices = [s for s in await reader.referring([t.key for t in trays]) if s.key.layer == SPLICES]
        cables = await reader.rows({Key(layer, uuid) for s in splices for uuid in _cables(s) for layer in CABLES})
        settings = await all_of(reader, SETTINGS)
    rows = [stored, *trays, *splices, *cables.values(), *settings]
    shown = await asyncio.to_thread(lambda: matrix(Network.of(rows), stored))
    return {**shown, "project_id": here.project.id}


def _cables(splice: Stored) -> list[str]:
    named = (splice.row.get("cable_a_uuid"), splice.row.get("cable_b_uuid"))
    return [uuid for uuid in named if isinstance(uuid, str)]


async def fibre_rows(reader: Reader) -> list[Stored]:
    """Every row of the fibre tables, and of no other: a project of 100,000 rows has perhaps a fifth of them here."""
    return [stored for layer in LAYERS for stored in await all_of(reader, layer)]


async def all_of(reader: Reader, layer: str) -> list[Stored]:
    """Every row of a layer."""
    rows: list[Stored] = []
    page = Page[Stored]((), "")
    while page.next is not None:
        page = await reader.features(layer, None, PAGE, page.next or None)
        rows += page.items
    return rows
