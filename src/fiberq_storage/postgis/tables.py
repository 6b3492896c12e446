"""A layer as two tables of PostGIS, its current rows and the versions that were; its SQL, and records as rows and back.

All names are unqualified: every transaction sets its search path (see `connection`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from fiberq_core.registry import DATA_LAYERS
from fiberq_core.registry.model import GEOMETRY, Kind
from fiberq_core.rows import Key, Row, Stored, Value
from fiberq_storage.columns import LayerTable
from fiberq_storage.rowjson import values_of, values_text
from fiberq_storage.sql import ident, idents

GEOM = "geom"
INSTANT = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
_FIRST = 6  # of the layer's own columns in a record

SQL_TYPE: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.INTEGER: "bigint",
    Kind.REAL: "double precision",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.DATETIME: "timestamptz(3)",
    Kind.JSON: "text",  # lists and objects, and free text as it was typed
    Kind.UUID: "uuid",
}
# how a value travels to the database: the type of the parameter, then cast to the column's
SENT_AS: Mapping[Kind, str] = {**SQL_TYPE, Kind.DATE: "text", Kind.DATETIME: "text", Kind.UUID: "text"}


def canonical_sql(kind: Kind, expression: str) -> str:
    """*expression*, a column of *kind*, as its canonical value (see `Kind`)."""
    if kind is Kind.DATETIME:
        return f"to_char({expression} AT TIME ZONE 'UTC', '{INSTANT}')"
    if kind is Kind.DATE:
        return f"to_char({expression}, 'YYYY-MM-DD')"
    return f"{expression}::text" if kind is Kind.UUID else expression


@frozen(eq=False)
class Table(LayerTable):
    """One layer's tables."""

    past: str = field(init=False)  # quoted name of the table of replaced and deleted versions

    @past.default
    def _past_name(self) -> str:
        return ident(self.layer.table + "_history")

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns of a version, in the order in which history holds them; `until` and `ended_by` follow."""
        geom = (GEOM,) if self.layer.spatial else ()
        return ("id", "project_id", "fiberq_uuid", "fid", "fiberq_rev", "extra", *geom, *self.columns)

    def selection(self, alias: str) -> str:
        """The select list that `stored` reads, of either table known as *alias*."""
        geom = f"ST_AsBinary({alias}.{GEOM}, 'NDR')" if self.layer.spatial else "NULL::bytea"
        own = (canonical_sql(kind, f"{alias}.{ident(name)}") for name, kind in self.columns.items())
        system = idents(("id", "fid", "fiberq_rev"), f"{alias}.")
        return ", ".join((system, f"{alias}.fiberq_uuid::text, {alias}.extra::text", geom, *own))

    def stored(self, record: Sequence[Any]) -> Stored:
        """The row in a record of `selection`."""
        id_, fid, rev, uuid, extra, geom = record[:_FIRST]
        values = {n: v for n, v in zip(self.columns, record[_FIRST:], strict=False) if v is not None}
        if extra is not None:
            values = {**values_of(extra), **values}
        if geom is not None:
            values[GEOMETRY] = geom
        return Stored(Key(self.layer.name, uuid), Row(values), id_, fid, rev)

    def written(self, before: Row | None, after: Row) -> set[str]:
        """The columns, `extra` and the geometry's among them, in which *after* differs from *before*."""
        old: Mapping[str, Value] = before.values if before else {}
        if old == after.values:
            return set()
        changed = {n for n in old.keys() | after.values.keys() if old.get(n) != after.values.get(n)}
        changed |= {n for n in old.keys() & after.values.keys() if type(old[n]) is not type(after.values[n])}
        own = changed & self.columns.keys()
        return (
            own
            | ({GEOM} if GEOMETRY in changed - own and self.layer.spatial else set())
            | ({"extra"} if changed - self._own else set())
        )

    def value(self, row: Row, column: str) -> Value | None:
        """What *column*, one of `written`, holds for *row*, as it is sent to the database."""
        if column == "extra":
            return values_text(found) if (found := self.unregistered(row)) else None
        return row.geometry if column == GEOM else row.values.get(column)

    def parameter(self, column: str) -> str:
        """The type as which *column* is sent."""
        return {"extra": "text", GEOM: "bytea"}.get(column) or SENT_AS[self.columns[column]]

    def received(self, column: str, expression: str) -> str:
        """*expression*, a value of `parameter`, as *column* holds it."""
        if column == GEOM:
            return f"ST_GeomFromWKB({expression}, 4326)"
        kind = "json" if column == "extra" else SQL_TYPE[self.columns[column]]
        return expression if kind == self.parameter(column) else f"{expression}::{kind}"


TABLES: Mapping[str, Table] = {layer.name: Table(layer) for layer in DATA_LAYERS}
