"""Ways to look at the rows of the demo village."""

from collections.abc import Iterator, Mapping

import shapely
from pyproj import Geod

from fiberq_core.rows import Key, Row

PROJECT = "6a0c1a52-1f0f-4f0e-9d6e-0d6f3a5b7c11"
CABLES = ("Kablovi_podzemni", "Kablovi_vazdusni")
ON_SITE = 0.05  # metres; coordinates are as good as that
GEOD = Geod(ellps="WGS84")

Rows = Mapping[Key, Row]


def of(rows: Rows, *layers: str) -> Iterator[tuple[Key, Row]]:
    return ((key, row) for key, row in rows.items() if key.layer in layers)


def number(row: Row, name: str) -> float:
    value = row.get(name)
    assert isinstance(value, int | float)
    return value


def shape(row: Row) -> shapely.Geometry:
    assert row.geometry is not None
    return shapely.from_wkb(row.geometry)


def metres(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return float(GEOD.inv(a[0], a[1], b[0], b[1])[2])


def spot(row: Row) -> tuple[float, ...]:
    return tuple(shape(row).coords[0])


def end_of(cable: Row, end: object) -> tuple[float, ...]:
    return tuple(shape(cable).coords[{"from": 0, "to": -1}[str(end)]])


def cable_of(rows: Rows, uuid: object) -> Row:
    return next(row for key, row in of(rows, *CABLES) if key.uuid == uuid)
