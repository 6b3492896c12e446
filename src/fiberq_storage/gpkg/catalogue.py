"""What is in a stranger's GeoPackage: which tables are layers of ours, and how they are built.

Names come from the registry and are looked up in the file, never the other way round. A layer must be
a plain table: SQLite would run code for a view, a virtual table or a generated column.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from attrs import frozen

from fiberq_core.errors import BadPackage, TooLarge
from fiberq_core.registry.names import Recognised, recognise
from fiberq_storage.crs import MAX_DEFINITION, Declared
from fiberq_storage.gpkg.connection import MAX_COLUMNS, Untrusted
from fiberq_storage.sql import ident

MAX_TABLES = 5_000
NAMED_IN_CONTENTS = frozenset({"features", "attributes"})
NOT_WORTH_A_WORD = re.compile(
    r"layer_styles|qgis_projects|data_licenses|(?:gpkg|sqlite|rtree|fts|gpkgext)_.*", re.IGNORECASE
)
_PLAIN_TABLE = re.compile(r"\s*CREATE\s+TABLE\s", re.IGNORECASE)
_WITHOUT_ROWID = re.compile(r"\bWITHOUT\s+ROWID\b", re.IGNORECASE)  # in what stands after the last bracket
_ROWIDS = ("rowid", "_rowid_", "oid")


@frozen
class FileColumn:
    """One column as the file declares it."""

    name: str
    declared: str


@frozen
class FileTable:
    """A table that is a layer of ours. *fid* is an SQL expression; *geometry* the name of the geometry column."""

    name: str
    recognised: Recognised
    fid: str
    columns: tuple[FileColumn, ...]
    geometry: str | None
    srs_id: int | None

    @property
    def names(self) -> tuple[str, ...]:
        """All its columns, as the file spells them."""
        place = (self.geometry,) if self.geometry else ()
        return (self.fid, *place, *(column.name for column in self.columns))


@frozen
class Catalogue:
    """The layers of a file, the tables that are none of ours, and the coordinate systems that it describes."""

    tables: tuple[FileTable, ...]
    unknown: tuple[str, ...]
    references: Mapping[int, Declared]


def read_catalogue(file: Untrusted) -> Catalogue:
    """Find the layers of a file and check that they can be read. Raises: BadPackage, TooLarge."""
    schema = _schema(file)
    _allow(file, schema, "gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys")
    if "gpkg_contents" not in file.tables:
        raise BadPackage("The file is not a GeoPackage: it has no table of contents")
    contents = list(_some(file, "SELECT table_name, data_type FROM gpkg_contents", MAX_TABLES))
    geometries = {str(t).casefold(): (c, s) for t, c, s in _geometry_columns(file)}
    found = [(name, r) for name, _, _ in schema.values() if (r := _layer(name))]
    _allow(file, schema, *(name for name, _ in found), required=True)
    tables = tuple(_table(file, schema, name, r, geometries.get(name.casefold())) for name, r in found)
    ours = {table.name for table in tables}
    unknown = tuple(
        str(name)
        for name, kind in contents
        if kind in NAMED_IN_CONTENTS and name not in ours and not NOT_WORTH_A_WORD.fullmatch(str(name))
    )
    return Catalogue(tables, unknown, _references(file))


def quick_check(file: Untrusted, table: str) -> None:
    """Have SQLite look at every page of a table before its content is believed. Raises: BadPackage."""
    for (word,) in file.rows(f"PRAGMA main.quick_check({ident(table)})"):
        if word != "ok" and not str(word).startswith(
            ("NULL value in", "non-unique", "NUMERIC value in", "TEXT value in")
        ):
            raise BadPackage("The file is damaged: a page of it makes no sense")


def _schema(file: Untrusted) -> dict[str, tuple[str, str, str]]:
    """Every table and view by its name in lower case: name, what it is, its SQL."""
    query = "SELECT name, type, rootpage, sql FROM main.sqlite_schema WHERE type IN ('table', 'view')"
    found, roots = {}, []
    for name, kind, root, sql in _some(file, query, MAX_TABLES):
        roots += [root] if root else []
        plain = kind == "table" and isinstance(root, int) and root > 0 and _PLAIN_TABLE.match(str(sql))
        found[str(name).casefold()] = (str(name), "table" if plain else "other", str(sql))
    if len(roots) != len(set(roots)):
        raise BadPackage("The file is damaged: two of its tables are in one place")
    return found


def _layer(name: str) -> Recognised | None:
    return None if NOT_WORTH_A_WORD.fullmatch(name) else recognise(name)


def _allow(file: Untrusted, schema: Mapping[str, tuple[str, str, str]], *names: str, required: bool = False) -> None:
    for name in names:
        kind = schema.get(name.casefold(), ("", "absent", ""))[1]
        if kind == "other" or (required and kind != "table"):
            raise BadPackage(f"{_shown(name)} is a view or a virtual table; a layer must be a plain table")
        if kind == "table":
            file.tables.add(name.casefold())
            if not required:
                quick_check(file, name)  # layers are checked by whoever reads them, several at a time


def _table(
    file: Untrusted,
    schema: Mapping[str, tuple[str, str, str]],
    name: str,
    recognised: Recognised,
    geometry: tuple[object, object] | None,
) -> FileTable:
    info = list(islice(file.rows(f"PRAGMA main.table_xinfo({ident(name)})"), MAX_COLUMNS + 1))
    if len(info) > MAX_COLUMNS:
        raise BadPackage(f"{_shown(name)} has more than {MAX_COLUMNS} columns")
    if any(hidden for *_, hidden in info):
        raise BadPackage(f"{_shown(name)} has computed columns; a layer must hold plain values")
    columns = tuple(FileColumn(str(row[1]), str(row[2] or "")) for row in info)
    keys = [str(row[1]) for row in info if row[5]]
    integer_key = len(keys) == 1 and next(str(r[2]).upper() for r in info if r[5]) == "INTEGER"
    fid = keys[0] if integer_key else _rowid(name, schema[name.casefold()][2], columns)
    place, srs_id = geometry or (None, None)
    named = next((c.name for c in columns if c.name.casefold() == str(place).casefold()), None) if place else None
    rest = tuple(c for c in columns if c.name not in (named, keys[0] if integer_key else None))
    return FileTable(name, recognised, fid, rest, named, srs_id if isinstance(srs_id, int) else None)


def _rowid(name: str, sql: str, columns: tuple[FileColumn, ...]) -> str:
    taken = {column.name.casefold() for column in columns}
    free = [word for word in _ROWIDS if word not in taken]
    if _WITHOUT_ROWID.search(sql.rpartition(")")[2]) or not free:
        raise BadPackage(f"{_shown(name)} has no row numbers")
    return free[0]


def _geometry_columns(file: Untrusted) -> Iterator[tuple[object, ...]]:
    if "gpkg_geometry_columns" not in file.tables:
        return iter(())
    return _some(file, "SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns", MAX_TABLES)


def _references(file: Untrusted) -> dict[int, Declared]:
    if "gpkg_spatial_ref_sys" not in file.tables:
        return {}
    texts = f"substr(organization, 1, {MAX_DEFINITION}), organization_coordsys_id, substr(definition, 1, {MAX_DEFINITION + 1})"
    query = f"SELECT srs_id, {texts} FROM gpkg_spatial_ref_sys"
    return {
        srs_id: Declared(srs_id, str(organization), code if isinstance(code, int) else -1, str(definition))
        for srs_id, organization, code, definition in _some(file, query, MAX_TABLES)
        if isinstance(srs_id, int)
    }


def _some(file: Untrusted, query: str, limit: int) -> Iterator[tuple[object, ...]]:
    for count, row in enumerate(file.rows(query)):
        if count >= limit:
            raise TooLarge("The file has too many tables", limit)
        yield row


def _shown(name: str) -> str:
    return f"“{name[:60]}”"
