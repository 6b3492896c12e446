"""A running server for each test, and the people who use it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.aiohttp.serving import Caller, Client, an_app, token


@pytest.fixture
async def client(tmp_path: Path, database: str | None) -> AsyncIterator[Client]:
    """A client of a server with an empty store."""
    async with TestClient(TestServer(an_app(tmp_path, database))) as running:
        yield running


@pytest.fixture
def admin(client: Client) -> Caller:
    """An administrator."""
    return Caller(client, token("admin", sub="1", name="Ana"))


@pytest.fixture
def engineer(client: Client) -> Caller:
    """An engineer."""
    return Caller(client, token("engineer", sub="2", name="Ema"))


@pytest.fixture
def worker(client: Client) -> Caller:
    """A field worker."""
    return Caller(client, token("field_worker", sub="3", name="Vuk"))


@pytest.fixture
def outsider(client: Client) -> Caller:
    """An engineer who belongs to no project."""
    return Caller(client, token("engineer", sub="4"))


@pytest.fixture
def nobody(client: Client) -> Caller:
    """Somebody signed in who has no role."""
    return Caller(client, token(sub="5"))


@pytest.fixture
def stranger(client: Client) -> Caller:
    """Somebody who has not signed in."""
    return Caller(client, None)
