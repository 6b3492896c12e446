"""A row as a record in JSON: as old clients know it, with what they do not know beside it."""

from collections.abc import Iterator, Mapping

from fiberq_core.geojson import to_geojson
from fiberq_core.jsonvalues import value_json
from fiberq_core.records import entries
from fiberq_core.records.model import Form, Record
from fiberq_core.registry import ID, PROJECT
from fiberq_core.rows import Key, Stored
from fiberq_core.wire import Json

REVISION = "revision"


def record_json(record: Record, project: int, stored: Stored, numbers: Mapping[str, int]) -> Json:
    """*stored* as JSON. *numbers* are those of the rows that it refers to, by uuid."""
    shown: Json = {ID: stored.id, "uuid": stored.key.uuid, PROJECT: project, REVISION: stored.rev}
    for one in record.fields:
        value = stored.row.get(one.column)
        if one.form is Form.NUMBER:
            shown[one.name] = numbers.get(str(value))
        elif one.form is Form.LIST:
            shown[one.name] = entries.shown(value)
        else:
            shown[one.name] = value_json(record.layer_name, one.column, value)
    return {**shown, **_place(record, stored.row.geometry)}


def referred(record: Record, stored: Stored) -> Iterator[Key]:
    """The rows whose numbers `record_json` must know."""
    for one in record.numbers:
        uuid = stored.row.get(one.column)
        if isinstance(uuid, str):
            yield from (Key(target, uuid) for target in record.targets(one.column))


def _place(record: Record, wkb: bytes | None) -> Json:
    place = record.place
    if place is None:
        return {}
    shape = to_geojson(wkb) if wkb is not None else None
    shown: Json = {place.name: shape}
    if place.pair is not None:
        shown |= zip(place.pair, position(shape), strict=True)
    return shown


def position(shape: Mapping[str, object] | None) -> tuple[object, object]:
    """Longitude and latitude of a point, or of the first of several."""
    at = shape["coordinates"] if shape else None
    while isinstance(at, list) and at and isinstance(at[0], list):
        at = at[0]
    return (at[0], at[1]) if isinstance(at, list) and at else (None, None)
