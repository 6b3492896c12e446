"""Values of the core as JSON: what the answers of the REST interface are made of.

How a single value is shown says `jsonvalues`. Unregistered columns stand under `extra`. Nothing here can fail on
what a store holds.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from fiberq_core.geojson import to_geojson
from fiberq_core.inbox import Author, Decided, Item
from fiberq_core.jsonvalues import typed_json, value_json
from fiberq_core.ports import Revision, Version
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY, Column, Labels, Layer, Reference, Vocabulary
from fiberq_core.registry.system import ID, REV
from fiberq_core.rows import Row, Stored, differing

EXTRA = "extra"

Json = dict[str, Any]


def feature_json(stored: Stored) -> Json:
    """A row as a GeoJSON Feature: `id` is the uuid, `properties` has every registered column."""
    layer = LAYER[stored.key.layer]
    own = {ID: stored.id, REV: stored.rev}
    return {
        "type": "Feature",
        "id": stored.key.uuid,
        "geometry": geometry_json(stored.row.geometry),
        "properties": {**_columns(layer, stored.row), **own, EXTRA: _extra(layer, stored.row)},
    }


def version_json(version: Version) -> Json:
    """One version of a row; `values` and `geometry` are null for a deletion."""
    layer, row = LAYER[version.key.layer], version.row
    values = None if row is None else {**_columns(layer, row), EXTRA: _extra(layer, row)}
    return {
        "revision": version.by.revision,
        "op": version.op.value,
        "values": values,
        "geometry": geometry_json(row.geometry if row else None),
        **_made(version.by),
    }


def change_json(version: Version) -> Json:
    """What one revision did to one row: every field that differs, old and new."""
    names = sorted(differing(version.before, version.row))
    return {
        "revision": version.by.revision,
        "layer": version.key.layer,
        "uuid": version.key.uuid,
        "id": version.id,
        "op": version.op.value,
        "fields": {
            name: {side: _field(version.key.layer, name, row) for side, row in _sides(version)} for name in names
        },
        **_made(version.by),
    }


def item_json(item: Item, current: Stored | None, choices: Collection[str]) -> Json:
    """An inbox item; *current* is the row as it is now, *choices* what the caller may decide.

    `base`, `device` and `current` are values where one field is meant, else rows. `rows` counts what the item is about.
    """
    change = item.changes[0] if len(item.changes) == 1 else None
    shown = _shown(item)
    return {
        "item_id": item.item_id,
        "state": "open" if item.open else "decided",
        "kind": item.kind.value,
        "layer": item.layer,
        "uuid": item.uuid,
        "id": current.id if current else None,
        "field": item.field,
        "base": shown(change.base if change else None),
        "device": _device(item, shown(change.sent if change else None)),
        "current": shown(current.row if current else None),
        "rows": len(item.changes),
        "reason": item.reason,
        "sync_id": item.sync_id,
        "author": author_json(item.author),
        "created_at": item.created_at,
        "choices": list(choices),
        "decided": _decided(item.decided),
    }


def layer_json(layer: Layer, extra: Mapping[str, str], count: int) -> Json:
    """What the registry says of a layer, with what one project has in it."""
    return {
        "name": layer.name,
        "table": layer.table,
        "plugin": layer.plugin,
        "labels": labels_json(layer.labels),
        "geometry": layer.shape.value if layer.spatial else None,
        "geometry_required": layer.geometry_required,
        "title": layer.title,
        "columns": [_column_json(column) for column in layer.columns],
        "references": [_reference_json(reference) for reference in layer.references],
        EXTRA: dict(extra),
        "count": count,
    }


def labels_json(labels: Labels) -> Json:
    """One text in every language."""
    return {"en": labels.en, "sr": labels.sr, "bg": labels.bg}


def author_json(author: Author) -> Json:
    """Who did something."""
    return {"sub": author.sub, "name": author.name}


def geometry_json(wkb: bytes | None) -> Json | None:
    """A geometry as GeoJSON; None where there is none."""
    return None if wkb is None else to_geojson(wkb)


def row_json(layer: str | None, row: Row | None) -> Json | None:
    """A row, or the part of one that somebody saw or sent: only what it says, the geometry among it."""
    if row is None:
        return None
    return {name: value_json(layer, name, value) for name, value in sorted(row.values.items())}


def _columns(layer: Layer, row: Row) -> Json:
    return {column.name: value_json(layer.name, column.name, row.get(column.name)) for column in layer.columns}


def _extra(layer: Layer, row: Row) -> Json:
    unknown = {n: v for n, v in row.values.items() if n != GEOMETRY and layer.column(n) is None}
    return {name: typed_json(value) for name, value in sorted(unknown.items())}


def _field(layer: str | None, name: str, row: Row | None) -> object:
    return value_json(layer, name, row.get(name)) if row else None


def _sides(version: Version) -> Iterable[tuple[str, Row | None]]:
    return (("old", version.before), ("new", version.row))


def _device(item: Item, row: object) -> object:
    """What the device sent: the value as typed where it never became one, and the rest of its row beside it."""
    typed = typed_json(item.raw)
    if typed is None:
        return row
    return {**row, **typed} if item.field is None and isinstance(row, dict) and isinstance(typed, dict) else typed


def _shown(item: Item) -> Callable[[Row | None], object]:
    """How rows appear in an item: as the value of its field, or whole."""
    name = item.field
    if name is None:
        return lambda row: row_json(item.layer, row)
    return lambda row: _field(item.layer, name, row)


def _made(by: Revision) -> Json:
    return {"author": author_json(by.author), "at": by.at, "source": by.source.value, "sync_id": by.sync_id}


def _decided(decided: Decided | None) -> Json | None:
    if decided is None:
        return None
    return {
        "decision": decided.decision.value,
        "by": author_json(decided.by),
        "at": decided.at,
        "note": decided.note,
    }


def _column_json(column: Column) -> Json:
    return {
        "name": column.name,
        "kind": column.kind.value,
        "labels": labels_json(column.labels),
        "unit": column.unit or None,
        "required": column.required,
        "default": column.default,
        "minimum": column.minimum,
        "maximum": column.maximum,
        "vocabulary": _vocabulary_json(column.vocabulary),
    }


def _vocabulary_json(vocabulary: Vocabulary | None) -> Json | None:
    if vocabulary is None:
        return None
    terms = [{"code": term.code, "labels": labels_json(term.labels)} for term in vocabulary.terms]
    return {"name": vocabulary.name, "closed": vocabulary.closed, "terms": terms}


def _reference_json(reference: Reference) -> Json:
    return {
        "column": reference.column,
        "targets": list(reference.targets),
        "required": reference.required,
        "owned": reference.owned,
    }
