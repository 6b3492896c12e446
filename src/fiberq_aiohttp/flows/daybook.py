"""The daily reports of a period, or one of them, as people read them."""

import asyncio
from collections import defaultdict
from typing import Final

from attrs import evolve

from fiberq_aiohttp.flows.access import demand
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.listing import Asked, rows_asked
from fiberq_aiohttp.flows.numbers import found
from fiberq_core.daybook import Daybook, Line, by_day, line_of
from fiberq_core.errors import Fault, Invalid, NotFound
from fiberq_core.policy import Action, Actor
from fiberq_core.records import REPORTS
from fiberq_core.rows import Key, Stored

MOST: Final = 5000  # reports on one page, in one table


async def period(ports: Ports, actor: Actor, asked: Asked) -> Daybook:
    """The reports that are asked for, by day. Raises: NotFound, Forbidden, Invalid (too many)."""
    rows: list[tuple[int, Stored]] = []
    cursor: str | None = None
    while True:
        more, cursor, _ = await rows_asked(ports, actor, REPORTS, evolve(asked, cursor=cursor))
        rows += more
        if len(rows) > MOST:
            raise Invalid("Too much for one table", [Fault("from", f"ask for a period with at most {MOST} reports")])
        if cursor is None:
            break
    by_project: dict[int, list[Stored]] = defaultdict(list)
    for project, stored in rows:
        by_project[project].append(stored)
    lines = [line for project, some in by_project.items() for line in await _lines(ports, project, some)]
    return await asyncio.to_thread(lambda: Daybook(by_day(lines), *asked.days))


async def one(ports: Ports, actor: Actor, number: int) -> Daybook:
    """One report. Raises: NotFound."""
    here = await found(ports, actor, REPORTS.layer_name, number, REPORTS.absent)
    demand(here.actor, Action.PROJECT_READ)
    async with ports.store.reading(here.project.id) as reader:
        stored = (await reader.rows([here.key])).get(here.key)
    if stored is None:
        raise NotFound(REPORTS.absent)
    return Daybook(tuple(await _lines(ports, here.project.id, [stored])))


async def _lines(ports: Ports, project_id: int, rows: list[Stored]) -> list[Line]:
    """Reports of one project, with the titles of their work orders and the names of who wrote them."""
    names = {member.sub: member.name for member in await ports.store.members(project_id)}
    keys = {Key("Work_orders", uuid) for s in rows if isinstance(uuid := s.row.get("work_order_uuid"), str)}
    async with ports.store.reading(project_id) as reader:
        orders = await reader.rows(keys) if keys else {}
        project = reader.project.name
    return await asyncio.to_thread(lambda: [line_of(stored, project, names, orders) for stored in rows])
