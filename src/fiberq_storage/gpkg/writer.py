"""Write a GeoPackage: tables first, rows by whoever has them, index, extents and triggers last.

Rows are inserted before the triggers exist, since their functions (`ST_MinX` …) are GDAL's. The file
is unusable until `finish` returns: write beside, then rename.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import numpy as np
from attrs import frozen

from fiberq_core.geopackage import (
    FID,
    GEOM,
    GEOMETRY_TYPE,
    METADATA_URI,
    PackageLayer,
    provenance_text,
)
from fiberq_core.rows import Value
from fiberq_core.sent import Provenance
from fiberq_storage.gpkg import blobs, rtree, schema
from fiberq_storage.sql import ident, literal

PAGE_BYTES = 4096
_BATCH = 5000
_SETTINGS = {
    "page_size": PAGE_BYTES,
    "journal_mode": "OFF",  # the file is thrown away if this fails
    "synchronous": "OFF",  # `finish` does it once
    "locking_mode": "EXCLUSIVE",
    "cache_size": -32768,  # KiB
    "application_id": schema.APPLICATION_ID,
    "user_version": schema.USER_VERSION,
}


@frozen
class Written:
    """A finished package. *export_id_at* is the offset of the export's id in the file, ready to be overwritten."""

    path: str
    export_id_at: int
    rows: dict[str, int]


class PackageWriter:
    """Writes one package to *path*, which must not exist yet.

    *at* is the time that the file says it was made: UTC, ISO 8601 with milliseconds.
    `connection` is public: a store may attach itself to it and fill the tables by `INSERT … SELECT`.
    """

    def __init__(self, path: str, layers: Sequence[PackageLayer], *, provenance: Provenance, at: str) -> None:
        self.path = path
        self.layers = {layer.name: layer for layer in layers}
        self._at = at
        self.connection = apsw.Connection(path)
        try:
            self._create(provenance)
        except BaseException:
            self.connection.close(True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close(True)

    def fill(self, layer: str, rows: Iterable[Sequence[Value | None]]) -> None:
        """Insert *rows*, each with the values of `PackageLayer.names` in that order; geometries as blobs."""
        names = self.layers[layer].names
        columns, marks = ", ".join(map(ident, names)), ", ".join("?" * len(names))
        with self.connection:
            self.connection.executemany(f"INSERT INTO {ident(layer)} ({columns}) VALUES ({marks})", rows)

    def finish(self) -> Written:
        """Index, describe and close the file, and see it onto the disk."""
        if self.connection.in_transaction:
            self.connection.execute("COMMIT")
        with self.connection:
            counts = {layer.name: self._finish_layer(layer) for layer in self.layers.values()}
        page = int(self._one("SELECT rootpage FROM sqlite_schema WHERE name = 'gpkg_metadata'"))
        self.connection.close()
        with Path(self.path).open("rb") as file:
            os.fsync(file.fileno())
            at = _offset_of_export_id(file.fileno(), page)
        return Written(self.path, at, counts)

    def _create(self, provenance: Provenance) -> None:
        run = self.connection.execute
        for setting, value in _SETTINGS.items():
            run(f"PRAGMA {setting}={value}").fetchall()
        with self.connection:
            run(schema.BASE)
            references = "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)"
            self.connection.executemany(references, schema.SPATIAL_REFERENCES)
            self._note(provenance)
            for layer in self.layers.values():
                run(schema.create_table(layer))
                if layer.spatial:
                    run(schema.create_rtree(layer))

    def _note(self, provenance: Provenance) -> None:
        run = self.connection.execute
        document = provenance_text(provenance)
        run("INSERT INTO gpkg_metadata VALUES (1, 'dataset', ?, 'application/json', ?)", (METADATA_URI, document))
        run("INSERT INTO gpkg_metadata_reference VALUES ('geopackage', NULL, NULL, NULL, ?, 1, NULL)", (self._at,))
        for table in ("gpkg_metadata", "gpkg_metadata_reference"):
            self._extension(table, None, "gpkg_metadata", schema.METADATA_DEFINITION, "read-write")

    def _extension(self, table: str, column: str | None, name: str, definition: str, scope: str) -> None:
        self.connection.execute(
            "INSERT INTO gpkg_extensions VALUES (?, ?, ?, ?, ?)", (table, column, name, definition, scope)
        )

    def _finish_layer(self, layer: PackageLayer) -> int:
        run = self.connection.execute
        count = int(self._one(f"SELECT count(*) FROM {ident(layer.name)}"))
        if layer.natural_key:
            return count  # GeoPackage wants integer keys of the tables in `gpkg_contents`
        seen = self._index(layer) if layer.spatial else None
        box = seen.extent if seen and seen.extent else (None,) * 4
        kind, srs = ("features", schema.WGS84_ID) if layer.spatial else ("attributes", None)
        run(
            "INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (layer.name, kind, layer.name, layer.description, self._at, *box, srs),
        )
        run("INSERT INTO gpkg_ogr_contents VALUES (?, ?)", (layer.name, count))
        if seen:
            self._describe_geometry(layer, seen)
        self._keep_fids(layer)
        run(schema.count_triggers(layer))
        return count

    def _index(self, layer: PackageLayer) -> blobs.Seen:
        head = f"substr({ident(GEOM)}, 1, {blobs.HEAD})"
        query = f"SELECT {ident(FID)}, {head} FROM {ident(layer.name)} WHERE {ident(GEOM)} NOT NULL"
        seen = blobs.Seen()
        cursor = self.connection.execute(query)
        ids, boxes = [np.empty(0, np.int64)], [np.empty((0, 4))]
        for rows in _batches(cursor):
            batch_ids, batch_boxes = seen.add(rows, lambda fid: self._blob(layer, fid))
            ids.append(batch_ids)
            boxes.append(batch_boxes)
        rtree.fill(self.connection, schema.rtree_name(layer.name), np.concatenate(ids), np.concatenate(boxes))
        return seen

    def _blob(self, layer: PackageLayer, fid: int) -> bytes:
        query = f"SELECT {ident(GEOM)} FROM {ident(layer.name)} WHERE {ident(FID)} = ?"
        return bytes(self.connection.execute(query, (fid,)).get)

    def _describe_geometry(self, layer: PackageLayer, seen: blobs.Seen) -> None:
        declared = GEOMETRY_TYPE[layer.shape]
        name = seen.type_name(declared)
        if name != declared:
            self._redeclare(layer, name)
        values = (layer.name, GEOM, name, schema.WGS84_ID, 2 * seen.has_z, 2 * seen.has_m)
        self.connection.execute("INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, ?, ?)", values)
        self._extension(layer.name, GEOM, "gpkg_rtree_index", schema.RTREE_DEFINITION, "write-only")
        self.connection.execute(schema.index_triggers(layer))

    def _redeclare(self, layer: PackageLayer, geometry_type: str) -> None:
        """Have the table's own SQL say what its rows turned out to be; GeoPackage wants both to agree."""
        run, sql = self.connection.execute, schema.create_table(layer, geometry_type)
        run("PRAGMA writable_schema=ON").fetchall()
        run("UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?", (sql, layer.name))
        run("PRAGMA writable_schema=OFF").fetchall()

    def _keep_fids(self, layer: PackageLayer) -> None:
        run, name = self.connection.execute, literal(layer.name)
        run(f"INSERT INTO sqlite_sequence SELECT {name}, 0 WHERE {name} NOT IN (SELECT name FROM sqlite_sequence)")
        run(f"UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = {name}", (layer.last_fid,))

    def _one(self, query: str) -> str | int:
        value: str | int = self.connection.execute(query).get
        return value


def _batches(cursor: apsw.Cursor) -> Iterator[list[tuple[int, bytes]]]:
    batch: list[tuple[int, bytes]] = []
    for row in cursor:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _offset_of_export_id(descriptor: int, page: int) -> int:
    start = (page - 1) * PAGE_BYTES
    mark = b'{"export_id": "'
    return start + os.pread(descriptor, PAGE_BYTES, start).index(mark) + len(mark)
