"""A body that a client sent, as canonical values of a record, or every fault with its path.

Null is accepted wherever it can be, fields that a record does not have are ignored: clients of several years send them.
"""

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve, field, frozen

from fiberq_core.errors import Fault, Invalid
from fiberq_core.placing import geometry_of
from fiberq_core.records import entries
from fiberq_core.records.model import PAIRS, Field, Filled, Form, Record
from fiberq_core.registry import GEOMETRY, PROJECT, UUID
from fiberq_core.registry.model import Column, Kind
from fiberq_core.registry.shared import NAME
from fiberq_core.rows import Value
from fiberq_core.values import Misfit, canonical

LARGEST = 10**18  # beyond every number of a row
UUID_NAMES = ("uuid", UUID)
PROJECT_NUMBER = Column(PROJECT, Kind.INTEGER, NAME.labels)
OWN = Column(UUID, Kind.UUID, NAME.labels)
EDGES = {"longitude": 180.0, "lon": 180.0, "latitude": 90.0, "lat": 90.0}


@frozen
class Body:
    """What was sent: *values* by column (None clears), *numbers* of the rows that references mean, by column."""

    values: Mapping[str, Value | None] = field(factory=dict)
    numbers: Mapping[str, int] = field(factory=dict)
    uuid: str | None = None
    by_pair: bool = False  # the place was given as two numbers

    def filled(self, record: Record, filled: Mapping[Filled, Value]) -> "Body":
        """The body of a new record, with the defaults of what it does not say."""
        added: dict[str, Value | None] = {}
        for one in record.fields:
            said = one.column in self.values or one.column in self.numbers
            if isinstance(one.default, Filled) and self.values.get(one.column) is None:
                added[one.column] = filled[one.default]
            elif one.default is not None and not said and not isinstance(one.default, Filled):
                added[one.column] = one.default
        return evolve(self, values={**self.values, **added})


def read(record: Record, body: Mapping[str, object], *, new: bool = False) -> Body:
    """Take a body apart; *new*: of a record that is not there yet. Raises: Invalid, with every fault."""
    faults: list[Fault] = []
    values: dict[str, Value | None] = {}
    numbers: dict[str, int] = {}
    for one in record.fields:
        name = _named(body, one.names)
        if name is None or not one.writable or (record.parent and one.column == record.parent.column):
            continue
        if one.form is Form.NUMBER:
            _number(one, body[name], values, numbers, faults)
        else:
            values[one.column] = _value(record, one, name, body[name], faults)
    place, by_pair = _place(record, body, faults)
    values |= place
    uuid = _own(body, faults)
    faults += _missing(record, body) if new else ()
    if faults:
        raise Invalid("Nothing was changed; see the errors", faults)
    return Body({n: v for n, v in values.items() if n not in numbers}, numbers, uuid, by_pair)


def _missing(record: Record, body: Mapping[str, object]) -> Iterator[Fault]:
    """What a new record cannot do without and is not given."""
    for one in record.fields:
        name = _named(body, one.names)
        if one.default is None and record.column(one.column).required and (name is None or body[name] is None):
            yield Fault(name or one.name, "must be given")


def home(record: Record, body: Mapping[str, object]) -> tuple[int | None, Mapping[str, int]]:
    """What a body says of where a new record belongs: its project, and the rows that it refers to, by column and number.

    Read before anything else, so that nobody is told what is wrong with a record that they may not make. Raises: Invalid.
    """
    project = canonical(PROJECT_NUMBER, body.get(PROJECT))
    faults = [Fault(PROJECT, "must be the number of a project")] if isinstance(project, Misfit) else []
    numbers: dict[str, int] = {}
    for one in record.numbers:
        if one.name in body:
            _number(one, body[one.name], {}, numbers, faults)
    if faults:
        raise Invalid("Nothing was changed; see the errors", faults)
    number = None if isinstance(project, Misfit) else project.value
    return (number if isinstance(number, int) else None), numbers


def _named(body: Mapping[str, object], names: Sequence[str]) -> str | None:
    """The name under which a body has a field."""
    return next((name for name in names if name in body), None)


def _number(
    one: Field, raw: object, values: dict[str, Value | None], numbers: dict[str, int], faults: list[Fault]
) -> None:
    if raw is None:
        values.setdefault(one.column, None)
        return
    fitted = canonical(Column(one.name, Kind.INTEGER, NAME.labels), raw)
    if isinstance(fitted, Misfit) or isinstance(raw, bool) or not isinstance(fitted.value, int):
        faults.append(Fault(one.name, "must be a whole number: the id of another record"))
    elif 0 <= fitted.value < LARGEST:
        numbers[one.column] = fitted.value
    else:
        faults.append(Fault(one.name, "is the id of nothing"))


def _value(record: Record, one: Field, name: str, raw: object, faults: list[Fault]) -> Value | None:
    column = record.column(one.column)
    if one.form is Form.LIST:
        text, wrong = entries.read(column, raw, name)
        faults.extend(wrong)
        return text
    if raw == "" and column.kind is not Kind.TEXT:
        raw = None  # what a form sends of an empty field
    fitted = canonical(column, raw)
    reason = fitted.reason if isinstance(fitted, Misfit) else _unfit(column, fitted.value)
    if reason:
        faults.append(Fault(name, reason))
    return None if isinstance(fitted, Misfit) else fitted.value


def _unfit(column: Column, value: Value | None) -> str | None:
    """Why a value is none that the column can mean, though it is of its kind."""
    if column.required and isinstance(value, str) and not value.strip():
        return "must not be empty"
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if column.minimum is not None and value < column.minimum:
        return f"must be {column.minimum:g} or more"
    if column.maximum is not None and value > column.maximum:
        return f"must be {column.maximum:g} at the most"
    return None


def _place(record: Record, body: Mapping[str, object], faults: list[Fault]) -> tuple[Mapping[str, Value | None], bool]:
    """The geometry, if the body says where the record is: as GeoJSON, or as two numbers. Whether by these."""
    if record.place is None:
        return {}, False
    name = _named(body, (record.place.name, *record.place.aliases))
    pair = next((pair for pair in PAIRS if any(n in body for n in pair)), None) if record.place.pair else None
    by_pair = pair is not None and (name is None or body[name] is None)
    if name is None and pair is None:
        return {}, False
    wkb, wrong = (
        _point(record, body, pair) if by_pair and pair else geometry_of(record.layer, body[name or ""], name or "")
    )
    faults.extend(wrong)
    return {GEOMETRY: wkb}, by_pair


def _point(record: Record, body: Mapping[str, object], pair: tuple[str, str]) -> tuple[bytes | None, Sequence[Fault]]:
    degrees = [body.get(name) for name in pair]
    if degrees == [None, None]:
        return None, ()
    faults = list(_out_of_range(pair, degrees))
    if faults:
        return None, faults
    return geometry_of(record.layer, {"type": "Point", "coordinates": degrees}, pair[0])


def _out_of_range(pair: tuple[str, str], degrees: Sequence[object]) -> Iterator[Fault]:
    for name, value in zip(pair, degrees, strict=True):
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= EDGES[name]
        if not number:
            yield Fault(name, f"must be a number of degrees from {-EDGES[name]:g} to {EDGES[name]:g}")


def _own(body: Mapping[str, object], faults: list[Fault]) -> str | None:
    """The identity that a client gave to a new record, if it did."""
    name = _named(body, UUID_NAMES)
    fitted = canonical(OWN, body[name] if name else None)
    if isinstance(fitted, Misfit):
        faults.append(Fault(name or UUID, fitted.reason))
        return None
    return fitted.value if isinstance(fitted.value, str) else None
