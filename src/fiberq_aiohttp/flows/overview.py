"""A project at a glance: how much there is in it, and what happened lately."""

from collections.abc import Mapping
from typing import Final

from fiberq_aiohttp.flows.access import reader_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.policy import Actor
from fiberq_core.ports import Happening
from fiberq_core.registry.shared import CABLES

Json = dict[str, object]

CLOSURES: Final = "Splice_closures"
POLES: Final = "Stubovi"
# What clients call what the audit calls otherwise; a change of a project is one of its status where it says so.
WORDS: Final[Mapping[str, str]] = {
    "sync.upload": "sync_upload",
    "member.set": "member_assigned",
    "member.removed": "member_removed",
    "project.created": "project_created",
    "project.changed": "project_changed",
}


async def stats(ports: Ports, actor: Actor, project_id: int) -> Json:
    """How many closures, poles and cables, metres of cable, people; when devices last brought something, how much. Raises: NotFound."""
    await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        counts, metres = await reader.counts(), await reader.cable_length()
    team = await ports.store.members(project_id)
    last = await ports.store.last_upload(project_id)
    return {
        "closures": counts.get(CLOSURES, 0),
        "poles": counts.get(POLES, 0),
        "cables": sum(counts.get(layer, 0) for layer in CABLES),
        "cable_length_m": round(metres, 2),
        "team_size": len(team),
        "last_sync_at": last.at if last else None,
        "last_sync_features": last.detail.get("features") if last else None,
    }


async def activity(ports: Ports, actor: Actor, project_id: int, before: str | None, limit: int) -> Json:
    """What happened before a moment, newest first. Raises: NotFound, Invalid."""
    await reader_in(ports, actor, project_id)
    found, more = await ports.store.activity(project_id, before, limit)
    return {"entries": [_entry(happening) for happening in found], "has_more": more}


def _entry(happening: Happening) -> Json:
    word = "status_change" if "status" in happening.detail else WORDS[happening.what]
    return {
        "event_type": word,
        "event_at": happening.at,
        "user_sub": happening.by.sub,
        "user_display_name": happening.by.name,
        "details": dict(happening.detail),
    }
