"""Coordinate systems that a stranger wrote: PROJ opens no file that they name, and reads no book."""

import os
from pathlib import Path

import pyproj
import pytest

from fiberq_storage import crs
from fiberq_storage.crs import Declared, UnusableCrs, reprojection

GEOGRAPHIC = 'GEOGCS["x",DATUM["d",SPHEROID["s",6378137,298.257]{}],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925]]'
PLANE = (
    f'PROJCS["x",{GEOGRAPHIC.format("")},PROJECTION["Transverse_Mercator"],UNIT["metre",1],'
    'EXTENSION["PROJ4","+proj=tmerc +lon_0=21 +ellps=bessel +nadgrids={} +units=m +no_defs"]]'
)
STRING = "+proj=tmerc +lon_0=21 +ellps=bessel +nadgrids={} +units=m +type=crs +title=["


@pytest.mark.parametrize(
    "text",
    [PLANE, STRING, GEOGRAPHIC.format(',EXTENSION["PROJ4_GRIDS","{}"]'), PLANE.lower(), PLANE.replace("[", " [")],
)
def test_files_that_a_definition_names(text: str, tmp_path: Path) -> None:
    """A grid by its path is not opened: this one would keep whoever opens it waiting for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(UnusableCrs):
        reprojection(Declared(1, "NONE", 1, text.format(pipe)))


def test_endless_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition of megabytes is not shown to PROJ at all."""
    monkeypatch.setattr(pyproj.CRS, "from_user_input", lambda _: pytest.fail("it was"))

    with pytest.raises(UnusableCrs):
        reprojection(Declared(1, "", 1, "GEOGCS[" * crs.MAX_DEFINITION))


@pytest.mark.parametrize("code", [3857, 32634, 31277, 8677, 4326, 7801])
@pytest.mark.parametrize("version", ["WKT1_GDAL", "WKT2_2019"])
def test_definitions_of_usual_files(code: int, version: str) -> None:
    """What GDAL and QGIS write is understood as before, also where only the definition says it."""
    text = pyproj.CRS.from_epsg(code).to_wkt(version)

    assert crs._plain_wkt(text)
    assert reprojection(Declared(100_000, "NONE", 100_000, text)).identity is (code == 4326)
