"""Write a GeoPackage: tables first, rows by whoever has them, index, extents and triggers last.

Rows are inserted before the triggers exist, since their functions (`ST_MinX` …) are GDAL's. The file
is unusable until `finish` returns: write beside, then rename.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw
import numpy as np
from attrs import frozen

from fiberq_core.geopackage import GEOM, PackageLayer
from fiberq_core.rows import Value
from fiberq_core.sent import Provenance
from fiberq_storage.files.disk import sync
from fiberq_storage.gpkg import description, rtree, schema
from fiberq_storage.gpkg.blobs import Seen
from fiberq_storage.sql import ident, marks

_SETTINGS = {
    "page_size": description.PAGE_BYTES,
    "journal_mode": "OFF",  # the file is thrown away if this fails
    "synchronous": "OFF",  # `finish` does it once
    "locking_mode": "EXCLUSIVE",
    "cache_size": -8192,  # KiB: rows come in order, and are not looked at again
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
        values = marks(len(self.layers[layer].names))  # which the table has in that order, too
        with self.connection:
            self.connection.executemany(f"INSERT INTO {ident(layer)} VALUES ({values})", rows)

    def finish(self, *, durable: bool = True) -> Written:
        """Index, describe and close the file, and see it onto the disk if it is to last (*durable*)."""
        if self.connection.in_transaction:
            self.connection.execute("COMMIT")
        with self.connection:
            counts = {layer.name: self._finish_layer(layer) for layer in self.layers.values()}
        page = description.note_page(self.connection)
        self.connection.close()
        export_id_at = description.closed(Path(self.path), page)
        if durable:
            sync(Path(self.path))
        return Written(self.path, export_id_at, counts)

    def _create(self, provenance: Provenance) -> None:
        run = self.connection.execute
        for setting, value in _SETTINGS.items():
            run(f"PRAGMA {setting}={value}").fetchall()
        with self.connection:
            run(schema.BASE)
            references = "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)"
            self.connection.executemany(references, schema.SPATIAL_REFERENCES)
            description.note(self.connection, provenance, self._at)
            for table in ("gpkg_metadata", "gpkg_metadata_reference"):
                self._extension(table, None, "gpkg_metadata", schema.METADATA_DEFINITION, "read-write")
            for layer in self.layers.values():
                run(schema.create_table(layer))
                if layer.spatial:
                    run(schema.create_rtree(layer))

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
        description.keep_fids(self.connection, layer)
        run(schema.count_triggers(layer))
        return count

    def _index(self, layer: PackageLayer) -> Seen:
        seen = Seen()
        ids, boxes = [np.empty(0, np.int64)], [np.empty((0, 4))]
        for rows in description.heads(self.connection, layer):
            batch_ids, batch_boxes = seen.add(rows, lambda fid: description.geometry(self.connection, layer, fid))
            ids.append(batch_ids)
            boxes.append(batch_boxes)
        rtree.fill(self.connection, schema.rtree_name(layer.name), np.concatenate(ids), np.concatenate(boxes))
        return seen

    def _describe_geometry(self, layer: PackageLayer, seen: Seen) -> None:
        description.declare(self.connection, layer, description.declared(layer, seen))
        self._extension(layer.name, GEOM, "gpkg_rtree_index", schema.RTREE_DEFINITION, "write-only")
        self.connection.execute(schema.index_triggers(layer))

    def _one(self, query: str) -> str | int:
        value: str | int = self.connection.execute(query).get
        return value
