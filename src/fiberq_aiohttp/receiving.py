"""Uploads take turns: so many are received at the same time, and so many of one person."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from fiberq_aiohttp.keys import ACTOR, SPOOL, UPLOAD_SLOTS, UPLOADERS
from fiberq_aiohttp.spool import Spooled, spooled
from fiberq_core.errors import Busy

QUEUE: Final = 30.0  # seconds that an upload waits for its turn to be received
ONE_PERSON: Final = 4  # uploads of one person that are received at the same time: nobody can keep all others out


@asynccontextmanager
async def received(request: web.Request, limit: int, what: str) -> AsyncIterator[Spooled]:
    """The file of an upload, of at most *limit* bytes, received in its turn; *what* people call it.

    Raises: Busy, and as `spooled`.
    """
    own = request.app[UPLOADERS].setdefault(request[ACTOR].subject, asyncio.Semaphore(ONE_PERSON))
    spool = spooled(request, request.app[SPOOL], limit, what=what)
    async with _turn(own), _turn(request.app[UPLOAD_SLOTS]), spool as file:
        yield file


@asynccontextmanager
async def _turn(slots: asyncio.Semaphore) -> AsyncIterator[None]:
    """One of *slots*, if one becomes free in time. Raises: Busy."""
    try:
        async with asyncio.timeout(QUEUE):
            await slots.acquire()
    except TimeoutError:
        raise Busy("too many uploads at once") from None
    try:
        yield
    finally:
        slots.release()
