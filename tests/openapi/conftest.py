"""The same servers and people as everywhere over HTTP."""

from tests.aiohttp.conftest import client, stranger

__all__ = ["client", "stranger"]
