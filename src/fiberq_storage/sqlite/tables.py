"""A layer as a table of the embedded store: its columns, its SQL, and rows as tuples and back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from fiberq_core.registry import DATA_LAYERS
from fiberq_core.registry.model import GEOMETRY, Kind
from fiberq_core.rows import Key, Row, Stored, Value
from fiberq_storage.columns import LayerTable
from fiberq_storage.rowjson import values_of, values_text
from fiberq_storage.sql import ident, idents, literal, marks
from fiberq_storage.sqlite.blobs import pack, unpack

SYSTEM = ("id", "project_id", "fiberq_uuid", "fid", "fiberq_rev", "extra")
GEOM, EXTRA = "geom", "extra"
# Exactly the version that a decision was made from; the id finds it, the rest must agree: `version` gives the values.
_VERSION = "id = ? AND project_id = ? AND fiberq_uuid = ? AND fiberq_rev = ?"
_FIRST = 6  # of the layer's own columns in a record


@frozen(eq=False)
class Table(LayerTable):
    """One layer's table."""

    index: str = field(init=False)  # quoted name of the spatial index; "" without geometry
    # The columns that hold what a row says; the first of them in another form than the row.
    _made: Mapping[str, Callable[[Row], Value | None]] = field(init=False, repr=False)
    written: tuple[str, ...] = field(init=False)
    _booleans: tuple[str, ...] = field(init=False, repr=False)

    @index.default
    def _index(self) -> str:
        return ident(self.layer.table + "_rtree") if self.layer.spatial else ""

    @_made.default
    def _made_columns(self) -> Mapping[str, Callable[[Row], Value | None]]:
        geometry = {GEOM: lambda row: pack(row.geometry)} if self.layer.spatial else {}
        return {EXTRA: self._extra, **geometry}

    @written.default
    def _written(self) -> tuple[str, ...]:
        return (*self._made, *self.columns)

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

    def record(self, row: Row, names: Sequence[str]) -> tuple[Value | None, ...]:
        """What the columns *names* hold for *row*: some of `written`, in that order."""
        made = [make(row) for name, make in self._made.items() if name in names]
        return (*made, *map(row.values.get, names[len(made) :]))

    def written_for(self, fields: Collection[str]) -> tuple[str, ...]:
        """Those of `written` that hold *fields* of a row."""
        names = {self._column_of(name) for name in fields}
        return tuple(name for name in self.written if name in names)

    def _column_of(self, name: str) -> str:
        if name in self.columns:
            return name
        return GEOM if name == GEOMETRY and self.layer.spatial else EXTRA

    def _extra(self, row: Row) -> str | None:
        unregistered = self.unregistered(row)
        return values_text(unregistered) if unregistered else None

    @property
    def insert_sql(self) -> str:
        """Inserts (id, project, uuid, fid, revision, *record)."""
        names = ("id", "project_id", "fiberq_uuid", "fid", "fiberq_rev", *self.written)
        return f"INSERT INTO {self.name} ({idents(names)}) VALUES ({marks(len(names))})"

    def update_sql(self, names: Sequence[str]) -> str:
        """Updates the columns *names* with (revision, *record, *version)."""
        fields = ", ".join(f"{ident(name)} = ?" for name in ("fiberq_rev", *names))
        return f"UPDATE {self.name} SET {fields} WHERE {_VERSION}"

    @property
    def remember_sql(self) -> str:
        """Copies (end, how it ended, values) of a version into history."""
        geom = GEOM if self.layer.spatial else "NULL"
        return (
            "INSERT INTO history (project_id, uuid, layer, rev, id, fid, geom, until, ended_by, vals)"
            f" SELECT project_id, fiberq_uuid, {literal(self.layer.name)}, fiberq_rev, id, fid, {geom}, ?, ?, ?"
            f" FROM {self.name} WHERE {_VERSION}"
        )

    @property
    def delete_sql(self) -> str:
        """Deletes a version."""
        return f"DELETE FROM {self.name} WHERE {_VERSION}"


def version(project: int, stored: Stored) -> tuple[int, int, str, int]:
    """What the statements of a table know a version by."""
    return (stored.id, project, stored.key.uuid, stored.rev)


TABLES: Mapping[str, Table] = {layer.name: Table(layer) for layer in DATA_LAYERS}
