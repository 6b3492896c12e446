"""Items of a work order: pending, then done by somebody at some time; and pending again where that was a mistake."""

from fiberq_core.policy import Actor
from fiberq_core.registry.work import ORDER_ITEMS
from fiberq_core.rows import Row, Value

LAYER = ORDER_ITEMS.name
STATUS, PENDING, DONE = "status", "pending", "done"
COMPLETED_AT, COMPLETED_BY = "completed_at", "completed_by_sub"
STAMPS = frozenset({COMPLETED_AT, COMPLETED_BY})  # what the server fills in


def begun(new: Row, at: str, actor: Actor) -> Row:
    """A *new* item; of one that comes in as done, when, UTC, ISO 8601, and by whom."""
    return stamped(Row(), new, at, actor)


def stamped(before: Row, after: Row, at: str, actor: Actor) -> Row:
    """*after* with who completed it and when, unless somebody said so; undone, with neither."""
    was, now = before.get(STATUS) == DONE, after.get(STATUS) == DONE
    if was == now:
        return after
    said: dict[str, Value | None] = {COMPLETED_AT: at if now else None, COMPLETED_BY: actor.subject if now else None}
    changes = {name: value for name, value in said.items() if after.get(name) == before.get(name)}
    return after.with_values(changes) if changes else after
