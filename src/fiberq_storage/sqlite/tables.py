"""A layer as a table of the embedded store: its columns, its SQL, and rows as tuples and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from fiberq_core.registry import DATA_LAYERS
from fiberq_core.registry.model import GEOMETRY, Kind, Layer
from fiberq_core.rows import Key, Row, Stored, Value
from fiberq_storage.columns import stored_columns
from fiberq_storage.rowjson import values_of, values_text
from fiberq_storage.sql import ident, idents, literal, marks
from fiberq_storage.sqlite.blobs import pack, unpack

SYSTEM = ("id", "project_id", "fiberq_uuid", "fid", "fiberq_rev", "extra")
GEOM = "geom"
_FIRST = 6  # of the layer's own columns in a record


@frozen
class Table:
    """One layer's table."""

    layer: Layer
    columns: Mapping[str, Kind] = field(init=False)
    name: str = field(init=False)  # quoted
    index: str = field(init=False)  # quoted name of the spatial index; "" without geometry
    _own: frozenset[str] = field(init=False, repr=False)
    _booleans: tuple[str, ...] = field(init=False, repr=False)

    @columns.default
    def _columns(self) -> Mapping[str, Kind]:
        return stored_columns(self.layer)

    @name.default
    def _name(self) -> str:
        return ident(self.layer.table)

    @index.default
    def _index(self) -> str:
        return ident(self.layer.table + "_rtree") if self.layer.spatial else ""

    @_own.default
    def _own_names(self) -> frozenset[str]:
        return frozenset(self.columns) | ({GEOMETRY} if self.layer.spatial else frozenset())

    @_booleans.default
    def _boolean_names(self) -> tuple[str, ...]:
        return tuple(name for name, kind in self.columns.items() if kind is Kind.BOOLEAN)

    def selection(self, alias: str) -> str:
        """The select list that `stored` reads, of the table known as *alias*."""
        prefix = f"{alias}."
        geom = f"{prefix}{GEOM}" if self.layer.spatial else "NULL"
        system = idents(("id", "fid", "fiberq_rev", "fiberq_uuid", "extra"), prefix)
        return ", ".join(filter(None, (system, geom, idents(self.columns, prefix))))

    def stored(self, record: Sequence[Any]) -> Stored:
        """The row in a record of `selection`."""
        id_, fid, rev, uuid, extra, geom = record[:_FIRST]
        values = {n: v for n, v in zip(self.columns, record[_FIRST:], strict=False) if v is not None}
        for name in self._booleans:
            if name in values:
                values[name] = bool(values[name])
        if extra is not None:
            values = {**values_of(extra), **values}
        if geom is not None:
            values[GEOMETRY] = unpack(geom)
        return Stored(Key(self.layer.name, uuid), Row(values), id_, fid, rev)

    def record(self, row: Row, *, placed: bool = True) -> tuple[Value | None, ...]:
        """What `written` columns hold for *row*."""
        unregistered = self.unregistered(row)
        extra = values_text(unregistered) if unregistered else None
        own = tuple(map(row.values.get, self.columns))
        return (extra, pack(row.geometry), *own) if placed and self.layer.spatial else (extra, *own)

    def unregistered(self, row: Row) -> Mapping[str, Value]:
        """What the row says under names that the registry does not know."""
        if row.values.keys() <= self._own:
            return {}
        return {name: value for name, value in row.values.items() if name not in self._own}

    def written(self, *, placed: bool = True) -> tuple[str, ...]:
        """The columns that `record` fills; *placed*: the geometry among them, where there is one."""
        return ("extra", *([GEOM] if placed and self.layer.spatial else []), *self.columns)

    @property
    def insert_sql(self) -> str:
        """Inserts (id, project, uuid, fid, revision, *record)."""
        names = ("id", "project_id", "fiberq_uuid", "fid", "fiberq_rev", *self.written())
        return f"INSERT INTO {self.name} ({idents(names)}) VALUES ({marks(len(names))})"

    def update_sql(self, *, placed: bool) -> str:
        """Updates with (revision, *record, project, uuid, expected revision)."""
        fields = ", ".join(f"{ident(name)} = ?" for name in ("fiberq_rev", *self.written(placed=placed)))
        return f"UPDATE {self.name} SET {fields} WHERE project_id = ? AND fiberq_uuid = ? AND fiberq_rev = ?"

    @property
    def remember_sql(self) -> str:
        """Copies (end, how it ended, values) of the version (project, uuid, revision) into history."""
        geom = GEOM if self.layer.spatial else "NULL"
        return (
            "INSERT INTO history (project_id, uuid, layer, rev, id, fid, geom, until, ended_by, vals)"
            f" SELECT project_id, fiberq_uuid, {literal(self.layer.name)}, fiberq_rev, id, fid, {geom}, ?, ?, ?"
            f" FROM {self.name} WHERE project_id = ? AND fiberq_uuid = ? AND fiberq_rev = ?"
        )

    @property
    def delete_sql(self) -> str:
        """Deletes by (project, uuid, expected revision)."""
        return f"DELETE FROM {self.name} WHERE project_id = ? AND fiberq_uuid = ? AND fiberq_rev = ?"


TABLES: Mapping[str, Table] = {layer.name: Table(layer) for layer in DATA_LAYERS}
