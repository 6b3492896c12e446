"""Asking the identity provider the questions that a server will ask it, to see whether it answers."""

from collections.abc import Mapping

import aiohttp

from fiberq_aiohttp.bearer import DISCOVERY, HttpFetch, keys_url
from fiberq_core.errors import KeysUnavailable


async def published_keys(issuer: str) -> int:
    """How many signing keys *issuer* publishes. Raises: KeysUnavailable, with the reason."""
    async with aiohttp.ClientSession() as session:
        fetch = HttpFetch(session)
        try:
            document = await fetch(keys_url(await fetch(issuer + DISCOVERY), issuer))
        except ValueError as wrong:
            raise KeysUnavailable(str(wrong)) from wrong
    keys = document.get("keys") if isinstance(document, Mapping) else None
    if not isinstance(keys, list) or not keys:
        raise KeysUnavailable("the provider publishes no keys")
    return len(keys)
