"""Records on their way: values in the form of one store, and versions that are JSON in the other."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from uuid import UUID

from fiberq_core.registry.model import Kind
from fiberq_core.rows import Value
from fiberq_storage.moving.parts import Form, Part, Record
from fiberq_storage.rowjson import values_of, values_text

Changes: TypeAlias = Mapping[Form, Callable[[Any], Any]]


def changed(part: Part, changes: Changes, records: Iterable[Record]) -> Iterator[Record]:
    """*records*, with each value of a form in *changes* replaced by what that makes of it; None stays."""
    places = [(place, changes[form]) for place, form in enumerate(part.columns.values()) if form in changes]
    for record in records:
        values = list(record)
        for place, change in places:
            if values[place] is not None:
                values[place] = change(values[place])
        yield tuple(values)


def gathered(columns: Mapping[str, Kind], extra: str | None, own: Sequence[Value | None]) -> dict[str, Value]:
    """What a version says, from its `extra` and its *columns*."""
    values = {name: value for name, value in zip(columns, own, strict=True) if value is not None}
    return {**values_of(extra), **values} if extra else values


def spread(columns: Mapping[str, Kind], values: Mapping[str, Value]) -> tuple[str | None, list[Value | None]]:
    """What a version says, as `extra` and *columns*.

    In `extra` is what the registry does not know, and what was written before it knew and does not fit.
    """
    own = [_fitting(kind, values.get(name)) for name, kind in columns.items()]
    placed = {name for name, value in zip(columns, own, strict=True) if value is not None}
    left = {name: value for name, value in values.items() if name not in placed}
    return (values_text(left) if left else None), own


def _fitting(kind: Kind, value: Value | None) -> Value | None:
    """*value* as a column of *kind* holds it; None if it cannot."""
    if kind is Kind.REAL and type(value) in (int, float):
        return float(value or 0)
    if type(value) is not HOLDS[kind]:
        return None
    if kind in CANONICAL:
        with suppress(ValueError, OverflowError):
            return value if CANONICAL[kind](str(value)) == value else None
        return None
    return value


HOLDS: Mapping[Kind, type] = {
    **dict.fromkeys((Kind.TEXT, Kind.JSON, Kind.DATE, Kind.DATETIME, Kind.UUID), str),
    Kind.INTEGER: int,
    Kind.REAL: float,
    Kind.BOOLEAN: bool,
}
CANONICAL: Mapping[Kind, Callable[[str], str]] = {
    Kind.DATE: lambda text: date.fromisoformat(text).isoformat(),
    Kind.DATETIME: lambda text: (
        datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    ),
    Kind.UUID: lambda text: str(UUID(text)),
}
