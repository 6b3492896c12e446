"""Who made a splice, and when: said by the server of a splice that becomes spliced, unless somebody says it."""

from fiberq_core.fibre.places import SPLICES
from fiberq_core.policy import Actor
from fiberq_core.rows import Row

LAYER = SPLICES
STATUS, SPLICED, TESTED = "status", "spliced", "tested"
STAMPS = frozenset({"spliced_by_sub", "spliced_at"})


def begun(new: Row, at: str, actor: Actor) -> Row:
    """A new splice, stamped where it is made already: *at*, UTC, ISO 8601."""
    return stamped(Row(), new, at, actor)


def stamped(before: Row, after: Row, at: str, actor: Actor) -> Row:
    """*after* with who made the splice and when, where its status says that it was made just now and nobody says these."""
    was, now = before.get(STATUS), after.get(STATUS)
    said = any(after.get(name) is not None and after.get(name) != before.get(name) for name in STAMPS)
    unsigned = all(after.get(name) is None for name in STAMPS)
    made = now == SPLICED or (now == TESTED and unsigned)  # to measure one that was made earlier is not to make it
    if said or not made or now == was:
        return after
    return after.with_values({"spliced_by_sub": actor.subject, "spliced_at": at})
