"""Health, the front page, and what every answer carries."""

from functools import partial
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp import wiring
from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.keys import PORTS
from fiberq_aiohttp.settings import from_env
from fiberq_storage.sqlite.store import SqliteStore
from tests.aiohttp.serving import Caller


@pytest.mark.parametrize("path", ["/health", "/health/", "/api/health", "/api/health/"])
async def test_health(stranger: Caller, path: str) -> None:
    """Anybody may ask whether the server is well."""
    answer = await stranger("GET", path)

    assert (200, {"status": "ok", "db": True}) == (answer.status, answer.json)


async def test_health_of_a_store_that_is_gone(stranger: Caller) -> None:
    """A store that does not answer makes 503, so that a balancer looks elsewhere."""
    app = stranger.client.app
    assert app is not None
    store = app[PORTS].store
    assert isinstance(store, SqliteStore)
    await store.close()
    answer = await stranger("GET", "/health")

    assert (503, False) == (answer.status, answer.json["db"])


async def test_front_page(stranger: Caller) -> None:
    """The address itself says what this is."""
    answer = await stranger("GET", "/")

    assert 200 == answer.status
    assert b"FiberQ" in answer.body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_usual_headers(stranger: Caller) -> None:
    """Every answer has an id to quote, and may not be kept or sniffed unless it says otherwise."""
    answer = await stranger("GET", "/health", headers={"X-Request-ID": "abc-1"})

    assert ("FiberQ", "abc-1", "no-store", "nosniff") == (
        answer.headers["Server"],
        answer.headers["X-Request-ID"],
        answer.headers["Cache-Control"],
        answer.headers["X-Content-Type-Options"],
    )


async def test_development_server(tmp_path: Path) -> None:
    """With development sign-in the provider is part of the server."""
    settings = from_env({}, dev=True, data=tmp_path)
    async with TestClient(TestServer(create_app(settings, partial(wiring.serving, settings)))) as client:
        answer = await Caller(client, None)("GET", "/.well-known/openid-configuration")

    assert 200 == answer.status
