"""Words for schemas: a few kinds of values, records of them, and shapes, which are schemas with a name."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

Schema = dict[str, Any]  # a JSON Schema, in which a `Shape` may stand wherever a schema may

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer", "format": "int64"}
NUMBER: Final[Schema] = {"type": "number"}
YES_NO: Final[Schema] = {"type": "boolean"}
FLAG: Final[Schema] = {"type": "string", "enum": ["1", "0"]}  # of a query
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
DAY: Final[Schema] = {"type": "string", "format": "date"}
ANYTHING: Final[Schema] = {}
OBJECT: Final[Schema] = {"type": "object"}
FILE: Final[Schema] = {"type": "string", "format": "binary"}


@frozen(eq=False)
class Shape:
    """A schema under a name of its own. Where it is used it stands as a reference."""

    name: str
    schema: Schema


def record(**members: Schema | Shape) -> Schema:
    """An object that has all of *members*."""
    return {"type": "object", "properties": dict(members), "required": list(members)}


def partial(*required: str, **members: Schema | Shape) -> Schema:
    """An object that may have *members*, and must have those named *required*."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": dict(members), **needed}


def extended(shape: Shape, **members: Schema | Shape) -> Schema:
    """The record *shape* with more members."""
    known = {**shape.schema["properties"], **members}
    return {"type": "object", "properties": known, "required": [*shape.schema["required"], *members]}


def list_of(schema: Schema | Shape) -> Schema:
    """Any number of it."""
    return {"type": "array", "items": schema}


def map_of(schema: Schema | Shape) -> Schema:
    """It under any names."""
    return {"type": "object", "additionalProperties": schema}


def one_of(*words: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(words)}


def text(longest: int, shortest: int = 0) -> Schema:
    """Text of a bounded length, in characters."""
    return {"type": "string", "maxLength": longest, **({"minLength": shortest} if shortest else {})}


def maybe(schema: Schema | Shape) -> Schema:
    """It, or null."""
    if isinstance(schema, Shape) or not isinstance(schema.get("type"), str) or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def page_of(name: str, schema: Schema | Shape, **beside: Schema | Shape) -> Schema:
    """A page of a list, under *name*; `next` is the cursor of the page after it, null at the end."""
    return record(**{**beside, name: list_of(schema), "next": maybe(TEXT)})


def resolved(value: object, found: dict[str, Shape]) -> Any:
    """*value* with a reference in the place of every shape; the shapes are put into *found*. Raises: ValueError."""
    if isinstance(value, Shape):
        if found.setdefault(value.name, value) is not value:
            raise ValueError(f"Two shapes are called {value.name}")
        return {"$ref": f"#/components/schemas/{value.name}"}
    if isinstance(value, Mapping):
        return {name: resolved(member, found) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(member, found) for member in value]
    return value
