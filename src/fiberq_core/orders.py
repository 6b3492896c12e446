"""Work orders: the states, and who may move an order from one to another.

The table is `TRANSITIONS`; `refusal` reads it. A row that is not there is not allowed.
"""

from collections.abc import Iterable, Mapping
from enum import Enum

from attrs import frozen

from fiberq_core.changes import Change, Write
from fiberq_core.policy import Action, Actor, allows
from fiberq_core.ports.values import Version
from fiberq_core.registry.work import WORK_ORDERS
from fiberq_core.rows import Row, Value

LAYER = WORK_ORDERS.name
STATUS, ASSIGNEE, ASSIGNED_BY, REASON = "status", "assigned_to_sub", "assigned_by_sub", "rejection_reason"
CREATED, ASSIGNED, COMPLETED, VERIFIED, REJECTED = "created", "assigned", "completed", "verified", "rejected"


class Ground(Enum):
    """Why something is refused: who asks may not, the state does not allow it, or something is left out."""

    RIGHT = "right"
    STATE = "state"
    VALUE = "value"


@frozen
class Refusal:
    """Why somebody may not move an order, as a sentence for them. *field* is the one at fault."""

    reason: str
    ground: Ground = Ground.RIGHT
    field: str = STATUS


@frozen
class Transition:
    """The right that a move takes, and what must hold besides.

    *needs_assignee*: somebody must be assigned. *needs_reason*: whoever does it says why. *not_own_work*: neither who
    completed the order nor to whom it is assigned. *stamp*: the column that records when.
    """

    action: Action
    needs_assignee: bool = False
    needs_reason: bool = False
    not_own_work: bool = False
    stamp: str | None = None


_ENGINEER = Action.ORDER_WRITE
_ANYBODY = Action.ORDER_ADVANCE  # to whom it is assigned

TRANSITIONS = {
    ("created", "assigned"): Transition(_ENGINEER, needs_assignee=True),
    ("created", "rejected"): Transition(_ENGINEER, needs_reason=True),
    ("assigned", "in_progress"): Transition(_ANYBODY, stamp="started_at"),
    ("assigned", "rejected"): Transition(_ANYBODY, needs_reason=True),
    ("in_progress", "completed"): Transition(_ANYBODY, stamp="completed_at"),
    ("in_progress", "rejected"): Transition(_ENGINEER, needs_reason=True),
    ("in_progress", "assigned"): Transition(_ENGINEER, needs_assignee=True),
    ("completed", "verified"): Transition(_ENGINEER, not_own_work=True, stamp="verified_at"),
    ("completed", "rejected"): Transition(_ENGINEER, needs_reason=True),
    ("rejected", "created"): Transition(_ENGINEER),
    ("rejected", "assigned"): Transition(_ENGINEER, needs_assignee=True),
    ("verified", "in_progress"): Transition(Action.ORDER_REOPEN),
}
OPEN = (CREATED, ASSIGNED, "in_progress", COMPLETED)  # somebody has to see to it
URGENT = ("urgent", "high", "medium")  # in this order, then whatever else
BEGINNINGS = frozenset({CREATED, ASSIGNED})
CLEARED = {"created": ("started_at", "completed_at")}  # what starting over takes back
_TIMES = frozenset(t.stamp for t in TRANSITIONS.values() if t.stamp is not None)
STAMPS = _TIMES | {"verified_by_sub", ASSIGNED_BY, "created_at"}  # what the server fills in


def begun(new: Row, at: str, actor: Actor) -> Row:
    """A *new* order with what the server knows of its beginning: when, UTC, ISO 8601, and who assigned it."""
    filled: dict[str, Value | None] = {} if new.get("created_at") else {"created_at": at}
    if new.get(ASSIGNEE) and not new.get(ASSIGNED_BY):
        filled[ASSIGNED_BY] = actor.subject
    return new.with_values(filled) if filled else new


def stamped(before: Row, after: Row, at: str, actor: Actor) -> Row:
    """*after* with the times that its move from *before* sets, unless somebody gave them: *at*, UTC, ISO 8601."""
    new = str(after.get(STATUS))
    transition = TRANSITIONS.get((str(before.get(STATUS) or CREATED), new))
    changes: dict[str, Value | None] = {}
    if transition is not None and before.get(STATUS) != new:
        changes |= dict.fromkeys(CLEARED.get(new, ()))
        changes |= {transition.stamp: at} if transition.stamp is not None else {}
    if after.get(ASSIGNEE) != before.get(ASSIGNEE):
        changes[ASSIGNED_BY] = actor.subject if after.get(ASSIGNEE) else None
    changes = {name: value for name, value in changes.items() if after.get(name) == before.get(name)}
    if new == VERIFIED and transition is not None and before.get(STATUS) != new:
        changes["verified_by_sub"] = actor.subject
    return after.with_values(changes) if changes else after


def urgency(order: Row) -> tuple[int, bool, str]:
    """Where *order* stands in the list of somebody's work: by priority, then by its due date, those without one last."""
    priority, due = order.get("priority"), order.get("due_date")
    return (URGENT.index(str(priority)) if priority in URGENT else len(URGENT), due is None, str(due))


def assigning(before: Row | None, changes: Mapping[str, Value | None]) -> Mapping[str, Value | None]:
    """*changes* of somebody who names an assignee and no state: an order that waited for one is then assigned."""
    waiting = before is None or before.get(STATUS) in (None, CREATED)
    if waiting and changes.get(ASSIGNEE) and changes.get(STATUS) is None:
        return {**changes, STATUS: ASSIGNED}
    return changes


def verifies(change: Change) -> bool:
    """Whether *change* takes an order to its end, so that it matters who completed it."""
    return change.key.layer == LAYER and change.sent is not None and change.sent.get(STATUS) == VERIFIED


def audited(writes: Iterable[Write]) -> tuple[tuple[str, Mapping[str, object]], ...]:
    """What of *writes* the audit is told: orders that were verified and are no longer."""
    reopened = (
        (w.before, w.after) for w in writes if w.key.layer == LAYER and w.before is not None and w.after is not None
    )
    return tuple(
        ("order.reopened", {"id": before.id, "uuid": before.key.uuid, "status": after.get(STATUS)})
        for before, after in reopened
        if before.row.get(STATUS) == VERIFIED != after.get(STATUS)
    )


def completer(history: Iterable[Version]) -> str | None:
    """The subject of who completed the order last, by its *history*, newest first."""
    for version in history:
        before = version.before.get(STATUS) if version.before else None
        if version.row is not None and version.row.get(STATUS) == COMPLETED != before:
            return version.by.author.sub
    return None


def beginning_refusal(actor: Actor, new: Row, last: Row | None) -> str | None:
    """Why *actor* may not add an order as it is, as a sentence; *last* is how it was, where it comes back.

    Otherwise deleting and restoring would be a way around the table.
    """
    status = str(new.get(STATUS) or "created")
    if status in BEGINNINGS or (last is not None and last.get(STATUS) == status) or allows(actor, Action.ORDER_REOPEN):
        return None
    return f"a work order does not begin as '{status}'"


def refusal(actor: Actor, before: Row, after: Row, done_by: str | None = None) -> Refusal | None:
    """Why *actor* may not take an order from *before* to *after*; None where they may. *done_by* completed it."""
    old, new = str(before.get(STATUS) or CREATED), str(after.get(STATUS))
    if old == new:
        return None
    transition = TRANSITIONS.get((old, new))
    if transition is None:
        return Refusal(f"a work order cannot go from '{old}' to '{new}'", Ground.STATE)
    assignee = before.get(ASSIGNEE)
    if not allows(actor, transition.action, owner=assignee if isinstance(assignee, str) else None):
        return Refusal(f"your role does not allow taking a work order from '{old}' to '{new}'")
    if transition.not_own_work and actor.subject in (assignee, after.get(ASSIGNEE), done_by):
        return Refusal("nobody verifies their own work")
    return _lacking(transition, after)


def _lacking(transition: Transition, after: Row) -> Refusal | None:
    """What a move needs that an order does not say."""
    if transition.needs_assignee and not after.get(ASSIGNEE):
        return Refusal("somebody must be assigned first", Ground.VALUE, ASSIGNEE)
    if transition.needs_reason and not str(after.get(REASON) or "").strip():
        return Refusal("say why it is rejected", Ground.VALUE, REASON)
    return None
