"""The registry as GeoPackage tables, and the note that says which export a file is.

Column order: the row's number and place, who it is (uuid, id, revision), what the registry knows,
what it does not know (`extra`, S20), and what the server notes (project, author, time).
"""

import json
import re
from collections.abc import Iterator, Mapping

from attrs import frozen

from fiberq_core.registry.model import GEOMETRY, Column, Kind, Layer, Shape
from fiberq_core.registry.system import ID, MODIFIED_AT, MODIFIED_BY, PROJECT, REV, SYSTEM, UUID
from fiberq_core.sent import Provenance

FID = "fid"
GEOM = "geom"
METADATA_URI = "urn:fiberq:export"
EXPORT_ID_LENGTH = 32  # hexadecimal digits; always as long, so that it can be set while bytes go out
PLACEHOLDER = "0" * EXPORT_ID_LENGTH
RESERVED = frozenset({FID, GEOM, GEOMETRY, *(column.name for column in SYSTEM)})

SQL_TYPE: Mapping[Kind, str] = {
    Kind.TEXT: "TEXT",
    Kind.INTEGER: "INTEGER",
    Kind.REAL: "REAL",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.DATETIME: "DATETIME",
    Kind.JSON: "TEXT",
    Kind.UUID: "TEXT",
}
GEOMETRY_TYPE: Mapping[Shape, str] = {
    Shape.NONE: "",
    Shape.POINT: "POINT",
    Shape.LINE: "LINESTRING",
    Shape.POLYGON: "POLYGON",
    Shape.ANY: "GEOMETRY",
}

_LEADING, _TRAILING = (UUID, ID, REV), (PROJECT, MODIFIED_BY, MODIFIED_AT)
_TYPES = (
    "BOOLEAN|TINYINT|SMALLINT|MEDIUMINT|INT|INTEGER|FLOAT|DOUBLE|REAL|DATE|DATETIME|(?:TEXT|BLOB)(?:\\(\\d{1,9}\\))?"
)
_KNOWN_TYPE = re.compile(_TYPES)
_AFFINITY = (
    ("INT", "INTEGER"),
    ("CHAR", "TEXT"),
    ("CLOB", "TEXT"),
    ("REAL", "REAL"),
    ("FLOA", "REAL"),
    ("DOUB", "REAL"),
)
_EXPORT_ID = re.compile(rf"[0-9a-f]{{{EXPORT_ID_LENGTH}}}")
_PROJECT = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@frozen
class PackageColumn:
    """One column of a table in a package."""

    name: str
    sql_type: str


@frozen
class PackageLayer:
    """One table of a package, without rows.

    *last_fid* is the highest fid that the layer ever used, so that none is used twice (S52).
    A table with a *natural_key* has no fid and none of the system's columns.
    """

    name: str
    description: str
    shape: Shape
    columns: tuple[PackageColumn, ...]
    last_fid: int = 0
    natural_key: str | None = None

    @property
    def spatial(self) -> bool:
        """Whether the table has a geometry column."""
        return self.shape is not Shape.NONE

    @property
    def names(self) -> tuple[str, ...]:
        """All column names in the order in which rows are given."""
        fid = () if self.natural_key else (FID,)
        geom = (GEOM,) if self.spatial else ()
        return (*fid, *geom, *(column.name for column in self.columns))


def package_layer(layer: Layer, extra: Mapping[str, str], last_fid: int = 0) -> PackageLayer:
    """The table of *layer*; *extra* are its unregistered columns with their declared types."""
    columns = package_columns(layer, extra)
    return PackageLayer(layer.name, layer.labels.en, layer.shape, columns, last_fid, layer.natural_key)


def package_columns(layer: Layer, extra: Mapping[str, str]) -> tuple[PackageColumn, ...]:
    """The columns of *layer* in a package, without fid and geometry.

    SQLite compares names without case: of two names that differ only so, the first is exported.
    """
    if layer.natural_key:
        return tuple(map(_typed, layer.columns))
    system = {column.name: column for column in SYSTEM}
    wanted = (
        *(_typed(system[name]) for name in _LEADING),
        *map(_typed, layer.columns),
        *(PackageColumn(name, declared_type(declared)) for name, declared in extra.items()),
        *(_typed(system[name]) for name in _TRAILING),
    )
    return tuple(_first_of_each(wanted, {*_TRAILING, FID, GEOM}))


def declared_type(text: str) -> str:
    """The GeoPackage type nearest to what a file declared, by SQLite's own rules of affinity."""
    name = " ".join(text.upper().split())
    if _KNOWN_TYPE.fullmatch(name):
        return name
    return next((sql for part, sql in _AFFINITY if part in name), "TEXT" if "TEXT" in name else "BLOB")


def provenance_text(provenance: Provenance) -> str:
    """The JSON document that an export carries in `gpkg_metadata`."""
    return json.dumps(
        {"export_id": provenance.export_id, "project": provenance.project, "revision": provenance.revision}
    )


def parse_provenance(text: object) -> Provenance | None:
    """What `provenance_text` wrote; None for anything else."""
    try:
        document = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    export_id, project, revision = (document.get(name) for name in ("export_id", "project", "revision"))
    if not (isinstance(export_id, str) and _EXPORT_ID.fullmatch(export_id)):
        return None
    if not (isinstance(project, str) and _PROJECT.fullmatch(project)):
        return None
    if not isinstance(revision, int) or isinstance(revision, bool) or not 0 <= revision < 2**63:
        return None
    return Provenance(export_id, project, revision)


def _typed(column: Column) -> PackageColumn:
    return PackageColumn(column.name, SQL_TYPE[column.kind])


def _first_of_each(columns: tuple[PackageColumn, ...], late: set[str]) -> Iterator[PackageColumn]:
    seen: set[str] = set()
    for column in columns:
        folded = column.name.casefold()
        if folded in seen or (folded in late and column.name not in _TRAILING):
            continue
        seen.add(folded)
        yield column
