"""Every store that there is, behind one fixture: the contract tests run on each."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from fiberq_core.ports import Project, Store
from fiberq_storage.sqlite import open_store
from tests.contracts.builders import a_project


class ClosableStore(Store, Protocol):
    """A store as its owner sees it."""

    async def close(self) -> None:
        """Let go of everything."""
        ...


Opener = Callable[[], Awaitable[ClosableStore]]
OPENERS: Mapping[str, Callable[[Path], Awaitable[ClosableStore]]] = {"embedded": open_store}


@pytest.fixture(params=OPENERS)
async def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens the same store once more; whatever is still open at the end is closed."""
    async with AsyncExitStack() as stack:

        async def again() -> ClosableStore:
            store = await OPENERS[request.param](tmp_path / "data")
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
