"""An open inbox item as a row of the exported `sync_issues` layer, where the crew sees it on the map."""

import json
from base64 import b64encode
from contextlib import suppress

import shapely

from fiberq_core.errors import Invalid
from fiberq_core.geojson import to_geojson
from fiberq_core.inbox import Item
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.reversal import choices
from fiberq_core.rows import Row, Stored, Value, present

LITTLE_ENDIAN = 1


def issue(item: Item, current: Stored | None) -> Row:
    """What the crew reads of *item*, whose row is now *current*; placed where that row is, or was drawn."""
    change = next((c for c in item.changes if c.key.uuid == item.uuid), None)
    base, device = (change.base, change.sent) if change else (None, None)
    now = current.row if current else None
    values: dict[str, Value | None] = {
        "kind": item.kind.value,
        "reason": item.reason,
        "layer": item.layer,
        "uuid": item.uuid,
        "row_id": current.id if current else None,
        "field": item.field,
        "base": shown(base, item.field),
        "device": shown(device, item.field) if item.raw is None else _text(item.raw),
        "current": shown(now, item.field),
        "author": item.author.name or item.author.sub,
        "created_at": item.created_at or None,
        "choices": ", ".join(decision.value for decision in choices(item, current)),
        GEOMETRY: next((place for row in (now, device, base) if (place := _place(row))), None),
    }
    return Row({name: _writable(value) for name, value in present(values).items()})


def shown(row: Row | None, field: str | None) -> str | None:
    """A value as a person reads it, or the whole row as JSON; geometry as GeoJSON. None where there is nothing.

    Names are in their own order: stores give those of a row as each likes.
    """
    if row is None:
        return None
    if field is not None:
        value = row.get(field)
        return None if value is None else _text(_plain(field, value))
    return _text({name: _plain(name, value) for name, value in sorted(row.values.items())})


def _writable(value: Value) -> Value:
    """Text without the halves of characters that a device may have sent, and no file can hold."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _plain(name: str, value: Value) -> object:
    if not isinstance(value, bytes):
        return value
    with suppress(Invalid):  # what waits may wait because its geometry is no good
        if name == GEOMETRY:
            return to_geojson(value)
    return b64encode(value).decode("ascii")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _place(row: Row | None) -> bytes | None:
    """A point on the row's geometry."""
    if row is None or row.geometry is None:
        return None
    try:
        point = shapely.point_on_surface(shapely.from_wkb(row.geometry))
    except shapely.errors.ShapelyError:
        return None
    if shapely.is_empty(point):
        return None
    wkb: bytes = shapely.to_wkb(point, byte_order=LITTLE_ENDIAN, output_dimension=2)
    return wkb
