"""GeoJSON geometries ⇄ canonical WKB, at full precision.

Positions have two or three numbers (RFC 7946); a measure (M) has no place in GeoJSON and is left out.
"""

import math
from array import array
from collections.abc import Mapping, Sequence

from fiberq_core.errors import Fault, Invalid
from fiberq_core.wkb import (
    COLLECTION,
    LINE,
    MAX_DEPTH,
    NAMES,
    PART_OF,
    POINT,
    POLYGON,
    Node,
    is_empty,
    parse,
    write,
)

_KIND = {name: kind for kind, name in NAMES.items()}
_WIDTHS = (2, 3)


def to_geojson(wkb: bytes) -> dict[str, object]:
    """The geometry as a GeoJSON object. Raises: Invalid."""
    return _object(parse(wkb))


def from_geojson(value: object, path: str = "geometry") -> bytes:
    """Canonical WKB of a GeoJSON geometry object. Raises: Invalid, with the path of the fault."""
    node = _from_object(value, path, 0)
    widths = {width for width, run in node.all_runs() if run}
    if len(widths) > 1:
        raise _fault(path, "All positions must have two numbers, or all three")
    return write(_with_z(node, widths == {3}))


def _object(node: Node) -> dict[str, object]:
    name = NAMES[node.kind]
    if node.kind == COLLECTION:
        return {"type": name, "geometries": [_object(part) for part in node.parts]}
    return {"type": name, "coordinates": _coordinates(node)}


def _coordinates(node: Node) -> list[object]:
    if node.parts or node.kind in PART_OF:
        return [_coordinates(part) for part in node.parts]
    rings = [_positions(run, node) for run in node.runs]
    if node.kind == POLYGON:
        return list(rings)
    if node.kind == POINT:
        return [] if is_empty(node) else list(rings[0][0])
    return list(rings[0])


def _positions(run: "array[float]", node: Node) -> list[list[float]]:
    numbers, used = run.tolist(), 3 if node.z else 2
    positions = [numbers[at : at + used] for at in range(0, len(numbers), node.width)]
    if all(map(math.isfinite, numbers)):
        return positions
    return [_without_height(position) for position in positions]


def _without_height(position: list[float]) -> list[float]:
    """A position whose height is no number, without it."""
    return position if all(map(math.isfinite, position)) else position[:2]


def _from_object(value: object, path: str, depth: int) -> Node:
    if not isinstance(value, Mapping):
        raise _fault(path, "A GeoJSON geometry object is needed here")
    kind = _KIND.get(str(value.get("type")))
    if kind is None:
        raise _fault(f"{path}.type", f"The type must be one of {', '.join(_KIND)}")
    if depth > MAX_DEPTH:
        raise _fault(path, "The geometry is nested too deeply")
    if kind == COLLECTION:
        members = _sequence(value.get("geometries"), f"{path}.geometries")
        parts = [_from_object(member, f"{path}.geometries[{i}]", depth + 1) for i, member in enumerate(members)]
        return Node(kind, False, False, (), tuple(parts))
    return _from_coordinates(kind, value.get("coordinates"), f"{path}.coordinates")


def _from_coordinates(kind: int, value: object, path: str) -> Node:
    items = _sequence(value, path)
    if kind in PART_OF:
        parts = [_from_coordinates(PART_OF[kind], item, f"{path}[{i}]") for i, item in enumerate(items)]
        return Node(kind, False, False, (), tuple(parts))
    runs = _RUNS[kind](items, path)
    widths = {width for width, run in runs if run}
    if len(widths) > 1:
        raise _fault(path, "All positions must have two numbers, or all three")
    return Node(kind, widths == {3}, False, tuple(run for _, run in runs))


def _point(items: Sequence[object], path: str) -> "list[tuple[int, array[float]]]":
    numbers = _numbers(items, path) if items else [math.nan, math.nan]
    return [(len(numbers), array("d", numbers))]


def _line(items: Sequence[object], path: str) -> "list[tuple[int, array[float]]]":
    return [_run(items, path)]


def _polygon(items: Sequence[object], path: str) -> "list[tuple[int, array[float]]]":
    return [_run(item, f"{path}[{i}]") for i, item in enumerate(items)]


_RUNS = {POINT: _point, LINE: _line, POLYGON: _polygon}


def _run(value: object, path: str) -> "tuple[int, array[float]]":
    positions = [_numbers(item, f"{path}[{i}]") for i, item in enumerate(_sequence(value, path))]
    widths = {len(position) for position in positions} or {2}
    if len(widths) > 1:
        raise _fault(path, "All positions must have two numbers, or all three")
    return widths.pop(), array("d", [number for position in positions for number in position])


def _numbers(value: object, path: str) -> list[float]:
    items = _sequence(value, path)
    numbers = [float(x) for x in items if isinstance(x, int | float) and not isinstance(x, bool) and _finite(x)]
    if len(numbers) != len(items) or len(items) not in _WIDTHS:
        raise _fault(path, "A position is two or three finite numbers: longitude, latitude, height")
    return numbers


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _sequence(value: object, path: str) -> Sequence[object]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise _fault(path, "A list is needed here")
    return value


def _with_z(node: Node, z: bool) -> Node:
    runs = node.runs
    if z and node.kind == POINT and len(runs[0]) == 2:
        runs = (array("d", (math.nan,) * 3),)
    return Node(node.kind, z, node.m, runs, tuple(_with_z(part, z) for part in node.parts))


def _fault(path: str, message: str) -> Invalid:
    return Invalid(message, (Fault(path, message),))
