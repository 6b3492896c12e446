"""Who is in a project, and as what: asked by every flow before anything else.

To somebody who does not belong to it, a project is not there: same error, same text as for one that never was.
"""

from collections.abc import Sequence

from attrs import evolve

from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Conflict, Forbidden, NotFound
from fiberq_core.inbox import Author
from fiberq_core.policy import Action, Actor, allows, project_role
from fiberq_core.ports import Member, Project

NO_PROJECT = "There is no such project, or you are not a member of it"
NO_SYNC = "There is no such upload, or you are not a member of its project"


async def actor_in(ports: Ports, actor: Actor, project_id: int) -> tuple[Project, Actor]:
    """The project, and *actor* limited to what their membership allows, by the name that it gives. Raises: NotFound.

    Zitadel's access tokens carry no name, and people want to read one.
    """
    try:
        project = await ports.store.project(project_id)
        members = await ports.store.members(project_id)
        if _within(actor, members).role is None:  # nobody is sent away for what another server was told a moment ago
            members = await ports.store.members(project_id, anew=True)
    except NotFound:
        raise NotFound(NO_PROJECT) from None
    limited = _within(actor, members)
    if limited.role is None:
        raise NotFound(NO_PROJECT)
    known = next((m.name for m in members if m.sub == actor.subject), "")
    return project, limited if limited.name else evolve(limited, name=known)


def _within(actor: Actor, members: Sequence[Member]) -> Actor:
    return actor.within(project_role(actor.subject, ((m.sub, m.role) for m in members)))


async def reader_in(ports: Ports, actor: Actor, project_id: int) -> tuple[Project, Actor]:
    """As `actor_in`, for whoever wants to read. Raises: NotFound, Forbidden."""
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.PROJECT_READ)
    return project, limited


async def writer_in(ports: Ports, actor: Actor, project_id: int) -> tuple[Project, Actor]:
    """As `actor_in`, for whoever wants to change rows, each of which the core authorises. Raises: NotFound, Conflict."""
    project, limited = await actor_in(ports, actor, project_id)
    writable(project)
    return project, limited


def author_of(actor: Actor) -> Author:
    """*actor*, as what they do is signed."""
    return Author(actor.subject, actor.name)


def demand(actor: Actor, action: Action, owner: str | None = None) -> None:
    """Insist that *actor* may do *action* to what belongs to *owner*. Raises: Forbidden."""
    if not allows(actor, action, owner=owner):
        role = actor.role.value if actor.role else "none"
        raise Forbidden(f"Your role in this project ({role}) does not include {action.value} here")


def writable(project: Project) -> None:
    """Insist that *project* takes changes. Raises: Conflict."""
    if project.archived:
        raise Conflict("The project is archived and read-only; an administrator can give it another status")


async def admit(ports: Ports, actor: Actor, project_id: int, action: Action) -> None:
    """Refuse early, before a long body is read, what the flow would refuse later.

    Raises: NotFound, Forbidden, Conflict (archived).
    """
    project, actor = await actor_in(ports, actor, project_id)
    demand(actor, action, owner=actor.subject)
    writable(project)
