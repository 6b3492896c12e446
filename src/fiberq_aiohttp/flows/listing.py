"""Records in lists: of a project, of a parent, or of every project that the caller may see; in pages, by filters."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from fiberq_aiohttp.flows.access import demand, reader_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.numbers import found, numbers_of, visible
from fiberq_core.errors import Fault, Invalid
from fiberq_core.policy import Action, Actor
from fiberq_core.ports import Sought
from fiberq_core.records.model import Filter, Form, Record
from fiberq_core.records.showing import record_json
from fiberq_core.registry.model import Column
from fiberq_core.rows import Stored, Value
from fiberq_core.values import Misfit, canonical
from fiberq_core.wire import Json

Rows = Sequence[tuple[int, Stored]]  # with the project of each


@frozen
class Asked:
    """What a list is asked for: *by* name of the query, each text that it may be; *days* the first and the last one.

    *among*: what a column must hold one of, whatever the query says of it; for whoever knows more than the query.
    """

    project: int | None = None
    parent: int | None = None
    by: Mapping[str, tuple[str, ...]] = field(factory=dict)
    days: tuple[str | None, str | None] = (None, None)
    limit: int = 1000
    cursor: str | None = None
    among: Mapping[str, tuple[str | int, ...]] = field(factory=dict)


async def listed(ports: Ports, actor: Actor, record: Record, asked: Asked) -> tuple[Sequence[Json], str | None]:
    """A page of records, and where the next one begins. Raises: NotFound, Forbidden, Invalid."""
    rows, cursor, known = await rows_asked(ports, actor, record, asked)
    return await shown_rows(ports, record, rows, known), cursor


async def rows_asked(
    ports: Ports, actor: Actor, record: Record, asked: Asked
) -> tuple[Rows, str | None, Mapping[str, int]]:
    """A page of rows, where the next one begins, and the numbers that are known of what they refer to. Raises as `listed`."""
    projects, any_of, known = await _where(ports, actor, record, asked)
    faults: list[Fault] = []
    for one in record.filters:
        if one.name in asked.by and one.form is Form.PLAIN:
            any_of[one.column] = _values(record.column(one.column), one, asked.by[one.name], faults)
    days = tuple(_day(record, name, text, faults) for name, text in zip(_ends(record), asked.days, strict=True))
    if faults:
        raise Invalid("The list cannot be asked like this; see the errors", faults)
    spans = {record.span.column: (days[0], days[1])} if record.span and any(days) else {}
    wanted = Sought(record.layer_name, projects, any_of, spans, record.newest_first)
    page = await ports.store.sought(wanted, asked.limit, asked.cursor)
    return page.items, page.next, known


async def shown_rows(ports: Ports, record: Record, rows: Rows, known: Mapping[str, int]) -> Sequence[Json]:
    """*rows* as records, with the numbers of what they refer to."""
    numbers = dict(known)
    by_project: dict[int, list[Stored]] = defaultdict(list)
    for project, stored in rows:
        by_project[project].append(stored)
    for project, stored_rows in by_project.items() if record.numbers else ():
        if any(str(s.row.get(f.column)) not in numbers for s in stored_rows for f in record.numbers):
            async with ports.store.reading(project) as reader:
                numbers |= await numbers_of(reader, record, stored_rows, numbers)
    return await asyncio.to_thread(lambda: [record_json(record, project, s, numbers) for project, s in rows])


async def _where(
    ports: Ports, actor: Actor, record: Record, asked: Asked
) -> tuple[tuple[int, ...], dict[str, tuple[str | int, ...]], dict[str, int]]:
    """The projects to look in, and the rows above that are asked by. Raises: NotFound, Forbidden, Invalid."""
    above = [(f.column, record.targets(f.column)[0], _number(f, asked.by[f.name])) for f in record.filters if f.form is Form.NUMBER and f.name in asked.by]  # fmt: skip
    if record.parent is not None and asked.parent is not None:
        above.append((record.parent.column, record.parent.layer, asked.parent))
    projects: tuple[int, ...] = ()
    any_of: dict[str, tuple[str | int, ...]] = dict(asked.among)
    known: dict[str, int] = {}
    for column, layer, number in above:
        absent = "There is nothing with this number, or you are not a member of its project"
        one = await found(ports, actor, layer, number, absent)
        demand(one.actor, Action.PROJECT_READ)
        projects, any_of[column], known[one.key.uuid] = (one.project.id,), (one.key.uuid,), number
    if asked.project is not None:
        project, _ = await reader_in(ports, actor, asked.project)
        return ((project.id,) if projects in ((), (project.id,)) else ()), any_of, known
    return projects or await visible(ports, actor), any_of, known


def _ends(record: Record) -> tuple[str, str]:
    return (record.span.first, record.span.last) if record.span else ("", "")


def _number(one: Filter, texts: tuple[str, ...]) -> int:
    if len(texts) != 1 or not (texts[0].isascii() and texts[0].isdigit() and len(texts[0]) < len(str(2**63))):
        raise Invalid("The list cannot be asked like this", [Fault(one.name, "must be the number of one record")])
    return int(texts[0])


def _values(column: Column, one: Filter, texts: tuple[str, ...], faults: list[Fault]) -> tuple[str | int, ...]:
    found_now: list[str | int] = []
    for text in texts:
        value = _value(column, one.name, text, faults)
        if isinstance(value, str | int):
            found_now.append(value)
    return tuple(found_now)


def _day(record: Record, name: str, text: str | None, faults: list[Fault]) -> str | None:
    if text is None or record.span is None:
        return None
    value = _value(record.column(record.span.column), name, text, faults)
    return value if isinstance(value, str) else None


def _value(column: Column, name: str, text: str, faults: list[Fault]) -> Value | None:
    fitted = canonical(column, text)
    if isinstance(fitted, Misfit):
        faults.append(Fault(name, fitted.reason))
        return None
    return fitted.value
