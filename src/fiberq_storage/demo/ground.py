"""The ground under the demo village: metres on a local grid, and what they are on the globe.

A *spot* is (east, north) in metres from the village's south-west corner. Over the few hundred metres
of a village the grid agrees with the ellipsoid to a hundredth of a percent.
"""

import math
from itertools import pairwise
from random import Random

import shapely
from attrs import frozen

from fiberq_core.identity import derived
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, Value, present

Spot = tuple[float, float]
Path = tuple[Spot, ...]

ORIGIN = (22.7352, 43.0316)  # degrees; the hills between Pirot and Dimitrovgrad
BEARING = math.radians(8)  # the streets are not quite east to west
SEMI_MAJOR, FLATTENING = 6_378_137.0, 1 / 298.257223563  # WGS 84
BLOCK_EAST, BLOCK_NORTH = 110.0, 95.0
JITTER = 5.0  # metres by which a real corner is beside the ideal one


def degrees(spot: Spot) -> Spot:
    """Longitude and latitude of a spot."""
    lon, lat = ORIGIN
    east = spot[0] * math.cos(BEARING) - spot[1] * math.sin(BEARING)
    north = spot[0] * math.sin(BEARING) + spot[1] * math.cos(BEARING)
    squared = FLATTENING * (2 - FLATTENING)
    bend = 1 - squared * math.sin(math.radians(lat)) ** 2
    meridian = SEMI_MAJOR * (1 - squared) / bend**1.5
    parallel = SEMI_MAJOR / math.sqrt(bend) * math.cos(math.radians(lat))
    return lon + math.degrees(east / parallel), lat + math.degrees(north / meridian)


def point(spot: Spot) -> bytes:
    """A spot as WKB."""
    return _wkb(shapely.Point(degrees(spot)))


def line(path: Path) -> bytes:
    """A path as WKB."""
    return _wkb(shapely.LineString([degrees(spot) for spot in path]))


def polygon(ring: Path) -> bytes:
    """An area as WKB."""
    return _wkb(shapely.Polygon([degrees(spot) for spot in ring]))


def _wkb(geometry: shapely.Geometry) -> bytes:
    data: bytes = shapely.to_wkb(geometry, byte_order=1, flavor="iso")
    return data


def length(path: Path) -> float:
    """Metres along a path, to the centimetre."""
    return round(sum(math.dist(a, b) for a, b in pairwise(path)), 2)


def along(path: Path, metres: float) -> Spot:
    """The spot so far along a path."""
    for a, b in pairwise(path):
        step = math.dist(a, b)
        if metres <= step:
            return _between(a, b, metres / step)
        metres -= step
    return path[-1]


def _between(a: Spot, b: Spot, share: float) -> Spot:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


@frozen
class Grid:
    """The street corners. *corners*: where street *j* (0 in the south) crosses the *i*-th from the west."""

    corners: dict[tuple[int, int], Spot]

    def at(self, j: int, u: float) -> Spot:
        """A spot on street *j*, *u* blocks from its west end."""
        i = min(int(u), 3)
        return _between(self.corners[i, j], self.corners[i + 1, j], u - i)

    def street(self, j: int, start: float, end: float) -> Path:
        """Along street *j* from one spot to another, by the corners between."""
        low, high = sorted((start, end))
        inner = [float(i) for i in range(5) if low < i < high]
        stops = [low, *inner, high]
        return tuple(self.at(j, u) for u in (stops if start <= end else reversed(stops)))

    def beside(self, j: int, u: float, metres: float) -> Spot:
        """A spot *metres* to the left of street *j*, seen eastward."""
        i = min(int(u), 3)
        a, b, here = self.corners[i, j], self.corners[i + 1, j], self.at(j, u)
        step = math.dist(a, b)
        return here[0] - (b[1] - a[1]) / step * metres, here[1] + (b[0] - a[0]) / step * metres


def grid(rng: Random) -> Grid:
    """Five by three corners."""
    return Grid(
        {
            (i, j): (
                i * BLOCK_EAST + rng.uniform(-JITTER, JITTER),
                j * BLOCK_NORTH + rng.uniform(-JITTER, JITTER),
            )
            for j in range(3)
            for i in range(5)
        }
    )


@frozen
class Sheet:
    """What is drawn so far. *name* gives the rows their uuids: the same seed, the same uuids."""

    name: str
    rng: Random
    grid: Grid
    rows: dict[Key, Row]

    def uuid(self, layer: str, name: str) -> str:
        """The uuid of the row of that name."""
        return derived("demo", self.name, layer, name)

    def add(self, layer: str, name: str, geometry: bytes | None = None, /, **values: Value | None) -> str:
        """Draw a row; returns its uuid."""
        uuid = self.uuid(layer, name)
        self.rows[Key(layer, uuid)] = Row(present({**values, GEOMETRY: geometry}))
        return uuid
