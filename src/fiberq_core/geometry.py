"""What a geometry must be, how two of them compare, and GeoJSON. Geometries are canonical WKB in EPSG:4326.

The bytes themselves are the business of `wkb` and `gpb`, whose names stand here too.
"""

import math
from array import array
from collections.abc import Callable, Iterator

import shapely

from fiberq_core.errors import Invalid
from fiberq_core.geojson import from_geojson, to_geojson
from fiberq_core.gpb import WGS84, decode_gpb, encode_gpb
from fiberq_core.registry.model import Shape
from fiberq_core.wkb import (
    LINE,
    MULTILINE,
    MULTIPOINT,
    MULTIPOLYGON,
    NAMES,
    POINT,
    POLYGON,
    Bounds,
    Node,
    bounds,
    canonical_wkb,
    is_empty,
    parse,
)

__all__ = [
    "EMPTY",
    "OFF_THE_MAP",
    "WGS84",
    "alike",
    "bounds",
    "canonical_wkb",
    "check",
    "check_node",
    "decode_gpb",
    "encode_gpb",
    "flags",
    "from_geojson",
    "outside",
    "same_place",
    "to_geojson",
]

METRES_PER_DEGREE = 111_319.490793  # of longitude at the equator, WGS 84; latitude differs by less than 1 %
FAMILY: dict[Shape, frozenset[int]] = {
    Shape.NONE: frozenset(),
    Shape.POINT: frozenset({POINT, MULTIPOINT}),
    Shape.LINE: frozenset({LINE, MULTILINE}),
    Shape.POLYGON: frozenset({POLYGON, MULTIPOLYGON}),
    Shape.ANY: frozenset(NAMES),
}
AREA = 2  # dimensions
BATCH = 10_000  # positions that are looked at together
WORLD: Bounds = (-180.0, -90.0, 180.0, 90.0)
EMPTY = "The geometry is empty"
OFF_THE_MAP = "The coordinates are not degrees of longitude and latitude (are they metres?)"


def check(shape: Shape, wkb: bytes) -> str | None:
    """Why *wkb* cannot stand in a layer of *shape*, as a sentence for a person; None where it can."""
    try:
        node = parse(wkb)
    except Invalid as error:
        return str(error)
    return check_node(shape, node)


def check_node(shape: Shape, node: Node) -> str | None:
    """The same, of a geometry that was parsed already."""
    return next((reason for rule in RULES if (reason := rule(shape, node))), None)


def flags(wkb: bytes) -> tuple[str, ...]:
    """What is odd but accepted about a geometry that passed `check` (S24), as sentences for a person."""
    try:
        geometry = shapely.from_wkb(wkb)
    except shapely.errors.ShapelyError:
        return ("The geometry cannot be drawn",)
    if shapely.is_valid(geometry):
        return ()
    return (f"The geometry is not valid: {shapely.is_valid_reason(geometry)}",)


def same_place(a: bytes, b: bytes, metres: float = 1e-4) -> bool:
    """Whether two geometries have the same structure and each coordinate lies within *metres* on the ground."""
    if a == b:
        return True
    left, right = parse(a), parse(b)
    if _structure(left) != _structure(right):
        return False
    pairs = zip(left.all_runs(), right.all_runs(), strict=True)
    return all(_near(p, q, width, metres) for (width, p), (_, q) in pairs)


def alike(a: bytes, b: bytes, metres: float) -> bool:
    """Whether no position of either geometry is more than *metres* from the other's lines; good to 1 % near each other.

    Takes n log n for n positions: nobody's long track may keep a project waiting.
    """
    first, second = shapely.from_wkb(a), shapely.from_wkb(b)
    box = shapely.total_bounds(first)
    scale = math.cos(math.radians((box[1] + box[3]) / 2))
    flat = [_outline(shapely.transform(g, lambda xy: xy * (scale, 1.0))) for g in (first, second)]
    shapely.prepare(flat)
    return all(_within(one, other, metres / METRES_PER_DEGREE) for one, other in (flat, flat[::-1]))


def _outline(geometry: shapely.Geometry) -> shapely.Geometry:
    """The rings of areas; of anything else, and of collections, all of it."""
    rings = shapely.boundary(geometry) if shapely.get_dimensions(geometry) == AREA else None
    return geometry if rings is None else rings


def _within(geometry: shapely.Geometry, other: shapely.Geometry, degrees: float) -> bool:
    places = shapely.get_coordinates(other)
    parts = (shapely.points(places[at : at + BATCH]) for at in range(0, len(places), BATCH))
    return all(shapely.dwithin(geometry, part, degrees).all() for part in parts)


def outside(node: Node, west: float, south: float, east: float, north: float) -> bool:
    """Whether any position of a tree of finite coordinates lies outside the box."""
    for width, run in node.all_runs():
        xs, ys = run[0::width], run[1::width]
        if run and not (west <= min(xs) and max(xs) <= east and south <= min(ys) and max(ys) <= north):
            return True
    return False


def _wrong_kind(shape: Shape, node: Node) -> str | None:
    if node.kind in FAMILY[shape]:
        return None
    return f"A {NAMES[node.kind]} does not belong in a layer of type {shape.value}"


def _nothing_there(_: Shape, node: Node) -> str | None:
    return EMPTY if is_empty(node) else None


def _not_finite(_: Shape, node: Node) -> str | None:
    for width, run in node.all_runs():
        if all(map(math.isfinite, run)):
            continue
        plane = (*run[0::width], *run[1::width])
        if not all(map(math.isfinite, plane)) or any(map(math.isinf, run)):
            return "The geometry has coordinates that are not numbers"
    return None


def _off_the_map(_: Shape, node: Node) -> str | None:
    if outside(node, *WORLD):
        return OFF_THE_MAP
    return None


def _too_short(_: Shape, node: Node) -> str | None:
    for part in _simple_parts(node):
        if part.kind == LINE and any(len(run) == part.width for run in part.runs):
            return "A line needs at least two points"
        if part.kind == POLYGON and not all(_closed(run, part.width) for run in part.runs):
            return "A polygon's ring needs at least four points, the last one equal to the first"
    return None


RULES: tuple[Callable[[Shape, Node], str | None], ...] = (
    _wrong_kind,
    _nothing_there,
    _not_finite,
    _off_the_map,
    _too_short,
)


def _simple_parts(node: Node) -> Iterator[Node]:
    if not node.parts:
        yield node
    for part in node.parts:
        yield from _simple_parts(part)


def _closed(ring: "array[float]", width: int) -> bool:
    """Whether the last position is the first one, in height and measure too: PostGIS takes no other ring."""
    first, last = ring[:width].tobytes(), ring[len(ring) - width :].tobytes()
    return not ring or (len(ring) >= 4 * width and first == last)


def _structure(node: Node) -> tuple[object, ...]:
    return (node.kind, node.z, node.m, *map(len, node.runs), *map(_structure, node.parts))


def _near(p: "array[float]", q: "array[float]", width: int, metres: float) -> bool:
    for i in range(0, len(p), width):
        dx = (p[i] - q[i] + 180.0) % 360.0 - 180.0
        dy = p[i + 1] - q[i + 1]
        dx *= math.cos(math.radians(p[i + 1]))
        if not math.hypot(dx, dy) * METRES_PER_DEGREE <= metres and (p[i : i + 2] != q[i : i + 2]):
            return False
        if not all(_same_number(a, b, metres) for a, b in zip(p[i + 2 : i + width], q[i + 2 : i + width], strict=True)):
            return False
    return True


def _same_number(a: float, b: float, tolerance: float) -> bool:
    return abs(a - b) <= tolerance or (math.isnan(a) and math.isnan(b))
