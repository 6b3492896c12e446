"""Filling a package from the store as it was at a revision, by `INSERT … SELECT` inside SQLite.

The store is attached to the package's own connection. What was current at revision R is the
current rows written at R or before, plus the replaced versions that were current then; those few
are put into temporary tables first. So a package that was thrown away can be made again with the
same rows, numbers and references, and the package of the newest revision is only the simplest case.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import apsw
from attrs import field, frozen

from fiberq_core.geopackage import FID, GEOM, PackageLayer
from fiberq_core.registry import ID, MODIFIED_AT, MODIFIED_BY, PROJECT, REV, UUID
from fiberq_core.registry.model import Reference
from fiberq_core.registry.special import SYNC_ISSUES
from fiberq_core.rows import Value
from fiberq_storage.packaging import OpenItem, issue_records, layers_with, open_item
from fiberq_storage.rowjson import values_of
from fiberq_storage.sql import ident, idents, literal, marks
from fiberq_storage.sqlite.connection import BUSY_MS, CACHE_KIB
from fiberq_storage.sqlite.rows import PAST, at, past
from fiberq_storage.sqlite.scope import Scope
from fiberq_storage.sqlite.tables import TABLES, Table

SYSTEM = {
    FID: "t.fid",
    GEOM: "t.geom",
    UUID: "t.fiberq_uuid",
    ID: "t.id",
    REV: "t.fiberq_rev",
    PROJECT: "t.project_id",
    MODIFIED_BY: "r.author_sub",
    MODIFIED_AT: "r.at",
}


@frozen
class Snapshot:
    """The project at *revision*, as two connections see it: *scope* by itself, *package* by attachment."""

    scope: Scope
    package: apsw.Connection
    revision: int
    _past: dict[str, bool] = field(factory=dict)  # layers that have replaced versions from then

    def fill(self, layers: Mapping[str, PackageLayer]) -> None:
        """Insert all rows of all layers. Needs `attach` and an open transaction."""
        self.lay_out_past()
        for name, table in TABLES.items():
            layer = layers[name]
            for rows in self.selections(table, layer):
                sql = f"INSERT INTO main.{ident(name)} ({idents(layer.names)}) {rows} ORDER BY t.fid"
                self.package.execute(sql, self.parameters)
        issues = layers[SYNC_ISSUES.name]
        sql = f"INSERT INTO main.{ident(issues.name)} ({idents(issues.names)}) VALUES ({marks(len(issues.names))})"
        self.package.executemany(sql, self.issues(issues, self.open_items()))

    @property
    def parameters(self) -> dict[str, Any]:
        """What `selections` and `sources` have for named parameters."""
        return {"project": self.scope.project.id, "revision": self.revision}

    def selections(self, table: Table, layer: PackageLayer, *before: str) -> Iterator[str]:
        """The queries that together give the rows of *table*, as t: *before*, then the values of `layer.names`."""
        columns = ", ".join([*before, *(self._value(table, column) for column in layer.names)])
        for source in self.sources(table):
            yield (
                f"SELECT {columns} FROM {source}"
                " LEFT JOIN store.revisions r ON r.project_id = :project AND r.revision = t.fiberq_rev"
                " WHERE t.project_id = :project AND +t.fiberq_rev <= :revision"
            )

    def open_items(self) -> Sequence[OpenItem]:
        """What was open in the inbox."""
        sql = (
            "SELECT id, opened, item FROM inbox WHERE project_id = ?1 AND opened <= ?2"
            " AND (closed IS NULL OR closed > ?2) ORDER BY id"
        )
        found: Any = self.scope.db.execute(sql, (self.scope.project.id, self.revision)).fetchall()
        return list(map(open_item, found))

    def issues(self, layer: PackageLayer, items: Iterable[OpenItem]) -> Iterator[tuple[Value | None, ...]]:
        """The rows of the layer of issues, each placed where the item's row was."""
        items = list(items)
        found = at(self.scope, [(key, self.revision) for item in items if (key := item.key)])
        rows = {key: stored for (key, _), stored in found.items()}
        return issue_records(layer, items, rows, self.scope.project.id)

    def _value(self, table: Table, column: str) -> str:
        """The expression for a package's column."""
        if column in table.columns:
            return self._reference_value(table, column)
        return SYSTEM.get(column) or f"fq_extra(t.extra, {literal(column)})"

    def _reference_value(self, table: Table, column: str) -> str:
        """A registered column as it is stored; local numbers of references are written anew."""
        for reference in table.layer.references:
            if column == reference.local_fid:
                return self._found(reference, column, lambda _, found: found)
            if column == reference.local_layer:
                return self._found(reference, column, lambda name, found: f"CASE WHEN {found} THEN {literal(name)} END")
        return f"t.{ident(column)}"

    def _found(self, reference: Reference, column: str, answer: Any) -> str:
        own, uuid = f"t.{ident(column)}", f"t.{ident(reference.column)}"
        found = [answer(name, fid) for name in reference.targets for fid in self._fids(TABLES[name], uuid)]
        tried = [own, *found] if column == reference.local_layer else [*found, own]
        return f"CASE WHEN {uuid} IS NULL THEN {own} ELSE coalesce({', '.join(tried)}) END"

    def _fids(self, target: Table, uuid: str) -> Iterator[str]:
        """Where to look for the number of the row with a uuid."""
        yield (
            f"(SELECT x.fid FROM store.{target.name} x WHERE x.project_id = :project AND x.fiberq_uuid = {uuid}"
            " AND x.fiberq_rev <= :revision)"
        )
        if target.layer.name in self._past:
            yield f"(SELECT x.fid FROM temp.{_past_name(target)} x WHERE x.fiberq_uuid = {uuid})"

    def sources(self, table: Table) -> Iterator[str]:
        """Where the rows of a layer are, as they were. They are read by fid: the `+` above forbids the other index."""
        yield f"store.{table.name} t"
        if table.layer.name in self._past:
            yield f"temp.{_past_name(table)} t"

    def lay_out_past(self) -> None:
        """Put the replaced versions that were current at the revision into temporary tables."""
        sql = f"SELECT {PAST} FROM history h WHERE h.project_id = ? AND h.until > ? AND h.rev <= ? ORDER BY h.layer"
        parameters = (self.scope.project.id, self.revision, self.revision)
        for stored in map(past, self.scope.db.execute(sql, parameters)):
            table = TABLES.get(stored.key.layer)
            if table is None:
                continue
            if stored.key.layer not in self._past:
                self._create_past(table)
            head = (stored.id, self.scope.project.id, stored.key.uuid, stored.fid, stored.rev)
            record = (*head, *table.record(stored.row, table.written))
            self.package.execute(f"INSERT INTO temp.{_past_name(table)} VALUES ({marks(len(record))})", record)

    def _create_past(self, table: Table) -> None:
        self._past[table.layer.name] = True
        columns = idents(_columns(table))
        self.package.execute(
            f"CREATE TEMP TABLE {_past_name(table)} AS SELECT {columns} FROM store.{table.name} LIMIT 0"
        )
        name = ident(f"past_{table.layer.table}_uuid")
        self.package.execute(f"CREATE INDEX temp.{name} ON {_past_name(table)} (fiberq_uuid)")


def attach(package: apsw.Connection, path: Path) -> None:
    """Attach the store to a package's connection.

    The package locks its own file for good; the store must stay free for everybody, hence the mode.
    """
    package.set_busy_timeout(BUSY_MS)
    package.execute("PRAGMA locking_mode = NORMAL")
    package.execute("ATTACH ? AS store", (str(path),))
    package.execute(f"PRAGMA store.cache_size = -{CACHE_KIB}")
    package.create_scalar_function("fq_extra", _extra_function(), 2, deterministic=True)


def layers_at(scope: Scope, revision: int) -> Sequence[PackageLayer]:
    """The tables of a package of the project at *revision*."""
    sql = "SELECT layer, name, type FROM extra_columns WHERE project_id = ? AND since <= ? ORDER BY since, name"
    found: Any = scope.db.execute(sql, (scope.project.id, revision)).fetchall()
    sql = "SELECT layer, last_fid FROM counters WHERE project_id = ?"
    last: dict[str, int] = dict(scope.db.execute(sql, (scope.project.id,)))
    return layers_with(found, last)


def _extra_function() -> Callable[..., Any]:
    """The function that finds an unregistered value: (all of a row's as JSON text, name) → value."""
    values = lru_cache(maxsize=16)(values_of)  # those of one row are asked for one after the other
    return lambda text, name: None if text is None else values(text).get(name)


def _columns(table: Table) -> tuple[str, ...]:
    return ("id", "project_id", "fiberq_uuid", "fid", "fiberq_rev", *table.written)


def _past_name(table: Table) -> str:
    return ident(f"past_{table.layer.table}")
