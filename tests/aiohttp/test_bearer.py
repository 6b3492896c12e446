"""The bearer driver: one fetch at a time, the walk from issuer to keys, and outages."""

import asyncio
import logging
from collections.abc import Mapping

import pytest
from aiohttp import ClientSession, web
from attrs import define, field

from fiberq_aiohttp.bearer import MAX_DOCUMENT, Bearer, HttpFetch, keys_url
from fiberq_core.errors import KeysUnavailable, Unauthenticated, UnknownKey
from fiberq_core.keyset import TokenVerifier
from tests.core.tokens import ISSUER, NOW, RULES, a_jwk, a_payload, a_token

DISCOVERY_URL = f"{ISSUER}/.well-known/openid-configuration"
KEYS_URL = f"{ISSUER}/oauth/v2/keys"


@define
class FakeProvider:
    """A provider in memory, that can be away, slow, or say other things."""

    documents: dict[str, object] = field(
        factory=lambda: {DISCOVERY_URL: {"issuer": ISSUER, "jwks_uri": KEYS_URL}, KEYS_URL: {"keys": [a_jwk()]}}
    )
    away: bool = False
    asked: list[str] = field(factory=list)

    async def __call__(self, url: str) -> object:
        """The document, a little later."""
        self.asked.append(url)
        await asyncio.sleep(0.01)
        if self.away:
            raise KeysUnavailable("away")
        return self.documents[url]


@define
class Clock:
    """A clock that is set by hand."""

    now: float = NOW

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now


def a_bearer(provider: FakeProvider, clock: Clock) -> Bearer:
    """A driver over these."""
    return Bearer(TokenVerifier(RULES), provider, clock)


async def test_fifty_callers_one_fetch() -> None:
    """Requests that arrive together without keys wait for one fetch, and all come in."""
    provider = FakeProvider()
    bearer = a_bearer(provider, Clock())

    actors = await asyncio.gather(*(bearer.actor(a_token()) for _ in range(50)))

    assert {actor.subject for actor in actors} == {"180001"}
    assert provider.asked == [DISCOVERY_URL, KEYS_URL]


async def test_made_up_keys_cause_one_fetch() -> None:
    """A flood of tokens with made-up key ids cannot be turned into a flood of fetches."""
    provider, clock = FakeProvider(), Clock()
    bearer = a_bearer(provider, clock)
    await bearer.actor(a_token())
    clock.now += 60

    tokens = [a_token(kid=f"made-up-{n}") for n in range(20)]
    outcomes = await asyncio.gather(*(bearer.actor(token) for token in tokens), return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {UnknownKey}
    assert len(provider.asked) == 4


async def test_an_outage_logs_nobody_out(caplog: pytest.LogCaptureFixture) -> None:
    """With the provider away the last keys serve on; that is logged, and asked again after half a minute."""
    provider, clock = FakeProvider(), Clock()
    bearer = a_bearer(provider, clock)
    token = a_token(a_payload(exp=NOW + 100_000))
    await bearer.actor(token)
    provider.away, clock.now = True, NOW + 3600

    with caplog.at_level(logging.WARNING, "fiberq.auth"):
        assert "180001" == (await bearer.actor(token)).subject
        assert "180001" == (await bearer.actor(token)).subject

    assert len(provider.asked) == 3
    assert "not renewed" in caplog.text
    assert token not in caplog.text


async def test_without_keys_nobody_comes_in() -> None:
    """With the provider away from the start, the answer is that it cannot be asked, not that the token is bad."""
    provider, clock = FakeProvider(away=True), Clock()
    bearer = a_bearer(provider, clock)

    with pytest.raises(KeysUnavailable):
        await bearer.actor(a_token())

    provider.away, clock.now = False, NOW + 30
    assert "180001" == (await bearer.actor(a_token())).subject


async def test_a_caller_that_gives_up_blocks_nobody() -> None:
    """When the request that fetches is cancelled, the next one fetches."""
    bearer = a_bearer(FakeProvider(), Clock())
    first = asyncio.create_task(bearer.actor(a_token()))
    await asyncio.sleep(0)
    first.cancel()

    assert "180001" == (await bearer.actor(a_token())).subject


@pytest.mark.parametrize(
    "discovery",
    [
        None,
        [],
        {},
        {"issuer": ISSUER},
        {"issuer": ISSUER + "/", "jwks_uri": KEYS_URL},
        {"issuer": "https://id.example.com", "jwks_uri": KEYS_URL},
        {"issuer": ISSUER, "jwks_uri": 5},
        {"issuer": ISSUER, "jwks_uri": "http://id.example.org/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER, "jwks_uri": "/keys"},
    ],
    ids=str,
)
async def test_a_wrong_discovery_document_gives_no_keys(discovery: object) -> None:
    """Keys are taken only from where the configured issuer itself, over https, says that they are."""
    provider = FakeProvider()
    provider.documents[DISCOVERY_URL] = discovery

    with pytest.raises(KeysUnavailable):
        await a_bearer(provider, Clock()).actor(a_token())
    assert provider.asked == [DISCOVERY_URL]


def test_keys_of_a_provider_on_this_machine() -> None:
    """Plain http is for loopback."""
    document = {"issuer": "http://127.0.0.1:8080", "jwks_uri": "http://127.0.0.1:8080/keys"}

    assert "http://127.0.0.1:8080/keys" == keys_url(document, "http://127.0.0.1:8080")


async def test_a_useless_key_set_is_an_outage() -> None:
    """A key set without usable keys does not replace the good one."""
    provider, clock = FakeProvider(), Clock()
    bearer = a_bearer(provider, clock)
    await bearer.actor(a_token())
    provider.documents[KEYS_URL], clock.now = {"keys": []}, NOW + 400

    assert "180001" == (await bearer.actor(a_token())).subject


async def test_a_bad_token_is_refused_after_the_fetch() -> None:
    """Fetching keys makes no token good."""
    with pytest.raises(Unauthenticated):
        await a_bearer(FakeProvider(), Clock()).actor(a_token(a_payload(aud="client-9")))


async def answer(_request: web.Request) -> web.Response:
    return web.json_response({"issuer": "x"})


async def moved(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={"Location": "/good"})


async def broken(_request: web.Request) -> web.Response:
    return web.Response(text="<html>")


async def deep(_request: web.Request) -> web.Response:
    return web.Response(text="[" * 100_000)


async def large(_request: web.Request) -> web.Response:
    return web.Response(body=b"{}" + b" " * MAX_DOCUMENT)


async def missing(_request: web.Request) -> web.Response:
    return web.Response(status=404, text="{}")


async def slow(_request: web.Request) -> web.Response:
    await asyncio.sleep(1)
    return web.json_response({})


PAGES: Mapping[str, object] = {
    "/moved": moved,
    "/broken": broken,
    "/deep": deep,
    "/large": large,
    "/missing": missing,
    "/slow": slow,
}


@pytest.fixture
async def origin(aiohttp_server: object) -> str:
    """A server with pages of each kind."""
    app = web.Application()
    app.router.add_get("/good", answer)
    for path, handler in PAGES.items():
        app.router.add_get(path, handler)  # type: ignore[arg-type]
    server = await aiohttp_server(app)  # type: ignore[operator]
    return f"http://127.0.0.1:{server.port}"


async def test_http_fetch_reads_json(origin: str) -> None:
    """A document is read over HTTP."""
    async with ClientSession() as session:
        assert {"issuer": "x"} == await HttpFetch(session)(f"{origin}/good")


@pytest.mark.parametrize("path", PAGES)
async def test_http_fetch_refuses(origin: str, path: str) -> None:
    """Redirects, errors, other content, too much and too slow are all the provider's failure."""
    async with ClientSession() as session:
        with pytest.raises(KeysUnavailable):
            await HttpFetch(session, timeout=0.2)(origin + path)


async def test_http_fetch_of_nobody() -> None:
    """A provider that does not answer is the provider's failure too."""
    async with ClientSession() as session:
        with pytest.raises(KeysUnavailable):
            await HttpFetch(session)("http://127.0.0.1:1/x")
