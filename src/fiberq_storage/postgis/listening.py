"""What others did to the database, as it says itself: `NOTIFY` on one channel, and what is remembered until then.

Every revision and every change of a membership notifies `fiberq` with `{"project": …, "revision": …}`, the end of
an access token and a change of somebody's roles with `{"people": true}`. Whatever one server remembers of a project
or of tokens, it forgets when any server, QGIS or psql changes it. While nobody listens (the database is away, or
PgBouncer stands between), nothing is remembered at all.
"""

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import asyncpg

from fiberq_storage.postgis.connection import PROGRAM, Connection, Database
from fiberq_storage.postgis.triggers import CHANNEL, PEOPLE

K = TypeVar("K")
T = TypeVar("T")
TOLD_OF_PEOPLE = json.loads(PEOPLE)
MOST = 10_000  # things that are remembered, about a kilobyte each
AGAIN_S = (0.5, 2.0, 10.0)  # before listening again, the last one for good
PULSE_S = 5.0  # between two looks whether the connection still stands

log = logging.getLogger("fiberq.postgis")


class Known(Generic[K, T]):
    """One thing per key (a project, a token's digest), until something is said of it.

    At most *most* of them, each for *seconds* at the longest.
    """

    def __init__(self, most: int = MOST, seconds: float = math.inf) -> None:
        self._known: dict[K, tuple[float, T]] = {}
        self._most, self._seconds = most, seconds
        self._told = 0  # how often something was forgotten: an answer from before is not remembered
        self.trusted = False

    async def get(self, key: K, ask: Callable[[], Awaitable[T]]) -> T:
        """What is known of a key, else what *ask* says. Raises what *ask* does."""
        if self.trusted and key in self._known:
            since, known = self._known[key]
            if time.monotonic() - since < self._seconds:
                return known
        told = self._told
        found = await ask()
        if self.trusted and told == self._told:
            self._keep(key, found)
        return found

    def forget(self, key: K | None = None) -> None:
        """Forget one key, or all."""
        self._told += 1
        if key is None:
            self._known.clear()
        else:
            self._known.pop(key, None)

    def _keep(self, key: K, found: T) -> None:
        if len(self._known) >= self._most:
            self._known.pop(next(iter(self._known)), None)
        self._known[key] = time.monotonic(), found


class Listener:
    """A connection of its own on which the database says what happened; lives on the database's loop."""

    def __init__(self, database: Database, projects: Known[int, Any], tokens: Known[str, Any]) -> None:
        self._database, self._projects, self._tokens = database, projects, tokens
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen from now on, as well as the database allows."""
        if not self._database.settings.pgbouncer:
            await self._database.run(self._start)

    async def stop(self) -> None:
        """Listen no more. Stopping again does nothing."""
        if self._task is not None:
            await self._database.run(self._stop)

    async def _start(self) -> None:
        self._task = asyncio.create_task(self._listen())

    async def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _listen(self) -> None:
        tries = 0
        while True:
            try:
                connection = await asyncpg.connect(
                    self._database.settings.dsn, server_settings={"application_name": PROGRAM}, timeout=10
                )
                tries = 0
                await self._stay(connection)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as broken:
                log.debug("not listening: %s", broken)
            await asyncio.sleep(AGAIN_S[min(tries, len(AGAIN_S) - 1)])
            tries += 1

    async def _stay(self, connection: Connection) -> None:
        """Hear what is said until the connection breaks."""
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: gone.set())
            await connection.add_listener(CHANNEL, self._hear)
            self._trust(True)
            while not gone.is_set():
                await connection.fetchval("SELECT 1", timeout=PULSE_S)
                with suppress(TimeoutError):
                    await asyncio.wait_for(gone.wait(), PULSE_S)
        finally:
            self._trust(False)
            connection.terminate()

    def _hear(self, _connection: Connection, _pid: int, _channel: str, payload: str) -> None:
        try:
            said = json.loads(payload)
            project = said.get("project")
        except (ValueError, AttributeError):
            said, project = {}, None
        if isinstance(project, int):
            self._projects.forget(project)
        elif said == TOLD_OF_PEOPLE:
            self._tokens.forget()
        else:  # not ours: whoever said it may have meant anything
            self._projects.forget()
            self._tokens.forget()

    def _trust(self, trusted: bool) -> None:
        """Remember from now on, or no more; what was remembered before may be of the past."""
        for known in (self._projects, self._tokens):
            known.trusted = trusted
            known.forget()
