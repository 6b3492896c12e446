"""What the server holds of its projects, and how one goes for good."""

from collections.abc import Mapping
from typing import Any

from fiberq_aiohttp.flows.access import actor_in, author_of, demand
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Forbidden
from fiberq_core.policy import Action, Actor, allows
from fiberq_core.ports import Holding, Usage
from fiberq_core.purging import VALID, code_of, confirm, demand_archived

Json = dict[str, object]

KINDS = ("rows", "history", "photos", "uploads", "packages")


async def usage(ports: Ports, actor: Actor) -> Json:
    """What each project takes, and all together. Raises: Forbidden, StoreUnavailable."""
    if not allows(actor, Action.SERVER_WATCH):
        raise Forbidden("What the projects take is for administrators")
    names = {project.id: project.name for project in await ports.store.projects(member=None, archived=True)}
    found = [_usage_json(one, names.get(one.project, "")) for one in await ports.holdings.usage()]
    return {"projects": found, "bytes": sum(one["bytes"] for one in found)}


async def purge(
    ports: Ports, actor: Actor, project_id: int, body: Mapping[str, object], secret: bytes, now: float
) -> Json:
    """The code for a purge, or the purge, where *body* brings the code and the project's name.

    *now*: epoch seconds. Raises: NotFound, Forbidden, Conflict, Invalid, Busy, StoreUnavailable.
    """
    project, limited = await actor_in(ports, actor, project_id)
    demand(limited, Action.PROJECT_PURGE)
    demand_archived(project)
    if not body.keys() & {"code", "name"}:
        code = code_of(secret, project, actor.subject, now)
        return {"purged": False, "code": code, "name": project.name, "valid_seconds": VALID}
    confirm(secret, project, actor.subject, (body.get("code"), body.get("name")), now)
    gone = await ports.holdings.purge(project, by=author_of(actor), at=ports.now())
    return {"purged": True, "backup": gone.backup, "records": dict(gone.records), "files": dict(gone.files)}


def _usage_json(one: Usage, name: str) -> dict[str, Any]:
    held: Mapping[str, Holding] = {kind: getattr(one, kind) for kind in KINDS}
    parts = {kind: {"count": holding.count, "bytes": holding.size} for kind, holding in held.items()}
    total = sum(holding.size for holding in held.values())
    return {"project_id": one.project, "name": name, **parts, "bytes": total}
