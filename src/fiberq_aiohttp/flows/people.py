"""Everybody who ever signed in, as far as this server knows them. Accounts are the identity provider's."""

from collections.abc import Sequence

from fiberq_aiohttp.flows.access import actor_in, demand
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Forbidden, NotFound
from fiberq_core.people import Person, person_of
from fiberq_core.policy import Action, Actor, Role
from fiberq_core.ports import Member, Page

Json = dict[str, object]

NOBODY = "Nobody with this subject has signed in here yet"


async def record_login(ports: Ports, actor: Actor) -> Json:
    """Note a sign-in at once, as old clients ask for. Raises: Forbidden for an access token, which is none."""
    if actor.token is not None:
        raise Forbidden("An access token is no sign-in")
    await ports.store.saw(person_of(actor))
    return {"status": "ok"}


async def listed(ports: Ports, limit: int, cursor: str | None) -> Page[Json]:
    """Everybody. Raises: Invalid."""
    found = await ports.store.people(limit, cursor)
    return Page(tuple(person_json(person) for person in found.items), found.next)


async def show(ports: Ports, sub: str) -> Json:
    """One person. Raises: NotFound."""
    known = await ports.store.known_people([sub])
    if sub not in known:
        raise NotFound(NOBODY)
    return person_json(known[sub])


async def assignable(ports: Ports, actor: Actor, project_id: int, limit: int, cursor: str | None) -> Page[Json]:
    """Everybody with a role who ever signed in, each with what they are in the project. Raises: NotFound, Forbidden, Invalid."""
    _, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.MEMBERS_EDIT)
    members = {member.sub: member for member in await ports.store.members(project_id)}
    found = await ports.store.people(limit, cursor)
    return Page(tuple(_assignable_json(p, members.get(p.sub)) for p in found.items if p.roles), found.next)


def person_json(person: Person) -> Json:
    """Somebody as clients know people. Whether their account is active only the identity provider knows."""
    return {
        "id": person.sub,
        "username": person.name or person.sub,
        "display_name": person.name,
        "email": person.email,
        "phone": None,
        "roles": _roles(person),
        "is_active": None,
        "first_login": person.first_sign_in,
        "last_login": person.last_sign_in,
    }


def _assignable_json(person: Person, member: Member | None) -> Json:
    return {
        "user_sub": person.sub,
        "username": person.name or person.sub,
        "user_display_name": person.name,
        "user_email": person.email,
        "roles": _roles(person),
        "last_login_at": person.last_sign_in,
        "project_role": member.role.value if member else None,
    }


def _roles(person: Person) -> Sequence[str]:
    return [role.value for role in Role if role in person.roles]
