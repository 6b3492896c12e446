"""What was read and put back is no edit, however it is spelled."""

from fiberq_core.geojson import to_geojson
from fiberq_core.jsonvalues import value_json
from fiberq_core.registry.model import GEOMETRY, Kind, Layer
from fiberq_core.rows import Row, Value


def as_spelled(layer: Layer, sent: Row, now: Row) -> Row:
    """*sent*, where it says the same as *now*, as that is spelled: lists and objects as they were, geometry with its M."""
    same: dict[str, Value] = {
        c.name: now.values[c.name]
        for c in layer.columns
        if c.kind is Kind.JSON and c.name in now.values and _shown(layer, sent, c.name) == _shown(layer, now, c.name)
    }
    if now.geometry and sent.geometry and to_geojson(now.geometry) == to_geojson(sent.geometry):
        same[GEOMETRY] = now.geometry
    return sent.with_values(same)


def _shown(layer: Layer, row: Row, name: str) -> object:
    return value_json(layer.name, name, row.get(name))
