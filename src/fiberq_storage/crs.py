"""From the coordinate system that a file declares to EPSG:4326, longitude first.

Only what PROJ knows on this machine is used: no grids are fetched, and where PROJ would have to guess the datum shift
(a *ballpark* transformation, wrong by hundreds of metres) the layer is refused rather than misplaced.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyproj
from attrs import frozen
from pyproj.enums import TransformDirection
from pyproj.exceptions import ProjError
from pyproj.network import set_network_enabled  # type: ignore[attr-defined] # documented, not in its __all__

from fiberq_core.wkb import Node

UNDEFINED = frozenset({-1, 0, 99999})  # GeoPackage's two, and GDAL's
MAX_DEFINITION = 1 << 16  # characters; the longest that PROJ knows have some thousand
_WKT = re.compile(r"\s*[A-Z0-9_]+\s*\[", re.IGNORECASE)  # not a PROJ string, nor JSON
_NAMES_FILE = re.compile(r"EXTENSION|PROJ4|PARAMETERFILE", re.IGNORECASE)
_PATH = re.compile(r"[/\\~]|init\s*=", re.IGNORECASE)
_WGS84 = ("EPSG:4326", "OGC:CRS84")
_LARGEST_CODE = 1 << 31
# There and back again may take two different datum shifts where countries meet, some metres apart; coordinates that
# were wrapped around the world come back far away. Degrees where geographic, else the unit of length.
_INEXACT = {True: 1e-3, False: 100.0}
# PROJ turns a datum shift of seven parameters round by approximation: some millimetres are missing on the way back. What
# the device was sent went that way to the file's system, so our way must be its exact reverse (S22). In the same units:
# what is right already, and what is too much to be that.
_EXACT, _SLIGHT = {True: 1e-10, False: 1e-5}, {True: 1e-6, False: 0.1}

Floats = npt.NDArray[np.float64]


class UnusableCrs(ValueError):
    """Coordinates cannot be brought to EPSG:4326. The message is a sentence for a person."""


@frozen
class Declared:
    """A row of `gpkg_spatial_ref_sys`."""

    srs_id: int
    organization: str
    code: int
    definition: str


@frozen
class Reprojection:
    """A way to EPSG:4326. Without a *transformer* the coordinates are there already."""

    transformer: pyproj.Transformer | None
    geographic: bool = True

    @property
    def identity(self) -> bool:
        """Whether coordinates stay as they are, bit for bit."""
        return self.transformer is None

    def apply(self, nodes: Sequence[Node]) -> tuple[bool, ...]:
        """Bring all *nodes* to EPSG:4326, in place; for each, whether the CRS can hold its coordinates."""
        if self.transformer is None or not nodes:
            return (True,) * len(nodes)
        runs = [(width, run) for node in nodes for width, run in node.all_runs()]
        xs = np.concatenate([np.frombuffer(run)[0::width] for width, run in runs] or [np.empty(0)])
        ys = np.concatenate([np.frombuffer(run)[1::width] for width, run in runs] or [np.empty(0)])
        lon, lat, good = _there_and_back(self.transformer, xs, ys, geographic=self.geographic)
        at, held = 0, []
        for node in nodes:
            start = at
            for width, run in node.all_runs():
                numbers, count = np.frombuffer(run), len(run) // width
                numbers[0::width], numbers[1::width] = lon[at : at + count], lat[at : at + count]
                at += count
            held.append(bool(good[start:at].all()))
        return tuple(held)


def _there_and_back(
    transformer: pyproj.Transformer, xs: Floats, ys: Floats, *, geographic: bool
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Longitudes, latitudes, and which of them lead back to where they came from."""
    lon, lat = transformer.transform(xs, ys)
    back_x, back_y = transformer.transform(lon, lat, direction=TransformDirection.INVERSE)
    with np.errstate(invalid="ignore"):
        off = np.maximum(np.abs(back_x - xs), np.abs(back_y - ys))
        returned = (off <= _INEXACT[geographic]) & np.isfinite(lon) & np.isfinite(lat)
    near = returned & (off > _EXACT[geographic]) & (off <= _SLIGHT[geographic])
    if near.any():
        lon[near], lat[near] = transformer.transform(2 * xs[near] - back_x[near], 2 * ys[near] - back_y[near])
    no_place = np.isnan(xs) & np.isnan(ys)  # an empty point stays one
    return np.where(no_place, np.nan, lon), np.where(no_place, np.nan, lat), returned | no_place


def reprojection(declared: Declared | None) -> Reprojection:
    """The way from *declared* to EPSG:4326. Raises: UnusableCrs."""
    if declared is None:
        raise UnusableCrs("The layer names a coordinate system that the file does not describe")
    if declared.srs_id in UNDEFINED:
        raise UnusableCrs(
            "The layer's coordinate system is undefined; set it (for example to EPSG:4326) and send it again"
        )
    crs = _crs(declared)
    if any(crs.equals(pyproj.CRS(name), ignore_axis_order=True) for name in _WGS84):
        return Reprojection(None)
    set_network_enabled(active=False)
    for candidate in (crs, *crs.get_non_deprecated()):
        try:
            transformer = pyproj.Transformer.from_crs(candidate, _WGS84[0], always_xy=True, allow_ballpark=False)
        except ProjError:
            continue
        return Reprojection(transformer, candidate.is_geographic)
    raise UnusableCrs(f"There is no known way from {_name(crs)} to EPSG:4326")


def _crs(declared: Declared) -> pyproj.CRS:
    """What the file means: the organisation's code where PROJ knows it, else the definition."""
    attempts: list[str] = []
    if declared.organization.strip().isalnum() and 0 < declared.code < _LARGEST_CODE:
        attempts.append(f"{declared.organization.strip().upper()}:{declared.code}")
    if _plain_wkt(declared.definition):
        attempts.append(declared.definition)
    for text in attempts:
        try:
            crs = pyproj.CRS.from_user_input(text)
        except ProjError:
            continue
        if crs.is_geographic or crs.is_projected or crs.is_compound or crs.is_bound:
            return crs
    raise UnusableCrs("The layer's coordinate system is not known here; save it in EPSG:4326 and send it again")


def _plain_wkt(definition: str) -> bool:
    """Whether PROJ may be shown the text: WKT of a usual length that makes it open no file of somebody's choice.

    WKT can name grid files, by any path. Those that PROJ has itself are named without one.
    """
    if len(definition) > MAX_DEFINITION or not _WKT.match(definition):
        return False
    names_file = _NAMES_FILE.search(definition)
    return names_file is None or not _PATH.search(definition, names_file.start())


def _name(crs: pyproj.CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else "its coordinate system"
