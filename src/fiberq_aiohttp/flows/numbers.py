"""Rows by the numbers that old clients know them by, for whoever may know of them.

A number of another project's row is answered as one that nothing ever had.
"""

from collections.abc import Collection, Iterable, Mapping

from attrs import frozen

from fiberq_aiohttp.flows.access import NO_PROJECT, actor_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Fault, Invalid, NotFound
from fiberq_core.policy import Actor
from fiberq_core.ports import Project, Reader
from fiberq_core.records.model import Record
from fiberq_core.records.showing import record_json, referred
from fiberq_core.rows import Key, Stored
from fiberq_core.wire import Json

NAMED = 20  # projects that a sentence names


@frozen
class Found:
    """A row: its project, *actor* as they are in it, and its key."""

    project: Project
    actor: Actor
    key: Key


async def found(ports: Ports, actor: Actor, layer: str, number: int, absent: str) -> Found:
    """The current row of *layer* with this number. Raises: NotFound, with the words *absent*."""
    try:
        project_id, key = await ports.store.numbered(layer, number)
        project, limited = await actor_in(ports, actor, project_id)
    except NotFound:
        raise NotFound(absent) from None
    return Found(project, limited, key)


async def visible(ports: Ports, actor: Actor) -> tuple[int, ...]:
    """The projects that *actor* can see; archived ones are not among them."""
    return tuple(project.id for project in await _projects(ports, actor))


async def only_project(ports: Ports, actor: Actor) -> int:
    """The one project that somebody who names none can mean. Raises: NotFound (none), Invalid (several)."""
    seen = await _projects(ports, actor)
    if not seen:
        raise NotFound(NO_PROJECT)
    if len(seen) > 1:
        named = ", ".join(f"{project.id} ({project.name})" for project in seen[:NAMED])
        raise Invalid("There are several projects; say which", [Fault("project_id", f"must be one of {named}")])
    return seen[0].id


async def _projects(ports: Ports, actor: Actor) -> list[Project]:
    return list(await ports.store.projects(member=None if actor.needs_no_membership else actor.subject))


async def numbers_of(
    reader: Reader, record: Record, rows: Iterable[Stored], known: Mapping[str, int] | None = None
) -> Mapping[str, int]:
    """The numbers of the rows that *rows* refer to, by uuid; *known* are not asked for."""
    numbers = dict(known or {})
    keys: Collection[Key] = {key for stored in rows for key in referred(record, stored) if key.uuid not in numbers}
    asked = await reader.rows(keys) if keys else {}
    return {**numbers, **{key.uuid: stored.id for key, stored in asked.items()}}


async def shown(reader: Reader, record: Record, stored: Stored) -> Json:
    """A row as a record in JSON."""
    return record_json(record, reader.project.id, stored, await numbers_of(reader, record, [stored]))
