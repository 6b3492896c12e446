"""Make the package of one revision that of a later one, in place: some rows instead of all.

What comes out holds what a package holds that is written anew, down to the types that its geometries are declared
with; the work grows with the rows that changed. The file is thrown away if this fails: patch a private copy.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import numpy as np
from attrs import frozen

from fiberq_core.geopackage import FID, GEOM, PackageLayer
from fiberq_core.rows import Value
from fiberq_core.sent import Provenance
from fiberq_storage.files.disk import sync
from fiberq_storage.files.source import Delta, LayerDelta
from fiberq_storage.gpkg import description, rtree, schema
from fiberq_storage.gpkg.blobs import HEAD, Boxes, Ids, Seen
from fiberq_storage.sql import ident, idents, marks

Extent = tuple[float, float, float, float]  # min x, min y, max x, max y
Geometries = Mapping[int, bytes]  # by fid

SETTINGS = {
    "journal_mode": "OFF",
    "synchronous": "OFF",  # whoever keeps the file sees it onto the disk
    "locking_mode": "EXCLUSIVE",
    "secure_delete": "ON",  # what was deleted must not go to a device in what a page has left over
    "cache_size": -65536,  # KiB
}
HOLLOW = 10  # one page in so many may be unused; a package with more is better written anew
BOX = (0, 2, 1, 3)  # an extent in the order of `Boxes`


def rows_in(path: Path) -> int:
    """How many rows a package has."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return int(db.execute("SELECT sum(feature_count) FROM gpkg_ogr_contents").get or 0)


def patch(path: Path, delta: Delta, provenance: Provenance, at: str) -> int | None:
    """Patch the package at *path*, which is made anew at *at*; the offset of its export id.

    None if it has other tables than *delta* is for, or much unused space: then it must be written anew.
    Most of the file is on the disk when this returns: what was patched goes there while the next layer is patched.
    Raises: apsw.Error, OSError.
    """
    with ThreadPoolExecutor(1) as disk, closing(apsw.Connection(str(path))) as db:
        for setting, value in SETTINGS.items():
            db.execute(f"PRAGMA {setting}={value}").fetchall()
        db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)  # theirs need functions that only GDAL has
        if not _fits(db, delta.layers):
            return None
        with db:
            _describe(db, delta.layers, provenance, at)
        landing = []
        for layer in delta.layers:
            if layer.name in delta.rows:
                with db:
                    _change(db, layer, delta.rows[layer.name])
                landing.append(disk.submit(sync, path))
        page = description.note_page(db)
    for landed in landing:
        landed.result()
    return description.closed(path, page)


def _fits(db: apsw.Connection, layers: Collection[PackageLayer]) -> bool:
    """Whether the file's tables are those of *layers*, and its pages well used."""
    tables = _pairs(db, "SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
    types = _pairs(db, "SELECT table_name, geometry_type_name FROM gpkg_geometry_columns")
    pages, unused = (int(db.execute(f"PRAGMA {what}").get) for what in ("page_count", "freelist_count"))
    same = all(tables.get(la.name) == schema.create_table(la, types.get(la.name, "")) for la in layers)
    return same and unused * HOLLOW <= pages


def _pairs(db: apsw.Connection, query: str, *parameters: str) -> dict[Any, Any]:
    found: Any = db.execute(query, parameters)
    return dict(found)


def _describe(db: apsw.Connection, layers: Collection[PackageLayer], provenance: Provenance, at: str) -> None:
    description.note(db, provenance, at)
    db.execute("UPDATE gpkg_contents SET last_change = ?", (at,))
    for layer in layers:
        if not layer.natural_key:
            description.keep_fids(db, layer)


def _change(db: apsw.Connection, layer: PackageLayer, rows: LayerDelta) -> None:
    key = layer.names.index(layer.natural_key or FID)
    put = {record[key]: record for record in rows.put}
    gone = [key for key in rows.gone if key not in put]
    if layer.natural_key:
        _write(db, layer, gone, rows.put)
        return
    before = _before(db, layer, [*put, *gone])
    _write(db, layer, gone, rows.put)
    more = len(put.keys() - before.keys()) - len(before.keys() - put.keys())
    db.execute(
        "UPDATE gpkg_ogr_contents SET feature_count = feature_count + ? WHERE table_name = ?", (more, layer.name)
    )
    if layer.spatial:
        after: Any = {fid: record[layer.names.index(GEOM)] for fid, record in put.items()}
        _Places(db, layer).change(_without(before, after), _without(after, before))


def _before(db: apsw.Connection, layer: PackageLayer, fids: Sequence[Value | None]) -> dict[Any, Any]:
    """The geometries of those rows that are there."""
    geometry = f"t.{ident(GEOM)}" if layer.spatial else "NULL"
    query = f"SELECT t.fid, {geometry} FROM json_each(?) w CROSS JOIN {ident(layer.name)} t ON t.fid = w.value"
    return _pairs(db, query, json.dumps(fids))


def _without(geometries: Mapping[int, bytes | None], others: Mapping[int, bytes | None]) -> Geometries:
    """The geometries that are not the same among *others*."""
    return {fid: blob for fid, blob in geometries.items() if blob is not None and others.get(fid) != blob}


def _write(
    db: apsw.Connection, layer: PackageLayer, gone: Sequence[Value], put: Sequence[Sequence[Value | None]]
) -> None:
    table, key = ident(layer.name), ident(layer.natural_key or FID)
    db.executemany(f"DELETE FROM {table} WHERE {key} = ?", ((value,) for value in gone))
    db.executemany(f"INSERT OR REPLACE INTO {table} ({idents(layer.names)}) VALUES ({marks(len(layer.names))})", put)


@frozen
class _Places:
    """What a layer's geometries have their traces in: spatial index, extent, declared type."""

    db: apsw.Connection
    layer: PackageLayer

    def change(self, left: Geometries, entered: Geometries) -> None:
        """Follow the table, from which geometries have *left* and into which others have *entered*."""
        if not left and not entered:
            return
        old, new = Seen(), Seen()
        (ids_left, boxes_left), (ids_entered, boxes_entered) = _seen(old, left), _seen(new, entered)
        index = schema.rtree_name(self.layer.name)
        rtree.remove(self.db, index, ids_left)
        rtree.insert(self.db, index, ids_entered, boxes_entered)
        self._set_extent(boxes_left, new.extent)
        self._declare(new)

    def _set_extent(self, left: Boxes, entered: Extent | None) -> None:
        edges = "min_x, min_y, max_x, max_y"
        found: Any = self.db.execute(f"SELECT {edges} FROM gpkg_contents WHERE table_name = ?", (self.layer.name,))
        was: Any = found.fetchone()
        if was[0] is not None and _reach(left, was):
            now = self._outline(was)
        else:
            now = _around([extent for extent in (was, entered) if extent and extent[0] is not None])
        sql = f"UPDATE gpkg_contents SET ({edges}) = (?, ?, ?, ?) WHERE table_name = ?"
        self.db.execute(sql, (*(now or (None,) * 4), self.layer.name))

    def _outline(self, was: Extent) -> Extent | None:
        """The extent of what is there now, of which *was* is as good a guess as any."""
        sides = []
        for edge, place in zip(rtree.EDGES, BOX, strict=True):
            span = was[place % 2 + 2] - was[place % 2]
            fids = rtree.outermost(self.db, schema.rtree_name(self.layer.name), edge, was[place], span)
            seen = Seen()
            _seen(seen, {fid: description.geometry(self.db, self.layer, fid) for fid in fids})
            if seen.extent is None:
                return None
            sides.append(seen.extent[place])
        west, east, south, north = sides
        return west, south, east, north

    def _declare(self, seen: Seen) -> None:
        """Declare what all geometries are: those that are new, and as many others as it takes to know."""
        sql = "SELECT geometry_type_name, z, m FROM gpkg_geometry_columns WHERE table_name = ?"
        was: Any = self.db.execute(sql, (self.layer.name,)).fetchone()
        others = description.heads(self.db, self.layer)
        while description.declared(self.layer, seen) != was and (rows := next(others, None)):
            seen.add(rows, lambda fid: description.geometry(self.db, self.layer, fid))
        now = description.declared(self.layer, seen)
        if now != was:
            description.declare(self.db, self.layer, now)


def _seen(seen: Seen, geometries: Geometries) -> tuple[Ids, Boxes]:
    """Look at *geometries*; ids and boxes of those that have a place."""
    if not geometries:
        return np.empty(0, np.int64), np.empty((0, 4))
    return seen.add([(fid, blob[:HEAD]) for fid, blob in geometries.items()], geometries.__getitem__)


def _reach(boxes: Boxes, extent: Extent) -> bool:
    """Whether any of *boxes* reaches to an edge of *extent*."""
    west, south, east, north = extent
    edges = (boxes[:, 0] <= west, boxes[:, 1] >= east, boxes[:, 2] <= south, boxes[:, 3] >= north)
    return any(bool(edge.any()) for edge in edges)


def _around(extents: Sequence[Extent]) -> Extent | None:
    """The extent around all of *extents*."""
    if not extents:
        return None
    west, south, east, north = zip(*extents, strict=True)
    return min(west), min(south), max(east), max(north)
