"""Taking back: undo of a transaction, restore of a version, and what a decision in the inbox proposes.

All of them only make change sets; the one write path merges them against today's data.
"""

from collections.abc import Mapping, Sequence

from fiberq_core.authorising import permitted
from fiberq_core.changes import Change
from fiberq_core.identity import derived
from fiberq_core.inbox import Decision, Item, ItemKind
from fiberq_core.planning import Current
from fiberq_core.policy import Action, Actor, allows
from fiberq_core.ports import Version
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, Stored, differing

# what can be said to each kind of item; `dismiss` and `keep_server` leave the project as it is
CHOICES = {
    ItemKind.CONFLICT: (Decision.KEEP_SERVER, Decision.TAKE_MINE, Decision.TAKE_BOTH, Decision.RESTORE, Decision.DISMISS),
    ItemKind.REJECTED: (Decision.KEEP_SERVER, Decision.TAKE_MINE, Decision.DISMISS),
    ItemKind.REFUSED: (Decision.KEEP_SERVER, Decision.TAKE_MINE, Decision.DISMISS),
    ItemKind.HELD_DELETE: (Decision.KEEP_SERVER, Decision.TAKE_MINE, Decision.DISMISS),
    ItemKind.HELD_DELETES: (Decision.KEEP_SERVER, Decision.TAKE_MINE, Decision.DISMISS),
    ItemKind.CLASH: (Decision.KEEP_SERVER, Decision.TAKE_MINE, Decision.DISMISS),
    ItemKind.DUPLICATE: (Decision.TAKE_BOTH, Decision.KEEP_SERVER, Decision.DISMISS),
    ItemKind.QUESTION: (Decision.KEEP_SERVER, Decision.TAKE_MINE, Decision.DISMISS),
}  # fmt: skip


LEFT_AS_IT_WAS = (Decision.KEEP_SERVER, Decision.DISMISS)  # what was decided so can be decided anew


def choices(item: Item, current: Stored | None) -> tuple[Decision, ...]:
    """The decisions that make sense for *item*, given the row as it is now."""
    if item.decided is not None and item.decided.decision not in LEFT_AS_IT_WAS:
        return ()
    senseless = _senseless(item, current)
    return tuple(d for d in CHOICES[item.kind] if d not in senseless)


def choices_for(actor: Actor, item: Item, current: Current) -> tuple[Decision, ...]:
    """The decisions that *actor* may make: they are theirs to make, make sense, and ask for nothing beyond their role."""
    if not allows(actor, Action.INBOX_DECIDE, owner=item.author.sub):
        return ()
    possible = choices(item, row_of(item, current.rows))
    return tuple(d for d in possible if permitted(actor, proposed_by(item, d, current.rows), current))


def row_of(item: Item, rows: Mapping[Key, Stored]) -> Stored | None:
    """The row that an item is about, if it is about one that is there."""
    return rows.get(Key(item.layer, item.uuid)) if item.layer and item.uuid else None


def _senseless(item: Item, current: Stored | None) -> set[Decision]:
    out: set[Decision] = set()
    if not any(c.base != c.sent for c in item.changes):
        out |= {Decision.TAKE_MINE, Decision.TAKE_BOTH, Decision.RESTORE}
    if item.uuid is not None and current is None and any(_is_edit(c) for c in item.changes):
        out |= {Decision.TAKE_MINE, Decision.TAKE_BOTH}  # there is nothing to edit
    if item.kind is ItemKind.CONFLICT:
        out |= set() if current is None and item.field is None else {Decision.RESTORE}
        out |= set() if item.field == GEOMETRY else {Decision.TAKE_BOTH}
    return out


def _is_edit(change: Change) -> bool:
    return change.base is not None and change.sent is not None


def proposed_by(item: Item, decision: Decision, current: Mapping[Key, Stored]) -> tuple[Change, ...]:
    """What *decision* asks for, against the rows as they are now. Keeping the server's side asks for nothing."""
    if decision is Decision.RESTORE:
        return tuple(_against_now(c, current.get(c.key)) for c in item.changes)
    if decision is Decision.TAKE_MINE:
        there = [c for c in item.changes if c.key in current or not _is_edit(c)]
        return tuple(_against_now(c, current.get(c.key)) for c in there)
    if decision is Decision.TAKE_BOTH and item.kind is ItemKind.CONFLICT:
        return tuple(_as_new_row(item, c, current[c.key]) for c in item.changes if c.key in current)
    if decision is Decision.KEEP_SERVER and item.kind is ItemKind.DUPLICATE:
        return tuple(Change(c.key, current[c.key].row, None) for c in item.changes if c.key in current)
    return ()


def _against_now(change: Change, now: Stored | None) -> Change:
    """The same wish, made by somebody who has seen what is there now: nothing is contested any more."""
    if change.sent is None:
        return Change(change.key, now.row if now else None, None)
    if now is None:
        return Change(change.key, None, change.sent)
    if change.base is None:
        return Change(change.key, now.row, now.row.with_values(dict(change.sent.values)))
    return Change(change.key, now.row, now.row.with_values({n: change.sent.get(n) for n in change.fields}))


def _as_new_row(item: Item, change: Change, now: Stored) -> Change:
    """The device's geometry as a row of its own beside the server's."""
    sent = change.sent or Row()
    both = now.row.with_values({n: sent.get(n) for n in change.fields})
    return Change(Key(change.key.layer, derived("both", item.item_id)), None, both)


def undone(versions: Sequence[Version]) -> tuple[Change, ...]:
    """The inverse of all that one transaction did."""
    return tuple(Change(v.key, v.row, v.before) for v in versions)


def restored(wanted: Row, now: Stored | None, key: Key) -> Change | None:
    """Make an older version current again; None where it is already."""
    base = now.row if now else None
    return Change(key, base, wanted) if differing(base, wanted) or base is None else None
