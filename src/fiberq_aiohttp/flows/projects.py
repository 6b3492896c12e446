"""Projects; who belongs to them is told in `members`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fiberq_aiohttp.flows import members
from fiberq_aiohttp.flows.access import actor_in, author_of, demand, reader_in
from fiberq_aiohttp.flows.bodies import MAX_NAME, fitting, one_of, text
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Conflict, Fault, Invalid
from fiberq_core.planning import ConflictPolicy
from fiberq_core.policy import Action, Actor, Role
from fiberq_core.ports import ARCHIVED, STATUSES, Project

Json = dict[str, object]

MAX_DESCRIPTION = 10_000  # characters


FIELDS: Final[Mapping[str, Callable[[object], str]]] = {
    "name": text(MAX_NAME, needed=True),
    "description": text(MAX_DESCRIPTION),
    "status": one_of(*STATUSES),
    "conflict_policy": one_of(*(policy.value for policy in ConflictPolicy)),
}


async def listed(ports: Ports, actor: Actor, *, archived: bool = False, extents: bool = False) -> Sequence[Json]:
    """The projects that *actor* may see, with their members' names; archived ones and *extents* only where asked for."""
    member = None if actor.needs_no_membership else actor.subject
    return [
        await _listed_json(ports, project, extents)
        for project in await ports.store.projects(member=member, archived=archived)
    ]


async def create(ports: Ports, actor: Actor, body: Mapping[str, object]) -> Json:
    """A new project, with whoever makes it as its engineer. Raises: Forbidden, Invalid."""
    demand(actor, Action.PROJECT_CREATE)
    wanted = {"description": "", **_read({"name": None, **body})}
    if wanted.get("status") == ARCHIVED:
        demand(actor, Action.PROJECT_ARCHIVE)
    by, at = author_of(actor), ports.now()
    role = None if actor.needs_no_membership else Role.ENGINEER
    name, description = wanted.pop("name"), wanted.pop("description")
    project = await ports.store.create_project(name, description, uuid=ports.new_uuid(), by=by, at=at, owner_role=role)
    if wanted:
        await ports.store.update_project(project.id, wanted, by=by, at=at)
    return await show(ports, actor, project.id)


async def show(ports: Ports, actor: Actor, project_id: int) -> Json:
    """One project, with its extent, its members and what the caller is in it. Raises: NotFound."""
    _, limited = await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        project, box = reader.project, await reader.extent()
    return {
        **_json(project),
        "bbox": list(box) if box else None,
        "extent": _polygon(*box) if box else None,
        "role": limited.role.value if limited.role else None,
        **members.counted(await members.known(ports, limited, project_id)),
    }


async def update(ports: Ports, actor: Actor, project_id: int, body: Mapping[str, object]) -> Json:
    """Change name, description, status or conflict policy. Raises: NotFound, Forbidden, Invalid, Conflict."""
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.PROJECT_EDIT)
    changes = _read(body)
    if not changes:
        raise Invalid("There is nothing to change", [Fault(name, "can be given") for name in FIELDS])
    _check_archive(project, limited, changes.get("status", project.status))
    await ports.store.update_project(project_id, changes, by=author_of(actor), at=ports.now())
    return await show(ports, actor, project_id)


async def archive(ports: Ports, actor: Actor, project_id: int) -> None:
    """Make a project read-only and take it off the lists. Nothing is lost. Raises: NotFound, Forbidden."""
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.PROJECT_ARCHIVE)
    if not project.archived:
        await ports.store.update_project(project_id, {"status": ARCHIVED}, by=author_of(actor), at=ports.now())


def _read(body: Mapping[str, object]) -> dict[str, str]:
    """What *body* says of a project. Other names are read over, so that what GET gave can be PUT. Raises: Invalid."""
    return fitting({name: (read, body[name]) for name, read in FIELDS.items() if name in body})


def _check_archive(project: Project, actor: Actor, status: str) -> None:
    """An archived project changes only by being given another status, and into and out of it takes a right of its own."""
    if project.archived and status == ARCHIVED:
        raise Conflict("The project is archived; to change it, give it another status")
    if project.archived or status == ARCHIVED:
        demand(actor, Action.PROJECT_ARCHIVE)


async def _listed_json(ports: Ports, project: Project, extents: bool) -> Json:
    people = [member.name or member.sub for member in await ports.store.members(project.id)]
    told = {**_json(project), "member_count": len(people), "member_names": people}
    if extents:
        async with ports.store.reading(project.id) as reader:
            box = await reader.extent()
        told["extent"] = _polygon(*box) if box else None
    return told


def _json(project: Project) -> Json:
    return {
        "id": project.id,
        "uuid": project.uuid,
        "name": project.name,
        "description": project.description,
        "status": project.status,
        "conflict_policy": project.conflict_policy,
        "revision": project.revision,
        "created_at": project.created_at,
        "created_by_sub": project.created_by_sub,
    }


def _polygon(west: float, south: float, east: float, north: float) -> Json:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
