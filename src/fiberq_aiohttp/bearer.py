"""Drive the core's `TokenVerifier`: the clock, one fetch at a time, time-outs, and the walk from issuer to keys."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import aiohttp
from attrs import define, field, frozen

from fiberq_aiohttp.addresses import trusted_url
from fiberq_core.claims import TokenRules
from fiberq_core.errors import KeysUnavailable
from fiberq_core.keyset import NeedKeys, TokenVerifier
from fiberq_core.policy import Actor

FETCH_TIMEOUT = 5.0  # seconds for one document; a request waits for two at the most
MAX_DOCUMENT = 256 * 1024  # bytes; discovery documents and key sets have a few thousand
DISCOVERY = "/.well-known/openid-configuration"

log = logging.getLogger("fiberq.auth")


class Fetch(Protocol):
    """The way to JSON documents of the identity provider."""

    async def __call__(self, url: str, /) -> object:
        """The document at *url*. Raises: KeysUnavailable."""
        ...


@frozen
class HttpFetch:
    """Fetch over HTTP. Follows no redirects: a trusted address must not send us to another."""

    session: aiohttp.ClientSession
    timeout: float = FETCH_TIMEOUT

    async def __call__(self, url: str) -> object:
        """The JSON document at *url*, of bounded size, within the time-out. Raises: KeysUnavailable."""
        try:
            async with asyncio.timeout(self.timeout), self.session.get(url, allow_redirects=False) as response:
                if response.status != 200:
                    raise KeysUnavailable(f"{url} answers {response.status}")
                return json.loads(await _bounded(response.content, url))
        except (aiohttp.ClientError, OSError, ValueError, RecursionError) as broken:  # TimeoutError is an OSError
            raise KeysUnavailable(f"{url}: {type(broken).__name__} {broken}".rstrip()) from broken


async def _bounded(stream: aiohttp.StreamReader, url: str) -> bytes:
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > MAX_DOCUMENT:
            raise KeysUnavailable(f"{url} answers more than {MAX_DOCUMENT} bytes")
    return bytes(body)


@define
class Bearer:
    """Turns bearer tokens into people. One for the application; *clock* gives seconds since the epoch."""

    verifier: TokenVerifier
    fetch: Fetch
    clock: Callable[[], float] = time.time
    _fetching: asyncio.Lock = field(factory=asyncio.Lock, init=False, repr=False)

    async def actor(self, token: str) -> Actor:
        """Who sent *token*. Raises: Unauthenticated, KeysUnavailable."""
        outcome = self.verifier.verify(token, now=self.clock())
        if isinstance(outcome, Actor):
            return outcome
        async with self._fetching:
            outcome = self.verifier.verify(token, now=self.clock())
            if isinstance(outcome, NeedKeys):
                await self._renew(outcome.issuer)
                outcome = self.verifier.verify(token, now=self.clock())
        if isinstance(outcome, NeedKeys):
            raise KeysUnavailable("The identity provider's keys could not be renewed; try again")
        return outcome

    def key_age(self) -> float:
        """Seconds since the provider's keys were fetched."""
        return self.verifier.age(now=self.clock())

    async def have_keys(self) -> bool:
        """Whether there are keys to go by; fetches them where there never were any."""
        usable = self.verifier.usable_for
        if self.key_age() >= usable:
            async with self._fetching:
                if self.verifier.wants_keys(now=self.clock()):
                    await self._renew(self.verifier.rules.issuer)
        return self.key_age() < usable

    async def _renew(self, issuer: str) -> None:
        """Fetch the issuer's keys and report to the verifier how it went."""
        try:
            document = await self.fetch(keys_url(await self.fetch(issuer + DISCOVERY), issuer))
            self.verifier.keys_received(document, now=self.clock())
        except (KeysUnavailable, ValueError) as broken:
            self.verifier.fetch_failed(now=self.clock())
            log.warning("keys of %s not renewed, using those at hand: %s", issuer, broken)
        else:
            log.info("keys of %s renewed", issuer)


def bearer_for(rules: TokenRules, fetch: Fetch) -> Bearer:
    """A driver with the usual times and the system's clock."""
    return Bearer(TokenVerifier(rules), fetch)


def keys_url(discovery: object, issuer: str) -> str:
    """Where a discovery document says that the keys are. Raises: ValueError, if it is not the *issuer*'s own."""
    if not isinstance(discovery, Mapping) or discovery.get("issuer") != issuer:
        raise ValueError("the discovery document is not that of the configured issuer")
    url = discovery.get("jwks_uri")
    if not isinstance(url, str):
        raise ValueError("the discovery document has no jwks_uri")  # noqa: TRY004 (data, not a type of ours)
    return trusted_url(url)
