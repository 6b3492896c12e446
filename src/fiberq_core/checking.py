"""Check: what can stand together, the second half of the one write path.

A write that cannot stand (its parent is gone, its place is taken, its children remain) is held,
or where only some of its fields are at fault, these are. Taking one back may leave another without
what it needs, so the checks are repeated until nothing changes.
"""

from collections.abc import Iterable
from itertools import count

from attrs import evolve

from fiberq_core import fibre, room
from fiberq_core.changes import Op
from fiberq_core.duplicates import duplicates
from fiberq_core.inbox import ItemKind
from fiberq_core.objections import Check, Objection
from fiberq_core.outlook import View, row_of
from fiberq_core.planning import Candidate, Draft, Held, Needs, Plan, World
from fiberq_core.references import changed_targets
from fiberq_core.registry import LAYER, LAYERS
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, differing

PATIENCE = 24  # rounds in which one row after the other may give way
CHAIN = "too many rows of this file depend on each other, and not all of them can stand; send them in smaller steps"
NAMED = 5  # children that a sentence names
USED = {fibre.SPLICES: "spliced in", fibre.PATCHES: "connected at"}
ORDER = {layer.name: n for n, layer in enumerate(LAYERS)}


def needs(draft: Draft) -> Needs:
    """What must be known to check *draft*."""
    claims: set[str] = set()
    targets: set[str] = set()
    referred: set[Key] = set()
    cables: set[str] = set()
    layers: set[str] = set()
    for holder, shrinking in room.holders_in(draft):
        targets.add(holder)
        referred.update([shrinking] if shrinking else [])
    for candidate in draft.candidates:
        write, layer = candidate.write, candidate.key.layer
        if write.after is None:
            referred.add(candidate.key)
            continue
        claims.update(fibre.claims_of(layer, write.after))
        targets.update(uuid for _, uuid in changed_targets(layer, row_of(write.before), write.after))
        for use in fibre.uses_of(layer, write.after):
            cables.add(use.cable)
            targets.update({use.cable, *([use.at] if use.at else [])})
        if write.before is None and GEOMETRY in write.after.values:
            layers.add(layer)
    return Needs(frozenset(claims), frozenset(targets), frozenset(referred), frozenset(cables), frozenset(layers))


def settle(draft: Draft, world: World) -> Plan:
    """Check all candidates together; what cannot stand is held."""
    candidates = tuple(sorted(draft.candidates, key=_parents_first))
    held = [*draft.held]
    for n in count():
        view = View(candidates, world, _waiting(held))
        candidates, fallen = _round(view, _chained if n == PATIENCE else _objection)
        held += fallen
        if not fallen and n != PATIENCE:
            break
    return Plan(draft.cause, candidates, (*held, *duplicates(candidates, world)), draft.notes)


def _waiting(held: Iterable[Held]) -> dict[str, tuple[Key, Row]]:
    """The new rows that wait, by uuid."""
    return {c.key.uuid: (c.key, c.sent) for h in held for c in h.changes if c.base is None and c.sent is not None}


def _round(view: View, check: Check) -> tuple[tuple[Candidate, ...], list[Held]]:
    """Hold what *check* objects to. What falls only because of one that falls is looked at again."""
    standing: list[Candidate] = []
    held: list[Held] = []
    fallen: set[Key] = set()
    for candidate in view.candidates:
        objection = check(candidate, view)
        if objection is None or (objection.because and objection.because <= fallen):
            standing.append(candidate)
            continue
        rest, hold = _retreat(candidate, objection)
        standing += [rest] if rest else []
        held.append(hold)
        fallen.add(candidate.key)
    return tuple(standing), held


def _chained(candidate: Candidate, view: View) -> Objection | None:
    """Why a row that may be part of a chain must not wait for its turn any more: so many are too long, one by one.

    Rows that are there change no places; rows that come or go have no other of the file in their own layer to hold on to.
    """
    key, before, after = candidate.key, row_of(candidate.write.before), candidate.write.after
    if before is not None and after is not None:
        columns = fibre.claiming_columns(key.layer)
        return Objection(ItemKind.CLASH, CHAIN, columns) if differing(before, after) & columns else None
    row = after or before or Row()
    beside = (Key(key.layer, str(row.get(r.column))) for r in LAYER[key.layer].references if key.layer in r.targets)
    if any(other in view.rank for other in beside):
        return Objection(ItemKind.CLASH if before is None else ItemKind.HELD_DELETE, CHAIN)
    return None


def _parents_first(candidate: Candidate) -> tuple[bool, int]:
    deletion = candidate.write.after is None
    order = ORDER[candidate.key.layer]
    return deletion, -order if deletion else order


def _objection(candidate: Candidate, view: View) -> Objection | None:
    """The first thing that stands in the way of a row beside the others."""
    checks = DELETION_CHECKS if candidate.write.after is None else CHECKS
    return next((objection for check in checks if (objection := check(candidate, view)) is not None), None)


def _incomplete(candidate: Candidate, _view: View) -> Objection | None:
    """A new row without what it cannot stand without."""
    layer, after = LAYER[candidate.key.layer], candidate.write.after
    if after is None or candidate.write.op is not Op.INSERT:
        return None
    missing = [c.labels.en for c in layer.columns if c.required and after.get(c.name) is None]
    missing += [LAYER[r.targets[0]].labels.en for r in layer.references if r.required and after.get(r.column) is None]
    missing += ["a geometry"] if layer.geometry_required and after.geometry is None else []
    if not missing:
        return None
    return Objection(ItemKind.REJECTED, f"{layer.labels.en}: a row cannot stand without {', '.join(missing)}")


def _orphaned(candidate: Candidate, view: View) -> Objection | None:
    """A row whose parent is gone (S26)."""
    after = candidate.write.after
    if after is None:
        return None
    for reference, uuid in changed_targets(candidate.key.layer, row_of(candidate.write.before), after):
        if not view.stands(reference.targets, uuid):
            reason = f"it belongs to {view.absent(uuid)}"
            return Objection(ItemKind.REJECTED, reason, frozenset({reference.column}))
    return None


def _taken(candidate: Candidate, view: View) -> Objection | None:
    """A place that somebody else has (S42)."""
    layer, after = candidate.key.layer, candidate.write.after
    if after is None:
        return None
    for claim in fibre.claims_of(layer, after):
        holder = view.holders[claim]
        if holder != candidate.key:
            return _clash(layer, view.words.claim(claim), holder, view, fibre_end=claim.startswith("fibre"))
    return None


def _clash(layer: str, what: str, holder: Key, view: View, *, fibre_end: bool) -> Objection:
    where = f"{USED[holder.layer]} {view.words.whereabouts(holder)}" if fibre_end else "taken"
    reason = f"{what} is already {where}{view.author(holder)}"
    return Objection(ItemKind.CLASH, reason, fibre.claiming_columns(layer), frozenset({holder}))


def _fibre_in_use(candidate: Candidate, view: View) -> Objection | None:
    """A fibre's end that is used already: in the same closure or at the same element, or both ends elsewhere."""
    layer, after = candidate.key.layer, candidate.write.after
    if after is None:
        return None
    before = set(fibre.uses_of(layer, candidate.write.before.row)) if candidate.write.before else set()
    uses = list(fibre.uses_of(layer, after))
    new = [use for use in uses if use not in before]
    if new and len(uses) > len({(use.cable, use.fibre, use.end) for use in uses}):
        reason = "a splice joins two different fibres; both sides are the same"
        return Objection(ItemKind.REJECTED, reason, fibre.claiming_columns(layer))
    for use in new:
        holder = _holder(use, candidate.key, view)
        if holder is not None:
            what = f"fibre {use.fibre} of {view.words.title('', use.cable)}"
            return _clash(layer, what, holder, view, fibre_end=True)
    return None


def _holder(use: fibre.Use, me: Key, view: View) -> Key | None:
    """Who uses the fibre's end that *use* wants: somebody in the same closure or at the same element, or the first of two.

    Looks no further than that, so that a file in which every row names one fibre costs no more than another.
    """
    elsewhere: Key | None = None
    place = view.words.closure_of(use.at)
    for key, other in view.uses.get((use.cable, use.fibre), ()):
        if key == me or not _goes_before(key, other, me, view):
            continue
        if not (other.end and use.end) and view.words.closure_of(other.at) == place:
            return key
        if elsewhere is not None:
            return elsewhere
        elsewhere = key
    return None


def _goes_before(key: Key, use: fibre.Use, me: Key, view: View) -> bool:
    """Whether the *use* that another row makes counts against mine: it made it before, or comes first in the file."""
    before = view.before(key)
    if key not in view.rank or (before is not None and use in fibre.uses_of(key.layer, before)):
        return True
    return view.rank[key] < view.rank[me]


def _still_needed(candidate: Candidate, view: View) -> Objection | None:
    """A row that others still belong or refer to (S43)."""
    children = view.referrers.get(candidate.key.uuid, [])
    if not children:
        return None
    named = [f"{view.words.name(key, row)}{view.author(key)}" for key, row in children[:NAMED]]
    more = f"; and {len(children) - NAMED} more" if len(children) > NAMED else ""
    reason = f"it was not deleted, since it still has {'; '.join(named)}{more}"
    return Objection(ItemKind.HELD_DELETE, reason, because=frozenset(key for key, _ in children))


CHECKS: tuple[Check, ...] = (
    _incomplete, _orphaned, room.no_such_place, room.no_such_fibre, _taken, _fibre_in_use, room.closure_full,
    room.still_used,
)  # fmt: skip
DELETION_CHECKS: tuple[Check, ...] = (_still_needed,)


def _retreat(candidate: Candidate, objection: Objection) -> tuple[Candidate | None, Held]:
    """Hold what is at fault: the whole row, or of an existing row only the fields."""
    write, proposal, change = candidate.write, candidate.proposal, candidate.proposal.change
    before, after = row_of(write.before) or Row(), write.after or Row()
    fields = sorted(n for n in objection.fields if after.get(n) != before.get(n))
    if write.before is None or write.after is None or not fields:
        return None, Held(objection.kind, (change,), objection.reason, proposal, because_of=objection.fields)
    rest = after.with_values({n: before.get(n) for n in fields})
    field = fields[0] if len(fields) == 1 else None
    held = Held(objection.kind, (change.only(fields),), objection.reason, proposal, field)
    return (evolve(candidate, write=evolve(write, after=rest)) if rest != before else None), held
