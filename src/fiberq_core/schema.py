"""The registry as JSON Schema (2020-12): what a column holds, and what a row looks like on its way in and out.

Going out, a row has every column, null where it says nothing. Coming in, it says what it likes; what a vocabulary
that the system works by does not know is refused. Ranges and open vocabularies only describe: what was typed stays.
"""

from collections.abc import Mapping
from typing import Any, Final

from fiberq_core.registry.model import Column, Kind, Layer, Shape
from fiberq_core.registry.system import ID, REV

Json = dict[str, Any]

KINDS: Final[Mapping[Kind, Json]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer", "format": "int64"},
    Kind.REAL: {"type": "number", "format": "double"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.DATETIME: {"type": "string", "format": "date-time"},
    Kind.JSON: {"type": ["string", "number", "boolean", "array", "object"]},
    Kind.UUID: {"type": "string", "format": "uuid"},
}

GEOMETRIES: Final[Mapping[Shape, tuple[str, ...]]] = {
    Shape.NONE: (),
    Shape.POINT: ("Point", "MultiPoint"),
    Shape.LINE: ("LineString", "MultiLineString"),
    Shape.POLYGON: ("Polygon", "MultiPolygon"),
    Shape.ANY: (
        "Point",
        "MultiPoint",
        "LineString",
        "MultiLineString",
        "Polygon",
        "MultiPolygon",
        "GeometryCollection",
    ),
}

NUMBERS: Final[Json] = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
POSITION: Final[Json] = {**NUMBERS, "description": "longitude, latitude and perhaps height: degrees, metres"}


def nullable(schema: Json) -> Json:
    """*schema*, or null."""
    kind = schema.get("type")
    if kind is None:
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = [kind] if isinstance(kind, str) else kind
    values = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*kinds, "null"], **values}


def column_schema(column: Column, *, writing: bool) -> Json:
    """What stands in *column*, null among it. *writing*: what is taken, else what is given."""
    schema = {**KINDS[column.kind], "title": column.labels.en}
    vocabulary = column.vocabulary
    if vocabulary is not None and vocabulary.closed and writing:
        schema["enum"] = [term.code for term in vocabulary.terms]
    elif vocabulary is not None:
        schema["examples"] = [term.code for term in vocabulary.terms]
    if remark := _remark(column):
        schema["description"] = remark
    return nullable(schema)


def _remark(column: Column) -> str:
    """What is known of a column's numbers, in words: nothing of it is refused."""
    low, high = column.minimum, column.maximum
    usual = f"usually {low:g} to {high:g}" if low is not None and high is not None else ""
    usual = usual or (f"usually {low:g} or more" if low is not None else "")
    usual = usual or (f"usually at most {high:g}" if high is not None else "")
    return ", ".join(part for part in (column.unit, usual) if part)


def columns_schema(layer: Layer, *, writing: bool) -> dict[str, Json]:
    """The columns of *layer* by name."""
    return {column.name: column_schema(column, writing=writing) for column in layer.columns}


def properties_given(layer: Layer) -> Json:
    """The `properties` of a row of *layer* that is read."""
    own = {ID: KINDS[Kind.INTEGER], REV: KINDS[Kind.INTEGER], "extra": {"type": "object"}}
    known = {**columns_schema(layer, writing=False), **own}
    return {"type": "object", "title": layer.labels.en, "properties": known, "required": list(known)}


def properties_taken(layer: Layer) -> Json:
    """The `properties` of a row of *layer* that is written. Names that no column has are kept beside them."""
    known = columns_schema(layer, writing=True)
    return {"type": "object", "title": layer.labels.en, "properties": known}


def geometry_schema(name: str) -> Json:
    """A GeoJSON geometry of the type *name*."""
    if name == "GeometryCollection":
        members = {"geometries": {"type": "array", "items": {"type": "object"}}}
    else:
        members = {"coordinates": COORDINATES[name]}
    known = {"type": {"const": name}, **members}
    return {"type": "object", "properties": known, "required": list(known)}


def _lists_of(schema: Json) -> Json:
    return {"type": "array", "items": schema}


COORDINATES: Final[Mapping[str, Json]] = {
    "Point": {"anyOf": [POSITION, {"type": "array", "maxItems": 0}]},
    "MultiPoint": _lists_of({"anyOf": [POSITION, {"type": "array", "maxItems": 0}]}),
    "LineString": _lists_of(POSITION),
    "MultiLineString": _lists_of(_lists_of(POSITION)),
    "Polygon": _lists_of(_lists_of(POSITION)),
    "MultiPolygon": _lists_of(_lists_of(_lists_of(POSITION))),
}
