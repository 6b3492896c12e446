"""References between rows: local numbers resolved inside the file that they came from (S41).

Devices point at parents by fid (`muf_fid`, `kabl_fid` …). Such a number means a row of that very file
and nothing else, so it is turned into the row's uuid before anything is merged. What cannot be
resolved stays as it was typed, without a uuid, so that it never points at somebody else's row.
"""

from collections.abc import Collection, Mapping

from attrs import field, frozen

from fiberq_core.registry import LAYER
from fiberq_core.registry.model import Layer, Reference
from fiberq_core.registry.names import layer_of_id
from fiberq_core.rows import Row, Value
from fiberq_core.sent import BadValue, LocalTarget

BLANK = (None, "", 0)  # what the plugin and QGIS write for "no reference"


@frozen
class FileTargets:
    """The rows of one file that its local numbers may mean, and the uuids that they were given."""

    targets: Mapping[tuple[str, int], LocalTarget]
    uuids: Mapping[tuple[str, int], str]  # (source table, fid) → uuid, of the rows that were looked at

    def resolve(self, reference: Reference, row: Row) -> str | None:
        """The uuid of the row that the local number means; None where there is no such row in the file."""
        fid = row.get(reference.local_fid or "")
        if not isinstance(fid, int):
            return None
        target = self._target(reference, row, fid)
        if target is None or target.layer not in reference.targets:
            return None
        return self.uuids.get((target.source, target.fid), target.uuid)

    def _target(self, reference: Reference, row: Row, fid: int) -> LocalTarget | None:
        named = row.get(reference.local_layer or "")
        places = [str(named)] if named not in BLANK else list(reference.targets)
        found = [self.targets[place, fid] for place in places if (place, fid) in self.targets]
        return found[0] if len(found) == 1 else None


@frozen
class Seen:
    """What a device had before it: *origin* is the row that its file was made with, *base* what it sent last, if anything.

    *fids* are the numbers that rows have (or had) in the file, by uuid.
    """

    origin: Row | None
    base: Row | None
    fids: Mapping[str, int] = field(factory=dict)


def resolve(
    layer: Layer, columns: Collection[str], sent: Row, seen: Seen, file: FileTargets
) -> tuple[Row, tuple[BadValue, ...]]:
    """Put the uuid of every row that *sent* refers to in the place of its local number.

    *columns* are those that the file has (S19). Whether a number or a uuid was changed can only be told from what
    the export had written there; what it means is the same however often the file is sent.
    """
    changes: dict[str, Value | None] = {}
    bad: list[BadValue] = []
    for reference in layer.references:
        if reference.local_fid in columns:
            changed, fault = _resolve(reference, sent, seen, file)
            changes |= changed
            bad += [fault] if fault else []
    return (sent.with_values(changes) if changes else sent), tuple(bad)


def _resolve(
    reference: Reference, sent: Row, seen: Seen, file: FileTargets
) -> tuple[dict[str, Value | None], BadValue | None]:
    local, column, origin, base = reference.local_fid or "", reference.column, seen.origin or Row(), seen.base or Row()
    was, told, number = origin.get(column), sent.get(column), sent.get(local)
    exported = seen.fids.get(str(was)) if was is not None else origin.get(local)
    undo_layer = _layer_as_it_was(reference, sent, origin)
    if told is not None and told != was:
        return {local: None, **undo_layer}, None
    target = file.resolve(reference, sent)
    if number == exported and (number is not None or told == was) and not _another_layer(reference, sent, was, target):
        return {column: was, local: origin.get(local), **(undo_layer if was is not None else {})}, None
    if number in BLANK:
        return {column: None, **({local: None} if was is not None else {})}, None
    if target is not None:
        return {column: target, local: None, **undo_layer}, None
    before = base.get(column)
    as_sent: dict[str, Value | None] = {column: before}
    as_sent |= {local: base.get(local), **undo_layer} if before is not None else {}
    if before is None or number == seen.fids.get(str(before)):
        return as_sent, None  # it never meant anything, or what it meant when it was sent is no longer in the file
    return as_sent, BadValue(local, number, f"there is no row {number!r} in this file that it could mean")


def _another_layer(reference: Reference, sent: Row, was: Value | None, target: str | None) -> bool:
    """Whether the same number means another row now, since the layer beside it was changed."""
    named = sent.get(reference.local_layer or "")
    return was is not None and named not in BLANK and target is not None and target != was


def _layer_as_it_was(reference: Reference, sent: Row, origin: Row) -> dict[str, Value | None]:
    """Take back the layer name that an export fills in where none was stored."""
    name = reference.local_layer
    if name is None or origin.get(name) is not None:
        return {}
    layer = layer_of_id(str(sent.get(name) or ""))
    return {name: None} if layer is not None and sent.get(name) == layer.layer.name else {}


def changed_targets(layer: str, before: Row | None, after: Row) -> tuple[tuple[Reference, str], ...]:
    """The references that a write sets anew, with the uuids that they name."""
    found: list[tuple[Reference, str]] = []
    for reference in LAYER[layer].references:
        value = after.get(reference.column)
        if isinstance(value, str) and (before is None or before.get(reference.column) != value):
            found.append((reference, value))
    return tuple(found)
