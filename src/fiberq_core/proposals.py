"""From a file to a change set: what a device did to each row, compared with what it had received.

For each row the base is, in this order: the row as the upload that the file descends from sent
it; the row in history at the revision written in the row; at the export's revision; else unknown,
and then the row as it is now (S31). A column or layer that the file does not have is untouched.
"""

from collections.abc import Iterator, Mapping

from attrs import evolve, field, frozen

from fiberq_core.changes import Change
from fiberq_core.identity import Named, Naming
from fiberq_core.lineage import Lineage
from fiberq_core.ports import SentDelta
from fiberq_core.reading import Surroundings, as_delivered, read_row, snapped
from fiberq_core.references import FileTargets
from fiberq_core.registry.special import SYNC_ISSUES
from fiberq_core.rows import Key, Row, Stored
from fiberq_core.sent import BadValue, SentFile, SentLayer

ISSUES = SYNC_ISSUES.name
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
    around: Surroundings

    def base(self, key: Key, rev: int | None) -> Row | None:
        delta = self.lineage.deltas.get(key)
        if delta is not None and (delta.row is not None or key not in self.bases.current):
            return delta.row
        return self.bases.of(key, rev=rev)


def propose(sent: SentFile, named: Mapping[str, tuple[Named, ...]], lineage: Lineage, bases: Bases) -> Proposals:
    """Compare every row of the file with its base."""
    uuids = {(source, n.sent.fid): n.key.uuid for source, rows in named.items() for n in rows}
    fids = {**bases.fids, **{uuid: fid for (_, fid), uuid in lineage.named.items()}}
    reading = _Reading(named, lineage, bases, Surroundings(FileTargets(sent.targets, uuids), fids))
    rows: list[Proposal] = []
    mass: list[MassDeletion] = []
    deltas: list[SentDelta] = []
    issues: list[Row] = []
    for layer in sent.layers:
        if layer.layer == ISSUES:
            issues += [n.sent.row.with_values({"item_id": n.key.uuid}) for n in named[layer.source]]
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
    sources = {layer.source for layer in sent.layers}
    deltas += [d for d in lineage.deltas.values() if d.source not in sources]  # a missing table is as it was
    return Proposals(tuple(rows), tuple(mass), tuple(deltas), tuple(issues))


def _edit(layer: SentLayer, named: Named, reading: _Reading) -> Proposal:
    sent, key = named.sent, named.key
    base, current = reading.base(key, sent.rev), reading.bases.current.get(key)
    row, bad = read_row(layer, sent, base, reading.bases.of(key, rev=sent.rev), reading.around)
    if base is not None and current is not None:
        row = snapped(layer, sent, row, current.row)
    return Proposal(Change(key, base, row), layer.source, sent.fid, bad, named.rekeyed)


def _gone(layer: SentLayer, reading: _Reading) -> Iterator[Proposal]:
    """Rows that were delivered, or sent before, and are no longer there."""
    deltas = reading.lineage.deltas
    seen = {n.key for n in reading.named[layer.source]}
    for uuid in layer.gone:
        key = Key(layer.layer, uuid)
        base = deltas[key].row if key in deltas else reading.bases.of(key, rev=None)
        if base is not None and key not in seen:
            yield Proposal(Change(key, base, None), layer.source)
    for delta in deltas.values():
        brought = delta.source == layer.source and delta.row is not None and delta.key not in reading.bases.versions
        if brought and delta.key not in seen:
            yield Proposal(Change(delta.key, delta.row, None), layer.source)


def _undone(layer: SentLayer, reading: _Reading) -> Iterator[Proposal]:
    """Rows that an earlier upload of this copy had changed and that are again as the export delivered them."""
    for delta, again in _as_delivered(layer, reading):
        base = reading.base(delta.key, None)
        if base != again:
            yield Proposal(Change(delta.key, base, again), layer.source, delta.fid)


def _as_delivered(layer: SentLayer, reading: _Reading) -> Iterator[tuple[SentDelta, Row]]:
    """The rows that an earlier upload had changed and of which the file has only what was delivered."""
    seen = {n.key for n in reading.named[layer.source]}
    gone = set(layer.gone)
    for delta in reading.lineage.deltas.values():
        if delta.source != layer.source or delta.key in seen or delta.key.uuid in gone:
            continue
        original = reading.bases.versions.get(delta.key)
        if original is not None:
            yield delta, as_delivered(layer, original.row, delta.row) if delta.row else original.row


def _deltas(layer: SentLayer, edits: list[Proposal], reading: _Reading) -> Iterator[SentDelta]:
    """Everything in which the table differs from its export, as it was sent."""
    versions = reading.bases.versions
    for edit in edits:
        if edit.change.sent is not None and (edit.key not in versions or versions[edit.key].row != edit.change.sent):
            yield SentDelta(edit.key, layer.source, edit.fid, edit.change.sent)
    for delta, again in _as_delivered(layer, reading):
        if again != versions[delta.key].row:
            yield evolve(delta, row=again)
    seen = {edit.key.uuid for edit in edits}
    for uuid in layer.gone:
        if uuid not in seen:
            yield SentDelta(Key(layer.layer, uuid), layer.source, None, None)


def naming(project: str, copy: str, sent: SentFile, lineage: Lineage | None = None) -> Naming:
    """How new rows of this file are named."""
    if sent.provenance is None:
        return Naming(project, None)
    return Naming(project, copy, lineage.named if lineage else {})
