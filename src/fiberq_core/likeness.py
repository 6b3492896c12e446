"""A file, seen from the states that it may have been made from: which edits lead from each of them to it."""

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
_Sent = tuple[SentDelta, Surroundings]  # a row as an upload sent it, with what its references were resolved by


def state_of(upload: EarlierUpload | None) -> State:
    """What the device had sent, by row, where that differed from the export."""
    return {d.key: d for d in upload.deltas} if upload else {}


@frozen
class View:
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
            around = self._around(state_of(upload))
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
        return row if row is not None and (row.uuid is None or row.uuid in layer.duplicates) else None

    def _around(self, state: State) -> Surroundings:
        given = {(d.source, d.fid): d.key.uuid for d in state.values() if d.fid is not None}
        return Surroundings(FileTargets(self.sent.targets, given))

    def recognised(self) -> Mapping[tuple[str, int], str]:
        """The new rows of the file that some upload brought: source table and fid, and the uuid that they got."""
        return {
            (found.layer.source, found.row.fid): key.uuid
            for key, found in self.found.items()
            if key not in self.delivered and found.row is not None and found.telling
        }

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
