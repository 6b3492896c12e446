"""Which earlier upload a file descends from (S14, S50).

Two devices may hold copies of one export, and nothing in a file says which of them it is. Its rows
do: the export and every earlier upload of it are states that the file may have been made from, and
it was made from the one that is nearest, from which the fewest edits lead to it. Edits are not alike.
That somebody typed the same text again or drew the same point is no coincidence; that two people chose
the same word from a list may be one.

A file that shows nothing of what an upload brought was made by another copy, or its edits were undone
on this one; nobody can tell, so that is a question for a person and nothing changes. Only where the same person
sent it, it was written to since, and everything that the upload brought was edited again, it is taken for what
it looks like: somebody correcting their own entry.
"""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from fiberq_core.fibre import PLACES, place_of
from fiberq_core.ports import EarlierUpload, SentDelta
from fiberq_core.reading import Surroundings, as_delivered, read_row
from fiberq_core.references import FileTargets
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY, Kind
from fiberq_core.rows import Key, Row, Value, differing
from fiberq_core.sent import SentFile, SentLayer, SentRow

WHOLE = ""  # the "field" of an edit that makes or removes a row
FEW_VALUES = frozenset({Kind.BOOLEAN, Kind.INTEGER, Kind.DATE, Kind.UUID})

State = Mapping[Key, SentDelta]  # what is otherwise than in the export
Edits = Mapping[tuple[Key, str], bool]  # row and field: whether it takes more than coincidence to make this edit twice
Distance = tuple[int, int]  # edits that take more than coincidence, and others
_Sent = tuple[SentDelta, Surroundings]  # a row as an upload sent it, with what its references were resolved by


@frozen
class Lineage:
    """Where a file comes from: *parent* is the upload it descends from, *unseen* those it shows nothing of.

    *forked*: another file has descended from *parent* already, so this one is a copy made since.
    """

    parent: EarlierUpload | None
    unseen: tuple[EarlierUpload, ...] = ()
    forked: bool = False

    @property
    def deltas(self) -> State:
        """What the parent had sent where that differed from the export."""
        return _state(self.parent)

    @property
    def named(self) -> Mapping[tuple[str, int], str]:
        """The uuids that the parent's rows were given, by source table and fid."""
        return {(d.source, d.fid): d.key.uuid for d in self.deltas.values() if d.fid is not None}

    def copy(self, sync_id: str) -> str:
        """The name of the copy of the file; *sync_id* is the upload that brings it."""
        return self.parent.copy if self.parent is not None and not self.forked else sync_id


def trace(sent: SentFile, uploads: Sequence[EarlierUpload], delivered: Mapping[Key, Row], *, sender: str) -> Lineage:
    """Find what *sent*, which *sender* (a subject) sends, descends from among *uploads* (oldest first) of its export.

    *delivered* are the rows of the export that any of those uploads had changed.
    """
    family = _Family({u.sync_id: u for u in uploads}, delivered)
    view = _View(sent, delivered, uploads)
    parent = _nearest(view, uploads) or _corrected(view, family, sent.writes, sender)
    known = family.ancestors(parent)
    unseen = tuple(
        tip
        for tip in family.tips()
        if tip.sync_id not in known
        and (parent is None or parent.sync_id in family.ancestors(tip))
        and family.between(parent, tip)
    )
    return Lineage(parent, unseen, parent is not None and any(u.parent == parent.sync_id for u in uploads))


def _state(upload: EarlierUpload | None) -> State:
    return {d.key: d for d in upload.deltas} if upload else {}


def _nearest(view: "_View", uploads: Sequence[EarlierUpload]) -> EarlierUpload | None:
    """The latest of the nearest uploads, if the file shows something of it and is no nearer to the export.

    Where what it shows may be a coincidence, nothing that the upload brought may be missing.
    """
    export = view.edits_since({})
    nearest, least = None, _distance(export)
    for upload in uploads:
        edits = view.edits_since(_state(upload))
        shown = export.keys() - edits.keys()
        proven = any(export[edit] for edit in shown) or not _put_back(export, edits)
        if shown and proven and _distance(edits) <= least:
            nearest, least = upload, _distance(edits)
    return nearest


def _put_back(export: Edits, edits: Edits) -> bool:
    """Whether the file lacks something that the upload brought: it was undone, or another copy never had it."""
    return any((key, WHOLE) not in export for key, _ in edits.keys() - export.keys())


def _distance(edits: Edits) -> Distance:
    telling = sum(edits.values())
    return telling, len(edits) - telling


def _corrected(view: "_View", family: "_Family", writes: int, sender: str) -> EarlierUpload | None:
    """The latest upload of the same person whose every edit looks edited once more."""
    export = view.edits_since({})
    for upload in reversed(family.uploads.values()):
        brought = family.brought(upload)
        again = export.keys() & view.edits_since(_state(upload)).keys()
        if brought and brought <= again and sender == upload.author.sub and 0 < upload.writes < writes:
            return upload
    return None


@frozen
class _Family:
    """The uploads of one export, oldest first."""

    uploads: dict[str, EarlierUpload]
    delivered: Mapping[Key, Row]

    def ancestors(self, upload: EarlierUpload | None) -> frozenset[str]:
        """The upload itself and all that it descends from."""
        found: set[str] = set()
        while upload is not None and upload.sync_id not in found:
            found.add(upload.sync_id)
            upload = self.uploads.get(upload.parent or "")
        return frozenset(found)

    def tips(self) -> Sequence[EarlierUpload]:
        """The last upload of each copy."""
        parents = {u.parent for u in self.uploads.values()}
        return [u for u in self.uploads.values() if u.sync_id not in parents]

    def brought(self, upload: EarlierUpload) -> frozenset[tuple[Key, str]]:
        """The edits that *upload* added to what its device had sent before; of one that added none, its parent's."""
        parent = self.uploads.get(upload.parent or "")
        return self.between(parent, upload) or (self.brought(parent) if parent else frozenset())

    def between(self, one: EarlierUpload | None, other: EarlierUpload) -> frozenset[tuple[Key, str]]:
        """The edits that lead from one upload (None: from the export) to another."""
        before, after = _state(one), _state(other)
        found: set[tuple[Key, str]] = set()
        for key in before.keys() | after.keys():
            old, new = (s[key].row if key in s else self.delivered.get(key) for s in (before, after))
            if (old is None) != (new is None):
                found.add((key, WHOLE))
            elif old is not None and new is not None:
                found |= {(key, name) for name in differing(old, new)}
        return frozenset(found)


@frozen
class _View:
    """A file, seen from the states that it may have been made from."""

    sent: SentFile
    delivered: Mapping[Key, Row]
    uploads: Sequence[EarlierUpload]
    layers: Mapping[str, SentLayer] = field(init=False)
    by_fid: Mapping[tuple[str, int], SentRow] = field(init=False)
    by_uuid: Mapping[tuple[str, str], SentRow] = field(init=False)
    typed: Mapping[tuple[str, str, Value], frozenset[Key]] = field(init=False)
    found: Mapping[Key, "_Found"] = field(init=False)

    @layers.default
    def _layers(self) -> Mapping[str, SentLayer]:
        return {layer.source: layer for layer in self.sent.layers}

    @by_fid.default
    def _by_fid(self) -> Mapping[tuple[str, int], SentRow]:
        return {(layer.source, row.fid): row for layer in self.sent.layers for row in layer.rows}

    @by_uuid.default
    def _by_uuid(self) -> Mapping[tuple[str, str], SentRow]:
        """A row that was delivered under a uuid comes before a copy that carries it too (S16)."""
        rows = [(layer, row) for layer in self.sent.layers for row in layer.rows]
        carried = {(layer.source, row.uuid): row for layer, row in rows if row.uuid and row.fid not in layer.delivered}
        own = {(layer.source, layer.delivered[row.fid]): row for layer, row in rows if row.fid in layer.delivered}
        return {**carried, **own}

    @typed.default
    def _typed(self) -> Mapping[tuple[str, str, Value], frozenset[Key]]:
        """The rows to which the uploads brought each value: layer, field, value."""
        rows: dict[tuple[str, str, Value], set[Key]] = {}
        for upload in self.uploads:
            for delta in upload.deltas:
                for name in differing(self.delivered.get(delta.key), delta.row):
                    value = delta.row.get(name) if delta.row else None
                    if value is not None:
                        rows.setdefault((delta.key.layer, name, value), set()).add(delta.key)
        return {what: frozenset(keys) for what, keys in rows.items()}

    @found.default
    def _found(self) -> Mapping[Key, "_Found"]:
        """What the file shows of every row that any upload brought; tables that it does not have show nothing."""
        versions: dict[Key, list[_Sent]] = {}
        for upload in self.uploads:
            around = self._around(_state(upload))
            for delta in upload.deltas:
                if delta.source in self.layers:
                    versions.setdefault(delta.key, []).append((delta, around))
        return {key: self._find(key, sent) for key, sent in versions.items()}

    def _find(self, key: Key, versions: Sequence[_Sent]) -> "_Found":
        layer = self.layers[versions[0][0].source]
        row = self.by_uuid.get((layer.source, key.uuid))
        if key in self.delivered:
            return _Found(layer, row, there=key.uuid not in layer.gone)
        if row is not None:
            return _Found(layer, row, there=True, telling=True)
        for delta, around in versions:
            row = self._without_uuid(layer, delta.fid)
            if row is not None and delta.row is not None:
                same = _same_new_row(key.layer, delta.row, read_row(layer, row, delta.row, None, around)[0])
                if same:
                    telling = any(self._telling(key, name, delta.row.get(name)) for name in same)
                    return _Found(layer, row, there=True, telling=telling)
        return _Found(layer, None, there=False)

    def _without_uuid(self, layer: SentLayer, fid: int | None) -> SentRow | None:
        """The new row with that fid, if it has no uuid, or that of the row which it was copied from (S16)."""
        row = self.by_fid.get((layer.source, fid)) if fid is not None else None
        if row is None or fid in layer.delivered:
            return None
        return row if row.uuid is None or row.uuid in layer.duplicates else None

    def _around(self, state: State) -> Surroundings:
        given = {(d.source, d.fid): d.key.uuid for d in state.values() if d.fid is not None}
        return Surroundings(FileTargets(self.sent.targets, given))

    def edits_since(self, state: State) -> Edits:
        """The edits that lead from *state* to the file."""
        edits: dict[tuple[Key, str], bool] = {}
        around = self._around(state)
        for key, found in self.found.items():
            was = self.delivered.get(key)
            base = state[key].row if key in state else was
            now = found.row_since(base or was, was, around)
            if base is None or now is None:
                if (base is None) != (now is None):
                    edits[key, WHOLE] = found.telling and base is None
                continue
            for name in differing(base, now):
                edits[key, name] = self._telling(key, name, now.get(name))
        return edits

    def _telling(self, key: Key, name: str, value: Value | None) -> bool:
        """Whether a value that an upload brought is one that nobody would give this field independently.

        A value that was brought to several rows is somebody's habit.
        """
        if value is None or self.typed.get((key.layer, name, value)) != frozenset({key}):
            return False
        column = LAYER[key.layer].column(name)
        return column is None or (column.vocabulary is None and column.kind not in FEW_VALUES)


@frozen
class _Found:
    """What a file shows of one row: *row*, if it was looked at; otherwise it is as delivered, or not *there*."""

    layer: SentLayer
    row: SentRow | None
    there: bool
    telling: bool = False

    def row_since(self, base: Row | None, was: Row | None, around: Surroundings) -> Row | None:
        """The row, read against *base*; *was* is what the export delivered."""
        if not self.there:
            return None
        if self.row is None:
            return as_delivered(self.layer, was, base) if was is not None and base is not None else was
        return read_row(self.layer, self.row, base, was, around)[0]


def _same_new_row(layer: str, sent: Row, now: Row) -> frozenset[str]:
    """By which fields a new row is the one that was sent before under the same fid; none if it is another.

    Two copies both give their first new row the same fid, and both may say `Planned`. So it has to lie
    at the same place, on the map or in its closure, or where it has neither, to say the very same.
    """
    if sent.geometry is not None:
        return frozenset({GEOMETRY}) if now.geometry == sent.geometry else frozenset()
    place = place_of(layer, sent)
    if place is not None:
        return frozenset(PLACES[layer][1:]) if place_of(layer, now) == place else frozenset()
    return frozenset(sent.values) if now == sent else frozenset()
