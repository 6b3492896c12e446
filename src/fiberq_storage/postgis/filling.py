"""What a package holds of PostGIS, in SQL: the rows of a layer as they were at a revision, ready for SQLite.

Geometries come as GeoPackage blobs and times as text, both made by the database. What was current at
revision R is the current rows written at R or before, plus the replaced versions that were current then.
Who wrote a revision and when is the same for many rows, so it does not travel with each of them.
Every statement's parameters are the project and the revision.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from fiberq_core.geopackage import FID, GEOM, PackageLayer
from fiberq_core.registry import ID, MODIFIED_AT, MODIFIED_BY, PROJECT, REV, UUID
from fiberq_core.registry.model import Kind, Reference
from fiberq_storage.packaging import layers_with
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.tables import INSTANT, TABLES, Table, canonical_sql
from fiberq_storage.rowjson import values_of
from fiberq_storage.sql import ident, idents, literal

# The blob that `gpb.encode_gpb` makes. The four numbers of the envelope come as those of a point with Z and M;
# what is empty has none.
WKB = f"ST_AsBinary(t.{GEOM}, 'NDR')"
CORNERS = ", ".join(f"ST_{corner}(t.{GEOM})" for corner in ("XMin", "XMax", "YMin", "YMax"))
BLOB = (
    f"CASE WHEN GeometryType(t.{GEOM}) LIKE 'POINT%' AND NOT ST_IsEmpty(t.{GEOM})"
    f" THEN '\\x47500001e6100000'::bytea || {WKB} ELSE coalesce("
    f"'\\x47500003e6100000'::bytea || substr(ST_AsBinary(ST_MakePoint({CORNERS}), 'NDR'), 6) || {WKB},"
    f" '\\x47500011e6100000'::bytea || {WKB}) END"
)
SYSTEM = {FID: "t.fid", GEOM: BLOB, UUID: "t.fiberq_uuid::text", ID: "t.id", REV: "t.fiberq_rev"}
NOTED = (PROJECT, MODIFIED_BY, MODIFIED_AT)  # the last columns of every layer that the server notes them in

NOBODY = (None, None)

Made = Mapping[int, tuple[str, str]]  # revision → who made it and when
Record = Sequence[Any]


@frozen
class Snapshot:
    """The project of *scope* at *revision*, as packages hold it."""

    scope: Scope
    revision: int
    past: bool = field(init=False)  # whether there are replaced versions that were current then

    @past.default
    def _is_past(self) -> bool:
        return self.revision < self.scope.project.revision

    @property
    def parameters(self) -> tuple[int, int]:
        """Those of every statement."""
        return self.scope.project.id, self.revision

    async def layers(self) -> Sequence[PackageLayer]:
        """The tables of the package."""
        sql = "SELECT layer, name, type FROM extra_columns WHERE project_id = $1 AND since <= $2 ORDER BY since, name"
        extra = await self.scope.db.fetch(sql, *self.parameters)
        parts = (f"SELECT {literal(name)}, {_last_fid(name)}" for name in TABLES)
        return layers_with(extra, dict(await self.scope.db.fetch(" UNION ALL ".join(parts))))

    async def made(self, revisions: Collection[int] | None = None) -> Made:
        """Who made *revisions*, all up to this one by default, and when."""
        instant = f"to_char(at AT TIME ZONE 'UTC', '{INSTANT}')"
        sql = f"SELECT revision, author_sub, {instant} FROM revisions WHERE project_id = $1 AND revision <= $2"
        if revisions is None:
            found = await self.scope.db.fetch(sql, *self.parameters)
        else:
            found = await self.scope.db.fetch(f"{sql} AND revision = ANY($3::bigint[])", *self.parameters, revisions)
        return {revision: (author, at) for revision, author, at in found}

    def records_sql(self, layer: PackageLayer, only: str = "") -> Iterator[str]:
        """The queries that together give the records of a layer, which `completing` makes rows; each by fid.

        *only*: a condition on `t`.
        """
        table = TABLES[layer.name]
        columns = [self._value(table, column) for column in _read(layer)]
        columns += ["t.extra::text"] if _unregistered(layer) else []
        where = f" WHERE {only}" if only else ""
        for rows in self._sources(table):
            yield f"SELECT {', '.join(columns)} FROM ({rows}) t{where} ORDER BY t.fid"

    def rows_sql(self, table: Table) -> str:
        """The rows of a layer as they were at the revision."""
        return " UNION ALL ".join(self._sources(table))

    def _sources(self, table: Table) -> Iterator[str]:
        """Current rows, and replaced versions, that were there at the revision."""
        kept = idents(table.kept)
        then = "WHERE project_id = $1 AND fiberq_rev <= $2"
        yield f"SELECT {kept} FROM {table.name} {then}"
        if self.past:
            yield f"SELECT {kept} FROM {table.past} {then} AND until > $2"

    def _value(self, table: Table, column: str) -> str:
        """The expression for a package's column; local numbers of references are written anew."""
        if column not in table.columns:
            return SYSTEM[column]
        for reference in table.layer.references:
            if column == reference.local_fid:
                return self._found(reference, column, lambda _, fid: fid)
            if column == reference.local_layer:
                return self._found(reference, column, _named)
        own = canonical_sql(table.columns[column], f"t.{ident(column)}")
        return f"{own}::int" if table.columns[column] is Kind.BOOLEAN else own

    def _found(self, reference: Reference, column: str, answer: Callable[[str, str], str]) -> str:
        own, uuid = f"t.{ident(column)}", f"t.{ident(reference.column)}"
        found = [answer(name, fid) for name in reference.targets for fid in self._fids(TABLES[name], uuid)]
        tried = [own, *found] if column == reference.local_layer else [*found, own]
        return f"CASE WHEN {uuid} IS NULL THEN {own} ELSE coalesce({', '.join(tried)}) END"

    def _fids(self, target: Table, uuid: str) -> Iterator[str]:
        """Where to look for the number of the row with a uuid, as it was there at the revision.

        They are looked up by uuid: the `+ 0` forbids the index that would find all that ended since.
        """
        same = f"x.project_id = $1 AND x.fiberq_uuid = {uuid} AND x.fiberq_rev <= $2"
        yield f"(SELECT x.fid FROM {target.name} x WHERE {same})"
        if self.past:
            yield f"(SELECT x.fid FROM {target.past} x WHERE {same} AND x.until + 0 > $2)"


def completing(layer: PackageLayer, project: int, made: Made) -> Callable[[Record], Record]:
    """Makes a record of `Snapshot.records_sql` a row of the package: with unregistered values, and what is noted."""
    if layer.natural_key:
        return tuple
    read = _read(layer)
    rev, extra = read.index(REV), _unregistered(layer)
    if not extra:
        return lambda found: (*found, project, *made.get(found[rev], NOBODY))

    def complete(found: Record) -> Record:
        values = values_of(found[-1]) if found[-1] is not None else {}
        return (*found[:-1], *map(values.get, extra), project, *made.get(found[rev], NOBODY))

    return complete


def revisions_in(layer: PackageLayer, records: Collection[Record]) -> set[int]:
    """The revisions that wrote *records*."""
    if layer.natural_key:
        return set()
    rev = _read(layer).index(REV)
    return {record[rev] for record in records}


def _read(layer: PackageLayer) -> list[str]:
    """The columns that are read from the database as they are, in the order of the package."""
    table = TABLES[layer.name]
    return [name for name in layer.names if name in table.columns or name in SYSTEM]


def _unregistered(layer: PackageLayer) -> list[str]:
    table = TABLES[layer.name]
    return [n for n in layer.names if not (n in table.columns or n in SYSTEM or n in NOTED)]


def _named(layer: str, fid: str) -> str:
    return f"CASE WHEN {fid} IS NOT NULL THEN {literal(layer)} END"


def _last_fid(layer: str) -> str:
    """The highest number that rows of a layer ever got, in any project."""
    return f"coalesce(pg_sequence_last_value({literal(TABLES[layer].layer.table + '_fid_seq')}), 0)"
