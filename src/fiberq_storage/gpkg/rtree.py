"""Build a spatial index in one go instead of one INSERT per feature.

SQLite's R*Tree keeps its nodes as blobs in shadow tables. Here they are packed by *sort-tile-recursive*
(Leutenegger 1997): features sorted into vertical slices, each slice by y, full nodes cut off in that order; the
same again for the nodes above. Coordinates are 32 bit floats there, so boxes are rounded outward. The format
is SQLite's own and stable since 2008; `rtreecheck()` in the tests proves that it still holds, and the
plain INSERT is there for a build of SQLite with another node size.
"""

import math
from typing import Any

import apsw
import numpy as np
import numpy.typing as npt
from attrs import frozen

from fiberq_storage.sql import ident

EDGES = ("minx", "maxx", "miny", "maxy")  # as `schema.create_rtree` names them
CELLS = 51  # SQLite's RTREE_MAXCELLS
CELL = np.dtype([("id", ">i8"), ("box", ">f4", (4,))])
NODE_BYTES = 4 + CELLS * CELL.itemsize

Boxes = npt.NDArray[np.float64]  # min x, max x, min y, max y
Ids = npt.NDArray[np.int64]


@frozen
class _Level:
    """The nodes of one level: their numbers, boxes and finished blobs, and which entry went where."""

    numbers: Ids
    boxes: npt.NDArray[np.float32]
    blobs: list[bytes]
    node_of_entry: Ids


def fill(connection: apsw.Connection, rtree: str, ids: Ids, boxes: Boxes) -> None:
    """Put all *ids* with their *boxes* into the empty index *rtree*."""
    if not len(ids):
        return
    if _node_bytes(connection, rtree) != NODE_BYTES:
        insert(connection, rtree, ids, boxes)
        return
    outward = _outward(boxes)
    order = _tile(boxes)
    ids, outward = ids[order], outward[order]
    leaves = _pack(ids, outward, first=2)
    _write(connection, rtree, "rowid", zip(ids.tolist(), leaves.node_of_entry.tolist(), strict=True))
    level, depth = leaves, 0
    while len(level.numbers) > 1:
        _write(connection, rtree, "node", zip(level.numbers.tolist(), level.blobs, strict=True))
        above = _pack(level.numbers, level.boxes, first=int(level.numbers[-1]) + 1)
        parents = above.node_of_entry if len(above.numbers) > 1 else np.ones_like(above.node_of_entry)
        _write(connection, rtree, "parent", zip(level.numbers.tolist(), parents.tolist(), strict=True))
        level, depth = above, depth + 1
    root = depth.to_bytes(2, "big") + level.blobs[0][2:]
    connection.execute(f"REPLACE INTO {ident(rtree + '_node')} VALUES (1, ?)", (root,))
    if depth == 0:
        connection.execute(f"UPDATE {ident(rtree + '_rowid')} SET nodeno = 1")


def insert(connection: apsw.Connection, rtree: str, ids: Ids, boxes: Boxes) -> None:
    """The same, one by one: slower, and independent of the node format."""
    rows = np.column_stack([_outward(boxes)]).astype(float).tolist()
    statement = f"INSERT INTO {ident(rtree)} VALUES (?, ?, ?, ?, ?)"
    connection.executemany(statement, ((i, *box) for i, box in zip(ids.tolist(), rows, strict=True)))


def remove(connection: apsw.Connection, rtree: str, ids: Ids) -> None:
    """Take *ids* out of the index."""
    connection.executemany(f"DELETE FROM {ident(rtree)} WHERE id = ?", ((i,) for i in ids.tolist()))


def outermost(connection: apsw.Connection, rtree: str, edge: str, near: float, span: float) -> list[int]:
    """The entries that reach farthest out to the side of *edge*, one of `EDGES`; none where the index is empty.

    They are looked for in a strip along *near*, where that side was when the box was *span* wide, that grows
    until something is in it: the whole index need not be read.
    """
    low = edge.startswith("min")
    most, reaching = ("min", "<=") if low else ("max", ">=")
    for width in (*(span * 2.0**n for n in range(-12, 2)), math.inf):
        strip = f"SELECT {most}({edge}) FROM {ident(rtree)} WHERE {edge} {reaching} ?"
        far = connection.execute(strip, (near + width if low else near - width,)).get
        if far is not None:
            query = f"SELECT id FROM {ident(rtree)} WHERE {edge} {reaching} ?"
            return [int(row[0]) for row in connection.execute(query, (far,))]
    return []


def _node_bytes(connection: apsw.Connection, rtree: str) -> int:
    row = connection.execute(f"SELECT length(data) FROM {ident(rtree + '_node')} WHERE nodeno = 1").fetchone()
    return int(row[0]) if row else 0


def _outward(boxes: Boxes) -> npt.NDArray[np.float32]:
    near = boxes.astype(np.float32)
    low, high = near[:, 0::2], near[:, 1::2]
    low[low > boxes[:, 0::2]] = np.nextafter(low[low > boxes[:, 0::2]], np.float32(-np.inf))
    high[high < boxes[:, 1::2]] = np.nextafter(high[high < boxes[:, 1::2]], np.float32(np.inf))
    return near


def _tile(boxes: Boxes) -> npt.NDArray[np.intp]:
    count = len(boxes)
    slices = math.ceil(math.sqrt(math.ceil(count / CELLS)))
    by_x = np.argsort(boxes[:, 0] + boxes[:, 1], kind="stable")
    slice_of = np.empty(count, dtype=np.int64)
    slice_of[by_x] = np.arange(count) // (CELLS * slices)
    return np.lexsort((boxes[:, 2] + boxes[:, 3], slice_of))


def _pack(ids: Ids, boxes: npt.NDArray[np.float32], first: int) -> _Level:
    """Cut entries, in order, into nodes of nearly equal size, numbered from *first*."""
    count = len(ids)
    nodes = math.ceil(count / CELLS)
    starts = np.arange(nodes) * count // nodes
    sizes = np.diff(np.append(starts, count))
    node_of_entry = np.repeat(np.arange(nodes), sizes)
    cells = np.zeros((nodes, CELLS), dtype=CELL)
    slot = np.arange(count) - starts[node_of_entry]
    cells["id"][node_of_entry, slot] = ids
    cells["box"][node_of_entry, slot] = boxes
    low, high = np.minimum.reduceat(boxes, starts), np.maximum.reduceat(boxes, starts)
    around = np.stack([low[:, 0], high[:, 1], low[:, 2], high[:, 3]], axis=1)
    blobs = [b"\0\0" + int(n).to_bytes(2, "big") + c.tobytes() for n, c in zip(sizes, cells, strict=True)]
    return _Level(np.arange(first, first + nodes), around, blobs, node_of_entry + first)


def _write(connection: apsw.Connection, rtree: str, shadow: str, rows: Any) -> None:
    connection.executemany(f"REPLACE INTO {ident(f'{rtree}_{shadow}')} VALUES (?, ?)", rows)
