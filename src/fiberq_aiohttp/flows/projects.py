"""Projects and who belongs to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fiberq_aiohttp.flows.access import actor_in, author_of, demand, reader_in, writable
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Conflict, Fault, Invalid
from fiberq_core.planning import ConflictPolicy
from fiberq_core.policy import EVERYONE, Action, Actor, Role
from fiberq_core.ports import ARCHIVED, STATUSES, Member, Project

Json = dict[str, object]

MAX_NAME, MAX_DESCRIPTION, MAX_SUBJECT = 200, 10_000, 255  # characters
ROLES: Final = tuple(role.value for role in Role)


def _text(longest: int, *, needed: bool = False) -> Callable[[object], str]:
    def read(value: object) -> str:
        text = "" if value is None else value
        if not isinstance(text, str) or "\0" in text or len(text) > longest:
            raise ValueError(f"must be text of at most {longest} characters")
        if needed and not text.strip():
            raise ValueError("must not be empty")
        return text

    return read


def _one_of(*known: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value

    return read


FIELDS: Final[Mapping[str, Callable[[object], str]]] = {
    "name": _text(MAX_NAME, needed=True),
    "description": _text(MAX_DESCRIPTION),
    "status": _one_of(*STATUSES),
    "conflict_policy": _one_of(*(policy.value for policy in ConflictPolicy)),
}


async def listed(ports: Ports, actor: Actor, *, archived: bool = False) -> Sequence[Json]:
    """The projects that *actor* may see; archived ones only where asked for."""
    member = None if actor.needs_no_membership else actor.subject
    return [_json(project) for project in await ports.store.projects(member=member, archived=archived)]


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
    people = await ports.store.members(project_id)
    return {
        **_json(project),
        "bbox": list(box) if box else None,
        "extent": _polygon(*box) if box else None,
        "role": limited.role.value if limited.role else None,
        "member_count": len(people),
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


async def members(ports: Ports, actor: Actor, project_id: int) -> Sequence[Json]:
    """Who belongs to a project. Raises: NotFound."""
    await reader_in(ports, actor, project_id)
    return [_member_json(member) for member in await ports.store.members(project_id)]


async def add_member(ports: Ports, actor: Actor, project_id: int, body: Mapping[str, object]) -> Json:
    """Add somebody, or change their role. Raises: NotFound, Forbidden, Invalid, Conflict."""
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.MEMBERS_EDIT)
    writable(project)
    member = _read_member(body)
    await ports.store.set_member(project_id, member, by=author_of(actor), at=ports.now())
    return _member_json(member)


async def remove_member(ports: Ports, actor: Actor, project_id: int, sub: str) -> None:
    """Take somebody out. Raises: NotFound, Forbidden, Conflict."""
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.MEMBERS_EDIT)
    writable(project)
    await ports.store.remove_member(project_id, sub, by=author_of(actor), at=ports.now())


def _read(body: Mapping[str, object]) -> dict[str, str]:
    """What *body* says of a project. Other names are read over, so that what GET gave can be PUT. Raises: Invalid."""
    return _fitting({name: (read, body[name]) for name, read in FIELDS.items() if name in body})


def _read_member(body: Mapping[str, object]) -> Member:
    said = {
        "sub": (_subject, body.get("sub", body.get("user_sub"))),
        "role": (_one_of(*ROLES), body.get("role", body.get("project_role"))),
        "name": (_text(MAX_NAME), body.get("name", body.get("user_display_name"))),
    }
    fitting = _fitting(said)
    return Member(fitting["sub"], Role(fitting["role"]), fitting["name"])


def _subject(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.strip()) == len(value) <= MAX_SUBJECT:
        raise ValueError(f"must be the sub of somebody's sign-in, or {EVERYONE} for everyone who has a role")
    return value


def _fitting(said: Mapping[str, tuple[Callable[[object], str], object]]) -> dict[str, str]:
    """Every value as it is stored. Raises: Invalid, with every fault."""
    values: dict[str, str] = {}
    faults = []
    for name, (read, value) in said.items():
        try:
            values[name] = read(value)
        except ValueError as wrong:
            faults.append(Fault(name, str(wrong)))
    if faults:
        raise Invalid("Nothing was changed; see the errors", faults)
    return values


def _check_archive(project: Project, actor: Actor, status: str) -> None:
    """An archived project changes only by being given another status, and into and out of it takes a right of its own."""
    if project.archived and status == ARCHIVED:
        raise Conflict("The project is archived; to change it, give it another status")
    if project.archived or status == ARCHIVED:
        demand(actor, Action.PROJECT_ARCHIVE)


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


def _member_json(member: Member) -> Json:
    sub, role = member.sub, member.role.value
    return {"sub": sub, "role": role, "name": member.name, "user_sub": sub, "project_role": role}


def _polygon(west: float, south: float, east: float, north: float) -> Json:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
