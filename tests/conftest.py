"""What all tests share; imports only what the core's own environment has."""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgis.cluster import BIN, running
from tests.postgis.databases import Databases, prepared
from tests.stores import STORES

DIST_PACKAGES = Path("/usr/lib/python3/dist-packages")
OUTSIDE_POSTGIS = "FIBERQ_TEST_DSN"  # somebody who may make databases, on a server that the tests did not start

# marker: (whether its programs are here, what brings them)
NEEDS: Mapping[str, tuple[Callable[[], bool], str]] = {
    "qgis": ((DIST_PACKAGES / "qgis").is_dir, "python3-qgis"),
    "gdal": (lambda: bool(shutil.which("ogr2ogr")) and (DIST_PACKAGES / "osgeo").is_dir(), "gdal-bin python3-gdal"),
    "postgis": (lambda: (BIN / "postgres").exists() or OUTSIDE_POSTGIS in os.environ, "postgresql-15-postgis-3"),
    "nginx": (lambda: Path("/usr/sbin/nginx").exists(), "nginx-light"),
    "pgbouncer": (lambda: Path("/usr/sbin/pgbouncer").exists(), "pgbouncer"),
    "browser": (lambda: bool(shutil.which("chromium")), "chromium"),
}

# Time limits in tests would measure the machine. Under CI hypothesis takes its own profile: none, and no chance.
if "CI" not in os.environ:
    settings.register_profile("here", deadline=None)
    settings.load_profile("here")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know pytest-asyncio's settings where pytest-asyncio is not, as in the core's own environment."""
    if find_spec("pytest_asyncio") is None:
        for name in ("asyncio_mode", "asyncio_default_fixture_loop_scope"):
            parser.addini(name, "pytest-asyncio's; no test of the core has an event loop")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked `each_store` on each store; everything else on the embedded one."""
    if "database" in metafunc.fixturenames and metafunc.definition.get_closest_marker("each_store"):
        metafunc.parametrize("database", STORES, indirect=True)


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Skip what cannot run here; never under CI, where a skipped test would pass for a passed one."""
    if "CI" in os.environ:
        return
    absent = {marker: packages for marker, (here, packages) in NEEDS.items() if not here()}
    for item in items:
        for marker in absent.keys() & {mark.name for mark in item.iter_markers()}:
            item.add_marker(pytest.mark.skip(reason=f"needs Debian's {absent[marker]}"))


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A PostgreSQL server for these tests, and databases in it."""
    if outside := os.environ.get(OUTSIDE_POSTGIS):
        with prepared(outside) as databases:
            yield databases
        return
    with running() as cluster, prepared(cluster.dsn()) as databases:
        yield databases


@pytest.fixture
def dsn(databases: Databases) -> Iterator[str]:
    """A fresh database with an empty store."""
    made = databases.create()
    yield made
    databases.drop(made)


@pytest.fixture
def bare_dsn(databases: Databases) -> Iterator[str]:
    """A fresh database that has PostGIS, and nothing of FiberQ."""
    made = databases.create(databases.bare)
    yield made
    databases.drop(made)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str | None:
    """The address of the database that the test's store lies in; None: the store is embedded."""
    if getattr(request, "param", "embedded") == "embedded":
        return None
    address: str = request.getfixturevalue("dsn")
    return address
