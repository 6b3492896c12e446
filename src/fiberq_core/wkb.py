"""Geometry as bytes: ISO WKB, and its tree of coordinates. The GeoPackage blob around it is in `gpb`.

The canonical form is ISO WKB in little-endian byte order; coordinates are copied bit for bit.
Every count is checked against the bytes that are there before anything is allocated, and nesting
is bounded, so that a hostile blob costs no more than its own length.
"""

import math
import struct
from array import array
from collections.abc import Iterator

from attrs import frozen

from fiberq_core.errors import Invalid

POINT, LINE, POLYGON, MULTIPOINT, MULTILINE, MULTIPOLYGON, COLLECTION = range(1, 8)
NAMES = {
    POINT: "Point",
    LINE: "LineString",
    POLYGON: "Polygon",
    MULTIPOINT: "MultiPoint",
    MULTILINE: "MultiLineString",
    MULTIPOLYGON: "MultiPolygon",
    COLLECTION: "GeometryCollection",
}
PART_OF = {MULTIPOINT: POINT, MULTILINE: LINE, MULTIPOLYGON: POLYGON}
MAX_DEPTH = 16  # a collection of collections; GDAL stops at 32, real files at 2

_EWKB_Z, _EWKB_M, _EWKB_SRID = 0x80000000, 0x40000000, 0x20000000
_ORDER = {0: ">", 1: "<"}
_NATIVE_LITTLE = struct.pack("=H", 1) == struct.pack("<H", 1)
_SMALLEST_PART = 5  # byte order and type
_PLAIN_POINT, _PLAIN_LINE = b"\x01\x01\0\0\0", b"\x01\x02\0\0\0"

Bounds = tuple[float, float, float, float]


@frozen
class Node:
    """One geometry: *runs* are its own coordinate sequences, *parts* the geometries inside it.

    A point has one run, a line one, a polygon one per ring; the others only parts. The numbers of
    a run are interleaved, `width` to a position.
    """

    kind: int
    z: bool
    m: bool
    runs: tuple["array[float]", ...] = ()
    parts: tuple["Node", ...] = ()

    @property
    def width(self) -> int:
        """How many numbers make a position."""
        return 2 + self.z + self.m

    def all_runs(self) -> "Iterator[tuple[int, array[float]]]":
        """Width and numbers of every coordinate sequence, in order."""
        for run in self.runs:
            yield self.width, run
        for part in self.parts:
            yield from part.all_runs()


def parse(wkb: bytes) -> Node:
    """The tree of a WKB or EWKB geometry in any byte order. Raises: Invalid."""
    try:
        node, end = _node(wkb, 0, 0)
    except struct.error:
        raise Invalid("The geometry ends too early") from None
    if end != len(wkb):
        raise Invalid("The geometry has bytes after its end")
    return node


def write(node: Node) -> bytes:
    """Canonical WKB of a tree."""
    out: list[bytes] = []
    _write(node, out)
    return b"".join(out)


def canonical_wkb(wkb: bytes) -> bytes:
    """The same geometry as ISO WKB, little-endian; coordinates bit for bit. Raises: Invalid."""
    head = wkb[:5]
    if head == _PLAIN_POINT and len(wkb) == 21:
        return wkb
    if head == _PLAIN_LINE and len(wkb) >= 9 and len(wkb) == 9 + 16 * int.from_bytes(wkb[5:9], "little"):
        return wkb
    return write(parse(wkb))


def bounds(wkb: bytes) -> Bounds | None:
    """West, south, east, north; None where there is no finite coordinate. Raises: Invalid."""
    return node_bounds(parse(wkb))


def node_bounds(node: Node) -> Bounds | None:
    """West, south, east, north of a tree; None where there is no finite coordinate."""
    xs = [x for width, run in node.all_runs() for x in run[0::width] if math.isfinite(x)]
    ys = [y for width, run in node.all_runs() for y in run[1::width] if math.isfinite(y)]
    return (min(xs), min(ys), max(xs), max(ys)) if xs and ys else None


def is_empty(node: Node) -> bool:
    """Whether a tree holds no position; a point of NaN is WKB's way to write an empty one."""
    return all(not run or _is_nan(run, width) for width, run in node.all_runs())


def _is_nan(run: "array[float]", width: int) -> bool:
    return len(run) == width and math.isnan(run[0]) and math.isnan(run[1])


def _node(wkb: bytes, at: int, depth: int) -> tuple[Node, int]:
    if depth > MAX_DEPTH:
        raise Invalid("The geometry is nested too deeply")
    order = _ORDER.get(wkb[at] if at < len(wkb) else -1)
    if order is None:
        raise Invalid("The geometry has no valid byte order")
    (code,) = struct.unpack_from(order + "I", wkb, at + 1)
    kind, z, m = _type(code)
    at += 9 if code & _EWKB_SRID else 5
    if kind == POINT:
        run, at = _run(wkb, at, 1, 2 + z + m, order)
        return Node(kind, z, m, (run,)), at
    (count,) = struct.unpack_from(order + "I", wkb, at)
    at += 4
    if kind == LINE:
        run, at = _run(wkb, at, count, 2 + z + m, order)
        return Node(kind, z, m, (run,)), at
    if kind == POLYGON:
        return _polygon(wkb, at, count, Node(kind, z, m), order)
    return _parts(wkb, at, count, Node(kind, z, m), depth)


def _type(code: int) -> tuple[int, bool, bool]:
    dims, kind = divmod(code & 0x0FFFFFFF, 1000)
    if kind not in NAMES or dims > 3:
        raise Invalid("The geometry is of a type that is not supported (curves and surfaces are not)")
    return kind, dims in (1, 3) or bool(code & _EWKB_Z), dims >= 2 or bool(code & _EWKB_M)


def _run(wkb: bytes, at: int, count: int, width: int, order: str) -> "tuple[array[float], int]":
    end = at + 8 * count * width
    if end > len(wkb):
        raise Invalid("The geometry claims more points than it has")
    run = array("d", wkb[at:end])
    if (order == "<") is not _NATIVE_LITTLE:
        run.byteswap()
    return run, end


def _polygon(wkb: bytes, at: int, count: int, head: Node, order: str) -> tuple[Node, int]:
    if count * 4 > len(wkb) - at:
        raise Invalid("The geometry claims more rings than it has")
    rings = []
    for _ in range(count):
        (points,) = struct.unpack_from(order + "I", wkb, at)
        ring, at = _run(wkb, at + 4, points, head.width, order)
        rings.append(ring)
    return Node(head.kind, head.z, head.m, tuple(rings)), at


def _parts(wkb: bytes, at: int, count: int, head: Node, depth: int) -> tuple[Node, int]:
    if count * _SMALLEST_PART > len(wkb) - at:
        raise Invalid("The geometry claims more parts than it has")
    parts = []
    for _ in range(count):
        part, at = _node(wkb, at, depth + 1)
        if part.kind != PART_OF.get(head.kind, part.kind) or (part.z, part.m) != (head.z, head.m):
            raise Invalid(f"A {NAMES[head.kind]} has a part of another kind")
        parts.append(part)
    return Node(head.kind, head.z, head.m, (), tuple(parts)), at


def _write(node: Node, out: list[bytes]) -> None:
    out.append(struct.pack("<BI", 1, node.kind + 1000 * node.z + 2000 * node.m))
    if node.kind not in (POINT, LINE):
        out.append(struct.pack("<I", len(node.runs) or len(node.parts)))
    for run in node.runs:
        if node.kind != POINT:
            out.append(struct.pack("<I", len(run) // node.width))
        out.append(_little(run))
    for part in node.parts:
        _write(part, out)


def _little(run: "array[float]") -> bytes:
    if _NATIVE_LITTLE:
        return run.tobytes()
    swapped = array("d", run)
    swapped.byteswap()
    return swapped.tobytes()
