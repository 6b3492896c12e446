"""The audit: who did what to projects, members and access tokens."""

from fiberq_aiohttp.flows.access import actor_in, demand
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Forbidden
from fiberq_core.policy import Action, Actor, allows
from fiberq_core.ports import AuditQuery, Event, Page

Json = dict[str, object]


async def everything(ports: Ports, actor: Actor, query: AuditQuery, limit: int, cursor: str | None) -> Page[Json]:
    """The entries that *query* seeks, of all projects and of none. Raises: Forbidden, Invalid."""
    if not allows(actor, Action.AUDIT_ALL):
        raise Forbidden("The audit of all projects is for administrators; an engineer may read that of a project")
    return await _found(ports, query, limit, cursor)


async def of_project(
    ports: Ports, actor: Actor, project_id: int, query: AuditQuery, limit: int, cursor: str | None
) -> Page[Json]:
    """Those of one project. Raises: NotFound, Forbidden, Invalid."""
    _, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.AUDIT_READ)
    return await _found(ports, query, limit, cursor)


async def _found(ports: Ports, query: AuditQuery, limit: int, cursor: str | None) -> Page[Json]:
    found = await ports.store.audit(query, limit, cursor)
    return Page(tuple(event_json(event) for event in found.items), found.next)


def event_json(event: Event) -> Json:
    """An entry as it is answered."""
    return {
        "id": event.id,
        "project_id": event.project,
        "at": event.at,
        "by": {"sub": event.by.sub, "name": event.by.name},
        "what": event.what,
        "detail": dict(event.detail),
    }
