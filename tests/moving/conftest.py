"""Stores that have lived, on both sides; each test works on copies."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fiberq_storage import postgis, sqlite
from tests.contracts import lives
from tests.contracts.builders import OKNA, SLACKS
from tests.moving.stores import live
from tests.postgis.databases import Databases

FILES = ("photos/a/1.jpg", "uploads/ab/abcd")


@pytest.fixture(scope="session")
def _lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder, made once."""
    data = tmp_path_factory.mktemp("lived") / "data"

    async def fill() -> None:
        async with await sqlite.open_store(data) as store:
            await live(store)

    _run(fill)
    for name in FILES:
        (data / name).parent.mkdir(parents=True)
        (data / name).write_text(name)
    return data


@pytest.fixture(scope="session")
def _lived_in_database(databases: Databases) -> Iterator[str]:
    """The name of a database, made once."""
    dsn = databases.create()

    async def fill() -> None:
        async with await postgis.open_store(postgis.Settings(dsn)) as store:
            await live(store)

    _run(fill)
    yield urlsplit(dsn).path[1:]
    databases.drop(dsn)


def _run(work: Callable[[], Awaitable[None]]) -> None:
    """Whoever asks for a fixture may be in an event loop already. Lives are such as a database takes."""

    async def run() -> None:
        await work()

    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as apart:
        for layer in (OKNA, SLACKS):
            patch.setitem(lives.SHAPES, layer, tuple(text for text in lives.POINTS if "EMPTY" not in text))
        apart.submit(asyncio.run, run()).result()


@pytest.fixture
def old(_lived: Path, tmp_path: Path) -> Path:
    """A data folder with a store that has lived, and files."""
    shutil.copytree(_lived, tmp_path / "old")
    return tmp_path / "old"


@pytest.fixture
def filled(databases: Databases, _lived_in_database: str) -> Iterator[str]:
    """A database with a store that has lived."""
    dsn = databases.create(_lived_in_database)
    yield dsn
    databases.drop(dsn)
