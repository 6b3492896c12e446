"""Pages of other origins: who may call, and that cookies never count."""

from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.aiohttp.serving import Answer, Caller, an_app

ORIGIN = {"Origin": "https://map.example.org"}
PREFLIGHT = {**ORIGIN, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
ALLOW = "Access-Control-Allow-Origin"


def assert_no_credentials(answer: Answer) -> None:
    """Tokens travel in the header, so no answer ever lets cookies through."""
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_any_origin_by_default(stranger: Caller) -> None:
    """By default every page may call, errors included, and may read what it needs."""
    for path in ("/health", "/api/projects", "/nowhere"):
        answer = await stranger("GET", path, headers=ORIGIN)

        assert "*" == answer.headers[ALLOW]
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
        assert_no_credentials(answer)


async def test_preflight(stranger: Caller) -> None:
    """The question before a request needs no token, and names what clients send."""
    answer = await stranger("OPTIONS", "/api/projects/1", headers=PREFLIGHT)

    assert (204, "*") == (answer.status, answer.headers[ALLOW])
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "If-Match", "Idempotency-Key"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(", ")
    )
    assert_no_credentials(answer)


async def test_options_without_question(engineer: Caller) -> None:
    """OPTIONS that is no preflight is a method like any other."""
    assert 405 == (await engineer("OPTIONS", "/api/projects")).status


@pytest.mark.parametrize("origin, allowed", [("https://map.example.org", True), ("https://other.example.org", False)])
async def test_named_origins(tmp_path: Path, origin: str, allowed: bool) -> None:
    """Where origins are named, only they are let in, and caches are told that it depends."""
    app = an_app(tmp_path, cors_origins=frozenset({"https://map.example.org"}))
    async with TestClient(TestServer(app)) as client:
        answer = await Caller(client, None)("GET", "/health", headers={"Origin": origin})

    assert (origin if allowed else None, "Origin") == (answer.headers.get(ALLOW), answer.headers["Vary"])
    assert_no_credentials(answer)
