"""GeoPackages for tests: written by us, edited with the standard library as a client would."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely

from fiberq_core.geometry import encode_gpb
from fiberq_core.geopackage import PackageLayer, package_layer
from fiberq_core.registry import LAYER, LAYERS
from fiberq_core.sent import Provenance, SentFile, SentLayer
from fiberq_storage.gpkg.writer import PackageWriter, Written

AT = "2026-05-01T10:00:00.000Z"
PROVENANCE = Provenance("ab" * 16, "5f1b3c0a-6d0e-5c0b-9f3e-f1be79000001", 7)
UUID = "00000000-0000-4000-8000-{:012d}"
WKT = {"POINT": "POINT (20.5 44.8)", "LINE": "LINESTRING (20 44, 21 45)", "ANY": "POINT (1 2)"}
WKT |= {"POLYGON": "POLYGON ((0 0, 10 0, 10 10, 0 0))", "NONE": ""}

Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def wkb(wkt: str, **options: Any) -> bytes:
    """WKB of a text, canonical unless *options* say otherwise."""
    return bytes(shapely.to_wkb(shapely.from_wkt(wkt), **{"flavor": "iso", "byte_order": 1, **options}))


def gpb(wkt: str) -> bytes:
    """The GeoPackage blob of a text."""
    return encode_gpb(wkb(wkt))


def a_row(fid: int, wkt: str = "", **values: Any) -> dict[str, Any]:
    """A row as an export writes it, with uuid and revision."""
    system = {"fid": fid, "id": fid, "fiberq_uuid": UUID.format(fid), "fiberq_rev": 3, "project_id": 1}
    return {**system, "_modified_at": "2026-04-01T09:00:00.250Z", **({"geom": gpb(wkt)} if wkt else {}), **values}


def a_package(
    path: Path, rows: Rows, *, extra: Mapping[str, Mapping[str, str]] | None = None, last_fid: int = 0
) -> Written:
    """A whole export with *rows*; layers that are not named are empty."""
    layers = [package_layer(layer, (extra or {}).get(layer.name, {}), last_fid) for layer in LAYERS]
    with PackageWriter(str(path), layers, provenance=PROVENANCE, at=AT) as writer:
        for layer in layers:
            writer.fill(layer.name, [_in_order(layer, row) for row in rows.get(layer.name, ())])
        return writer.finish()


def full_package(path: Path, count: int = 3) -> Written:
    """An export with *count* rows in every layer that has rows of its own."""
    rows: dict[str, list[dict[str, Any]]] = {
        layer.name: [a_row(i + 1, WKT[layer.shape.name], **FILLED.get(layer.name, {})) for i in range(count)]
        for layer in LAYERS
        if not layer.natural_key
    }
    rows["_fiberq_metadata"] = [{"key": "schema_version", "value": "1.0"}]
    return a_package(path, rows)


FILLED: Mapping[str, Mapping[str, Any]] = {
    "OKNA": {"broj_okna": "O-1", "debl_zida": 12.5, "br_nosaca": 4, "poklop_tes": 1, "napomena": "čišćeno Ђ"},
    "Kablovi_podzemni": {"naziv": "K-12", "duzina_m": 202.85030057757567, "broj_vlakana": 48},
}


def edit(path: Path, *statements: str, **functions: Any) -> None:
    """Run SQL in a package, with the functions that its triggers call."""
    connection = sqlite3.connect(path, isolation_level=None)
    for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
        connection.create_function(name, 1, lambda _: 0)
    for name, function in functions.items():
        connection.create_function(name, 0, lambda f=function: f)
    for statement in statements:
        connection.executescript(statement) if ";" in statement else connection.execute(statement)
    connection.close()


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    connection = sqlite3.connect(path)
    rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def layer_of(name: str, **extra: str) -> PackageLayer:
    """The table of one layer."""
    return package_layer(LAYER[name], extra)


def _in_order(layer: PackageLayer, row: Mapping[str, Any]) -> list[Any]:
    return [row.get(name) for name in layer.names]


def layer(file: SentFile, source: str) -> SentLayer:
    """One layer of a file, by its table."""
    return next(one for one in file.layers if one.source == source)


def plain_gpkg(path: Path, *statements: str, srs: tuple[int, str, int, str] = (4326, "EPSG", 4326, "")) -> Path:
    """A bare GeoPackage of a stranger: contents, geometry columns, one CRS, and whatever *statements* add."""
    edit(
        path,
        "PRAGMA application_id = 1196444487",
        "CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT, srs_id INTEGER)",
        "CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER)",
        "CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER, organization TEXT, organization_coordsys_id, definition TEXT)",
    )
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?)", srs)
    connection.commit()
    connection.close()
    edit(path, *statements)
    return path


def a_table(name: str, columns: str, *, geometry: str | None = "geom", srs: int = 4326) -> tuple[str, ...]:
    """The statements that add a table of a stranger."""
    place = f", {geometry} BLOB" if geometry else ""
    said = (f"INSERT INTO gpkg_geometry_columns VALUES ('{name}', '{geometry}', {srs})",) if geometry else ()
    kind = "features" if geometry else "attributes"
    return (
        f'CREATE TABLE "{name}" (fid INTEGER PRIMARY KEY{place}{", " + columns if columns else ""})',
        f"INSERT INTO gpkg_contents VALUES ('{name}', '{kind}', {srs})",
        *said,
    )


def hexed(blob: bytes) -> str:
    """A blob as an SQL literal."""
    return f"x'{blob.hex()}'"
