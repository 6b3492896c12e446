"""A real server for tests: a store, a folder, tokens that are really signed and really verified."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient
from attrs import evolve, frozen
from yarl import URL

from fiberq_aiohttp import wiring
from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.settings import Settings, from_env
from fiberq_core.errors import KeysUnavailable
from tests.core.tokens import ISSUER, PROJECT, a_jwk, a_payload, a_token

Client = TestClient[web.Request, web.Application]

DISCOVERY_URL = f"{ISSUER}/.well-known/openid-configuration"
KEYS_URL = f"{ISSUER}/oauth/v2/keys"
DOCUMENTS: Mapping[str, object] = {
    DISCOVERY_URL: {"issuer": ISSUER, "jwks_uri": KEYS_URL},
    KEYS_URL: {"keys": [a_jwk()]},
}
ENV = {
    "ZITADEL_DOMAIN": ISSUER,
    "ZITADEL_CLIENT_ID": "client-1",
    "ZITADEL_PROJECT_ID": PROJECT,
    "API_SECRET_KEY": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c",
}
POINT = {"type": "Point", "coordinates": [20.5, 44.25]}


async def provider(url: str) -> object:
    """The identity provider's documents."""
    if url not in DOCUMENTS:
        raise KeysUnavailable(url)
    return DOCUMENTS[url]


def a_settings(folder: Path, database: str | None = None, **changes: Any) -> Settings:
    """Settings of a server with its data in *folder*, and its store in the *database* if there is one."""
    env = {**ENV, "DATABASE_URL": database or ""}
    return evolve(from_env(env, dev=False, data=folder / "data"), **changes)


def an_app(folder: Path, database: str | None = None, **changes: Any) -> web.Application:
    """The server as it is in production, but for where its keys come from."""
    settings = a_settings(folder, database, **changes)
    return create_app(settings, partial(wiring.serving, settings), fetch=provider)


def token(*roles: str, sub: str = "180001", name: str | None = None, iat: int | None = None, **more: object) -> str:
    """A token of somebody with these roles; *iat*: when it was issued, if not just before."""
    now = int(time.time())
    grants = {role: {"501": "acme.example.org"} for role in roles}
    claims = {
        "sub": sub,
        "name": name,
        "iat": iat or now - 10,
        "exp": now + 3600,
        "urn:zitadel:iam:org:project:roles": grants,
        **more,
    }
    return a_token(a_payload(**claims))


async def until(holds: Callable[[], bool], patience: float = 5.0) -> None:
    """Wait until something holds. Raises: TimeoutError."""
    async with asyncio.timeout(patience):
        while not holds():  # noqa: ASYNC110 (what is waited for happens on a disk)
            await asyncio.sleep(0.01)


@frozen
class Answer:
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any


@frozen
class Caller:
    """Somebody at the REST interface."""

    client: Client
    token: str | None

    async def __call__(self, method: str, path: str | URL, **more: Any) -> Answer:
        """Send a request."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= more.pop("headers", {})
        async with self.client.request(method, path, headers=headers, allow_redirects=False, **more) as response:
            body = await response.read()
            is_json = "json" in response.headers.get("Content-Type", "") and body
            return Answer(response.status, response.headers, body, await response.json() if is_json else None)

    async def made(self, path: str, body: object) -> Any:
        """Create something; what came of it."""
        answer = await self("POST", path, json=body)
        assert answer.status == 201, answer.json
        return answer.json

    async def project(self, name: str = "Selo") -> int:
        """Create a project; its number."""
        return int((await self.made("/api/projects", {"name": name}))["id"])

    async def pole(self, project: int, **properties: object) -> dict[str, Any]:
        """Create a pole; the feature."""
        body = {"type": "Feature", "geometry": POINT, "properties": properties}
        made: dict[str, Any] = await self.made(f"/api/projects/{project}/features/Stubovi", body)
        return made
