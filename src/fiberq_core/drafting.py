"""Authorise (see `authorising`) and merge: each proposal by itself, the first half of the one write path.

What the actor may not do, and what both sides changed, is held; the rest of the row goes on.
"""

from collections.abc import Sequence

from attrs import evolve, field, frozen

from fiberq_core import items, orders
from fiberq_core.authorising import authorised
from fiberq_core.changes import Change, Op, Write
from fiberq_core.fibre import splicing
from fiberq_core.inbox import ItemKind
from fiberq_core.merge import merge
from fiberq_core.planning import Candidate, Cause, ConflictPolicy, Current, Draft, Held, Outcome
from fiberq_core.policy import Action
from fiberq_core.proposals import MassDeletion, Proposal
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY, Column, Layer
from fiberq_core.rows import Key, Row, Stored, Value

LIVES = {life.LAYER: life for life in (orders, items, splicing)}  # how rows of these layers begin and move on


def draft(cause: Cause, proposals: Sequence[Proposal], mass: Sequence[MassDeletion], current: Current) -> Draft:
    """Authorise and merge each proposal by itself."""
    collected = _Collected()
    for proposal in proposals:
        _draft_one(cause, proposal, current, collected)
    for deletion in mass:
        _draft_mass(deletion, current, collected)
    return Draft(cause, tuple(collected.candidates), tuple(collected.held), tuple(collected.notes))


@frozen
class _Collected:
    candidates: list[Candidate] = field(factory=list)
    held: list[Held] = field(factory=list)
    notes: list[Outcome] = field(factory=list)


def _draft_one(cause: Cause, proposal: Proposal, current: Current, out: _Collected) -> None:
    server = current.rows.get(proposal.key)
    change = _as_it_stands(proposal.change, server, current)
    if any(b.whole_row for b in proposal.bad):
        out.held.append(_misfit(change, proposal))
        return
    for bad in proposal.bad:
        nothing = Change(change.key, Row(), Row())  # it never became a value; what was typed stands in the item's `raw`
        out.held.append(Held(ItemKind.REJECTED, (nothing,), bad.reason, proposal, bad.field, bad.raw))
    allowed, refused = authorised(cause.actor, change, server, current, proposal)
    out.held.extend(refused)
    if allowed is not None and allowed.op is Op.UPDATE:
        allowed = _kept_whole(allowed, proposal, out)
    if allowed is not None:
        _merge_one(cause, evolve(proposal, change=allowed), server, current, out)


def _misfit(change: Change, proposal: Proposal) -> Held:
    """A row that waits as a whole, with all that was typed in it."""
    typed = change.sent.values.items() if change.sent else ()
    raw = {**{n: v for n, v in typed if not isinstance(v, bytes)}, **{b.field: b.raw for b in proposal.bad}}
    reason = "; ".join(b.reason for b in proposal.bad if b.whole_row)
    return Held(ItemKind.REJECTED, (change,), reason, proposal, raw=raw)


def _as_it_stands(change: Change, server: Stored | None, current: Current) -> Change:
    """*change*, made from what the store made of the row that the device sent before.

    A row that never came in, since it waits in the inbox, is still new. And what the server itself
    filled in when it took the row is nobody's edit.
    """
    base, sent = change.base, change.sent
    if base is None:
        return change
    if server is None:
        waits = sent is not None and sent != base and change.key not in current.last
        return Change(change.key, None, sent) if waits else change
    filled = {n: server.row.get(n) for n in _filled_in(LAYER[change.key.layer], server.row) if base.get(n) is None}
    if not filled:
        return change
    untouched = {n: v for n, v in filled.items() if sent is not None and sent.get(n) is None}
    return Change(change.key, base.with_values(filled), sent.with_values(untouched) if sent else None)


def _filled_in(layer: Layer, now: Row) -> frozenset[str]:
    """The columns of a row that may say what the server filled in."""
    own = {layer.owner} if layer.owner is not None and layer.rights.write is not Action.ORDER_WRITE else set()
    defaults = {c.name for c in _working(layer) if now.get(c.name) == c.default}
    return frozenset(defaults | own | (LIVES[layer.name].STAMPS if layer.name in LIVES else frozenset()))


def _working(layer: Layer) -> tuple[Column, ...]:
    """The columns with a default that the system itself works by."""
    closed = [c for c in layer.columns if c.vocabulary is not None and c.vocabulary.closed]
    return tuple(c for c in closed if c.default is not None)


def _kept_whole(change: Change, proposal: Proposal, out: _Collected) -> Change | None:
    """The change without what would leave the row incomplete: a cleared value that it cannot stand without (S45)."""
    layer = LAYER[change.key.layer]
    cleared = {n for n in change.fields if _needed(layer, n) and change.sent is not None and change.sent.get(n) is None}
    for name in sorted(cleared):
        reason = f"{layer.labels.en} cannot do without this, so it was not cleared"
        out.held.append(Held(ItemKind.REJECTED, (change.only([name]),), reason, proposal, name))
    change = change.without(cleared) if cleared else change
    return change if change.fields or not cleared else None


def _needed(layer: Layer, name: str) -> bool:
    column, reference = layer.column(name), layer.reference(name)
    if name == GEOMETRY:
        return layer.geometry_required
    return (column is not None and column.required) or (reference is not None and reference.required)


def _merge_one(cause: Cause, proposal: Proposal, server: Stored | None, current: Current, out: _Collected) -> None:
    change, key = proposal.change, proposal.key
    base, now = change.base, server.row if server else None
    result = merge(base, change.sent, now)
    after = result.after
    if result.whole or result.contested:
        after = _contested(cause, proposal, result.contested, after, server, out)
    if after == now:
        return
    if after is not None:
        after = _completed(cause, LAYER[key.layer], after) if now is None else _stamped(cause, key, now, after)
    write = Write(key, server, after, None if server else current.last.get(key))
    merged = base is not None and now is not None and after is not None and now != base
    out.candidates.append(Candidate(proposal, write, merged))


def _completed(cause: Cause, layer: Layer, row: Row) -> Row:
    """A new row with what the system itself works by: states at their beginning, an owner, times."""
    missing: dict[str, Value | None] = {c.name: c.default for c in _working(layer) if row.get(c.name) is None}
    if layer.owner is not None and layer.rights.write is not Action.ORDER_WRITE and row.get(layer.owner) is None:
        missing[layer.owner] = cause.actor.subject
    row = row.with_values(missing) if missing else row
    return LIVES[layer.name].begun(row, cause.at, cause.actor) if layer.name in LIVES else row


def _stamped(cause: Cause, key: Key, before: Row, after: Row) -> Row:
    """An order or an item that moved on, with the time of it."""
    return LIVES[key.layer].stamped(before, after, cause.at, cause.actor) if key.layer in LIVES else after


def _contested(
    cause: Cause, proposal: Proposal, names: frozenset[str], after: Row | None, server: Stored | None, out: _Collected
) -> Row | None:
    """Hold, or decide by the project's setting, what both sides changed; returns what becomes current.

    The setting is about two values for one field (S05, S07). A row that one side deleted and the other changed
    always waits: to bring it back, or to take it away, is another right than to edit it.
    """
    change, policy = proposal.change, cause.conflict_policy
    for name, part in _parts(change, names):
        stated = (change.key.layer, name) == (orders.LAYER, orders.STATUS)  # what becomes of it, the table says
        if policy is ConflictPolicy.DEVICE_WINS and name is not None and after is not None and not stated:
            out.notes.append(_device_won(proposal, name, part, server))
            after = after.with_values({name: part.sent.get(name) if part.sent else None})
            continue
        kind = ItemKind.CONFLICT if change.sent is not None else ItemKind.HELD_DELETE
        settled = policy is ConflictPolicy.SERVER_WINS and name is not None
        out.held.append(Held(kind, (part,), _conflict_reason(change, name, server), proposal, name, settled=settled))
    return after


def _device_won(proposal: Proposal, name: str, part: Change, server: Stored | None) -> Outcome:
    key, reason = proposal.key, "both sides changed this; the project's setting lets the device win"
    device = part.sent.get(name) if part.sent else None
    lost = server.row.get(name) if server else None
    return Outcome(key.layer, key.uuid, "device_wins", proposal.fid, name, device, lost, reason)


def _parts(change: Change, names: frozenset[str]) -> list[tuple[str | None, Change]]:
    if not names:
        return [(None, change)]
    return [(name, change.only([name])) for name in sorted(names)]


def _conflict_reason(change: Change, name: str | None, server: Stored | None) -> str:
    if name is not None:
        return "somebody else changed the same field in the meantime"
    if change.sent is None:
        return "somebody else changed this row after the device received it, so it was not deleted"
    return "somebody else deleted this row in the meantime" if server is None else "both sides changed this row"


def _draft_mass(deletion: MassDeletion, current: Current, out: _Collected) -> None:
    changes = tuple(c for c in deletion.changes if c.key in current.rows)
    if changes:
        share = f"{len(deletion.changes)} of {deletion.received} rows"
        out.held.append(
            Held(
                ItemKind.HELD_DELETES, changes, f"{share} of {deletion.layer} are gone from the file; approve if that was meant",
                layer=deletion.layer,
            )
        )  # fmt: skip
