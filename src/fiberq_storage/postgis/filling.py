"""What a package holds of PostGIS, in SQL: the rows of a layer as they were at a revision, ready for SQLite.

Geometries come as GeoPackage blobs and times as text, both made by the database. What was current at
revision R is the current rows written at R or before, plus the replaced versions that were current then.
Every statement's parameters are the project and the revision.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fiberq_core.geopackage import FID, GEOM, PackageLayer
from fiberq_core.registry import ID, MODIFIED_AT, MODIFIED_BY, PROJECT, REV, UUID
from fiberq_core.registry.model import Kind, Reference
from fiberq_storage.postgis.tables import INSTANT, TABLES, Table, canonical_sql
from fiberq_storage.rowjson import values_of
from fiberq_storage.sql import ident, idents, literal

# The blob that `gpb.encode_gpb` makes. The four numbers of the envelope come as those of a point with Z and M.
BLOB = (
    "CASE WHEN GeometryType({0}) LIKE 'POINT%' THEN '\\x47500001e6100000'::bytea || ST_AsBinary({0}, 'NDR')"
    " ELSE '\\x47500003e6100000'::bytea || substr(ST_AsBinary(ST_MakePoint(ST_XMin({0}), ST_XMax({0}), ST_YMin({0}),"
    " ST_YMax({0})), 'NDR'), 6) || ST_AsBinary({0}, 'NDR') END"
)
SYSTEM = {
    FID: "t.fid",
    GEOM: f"CASE WHEN t.{GEOM} IS NOT NULL THEN {BLOB.format(f't.{GEOM}')} END",
    UUID: "t.fiberq_uuid::text",
    ID: "t.id",
    REV: "t.fiberq_rev",
    PROJECT: "t.project_id",
    MODIFIED_BY: "r.author_sub",
    MODIFIED_AT: f"to_char(r.at AT TIME ZONE 'UTC', '{INSTANT}')",
}


def rows_sql(layer: PackageLayer, more: str = "") -> str:
    """The records of a layer, in the order of fids; where the layer has unregistered columns, see `with_extra`.

    *more* is a condition on `t`, a row or version.
    """
    table = TABLES[layer.name]
    columns = [_value(table, column) for column in layer.names if not _is_extra(table, column)]
    if len(columns) < len(layer.names):
        columns.append("t.extra::text")
    return (
        f"SELECT {', '.join(columns)} FROM ({_as_of(table)}) t"
        " LEFT JOIN revisions r ON r.project_id = $1 AND r.revision = t.fiberq_rev"
        f"{f' WHERE {more}' if more else ''} ORDER BY t.fid"
    )


def with_extra(layer: PackageLayer) -> Callable[[Sequence[Any]], Sequence[Any]] | None:
    """Makes a record of `rows_sql` one with the values of unregistered columns; None where there are none."""
    table = TABLES[layer.name]
    extra = {column for column in layer.names if _is_extra(table, column)}
    if not extra:
        return None

    def record(found: Sequence[Any]) -> Sequence[Any]:
        values: Mapping[str, Any] = values_of(found[-1]) if found[-1] is not None else {}
        own = iter(found)
        return tuple(values.get(name) if name in extra else next(own) for name in layer.names)

    return record


def _as_of(table: Table) -> str:
    kept = idents(table.kept)
    return (
        f"SELECT {kept} FROM {table.name} WHERE project_id = $1 AND fiberq_rev <= $2 UNION ALL"
        f" SELECT {kept} FROM {table.past} WHERE project_id = $1 AND fiberq_rev <= $2 AND until > $2"
    )


def _is_extra(table: Table, column: str) -> bool:
    return column not in table.columns and column not in SYSTEM


def _value(table: Table, column: str) -> str:
    """The expression for a package's column; local numbers of references are written anew."""
    if column not in table.columns:
        return SYSTEM[column]
    for reference in table.layer.references:
        if column == reference.local_fid:
            return _found(reference, column, lambda _, fid: fid)
        if column == reference.local_layer:
            return _found(reference, column, lambda name, fid: f"CASE WHEN {fid} IS NOT NULL THEN {literal(name)} END")
    own = canonical_sql(table.columns[column], f"t.{ident(column)}")
    return f"{own}::int" if table.columns[column] is Kind.BOOLEAN else own


def _found(reference: Reference, column: str, answer: Callable[[str, str], str]) -> str:
    own, uuid = f"t.{ident(column)}", f"t.{ident(reference.column)}"
    found = [answer(name, fid) for name in reference.targets for fid in _fids(TABLES[name], uuid)]
    tried = [own, *found] if column == reference.local_layer else [*found, own]
    return f"CASE WHEN {uuid} IS NULL THEN {own} ELSE coalesce({', '.join(tried)}) END"


def _fids(target: Table, uuid: str) -> Sequence[str]:
    """Where to look for the number of the row with a uuid, as it was there at the revision."""
    same = f"x.project_id = $1 AND x.fiberq_uuid = {uuid} AND x.fiberq_rev <= $2"
    return (
        f"(SELECT x.fid FROM {target.name} x WHERE {same})",
        f"(SELECT x.fid FROM {target.past} x WHERE {same} AND x.until > $2)",
    )
