"""The shapes of records, derived from their table: what clients are given, what they send, how they ask for lists."""

from typing import Final

from fiberq_aiohttp.openapi.features import ANY_GEOMETRY
from fiberq_aiohttp.openapi.operation import CURSOR, Parameter
from fiberq_aiohttp.openapi.shapes import DAY, NUMBER, TEXT, WHOLE, Schema, Shape, list_of, maybe, partial, record
from fiberq_core.records.model import PAIRS, Field, Form, Record
from fiberq_core.schema import column_schema

ENTRY: Final = Shape("Entry", partial("name", name=TEXT, quantity=maybe(NUMBER), unit=maybe(TEXT), note=maybe(TEXT)))
ENTRIES_GIVEN: Final[Schema] = {"type": "array", "description": "texts, or objects as they were sent"}
ENTRIES_TAKEN: Final[Schema] = {"anyOf": [TEXT, list_of({"anyOf": [TEXT, ENTRY]}), ENTRY, {"type": "null"}]}
MOST: Final = Parameter(
    "limit", "entries of a page", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1000}
)
PROJECT: Final = Parameter("project_id", "only those of this project", dict(WHOLE))
NEXT: Final = ("Link", "X-Next-Cursor")


def given(kind: Record) -> Shape:
    """A record as it is shown."""
    members: dict[str, Schema | Shape] = {"id": WHOLE, "uuid": TEXT, "project_id": WHOLE, "revision": WHOLE}
    members |= {one.name: _given(kind, one) for one in kind.fields}
    if kind.place is not None:
        members[kind.place.name] = maybe(ANY_GEOMETRY)
        members |= dict.fromkeys(kind.place.pair or (), maybe(NUMBER))
    return Shape(_name(kind), record(**members))


def taken(kind: Record, *, new: bool) -> Shape:
    """A record, or (not *new*) a part of one, as it is sent."""
    members: dict[str, Schema | Shape] = {}
    for one in kind.fields:
        if one.writable and not (kind.parent and one.column == kind.parent.column):
            members[one.name] = _taken(kind, one)
    members |= {"uuid": maybe(TEXT), "project_id": maybe(WHOLE)} if new else {}
    if kind.place is not None:
        members[kind.place.name] = maybe(ANY_GEOMETRY)
        members |= dict.fromkeys([name for pair in PAIRS for name in pair] if kind.place.pair else (), maybe(NUMBER))
    needed = [f.name for f in kind.fields if f.name in members and f.default is None and kind.column(f.column).required]
    return Shape(f"{'New' if new else 'Changed'}{_name(kind)}", partial(*(needed if new else ()), **members))


def asked(kind: Record) -> tuple[Parameter, ...]:
    """What the query of a list may say."""
    span = kind.span
    days = (
        [Parameter(span.first, "the first day", dict(DAY)), Parameter(span.last, "the last day", dict(DAY))]
        if span
        else []
    )
    filters = [Parameter(f.name, "only those with this; several mean any of them") for f in kind.filters]
    return (*([] if kind.parent else [PROJECT]), *filters, *days, MOST, CURSOR)


def _name(kind: Record) -> str:
    return kind.layer.table.removeprefix("fiber_").title().replace("_", "")


def _given(kind: Record, one: Field) -> Schema:
    if one.form is Form.LIST:
        return ENTRIES_GIVEN
    return maybe(WHOLE) if one.form is Form.NUMBER else column_schema(kind.column(one.column), writing=False)


def _taken(kind: Record, one: Field) -> Schema:
    if one.form is Form.LIST:
        return ENTRIES_TAKEN
    return maybe(WHOLE) if one.form is Form.NUMBER else column_schema(kind.column(one.column), writing=True)
