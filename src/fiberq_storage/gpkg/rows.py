"""From a table's raw rows to rows as values: columns by name, values by kind, geometry by CRS.

A row is never lost: what does not fit stands beside it as a `BadValue`, and the rest of it counts.
"""

import base64
import math
import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import TypeVar

from attrs import define, field, frozen

from fiberq_core.errors import Invalid
from fiberq_core.geojson import to_geojson
from fiberq_core.geometry import OFF_THE_MAP, check_node
from fiberq_core.geopackage import RESERVED
from fiberq_core.gpb import decode_gpb
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY, Column, Kind, Layer
from fiberq_core.registry.names import column_of
from fiberq_core.registry.system import REV, SYSTEM, UUID
from fiberq_core.rows import Row, Value
from fiberq_core.sent import BadValue, SentRow
from fiberq_core.values import Canonical, Fitted, canonical, canonical_extra
from fiberq_core.wkb import Node, parse, write
from fiberq_storage.crs import Reprojection
from fiberq_storage.gpkg.catalogue import FileColumn, FileTable

_USUAL_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
T = TypeVar("T")
Raw = Sequence[object]  # fid, geometry (None where the table has none), then the columns of a `Plan`
_SHOWN_BYTES = 1 << 20
OUTSIDE_CRS = "The coordinates lie outside what the layer's coordinate system can hold"

_SYSTEM_NAMES = frozenset(column.name for column in SYSTEM)
IDENTITY = Column(UUID, Kind.UUID, SYSTEM[0].labels)
_REVISION = Column(REV, Kind.INTEGER, SYSTEM[0].labels)
# What needs no second look: SQLite gave exactly this type, and every value of it is canonical.
_AS_IT_IS: Mapping[Kind, type] = {Kind.INTEGER: int, Kind.TEXT: str, Kind.JSON: str, Kind.REAL: float}


@frozen
class Field:
    """One column of the file and where its values go. *column* is None for an unregistered one."""

    source: FileColumn
    name: str
    column: Column | None
    plain: type | None  # values of this very type are canonical as they are

    def fit(self, raw: object) -> Fitted:
        """The canonical value of *raw*."""
        return canonical(self.column, raw) if self.column else canonical_extra(raw)


@frozen
class Plan:
    """How a table is read. *uuid* and *rev* are the places of those columns among the raw ones, None where absent."""

    table: FileTable
    layer: Layer
    fields: tuple[Field, ...]
    uuid: FileColumn | None
    rev: FileColumn | None

    @cached_property
    def raw_columns(self) -> tuple[FileColumn, ...]:
        """The file's columns in the order in which raw rows bring them."""
        system = tuple(c for c in (self.uuid, self.rev) if c)
        return (*system, *(f.source for f in self.fields))

    @property
    def names(self) -> frozenset[str]:
        """The fields that the table has."""
        own = {f.name for f in self.fields} | set(self.table.recognised.fixed)
        return frozenset(own | ({GEOMETRY} if self.table.geometry else set()))


def plan(table: FileTable, known_extra: Mapping[str, str]) -> Plan:
    """Decide what each column of a table is. *known_extra* are the unregistered columns that the project has."""
    layer = table.recognised.layer
    fields, uuid, rev = _meanings(layer.name, table.columns, tuple(known_extra))
    return Plan(table, layer, fields, uuid, rev)


@lru_cache(maxsize=128)  # most files are built like the one before
def _meanings(
    name: str, columns: tuple[FileColumn, ...], known_extra: tuple[str, ...]
) -> tuple[tuple[Field, ...], FileColumn | None, FileColumn | None]:
    """The fields of a table of the layer *name*, and its columns of uuid and revision."""
    layer = LAYER[name]
    system = {c.name.casefold(): c for c in columns if c.name.casefold() in _SYSTEM_NAMES}
    if layer.natural_key:
        system = {}
    own = [c for c in columns if system.get(c.name.casefold()) is not c]
    owners = _owners(layer, own)
    spelled = {name.casefold(): name for name in known_extra}
    return tuple(_field(c, owners.get(c), spelled) for c in own), system.get(UUID), system.get(REV)


def _owners(layer: Layer, columns: Sequence[FileColumn]) -> dict[FileColumn, Column]:
    """Which registered column each file column is: the one of that very name first, then the first alias."""
    known = [(column, r) for column in columns if (r := column_of(layer, column.name))]
    exact = [(column, r) for column, r in known if r.name == column.name.casefold()]
    taken: dict[str, tuple[FileColumn, Column]] = {}
    for column, registered in (*exact, *known):
        taken.setdefault(registered.name, (column, registered))
    return dict(taken.values())


def _field(source: FileColumn, column: Column | None, spelled: Mapping[str, str]) -> Field:
    if column is None:
        name = spelled.get(source.name.casefold(), source.name)
        return Field(source, f"{name}_" if name.casefold() in RESERVED else name, None, None)
    closed = column.vocabulary is not None and column.vocabulary.closed
    return Field(source, column.name, column, None if closed else _AS_IT_IS.get(column.kind))


@define
class RowReader:
    """Turns raw rows of one table into values. *off_the_map* counts rows whose coordinates cannot be (S46)."""

    plan: Plan
    reprojection: Reprojection
    off_the_map: int = 0
    _steps: list[tuple[int, Field]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Number the raw columns once."""
        first = 2 + (self.plan.uuid is not None) + (self.plan.rev is not None)
        self._steps = list(enumerate(self.plan.fields, start=first))

    def read(self, rows: Sequence[Raw]) -> list[SentRow]:
        """All *rows* as values."""
        places = self._places([row[1] for row in rows])
        return [self._row(row, place) for row, place in zip(rows, places, strict=True)]

    def surely_differ(self, now: Raw, was: Raw) -> bool:
        """Whether two raw rows hold unequal canonical values somewhere. That they do not says nothing."""
        return any(
            step.plain is type(now[at]) and step.plain is type(was[at]) and now[at] != was[at]
            for at, step in self._steps
        )

    def _row(self, raw: Raw, place: "bytes | BadValue | None") -> SentRow:
        values: dict[str, Value] = {}
        bad: list[BadValue] = []
        seconds: list[str] = []
        for at, step in self._steps:
            value = raw[at]
            if value is None:
                continue
            if type(value) is step.plain and _harmless(value):
                values[step.name] = value  # type: ignore[assignment]  # `plain` says which type it is
                continue
            fitted = step.fit(value)
            if not isinstance(fitted, Canonical):
                bad.append(BadValue(step.name, as_json(value), fitted.reason))
            elif fitted.value is not None:
                values[step.name] = fitted.value
                seconds += [step.name] if fitted.seconds else []
        uuid, rev = self._identity(raw, bad)
        if isinstance(place, BadValue):
            bad.append(place)
        elif place is not None:
            values[GEOMETRY] = place
        for name, value in self.plan.table.recognised.fixed.items():
            values.setdefault(name, value)
        fid = raw[0] if isinstance(raw[0], int) else 0
        return SentRow(self.plan.table.name, fid, uuid, rev, Row(values), tuple(bad), frozenset(seconds))

    def _identity(self, raw: Raw, bad: list[BadValue]) -> tuple[str | None, int | None]:
        at = 2
        uuid: Fitted = Canonical(None)
        rev: Fitted = Canonical(None)
        if self.plan.uuid:
            uuid = _uuid(raw[at])
            if not isinstance(uuid, Canonical):
                bad.append(BadValue(UUID, as_json(raw[at]), f"{uuid.reason}; the row is known by a new one"))
            at += 1
        if self.plan.rev:
            rev = canonical(_REVISION, raw[at])
        return _value(uuid, str), _value(rev, int)

    def _places(self, blobs: Sequence[object]) -> "list[bytes | BadValue | None]":
        decoded = [_decode(blob) for blob in blobs]
        nodes = [node for node in decoded if isinstance(node, Node)]
        inside = iter(self.reprojection.apply(nodes))
        return [
            self._checked(node, blob, inside=next(inside)) if isinstance(node, Node) else node
            for node, blob in zip(decoded, blobs, strict=True)
        ]

    def _checked(self, node: Node, blob: object, *, inside: bool) -> bytes | BadValue:
        reason = check_node(self.plan.layer.shape, node) if inside else OUTSIDE_CRS
        if reason is None:
            return write(node)
        self.off_the_map += reason in (OFF_THE_MAP, OUTSIDE_CRS)
        return _bad_place(blob, reason)


def _uuid(raw: object) -> Fitted:
    if type(raw) is str and _USUAL_UUID.fullmatch(raw):
        return Canonical(raw)
    return canonical(IDENTITY, raw or None)


def as_json(raw: object) -> object:
    """*raw* in a form that JSON has: bytes as base64, numbers that are none as text."""
    if isinstance(raw, bytes):
        return {"base64": base64.b64encode(raw).decode("ascii")}
    if isinstance(raw, float) and not math.isfinite(raw):
        return str(raw)
    return raw


def _decode(blob: object) -> "Node | BadValue | None":
    if blob is None:
        return None
    if not isinstance(blob, bytes):
        return BadValue(GEOMETRY, as_json(blob), "This is not a geometry", whole_row=True)
    try:
        return parse(decode_gpb(blob)[0])
    except Invalid as error:
        return _bad_place(blob, str(error))


def _bad_place(blob: object, reason: str) -> BadValue:
    """The geometry as it came: as GeoJSON where that can say it and is not huge, else as the bytes that it was."""
    try:
        sayable = isinstance(blob, bytes) and len(blob) <= _SHOWN_BYTES
        shown = to_geojson(decode_gpb(blob)[0]) if sayable and isinstance(blob, bytes) else as_json(blob)
    except Invalid:
        shown = as_json(blob)
    return BadValue(GEOMETRY, shown, reason, whole_row=True)


def _harmless(value: object) -> bool:
    """Whether a value of the right type is canonical: no NUL in text, no infinity."""
    kind = type(value)
    if kind is str:
        return "\0" not in value  # type: ignore[operator]
    return kind is int or (kind is float and math.isfinite(value) and value != 0.0)  # type: ignore[arg-type]


def _value(fitted: Fitted, kind: type[T]) -> T | None:
    value = fitted.value if isinstance(fitted, Canonical) else None
    return value if isinstance(value, kind) else None
