"""From a file to a change set: what a device did to each row, compared with what it had received.

For each row the base is, in this order: the row as the upload that the file descends from sent
it; the row in history at the revision written in the row; at the export's revision; else unknown,
and then the row as it is now (S31). A column or layer that the file does not have is untouched.
"""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from fiberq_core.changes import Change
from fiberq_core.geometry import same_place
from fiberq_core.identity import Named, Naming
from fiberq_core.lineage import Lineage
from fiberq_core.ports import SentDelta
from fiberq_core.references import FileTargets, resolve
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, Stored, Value, differing
from fiberq_core.sent import BadValue, SentFile, SentLayer

ISSUES = "sync_issues"
MASS_ROWS, MASS_SHARE = 50, 0.30  # S18: more rows than this, and more than this share of what was received


@frozen
class Proposal:
    """A change that somebody wants, with what the receipt has to say about where it came from."""

    change: Change
    source: str = ""
    fid: int | None = None
    bad: tuple[BadValue, ...] = ()
    rekeyed: str | None = None

    @property
    def key(self) -> Key:
        """Which row."""
        return self.change.key


@frozen
class MassDeletion:
    """So many rows of one layer are gone that a person must say whether that was meant (S18)."""

    layer: str
    changes: tuple[Change, ...]
    received: int


@frozen
class Proposals:
    """All that a file wants. *deltas* is what it showed, to be the base of what comes next (S14)."""

    rows: tuple[Proposal, ...]
    mass_deletions: tuple[MassDeletion, ...]
    deltas: tuple[SentDelta, ...]
    issues: tuple[Row, ...] = ()


@frozen
class Bases:
    """What a device had received.

    *versions* are rows as of the export, *own* rows as of the revision that they say themselves,
    *current* rows as they are and *last* deleted rows as they were last. *fids* are the numbers of
    the rows that they refer to, in packages.
    """

    versions: Mapping[Key, Stored]
    own: Mapping[Key, Stored]
    current: Mapping[Key, Stored]
    last: Mapping[Key, Stored]
    fids: Mapping[str, int] = field(factory=dict)
    exported: bool = True

    def of(self, key: Key, *, rev: int | None) -> Row | None:
        """The row as the device received it; None where it received none."""
        own, delivered = self.own.get(key), self.versions.get(key)
        if own is not None and own.rev == rev and (delivered is None or own.rev <= delivered.rev):
            return own.row  # a later one than was delivered is somebody's typing (S29)
        sources = (self.versions,) if self.exported else (self.current, self.last)
        return next((s[key].row for s in sources if key in s), None)


@frozen
class _Reading:
    """One file, read against its bases."""

    named: Mapping[str, tuple[Named, ...]]
    lineage: Lineage
    bases: Bases
    targets: FileTargets

    def base(self, key: Key, rev: int | None) -> Row | None:
        delta = self.lineage.deltas.get(key)
        if delta is not None and (delta.row is not None or key not in self.bases.current):
            return delta.row
        return self.bases.of(key, rev=rev)


def propose(
    sent: SentFile, named: Mapping[str, tuple[Named, ...]], lineage: Lineage, bases: Bases
) -> Proposals:
    """Compare every row of the file with its base."""
    uuids = {(source, n.sent.fid): n.key.uuid for source, rows in named.items() for n in rows}
    reading = _Reading(named, lineage, bases, FileTargets(sent.targets, uuids))
    rows: list[Proposal] = []
    mass: list[MassDeletion] = []
    deltas: list[SentDelta] = []
    issues: list[Row] = []
    for layer in sent.layers:
        if layer.layer == ISSUES:
            issues += [n.sent.row.with_values({"item_id": n.sent.uuid}) for n in named[layer.source]]
            continue
        edits = [_edit(layer, n, reading) for n in named[layer.source]]
        gone = list(_gone(layer, reading))
        rows += [p for p in edits if p.bad or p.change.base != p.change.sent]
        rows += list(_undone(layer, reading))
        if len(gone) > MASS_ROWS and len(gone) > MASS_SHARE * layer.received:
            mass.append(MassDeletion(layer.layer, tuple(p.change for p in gone), layer.received))
        else:
            rows += gone
        deltas += list(_deltas(layer, edits, reading))
    return Proposals(tuple(rows), tuple(mass), tuple(deltas), tuple(issues))


def _edit(layer: SentLayer, named: Named, reading: _Reading) -> Proposal:
    sent, key = named.sent, named.key
    base = reading.base(key, sent.rev)
    resolved, unresolved = resolve(LAYER[layer.layer], layer.columns, sent.row, base, reading.bases.fids, reading.targets)
    bad = sent.bad + unresolved
    row = resolved if base is None else _completed(layer, resolved, base, frozenset(b.field for b in bad))
    if base is not None:
        row = _snapped(layer, row, base, sent.seconds)
        current = reading.bases.current.get(key)
        row = _snapped(layer, row, current.row, sent.seconds) if current else row
    return Proposal(Change(key, base, row), layer.source, sent.fid, bad, named.rekeyed)


def _completed(layer: SentLayer, row: Row, base: Row, bad: frozenset[str]) -> Row:
    """What the file does not have, or has wrongly, is as it was (S19, S21)."""
    untouched: dict[str, Value | None] = {
        name: base.get(name) for name in base.values.keys() | bad if name not in layer.columns or name in bad
    }
    return row.with_values(untouched) if untouched else row


def _snapped(layer: SentLayer, row: Row, like: Row, seconds: frozenset[str]) -> Row:
    """Where a value differs only by rounding, it is the one that it came from (S22, timestamps without fraction)."""
    same: dict[str, Value | None] = {}
    for name in differing(row, like):
        ours, theirs = row.get(name), like.get(name)
        if name in seconds and isinstance(ours, str) and isinstance(theirs, str) and ours[:19] == theirs[:19]:
            same[name] = theirs
        elif name == GEOMETRY and layer.reprojected and isinstance(ours, bytes) and isinstance(theirs, bytes):
            same |= {name: theirs} if same_place(ours, theirs) else {}
    return row.with_values(same) if same else row


def _gone(layer: SentLayer, reading: _Reading) -> Iterator[Proposal]:
    """Rows that were delivered, or sent before, and are no longer there."""
    deltas = reading.lineage.deltas
    for uuid in layer.gone:
        key = Key(layer.layer, uuid)
        base = deltas[key].row if key in deltas else reading.bases.of(key, rev=None)
        if base is not None:
            yield Proposal(Change(key, base, None), layer.source)
    seen = {n.key for n in reading.named[layer.source]}
    for delta in deltas.values():
        brought = delta.source == layer.source and delta.row is not None and delta.key not in reading.bases.versions
        if brought and delta.key not in seen:
            yield Proposal(Change(delta.key, delta.row, None), layer.source, delta.fid)


def _undone(layer: SentLayer, reading: _Reading) -> Iterator[Proposal]:
    """Rows that an earlier upload of this copy had changed and that are again as the export delivered them."""
    seen = {n.key for n in reading.named[layer.source]}
    gone = set(layer.gone)
    for delta in reading.lineage.deltas.values():
        original = reading.bases.versions.get(delta.key)
        if delta.source != layer.source or original is None or delta.key in seen or delta.key.uuid in gone:
            continue
        base = delta.row if delta.row is not None or delta.key not in reading.bases.current else original.row
        if base != original.row:
            yield Proposal(Change(delta.key, base, original.row), layer.source, delta.fid)


def _deltas(layer: SentLayer, edits: list[Proposal], reading: _Reading) -> Iterator[SentDelta]:
    """Everything in which the file differs from its export, as it was sent."""
    for edit in edits:
        original = reading.bases.versions.get(edit.key)
        if edit.change.sent is not None and (original is None or original.row != edit.change.sent):
            yield SentDelta(edit.key, layer.source, edit.fid, edit.change.sent)
    for uuid in layer.gone:
        yield SentDelta(Key(layer.layer, uuid), layer.source, None, None)


def naming(project: str, copy: str, sent: SentFile) -> Naming:
    """How new rows of this file are named."""
    return Naming(project, copy if sent.provenance is not None else None)
