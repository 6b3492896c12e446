"""Check: what can stand together, the second half of the one write path.

A write that cannot stand (its parent is gone, its place is taken, its children remain) is held,
or where only some of its fields are at fault, these are. Taking one back may leave another without
what it needs, so the checks are repeated until nothing changes.
"""

from collections.abc import Callable, Iterable, Iterator

from attrs import evolve, field, frozen

from fiberq_core import fibre
from fiberq_core.changes import Change, Op
from fiberq_core.duplicates import duplicates
from fiberq_core.inbox import ItemKind
from fiberq_core.planning import Candidate, Draft, Held, Needs, Plan, World
from fiberq_core.references import changed_targets
from fiberq_core.registry import LAYER, LAYERS
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, Stored, Value
from fiberq_core.words import Words

ORDER = {layer.name: n for n, layer in enumerate(LAYERS)}


@frozen
class Objection:
    """Why a write cannot stand. *fields* are those at fault; empty means the whole row is."""

    kind: ItemKind
    reason: str
    fields: frozenset[str] = frozenset()


def needs(draft: Draft) -> Needs:
    """What must be known to check *draft*."""
    claims: set[str] = set()
    targets: set[str] = set()
    referred: set[Key] = set()
    cables: set[str] = set()
    layers: set[str] = set()
    for candidate in draft.candidates:
        write, layer = candidate.write, candidate.key.layer
        if write.after is None:
            referred.add(candidate.key)
            continue
        claims.update(fibre.claims_of(layer, write.after))
        targets.update(uuid for _, uuid in changed_targets(layer, _row(write.before), write.after))
        for use in fibre.uses_of(layer, write.after):
            cables.add(use.cable)
            targets.update({use.cable, *([use.at] if use.at else [])})
        if write.before is None and GEOMETRY in write.after.values:
            layers.add(layer)
    return Needs(frozenset(claims), frozenset(targets), frozenset(referred), frozenset(cables), frozenset(layers))


def settle(draft: Draft, world: World) -> Plan:
    """Check all candidates together; what cannot stand is held."""
    candidates = sorted(draft.candidates, key=_parents_first)
    held = list(draft.held)
    while True:
        view = _View(tuple(candidates), world)
        standing: list[Candidate] = []
        for candidate in candidates:
            objection = next(_objections(candidate, view), None)
            rest, hold = (candidate, []) if objection is None else _retreat(candidate, objection)
            standing += [rest] if rest else []
            held += hold
        if standing == candidates:
            break
        candidates = standing
    return Plan(draft.cause, tuple(candidates), (*held, *duplicates(candidates, world)), draft.notes)


def _parents_first(candidate: Candidate) -> tuple[bool, int]:
    deletion = candidate.write.after is None
    order = ORDER[candidate.key.layer]
    return deletion, -order if deletion else order


def _row(stored: Stored | None) -> Row | None:
    return stored.row if stored else None


@frozen
class _View:
    """The project as it would be if all candidates were written."""

    candidates: tuple[Candidate, ...]
    world: World
    written: dict[Key, Row | None] = field(init=False)
    holders: dict[str, Key] = field(init=False)
    referrers: dict[str, list[tuple[Key, Row]]] = field(init=False)
    words: Words = field(init=False)

    @written.default
    def _written(self) -> dict[Key, Row | None]:
        return {c.key: c.write.after for c in self.candidates}

    @holders.default
    def _holders(self) -> dict[str, Key]:
        """Who has each place: those who keep theirs, then those who take one, in order."""
        free = {k for k, row in self.written.items()}
        holders = {claim: key for claim, key in self.world.claimants.items() if key not in free}
        keeping = [c for c in self.candidates if c.write.before is not None]
        for candidate in keeping:
            before = set(fibre.claims_of(candidate.key.layer, candidate.write.before.row))  # type: ignore[union-attr]
            for claim in self.claims(candidate) & before:
                holders.setdefault(claim, candidate.key)
        for candidate in self.candidates:
            for claim in self.claims(candidate):
                holders.setdefault(claim, candidate.key)
        return holders

    @referrers.default
    def _referrers(self) -> dict[str, list[tuple[Key, Row]]]:
        """The rows that would refer to each uuid."""
        found: dict[str, list[tuple[Key, Row]]] = {}
        for key, row in {**{s.key: s.row for s in self.world.referring}, **self.written}.items():
            targets = {row.get(r.column) for r in LAYER[key.layer].references} if row is not None else set()
            for uuid in targets - {None}:
                found.setdefault(str(uuid), []).append((key, row or Row()))
        return found

    @words.default
    def _words(self) -> Words:
        known = {key: stored.row for key, stored in self.world.rows.items()}
        return Words({**known, **{k: row for k, row in self.written.items() if row is not None}})

    def claims(self, candidate: Candidate) -> set[str]:
        after = candidate.write.after
        return set(fibre.claims_of(candidate.key.layer, after)) if after is not None else set()

    def stands(self, layers: Iterable[str], uuid: str) -> bool:
        """Whether a row of one of *layers* with that uuid would be there."""
        keys = [Key(layer, uuid) for layer in layers]
        return any(self.written[k] is not None if k in self.written else k in self.world.rows for k in keys)

    def author(self, key: Key) -> str:
        """By whom the current version of a row is, for a sentence; empty where that is not known."""
        stored = self.world.rows.get(key)
        author = self.world.authors.get(stored.rev) if stored else None
        return f" by {author.name or author.sub}" if author and (author.name or author.sub) else ""


Check = Callable[[Candidate, _View], Objection | None]


def _objections(candidate: Candidate, view: _View) -> Iterator[Objection]:
    checks = DELETION_CHECKS if candidate.write.after is None else CHECKS
    return (objection for check in checks if (objection := check(candidate, view)) is not None)


def _incomplete(candidate: Candidate, view: _View) -> Objection | None:
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


def _orphaned(candidate: Candidate, view: _View) -> Objection | None:
    """A row whose parent is gone (S26)."""
    after = candidate.write.after
    if after is None:
        return None
    for reference, uuid in changed_targets(candidate.key.layer, _row(candidate.write.before), after):
        if not view.stands(reference.targets, uuid):
            was = view.world.located.get(uuid)
            what = view.words.name(was.key, was.row) if was else f"row {uuid}"
            state = "is no longer there" if was else "is not known here"
            return Objection(ItemKind.REJECTED, f"it belongs to {what}, which {state}", frozenset({reference.column}))
    return None


def _taken(candidate: Candidate, view: _View) -> Objection | None:
    """A place that somebody else has (S42)."""
    layer, after = candidate.key.layer, candidate.write.after
    if after is None:
        return None
    for claim in fibre.claims_of(layer, after):
        holder = view.holders[claim]
        if holder != candidate.key:
            reason = f"{view.words.claim(claim)} is already taken{view.author(holder)}: {view.words.whereabouts(holder)}"
            return Objection(ItemKind.CLASH, reason, fibre.claiming_columns(layer))
    return None


def _fibre_in_use(candidate: Candidate, view: _View) -> Objection | None:
    """A fibre's end that is used already: in the same closure or at the same element, or both ends elsewhere."""
    layer, after = candidate.key.layer, candidate.write.after
    if after is None:
        return None
    before = set(fibre.uses_of(layer, candidate.write.before.row)) if candidate.write.before else set()
    uses = list(fibre.uses_of(layer, after))
    if len(uses) == 2 and (uses[0].cable, uses[0].fibre, uses[0].end) == (uses[1].cable, uses[1].fibre, uses[1].end):
        return Objection(ItemKind.REJECTED, "a splice joins two different fibres; both sides are the same", fibre.claiming_columns(layer))
    for use in uses:
        if use not in before and (holder := _holder(use, candidate.key, view)) is not None:
            what = f"fibre {use.fibre} of {view.words.title('', use.cable)}"
            reason = f"{what} is already spliced in {view.words.whereabouts(holder)}{view.author(holder)}"
            return Objection(ItemKind.CLASH, reason, fibre.claiming_columns(layer))
    return None


def _holder(use: fibre.Use, me: Key, view: _View) -> Key | None:
    """Who uses the fibre's end that *use* wants."""
    others = [
        (key, other)
        for key, row in view.referrers.get(use.cable, ())
        if key != me
        for other in fibre.uses_of(key.layer, row)
        if (other.cable, other.fibre) == (use.cable, use.fibre)
    ]
    place = view.words.closure_of(use.at)
    same = [k for k, o in others if (o.end and o.end == use.end) or (not (o.end and use.end) and view.words.closure_of(o.at) == place)]
    return same[0] if same else others[0][0] if len(others) > 1 else None


def _still_needed(candidate: Candidate, view: _View) -> Objection | None:
    """A row that others still belong or refer to (S43)."""
    children = view.referrers.get(candidate.key.uuid, [])
    if not children:
        return None
    named = [f"{view.words.name(key, row)}{view.author(key)}" for key, row in children[:5]]
    more = f" and {len(children) - 5} more" if len(children) > 5 else ""
    return Objection(ItemKind.HELD_DELETE, f"it was not deleted, since it still has {', '.join(named)}{more}")


CHECKS: tuple[Check, ...] = (_incomplete, _orphaned, _taken, _fibre_in_use)
DELETION_CHECKS: tuple[Check, ...] = (_still_needed,)


def _retreat(candidate: Candidate, objection: Objection) -> tuple[Candidate | None, list[Held]]:
    """Hold what is at fault: the whole row, or of an existing row only the fields."""
    write, proposal = candidate.write, candidate.proposal
    change = proposal.change
    before = write.before
    if before is None or write.after is None or not objection.fields:
        return None, [Held(objection.kind, (change,), objection.reason, proposal)]
    fields = {n for n in objection.fields if write.after.get(n) != before.row.get(n)}
    kept: dict[str, Value | None] = {n: before.row.get(n) for n in fields}
    after = write.after.with_values(kept)
    base = Row({n: v for n in fields if (v := (change.base or Row()).get(n)) is not None})
    sent = Row({n: v for n in fields if (v := (change.sent or Row()).get(n)) is not None})
    held = Held(objection.kind, (Change(change.key, base, sent),), objection.reason, proposal, next(iter(fields)) if len(fields) == 1 else None)
    return (evolve(candidate, write=evolve(write, after=after)) if after != before.row else None), [held]

