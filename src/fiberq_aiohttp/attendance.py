"""Noting who signs in and which access tokens are used: beside the requests, which never wait for it or fail by it.

The same is noted once in some minutes; what could not be written is left for the next request of the same person.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from attrs import define, field

from fiberq_core.errors import FiberqError
from fiberq_core.people import person_of
from fiberq_core.policy import Actor
from fiberq_core.ports import Store

AGAIN: Final = 600.0  # seconds between two notes of the same
MOST: Final = 10_000  # people and tokens that are remembered as noted, and that may wait to be
FAREWELL: Final = 2.0  # seconds that the server waits for the last notes when it stops

log = logging.getLogger("fiberq.auth")


@define
class Attendance:
    """Who was here. *now* gives the time of day, *clock* seconds that only go forward."""

    store: Store
    now: Callable[[], str]
    clock: Callable[[], float] = time.monotonic
    _noted: OrderedDict[object, float] = field(factory=OrderedDict, init=False, repr=False)
    _waiting: dict[object, Callable[[], Awaitable[None]]] = field(factory=dict, init=False, repr=False)
    _awake: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    def saw(self, actor: Actor) -> None:
        """Note the sign-in of *actor*, or the use of their token, if it was not noted just before."""
        key = (actor, actor.signed_in) if actor.token is None else actor.token
        if self.clock() - self._noted.get(key, -AGAIN) < AGAIN or len(self._waiting) >= MOST:
            return
        self._noted[key] = self.clock()
        self._noted.move_to_end(key)
        if len(self._noted) > MOST:
            self._noted.popitem(last=False)
        self._waiting[key] = self._note(actor)
        self._awake.set()

    def _note(self, actor: Actor) -> Callable[[], Awaitable[None]]:
        if actor.token is not None:
            return partial(self.store.token_used, actor.token, self.now())
        return partial(self.store.saw, person_of(actor))

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Write the notes for as long as the block lasts."""
        writing = asyncio.create_task(self._write())
        try:
            yield
        finally:
            writing.cancel()
            await asyncio.wait([writing])
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await self._write_waiting()

    async def _write(self) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()
            await self._write_waiting()

    async def _write_waiting(self) -> None:
        for key in list(self._waiting):
            await self._write_one(key)

    async def _write_one(self, key: object) -> None:
        """Write a note, or forget that there was one. Whatever is wrong, the server goes on."""
        try:
            await self._waiting[key]()
        except FiberqError as broken:
            log.warning("not noted who signed in: %s", broken)
            self._noted.pop(key, None)
        except Exception:
            log.exception("not noted who signed in")
            self._noted.pop(key, None)
        finally:
            self._waiting.pop(key, None)
