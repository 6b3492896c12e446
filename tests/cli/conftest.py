"""A data folder with a small project, and somebody at a terminal."""

import shutil
from pathlib import Path

import pytest

from tests.cli.running import Terminal, edit
from tests.e2e.device import point


@pytest.fixture
def fq(tmp_path: Path) -> Terminal:
    """A terminal with an empty data folder."""
    return Terminal(tmp_path / "data")


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three poles, made once."""
    folder = tmp_path_factory.mktemp("filled")
    fq = Terminal(folder / "data")
    fq.ok("project", "create", "Selo")
    file = fq.export(folder / "first.gpkg")
    poles = ", ".join(f"('P-{n}', {7 + n}, x'{point(21 + n / 1000, 44).hex()}')" for n in (1, 2, 3))
    edit(file, f"INSERT INTO Stubovi (naziv, visina, geom) VALUES {poles}")
    fq.ok("sync", file)
    return fq.data


@pytest.fixture
def village(fq: Terminal, _filled: Path) -> Terminal:
    """A terminal with the project Selo: three poles, P-1 to P-3, 8, 9 and 10 m high."""
    shutil.copytree(_filled, fq.data)
    return fq
