"""Large packages are built by several processes; what comes out is what one would have built."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fiberq_core.errors import StoreUnavailable
from fiberq_core.geopackage import package_layer
from fiberq_core.ports import Project
from fiberq_core.registry import LAYER
from fiberq_storage import postgis
from fiberq_storage.postgis import source as source_module
from fiberq_storage.postgis.builders import Builders
from fiberq_storage.postgis.parts import shares
from fiberq_storage.postgis.source import PostgisSource
from tests.contracts import lives
from tests.contracts.builders import OKNA, SLACKS, a_project, commit, new
from tests.contracts.lives import Life
from tests.contracts.test_patching import content, faults, whole

pytestmark = pytest.mark.postgis


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[postgis.PostgisStore]:
    """An empty store in PostGIS."""
    async with await postgis.open_store(postgis.Settings(dsn)) as opened:
        yield opened


@pytest.fixture
async def project(store: postgis.PostgisStore) -> Project:
    """An empty project in it."""
    return await a_project(store)


@pytest.fixture
async def source(store: postgis.PostgisStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PostgisSource]:
    """The store, for which every package is a large one, and three processes."""
    monkeypatch.setattr(source_module, "SMALL", -1)
    monkeypatch.setattr(source_module, "Builders", lambda: Builders(3))
    async with PostgisSource(store) as opened:
        yield opened


def size(folder: Path) -> int:
    """How many files a folder has."""
    return sum(1 for _ in folder.iterdir())


async def until(there: Callable[[], bool]) -> None:
    """Wait until something is so."""
    for _ in range(1000):
        if there():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def test_the_parts_make_the_whole(
    store: postgis.PostgisStore,
    project: Project,
    source: PostgisSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Tables, rows, indexes, numbers and descriptions are those of a package that was built in one go."""
    for layer in (OKNA, SLACKS):
        monkeypatch.setitem(lives.SHAPES, layer, tuple(text for text in lives.POINTS if "EMPTY" not in text))
    life = Life(store, project, random.Random(3))
    newest = max([await life.turn(20) for _ in range(12)])
    for revision in (0, newest // 2, newest):
        parted, plain = tmp_path / f"parted{revision}.gpkg", tmp_path / f"plain{revision}.gpkg"
        offset = await whole(source, project, revision, parted)
        with monkeypatch.context() as patch:
            patch.setattr(source_module, "SMALL", 10**6)
            await whole(source, project, revision, plain)

        assert content(plain) == content(parted)
        assert [] == faults(parted)
        assert b"0" * 32 == parted.read_bytes()[offset : offset + 32]
    assert 6 == size(tmp_path)  # and nothing is left over


async def test_a_process_that_dies(
    store: postgis.PostgisStore, project: Project, source: PostgisSource, tmp_path: Path
) -> None:
    """The package fails in words, and the next one is built by another process."""
    await commit(store, project, [new(1)])
    await whole(source, project, 1, tmp_path / "first.gpkg")
    stopped = list(source._builders._idle)
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    building = asyncio.create_task(whole(source, project, 1, tmp_path / "second.gpkg"))
    await until(lambda: not source._builders._idle)
    for process in stopped:
        process.kill()

    with pytest.raises(StoreUnavailable, match="has died"):
        await building
    await whole(source, project, 1, tmp_path / "third.gpkg")

    assert content(tmp_path / "first.gpkg") == content(tmp_path / "third.gpkg")


async def test_what_goes_wrong_is_told(project: Project, source: PostgisSource, tmp_path: Path) -> None:
    """A process says in words why it could not build; no path and no SQL."""
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await whole(source, project, 0, tmp_path / "nowhere" / "x.gpkg")


def test_shares_are_fair() -> None:
    """The largest layers first, each to whoever has least to do; every layer has its place."""
    layers = [package_layer(layer, {}) for layer in LAYER.values()]
    rows = {"OKNA": 100, "Stubovi": 100, "Kablovi_podzemni": 100}

    first, second = shares(layers, rows, 2)

    assert {"Kablovi_podzemni"} == {name for name in first if name in rows}
    assert {"OKNA", "Stubovi"} == {name for name in second if name in rows}
    assert sorted(LAYER) == sorted([*first, *second])
