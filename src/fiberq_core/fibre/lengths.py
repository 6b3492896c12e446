"""How long a cable is for the light in it, and how long a line is on the ground.

The ground is the WGS 84 ellipsoid; distances follow T. Vincenty, "Direct and inverse solutions of geodesics on the
ellipsoid with application of nested equations", Survey Review 23 (176), 1975: good to half a millimetre. Between
points that are nearly antipodal his series does not converge; there a sphere's distance stands, good to 0.6 %.
"""

import math
from collections.abc import Iterable
from enum import Enum
from itertools import pairwise

from attrs import frozen

from fiberq_core.errors import Invalid
from fiberq_core.rows import Row
from fiberq_core.wkb import parse

A, F = 6_378_137.0, 1 / 298.257223563  # WGS 84: equatorial radius in metres, flattening
B = A * (1 - F)
MEAN_RADIUS = (2 * A + B) / 3
PRECISION, ROUNDS = 1e-12, 100


class LengthOf(Enum):
    """Where a length comes from."""

    TOTAL = "total"  # recorded with its slack
    LAID = "laid"  # recorded as laid, and its slack
    DRAWN = "drawn"  # of the line on the map, and the slack that lies along it
    UNKNOWN = "unknown"


@frozen
class Length:
    """A length in metres, and where it comes from; None where it is not known."""

    metres: float | None
    source: LengthOf


def optical_length(cable: Row, slack: Iterable[Row]) -> Length:
    """How long the fibres of a cable are; *slack* are the coils that lie on it."""
    total, laid, extra = (_metres(cable, name) for name in ("total_len_m", "duzina_m", "slack_m"))
    if total:
        return Length(total, LengthOf.TOTAL)
    if laid:
        return Length(laid + extra, LengthOf.LAID)
    drawn = line_length(cable.geometry) if cable.geometry else 0.0
    if not drawn:
        return Length(None, LengthOf.UNKNOWN)
    coils = sum(_metres(coil, "duzina_m") for coil in slack)
    return Length(drawn + (coils or extra), LengthOf.DRAWN)


def line_length(wkb: bytes) -> float:
    """Metres along the lines of a geometry in degrees, on the ellipsoid; 0 where it cannot be read."""
    try:
        runs = list(parse(wkb).all_runs())
    except Invalid:
        return 0.0
    metres = 0.0
    for width, run in runs:
        places = list(zip(run[0::width], run[1::width], strict=True))
        metres += sum(distance(*a, *b) for a, b in pairwise(places))
    return metres


def distance(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres between two points in degrees, along the geodesic."""
    l_ = math.radians(math.remainder(lon2 - lon1, 360.0))
    u1, u2 = (math.atan((1 - F) * math.tan(math.radians(lat))) for lat in (lat1, lat2))
    if l_ == 0 and u1 == u2:
        return 0.0
    sines = math.sin(u1) * math.sin(u2), math.cos(u1) * math.cos(u2)
    lambda_ = l_
    for _ in range(ROUNDS):
        sin_sigma = math.hypot(
            math.cos(u2) * math.sin(lambda_),
            math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(lambda_),
        )
        if sin_sigma == 0:
            return 0.0
        cos_sigma = sines[0] + sines[1] * math.cos(lambda_)
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = sines[1] * math.sin(lambda_) / sin_sigma
        cos2_alpha = 1 - sin_alpha**2
        middle = cos_sigma - 2 * sines[0] / cos2_alpha if cos2_alpha > PRECISION else 0.0
        c = F / 16 * cos2_alpha * (4 + F * (4 - 3 * cos2_alpha))
        terms = sigma + c * sin_sigma * (middle + c * cos_sigma * (2 * middle**2 - 1))
        before, lambda_ = lambda_, l_ + (1 - c) * F * sin_alpha * terms
        if abs(lambda_) > math.pi:
            break
        if abs(lambda_ - before) < PRECISION:
            return _along(sigma, sin_sigma, cos_sigma, cos2_alpha, middle)
    return _on_a_sphere(lon1, lat1, lon2, lat2)


def _along(sigma: float, sin_sigma: float, cos_sigma: float, cos2_alpha: float, middle: float) -> float:
    """Vincenty's last step: the metres of an arc of *sigma* on the auxiliary sphere."""
    u = cos2_alpha * (A**2 - B**2) / B**2
    a = 1 + u / 16384 * (4096 + u * (-768 + u * (320 - 175 * u)))
    b = u / 1024 * (256 + u * (-128 + u * (74 - 47 * u)))
    last = b / 6 * middle * (4 * sin_sigma**2 - 3) * (4 * middle**2 - 3)
    delta = b * sin_sigma * (middle + b / 4 * (cos_sigma * (2 * middle**2 - 1) - last))
    return B * a * (sigma - delta)


def _on_a_sphere(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    p, q = math.radians(lat1), math.radians(lat2)
    across = math.sin(math.radians(lon2 - lon1) / 2) ** 2
    h = math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * across
    return 2 * MEAN_RADIUS * math.asin(min(1.0, math.sqrt(h)))


def _metres(row: Row, name: str) -> float:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
