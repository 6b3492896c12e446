"""Authorise: the part of a change that somebody may make, the first step of the one write path.

What they may not do waits as a proposal for somebody who may (S27, S28); the rest of the row goes on.
"""

from collections.abc import Collection, Iterable

from attrs import evolve

from fiberq_core import orders
from fiberq_core.changes import Change, Op
from fiberq_core.inbox import ItemKind
from fiberq_core.planning import Current, Held
from fiberq_core.policy import Actor, allows
from fiberq_core.proposals import Proposal
from fiberq_core.registry import LAYER, LAYERS
from fiberq_core.rows import Row, Stored

# the rights that columns take of their own, by layer
RIGHTS = {layer.name: {c.name: c.action for c in layer.columns if c.action is not None} for layer in LAYERS}
VERBS = {Op.INSERT: "add to", Op.DELETE: "delete from"}


def permitted(actor: Actor, changes: Iterable[Change], current: Current) -> bool:
    """Whether *actor* may make all of *changes*; nothing is said about whether they can stand."""
    asked = (authorised(actor, c, current.rows.get(c.key), current, Proposal(c)) for c in changes)
    return not any(refused for _, refused in asked)


def authorised(
    actor: Actor, change: Change, server: Stored | None, current: Current, proposal: Proposal
) -> tuple[Change | None, list[Held]]:
    """The part of *change* that *actor* may make, and what they may not as proposals.

    A row that comes in or goes is one right; of a row that is there, and of a new one, columns may take a right of their own.
    """
    creating = change.op is Op.INSERT and server is None
    owner = _owner(actor, change, server, current, creating=creating)
    if creating or change.op is Op.DELETE:
        reason = _whole_refusal(actor, change, owner, current)
        if reason is not None:
            return None, [Held(ItemKind.REFUSED, (change,), reason, proposal)]
    if change.op is Op.DELETE:
        return change, []
    known = server or (current.last.get(change.key) if creating else None)
    refused = _refused(actor, change, known, owner, creating=creating)
    wrong = None if orders.STATUS in refused else _move_refusal(actor, change, server, current)
    moved = {orders.STATUS} if wrong is not None else set()
    if not refused | moved:
        return change, []
    kept = change.without(refused | moved)
    held = _refusals(change, refused, f"your role may not change this in {LAYER[change.key.layer].labels.en}", proposal)
    held += [evolve(h, ground=wrong) for h in _refusals(change, moved, wrong.reason, proposal)] if wrong else []
    return (kept if kept.fields else None), held


def _owner(actor: Actor, change: Change, server: Stored | None, current: Current, *, creating: bool) -> str | None:
    """The subject whose work the row is; of a new row that names nobody, whoever brings it."""
    layer = LAYER[change.key.layer]
    if creating and layer.owner is not None and (change.sent or Row()).get(layer.owner) in (None, actor.subject):
        return actor.subject
    return current.owner(change.key, server.row if server else change.base)


def _whole_refusal(actor: Actor, change: Change, owner: str | None, current: Current) -> str | None:
    """Why *actor* may not bring the row in, or take it away."""
    layer = LAYER[change.key.layer]
    action = layer.rights.delete if change.op is Op.DELETE else layer.rights.write
    if not allows(actor, action, owner=owner):
        return f"your role may not {VERBS[change.op]} {layer.labels.en}"
    if change.key.layer != orders.LAYER or change.sent is None:
        return None
    last = current.last.get(change.key)
    return orders.beginning_refusal(actor, change.sent, last.row if last else None)


def _refused(actor: Actor, change: Change, known: Stored | None, owner: str | None, *, creating: bool) -> set[str]:
    """The fields that *actor* may not make otherwise than they are in *known*; of a new row those with a right of their own."""
    layer, sent = LAYER[change.key.layer], change.sent or Row()
    own = RIGHTS[layer.name]
    names = own.keys() & sent.values.keys() if creating else change.fields
    rights = {n: own.get(n, layer.rights.write) for n in names if known is None or known.row.get(n) != sent.get(n)}
    denied = {right for right in set(rights.values()) if not allows(actor, right, owner=owner)}
    return {n for n, right in rights.items() if right in denied}


def _move_refusal(actor: Actor, change: Change, server: Stored | None, current: Current) -> orders.Refusal | None:
    """Why a work order may not be moved as *change* wants."""
    if change.key.layer != orders.LAYER or orders.STATUS not in change.fields or server is None or change.sent is None:
        return None
    now = server.row
    if now.get(orders.STATUS) != (change.base or Row()).get(orders.STATUS):
        return None  # somebody moved it meanwhile: a conflict, whatever the table says
    after = now.with_values({name: change.sent.get(name) for name in change.fields})
    return orders.refusal(actor, now, after, current.completers.get(change.key))


def _refusals(change: Change, names: Collection[str], reason: str, proposal: Proposal) -> list[Held]:
    if not names:
        return []
    field = next(iter(names)) if len(names) == 1 else None
    return [Held(ItemKind.REFUSED, (change.only(names),), reason, proposal, field)]
