"""JSON bodies: what is taken, and what is refused before anybody looks at it."""

from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.aiohttp.serving import Caller, an_app, token


@pytest.mark.parametrize(
    "body, status, code",
    [
        (b"", 400, "bad-request"),
        (b"{", 400, "bad-request"),
        (b"\xff", 400, "bad-request"),
        (b'{"name": NaN}', 400, "bad-request"),
        (b'{"name": "\\ud800"}', 400, "bad-request"),
        (b"[]", 422, "invalid"),
        (b'"x"', 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'{"name": "x", "deep": ' + b"[" * 33 + b"]" * 33 + b"}", 422, "invalid"),
        (b'{"name": "x", "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "bad-request"),
        (b'{"name": "x", "deep": ' + b"[" * 31 + b"]" * 31 + b"}", 201, None),
        ('{"name": "Čuprija 🚧"}'.encode(), 201, None),
    ],
)
async def test_bodies(engineer: Caller, body: bytes, status: int, code: str | None) -> None:
    """A body is a JSON object of bounded depth."""
    answer = await engineer("POST", "/api/projects", data=body)

    assert (status, code) == (answer.status, answer.json.get("code"))


async def test_too_large(tmp_path: Path) -> None:
    """A body over the limit is refused, whether it says its length or not."""
    async with TestClient(TestServer(an_app(tmp_path, max_json=1000))) as client:
        caller = Caller(client, token("engineer", sub="2"))

        async def pieces():
            for _ in range(20):
                yield b'"' + b"x" * 99

        for body in (b" " * 1001, pieces()):
            answer = await caller("POST", "/api/projects", data=body)
            assert (413, "too-large", 1000) == (answer.status, answer.json["code"], answer.json["limit"])
        assert 201 == (await caller("POST", "/api/projects", data=b'{"name": "x"}'.ljust(1000))).status


@pytest.mark.parametrize("key", ["", "x" * 256, "with blank", "š"])
async def test_bad_idempotency_keys(engineer: Caller, key: str) -> None:
    """A key is a short plain name."""
    project = await engineer.project()
    path = f"/api/projects/{project}/features/Stubovi"
    answer = await engineer("POST", path, json={"properties": {}}, headers={"Idempotency-Key": key})

    assert (422, "Idempotency-Key") == (answer.status, answer.json["errors"][0]["path"])


@pytest.mark.parametrize("flag, status", [("", 200), ("1", 200), ("TRUE", 200), ("0", 200), ("maybe", 422)])
async def test_flags(engineer: Caller, flag: str, status: int) -> None:
    """A yes or no is said in a few ways, and anything else is not guessed at."""
    assert status == (await engineer("GET", "/api/projects", params={"archived": flag})).status
