"""A database that was adopted from the original server; each test works on a copy of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from fiberq_storage.postgis import PostgisStore, Settings, open_store
from tests.postgis.databases import Databases, migrate
from tests.postgis.originals import fill


@pytest.fixture(scope="session")
def adopted(databases: Databases) -> Iterator[str]:
    """The name of an adopted database, which the tests work on copies of."""
    made = fill(databases.create(databases.bare))
    asyncio.run(migrate(made))
    yield urlsplit(made).path[1:]
    databases.drop(made)


@pytest.fixture
def adopted_dsn(databases: Databases, adopted: str) -> Iterator[str]:
    """An adopted database."""
    made = databases.create(adopted)
    yield made
    databases.drop(made)


@pytest.fixture
async def adopted_store(adopted_dsn: str) -> AsyncIterator[PostgisStore]:
    """The store in it."""
    async with await open_store(Settings(adopted_dsn)) as store:
        yield store


@pytest.fixture
async def db(adopted_dsn: str) -> AsyncIterator[Any]:
    """Somebody who looks at its tables, ours first."""
    connection = await asyncpg.connect(adopted_dsn, server_settings={"search_path": "fiberq, fiberq_original, public"})
    await connection.set_type_codec("date", schema="pg_catalog", encoder=str, decoder=str)  # years beyond Python's
    yield connection
    await connection.close()
