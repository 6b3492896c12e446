"""Who belongs to a project, and as what; in our words and in those of older clients."""

from collections.abc import Mapping, Sequence
from typing import Final

from fiberq_aiohttp.flows.access import actor_in, author_of, demand, reader_in, writable
from fiberq_aiohttp.flows.bodies import MAX_NAME, fitting, text
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.people import PROJECT_ROLES
from fiberq_core.policy import EVERYONE, Action, Actor, Role, allows
from fiberq_core.ports import Member

Json = dict[str, object]

MAX_SUBJECT: Final = 255  # characters
USUAL_ROLE: Final = "specialist"  # of whom older clients add without one
ROLES: Final[Mapping[str, Role]] = {**{role.value: role for role in Role}, **PROJECT_ROLES}


async def members(ports: Ports, actor: Actor, project_id: int) -> Sequence[Json]:
    """Who belongs to a project. Raises: NotFound."""
    _, limited = await reader_in(ports, actor, project_id)
    return await known(ports, limited, project_id)


async def known(ports: Ports, limited: Actor, project_id: int) -> Sequence[Json]:
    """The members, by the names they were given or signed in with; addresses for those who may change members."""
    found = await ports.store.members(project_id)
    people = await ports.store.known_people([member.sub for member in found])
    shown = []
    for member in found:
        person = people.get(member.sub)
        name = member.name or (person.name if person else "")
        email = person.email if person and allows(limited, Action.MEMBERS_EDIT) else ""
        shown.append(member_json(member, name, email))
    return shown


def counted(shown: Sequence[Json]) -> Json:
    """*shown* members as a project tells of them."""
    names = [member["name"] or member["sub"] for member in shown]
    return {"members": shown, "member_count": len(shown), "member_names": names}


async def add_member(ports: Ports, actor: Actor, project_id: int, body: Mapping[str, object]) -> Json:
    """Add somebody, or change their role. Raises: NotFound, Forbidden, Invalid, Conflict."""
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.MEMBERS_EDIT)
    writable(project)
    member = _read(body)
    await ports.store.set_member(project_id, member, by=author_of(actor), at=ports.now())
    return member_json(member, member.name)


async def remove_member(ports: Ports, actor: Actor, project_id: int, sub: str) -> None:
    """Take somebody out. Raises: NotFound, Forbidden, Conflict."""
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.MEMBERS_EDIT)
    writable(project)
    await ports.store.remove_member(project_id, sub, by=author_of(actor), at=ports.now())


def member_json(member: Member, name: str, email: str = "") -> Json:
    """A member under the names of today's clients and of older ones. Its id is the subject."""
    sub, role = member.sub, member.role.value
    ours = {"id": sub, "sub": sub, "role": role, "name": name}
    return {**ours, "user_sub": sub, "user_display_name": name, "user_email": email, "project_role": role}


def _read(body: Mapping[str, object]) -> Member:
    """The member that *body* says. Raises: Invalid."""
    usual = USUAL_ROLE if "user_sub" in body else None
    said = {
        "sub": (_subject, body.get("sub", body.get("user_sub"))),
        "role": (_role, body.get("role", body.get("project_role", usual))),
        "name": (text(MAX_NAME), body.get("name", body.get("user_display_name"))),
    }
    read = fitting(said)
    return Member(read["sub"], Role(read["role"]), read["name"])


def _role(value: object) -> str:
    if value == "observer":
        raise ValueError("must be another one: nobody here can only look; a field worker may also edit")
    if not isinstance(value, str) or value not in ROLES:
        raise ValueError(f"must be one of {', '.join(ROLES)}")
    return ROLES[value].value


def _subject(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.strip()) == len(value) <= MAX_SUBJECT:
        raise ValueError(f"must be the sub of somebody's sign-in, or {EVERYONE} for everyone who has a role")
    return value
