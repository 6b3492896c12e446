"""Where a new record belongs, and which rows its numbers mean: by the path, by what it refers to, by its project."""

from collections.abc import Mapping

from fiberq_aiohttp.flows.access import actor_in, demand, writable
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.numbers import Found, found, only_project
from fiberq_core.errors import Fault, Invalid, NotFound
from fiberq_core.policy import Actor
from fiberq_core.records import bodies
from fiberq_core.records.bodies import Body
from fiberq_core.records.model import Record
from fiberq_core.registry import LAYER, PROJECT
from fiberq_core.rows import Key, Value

Values = Mapping[str, Value | None]


async def home(
    ports: Ports, actor: Actor, record: Record, body: Mapping[str, object], parent: int | None
) -> tuple[int, Actor, Mapping[str, Key]]:
    """Where a new record belongs, and who *actor* is there. Raises: NotFound, Forbidden, Conflict, Invalid."""
    links: dict[str, Key] = {}
    project_id, numbers = bodies.home(record, body)
    if record.parent is not None and parent is not None:
        above = await found(ports, actor, record.parent.layer, parent, _no_such(record.parent.layer))
        links, project_id = {record.parent.column: above.key}, above.project.id
    elif numbers:
        column, number = next(iter(numbers.items()))
        above = await _target(ports, actor, record, column, number)
        if project_id not in (None, above.project.id):
            raise Invalid("Two projects are meant", [Fault(PROJECT, "must be the project of what is referred to")])
        project_id, links = above.project.id, {column: above.key}
    elif project_id is None:
        project_id = await only_project(ports, actor)
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, record.layer.rights.write, owner=limited.subject)
    writable(project)
    return project_id, limited, links


async def _target(ports: Ports, actor: Actor, record: Record, column: str, number: int) -> Found:
    """The row that a number in a body means. Raises: NotFound."""
    targets = record.targets(column)
    for layer in targets[:-1]:
        try:
            return await found(ports, actor, layer, number, "")
        except NotFound:
            continue
    return await found(ports, actor, targets[-1], number, _no_such(targets[-1]))


async def linked(
    ports: Ports, actor: Actor, record: Record, said: Body, project_id: int, links: Mapping[str, Key]
) -> Values:
    """What was said, with the uuids of the rows that are meant. Raises: NotFound, Invalid."""
    found_now = {column: key.uuid for column, key in links.items()}
    for column, number in said.numbers.items():
        if column not in found_now:
            target = await _target(ports, actor, record, column, number)
            if target.project.id != project_id:
                raise NotFound(_no_such(record.targets(column)[0]))
            found_now[column] = target.key.uuid
    return {**said.values, **found_now}


def _no_such(layer: str) -> str:
    return f"There is none of {LAYER[layer].labels.en} with this number, or you are not a member of its project"
