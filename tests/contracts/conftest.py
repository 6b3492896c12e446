"""Every store that there is, behind one fixture: the contract tests run on each."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from fiberq_core.ports import Project, Store
from fiberq_storage import postgis, sqlite
from tests.contracts.builders import a_project


class ClosableStore(Store, Protocol):
    """A store as its owner sees it."""

    async def close(self) -> None:
        """Let go of everything."""
        ...


Opener = Callable[[], Awaitable[ClosableStore]]


def _embedded(request: pytest.FixtureRequest) -> Callable[[], Awaitable[ClosableStore]]:
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda: sqlite.open_store(folder / "data")


def _postgis(request: pytest.FixtureRequest) -> Callable[[], Awaitable[ClosableStore]]:
    dsn: str = request.getfixturevalue("dsn")
    return lambda: postgis.open_store(postgis.Settings(dsn))


OPENERS = [
    pytest.param(_embedded, id="embedded"),
    pytest.param(_postgis, id="postgis", marks=pytest.mark.postgis),
]


@pytest.fixture(params=OPENERS)
async def reopen(request: pytest.FixtureRequest) -> AsyncIterator[Opener]:
    """Opens the same store once more; whatever is still open at the end is closed."""
    opener = request.param(request)
    async with AsyncExitStack() as stack:

        async def again() -> ClosableStore:
            store: ClosableStore = await opener()
            stack.push_async_callback(store.close)
            return store

        yield again


@pytest.fixture
async def store(reopen: Opener) -> ClosableStore:
    """An empty store."""
    return await reopen()


@pytest.fixture
async def project(store: Store) -> Project:
    """An empty project in the store."""
    return await a_project(store)
