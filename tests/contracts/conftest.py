"""Every store that there is, behind one fixture: the contract tests run on each."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol

import pytest

from fiberq_core.ports import Project, Store
from fiberq_storage import postgis, sqlite
from tests.buckets import a_bucket, s3_server
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


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """The address of an S3 server."""
    with s3_server() as address:
        yield address


@pytest.fixture
def s3_bucket(s3_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What PHOTO_STORE says of a new bucket."""
    return a_bucket(s3_address, tmp_path.name.lower().replace("_", "-"), monkeypatch)
