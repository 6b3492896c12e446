"""Work orders: the states, and who may move an order from one to another.

The table is `TRANSITIONS`; `advance` reads it. A row that is not there is not allowed.
"""

from attrs import frozen

from fiberq_core.policy import Action, Actor, allows
from fiberq_core.rows import Row, Value

LAYER = "Work_orders"
STATUS = "status"


@frozen
class Transition:
    """The right that a move takes, and what must hold besides.

    *needs_assignee*: somebody must be assigned. *not_by_assignee*: nobody verifies their own work.
    *stamp*: the column that records when.
    """

    action: Action
    needs_assignee: bool = False
    not_by_assignee: bool = False
    stamp: str | None = None


_ENGINEER = Action.ORDER_WRITE
_ASSIGNEE = Action.ORDER_ADVANCE

TRANSITIONS = {
    ("created", "assigned"): Transition(_ENGINEER, needs_assignee=True),
    ("created", "rejected"): Transition(_ENGINEER),
    ("assigned", "in_progress"): Transition(_ASSIGNEE, stamp="started_at"),
    ("assigned", "rejected"): Transition(_ASSIGNEE),
    ("in_progress", "completed"): Transition(_ASSIGNEE, stamp="completed_at"),
    ("in_progress", "rejected"): Transition(_ENGINEER),
    ("in_progress", "assigned"): Transition(_ENGINEER, needs_assignee=True),
    ("completed", "verified"): Transition(_ENGINEER, not_by_assignee=True, stamp="verified_at"),
    ("completed", "rejected"): Transition(_ENGINEER),
    ("rejected", "created"): Transition(_ENGINEER),
    ("rejected", "assigned"): Transition(_ENGINEER, needs_assignee=True),
    ("verified", "in_progress"): Transition(Action.ORDER_REOPEN),
}
BEGINNINGS = frozenset({"created", "assigned"})
CLEARED = {"created": ("started_at", "completed_at")}  # what starting over takes back
STAMPS = frozenset({"verified_by_sub", *(t.stamp for t in TRANSITIONS.values() if t.stamp is not None)})


def stamped(before: Row, after: Row, at: str, actor: Actor) -> Row:
    """*after* with the times that its move from *before* sets, unless somebody gave them: *at*, UTC, ISO 8601."""
    new = str(after.get(STATUS))
    transition = TRANSITIONS.get((str(before.get(STATUS) or "created"), new))
    if transition is None or before.get(STATUS) == new:
        return after
    changes: dict[str, Value | None] = dict.fromkeys(CLEARED.get(new, ()))
    if transition.stamp is not None:
        changes[transition.stamp] = at
    changes = {name: value for name, value in changes.items() if after.get(name) == before.get(name)}
    if new == "verified":
        changes["verified_by_sub"] = actor.subject
    return after.with_values(changes)


def beginning_refusal(actor: Actor, new: Row, last: Row | None) -> str | None:
    """Why *actor* may not add an order as it is, as a sentence; *last* is how it was, where it comes back.

    Otherwise deleting and restoring would be a way around the table.
    """
    status = str(new.get(STATUS) or "created")
    if status in BEGINNINGS or (last is not None and last.get(STATUS) == status) or allows(actor, Action.ORDER_REOPEN):
        return None
    return f"a work order does not begin as '{status}'"


def refusal(actor: Actor, before: Row, after: Row) -> str | None:
    """Why *actor* may not take an order from *before* to *after*, as a sentence; None where they may."""
    old, new = str(before.get(STATUS) or "created"), str(after.get(STATUS))
    if old == new:
        return None
    transition = TRANSITIONS.get((old, new))
    if transition is None:
        return f"a work order cannot go from '{old}' to '{new}'"
    assignee = before.get("assigned_to_sub")
    if not allows(actor, transition.action, owner=assignee if isinstance(assignee, str) else None):
        return f"your role does not allow taking a work order from '{old}' to '{new}'"
    if transition.needs_assignee and not after.get("assigned_to_sub"):
        return "somebody must be assigned first"
    if transition.not_by_assignee and actor.subject in (assignee, after.get("assigned_to_sub")):
        return "nobody verifies their own work"
    return None
