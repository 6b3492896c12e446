"""What a package says of itself, apart from its rows: where it comes from, its geometry types, its next numbers."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import apsw

from fiberq_core.geopackage import FID, GEOM, GEOMETRY_TYPE, METADATA_URI, PackageLayer, provenance_text
from fiberq_core.sent import Provenance
from fiberq_storage.gpkg import schema
from fiberq_storage.gpkg.blobs import HEAD, Seen
from fiberq_storage.sql import ident, literal

PAGE_BYTES = 4096
_BATCH = 5000
_COUNTERS_AT = (24, 92)  # in SQLite's header: how often the file was written, and which of these writes knew its size
_FRESH = (1).to_bytes(4, "big")
Declared = tuple[str, int, int]  # geometry type; whether Z, M may stand in it: 0 never, 2 in some


def note(connection: apsw.Connection, provenance: Provenance, at: str) -> None:
    """Say which export this is and when it was made, instead of what was said before."""
    run = connection.execute
    document = provenance_text(provenance)
    run("DELETE FROM gpkg_metadata")  # emptied first: so the document always stands at the end of its page
    run("DELETE FROM gpkg_metadata_reference")
    run("INSERT INTO gpkg_metadata VALUES (1, 'dataset', ?, 'application/json', ?)", (METADATA_URI, document))
    run("INSERT INTO gpkg_metadata_reference VALUES ('geopackage', NULL, NULL, NULL, ?, 1, NULL)", (at,))


def note_page(connection: apsw.Connection) -> int:
    """The number of the page that holds what `note` wrote."""
    return int(connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'gpkg_metadata'").get)


def closed(path: Path, page: int) -> int:
    """The offset of the export's id in a file that was just closed. *page*: what `note_page` said.

    SQLite's counter of writes is set back, so that every package starts from the same: what devices send is told
    apart by it (S14), and a package may come from one transaction or from a chain of them.
    """
    start = (page - 1) * PAGE_BYTES
    mark = b'{"export_id": "'
    with path.open("r+b") as file:
        for at in _COUNTERS_AT:
            os.pwrite(file.fileno(), _FRESH, at)
        return start + os.pread(file.fileno(), PAGE_BYTES, start).index(mark) + len(mark)


def declared(layer: PackageLayer, seen: Seen) -> Declared:
    """What a layer's geometries are declared as that turned out as *seen*."""
    return seen.type_name(GEOMETRY_TYPE[layer.shape]), 2 * seen.has_z, 2 * seen.has_m


def declare(connection: apsw.Connection, layer: PackageLayer, now: Declared) -> None:
    """Declare the geometries of a layer, in the table's own SQL too: GeoPackage wants both to agree."""
    values = (layer.name, GEOM, now[0], schema.WGS84_ID, *now[1:])
    connection.execute("INSERT OR REPLACE INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, ?, ?)", values)
    sql = schema.create_table(layer, now[0])
    run = connection.execute
    run("PRAGMA writable_schema=ON").fetchall()
    run("UPDATE sqlite_schema SET sql = ?1 WHERE type = 'table' AND name = ?2 AND sql <> ?1", (sql, layer.name))
    run("PRAGMA writable_schema=OFF").fetchall()


def keep_fids(connection: apsw.Connection, layer: PackageLayer) -> None:
    """See to it that the next fid is above all that the layer ever had (S52)."""
    run, name = connection.execute, literal(layer.name)
    run(f"INSERT INTO sqlite_sequence SELECT {name}, 0 WHERE {name} NOT IN (SELECT name FROM sqlite_sequence)")
    run(f"UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = {name}", (layer.last_fid,))


def heads(connection: apsw.Connection, layer: PackageLayer) -> Iterator[list[tuple[int, bytes]]]:
    """The beginnings of all geometries of a layer, by fid, some thousand at a time."""
    head = f"substr({ident(GEOM)}, 1, {HEAD})"
    query = f"SELECT {ident(FID)}, {head} FROM {ident(layer.name)} WHERE {ident(GEOM)} NOT NULL"
    cursor = connection.execute(query)
    while batch := list(islice(cursor, _BATCH)):
        yield batch


def geometry(connection: apsw.Connection, layer: PackageLayer, fid: int) -> bytes:
    """The geometry of one row."""
    query = f"SELECT {ident(GEOM)} FROM {ident(layer.name)} WHERE {ident(FID)} = ?"
    return bytes(connection.execute(query, (fid,)).get)
