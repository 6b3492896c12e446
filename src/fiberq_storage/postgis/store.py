"""The PostGIS store: any number of readers, one writer per project, in any number of servers."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from fiberq_core.errors import FiberqError
from fiberq_core.inbox import Author
from fiberq_core.people import Person
from fiberq_core.ports import Connections, Member, Reader, Unit
from fiberq_core.tokens import Token
from fiberq_storage.postgis import locks, projects, statistics
from fiberq_storage.postgis.connection import Database, Session, Settings
from fiberq_storage.postgis.listening import Known, Listener
from fiberq_storage.postgis.migrate import demand_current, migrate
from fiberq_storage.postgis.reader import ANSWERS, PostgisReader, PostgisUnit
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.reader import Function
from fiberq_storage.store import AnsweringStore

T = TypeVar("T")

READING = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITING = "ISOLATION LEVEL READ COMMITTED"  # whether anybody may write is for the database to say
TOKEN_KNOWN_S = 60.0  # that a token is remembered: its last use and its person's last sign-in are told to nobody

log = logging.getLogger("fiberq.postgis")


class PostgisStore(AnsweringStore):
    """`ports.Store` on a schema of a PostGIS database. Make it with `open_store`, end it with `close`."""

    answers = ANSWERS

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        # Within one server writers to a project wait here, without a connection; those of several servers at its row.
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        # asked for at every request
        self._members: Known[int, Sequence[Member]] = Known()
        self._tokens: Known[str, tuple[Token, Person | None]] = Known(seconds=TOKEN_KNOWN_S)
        self._listener = Listener(database, self._members, self._tokens)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what is under way and disconnect."""
        await self._listener.stop()
        await self.database.close()

    async def listen(self) -> None:
        """Hear of what others do from now on, so that something may be remembered."""
        await self._listener.start()

    async def alive(self) -> bool:
        """Whether the database answers."""
        try:
            await self.database.run(self.database.ping)
        except FiberqError:
            return False
        return True

    async def check(self) -> None:
        """Insist that the database is this version's and can be written. Raises: StoreUnavailable, StoreMismatch."""
        await self.write(demand_current, self.database.settings.schema)  # type: ignore[arg-type]  # awaited there

    def connections(self) -> Connections | None:
        """Those of the pool."""
        return self.database.connections()

    async def members(self, project_id: int, *, anew: bool = False) -> Sequence[Member]:
        """Who belongs to a project, as remembered where not asked *anew*. Raises: NotFound."""
        if anew:
            self._members.forget(project_id)
        return await self._members.get(project_id, partial(super().members, project_id))

    async def set_member(self, project_id: int, member: Member, *, by: Author, at: str) -> None:
        """Add somebody or change their role. Raises: NotFound."""
        await super().set_member(project_id, member, by=by, at=at)
        self._members.forget(project_id)  # this server need not wait until it is told

    async def remove_member(self, project_id: int, sub: str, *, by: Author, at: str) -> None:
        """Take somebody out. Raises: NotFound."""
        await super().remove_member(project_id, sub, by=by, at=at)
        self._members.forget(project_id)

    async def token_behind(self, digest: str) -> tuple[Token, Person | None]:
        """The token with this digest and its person, as remembered. Raises: NotFound."""
        return await self._tokens.get(digest, partial(super().token_behind, digest))

    async def revoke_token(self, token_id: str, *, by: Author, at: str) -> None:
        """End a token; one that was ended stays so. Raises: NotFound."""
        await super().revoke_token(token_id, by=by, at=at)
        self._tokens.forget()

    @asynccontextmanager
    async def reading(self, project_id: int) -> AsyncIterator[Reader]:
        """A snapshot to read. Raises: NotFound, StoreUnavailable."""
        async with self.snapshot(project_id) as (session, scope):
            yield PostgisReader(session, scope, self._measured)

    @asynccontextmanager
    async def snapshot(self, project_id: int) -> AsyncIterator[tuple[Session, Scope]]:
        """The transaction of `reading`, for those who ask in SQL. Raises: NotFound, StoreUnavailable."""
        async with locks.told(self.database), self._session(READING) as session:
            yield session, Scope(session.connection, await session.run(projects.get, project_id))

    @asynccontextmanager
    async def unit(self, project_id: int, *, rehearsal: bool = False) -> AsyncIterator[Unit]:
        """A transaction to write; one per project at a time. Raises: NotFound, Busy, StoreUnavailable."""
        settings = self.database.settings
        async with (
            locks.told(self.database),
            locks.turn(self._turns[project_id], settings.project_lock) as patience,
            self._session(WRITING, commit=not rehearsal) as session,
        ):
            project = await session.run(locks.project, project_id, settings, patience)
            unit = PostgisUnit(session, Scope(session.connection, project))
            yield unit
        if unit.grown and not rehearsal:
            await self._look_at(unit.grown)

    async def _look_at(self, grown: Mapping[str, int]) -> None:
        """Let the planner know of tables that have grown. What was written stays written if it cannot."""
        try:
            async with self._session(WRITING, commit=True) as session:
                await session.run(statistics.refresh, grown)
        except FiberqError as broken:
            log.warning("statistics not refreshed: %s", broken)

    @asynccontextmanager
    async def _session(self, mode: str, *, commit: bool = False) -> AsyncIterator[Session]:
        session = Session(self.database)
        ending = False
        try:
            await session.begin(mode)
            yield session
            ending = commit
        finally:
            await session.finish(commit=ending)

    async def read(self, function: Function[T], *args: Any, **kwargs: Any) -> T:
        """One question in a snapshot of its own, for those who ask in SQL. Raises: StoreUnavailable, and as *function*."""
        async with locks.told(self.database):
            found: T = await Session(self.database).whole(READING, lambda db: function(db, *args, **kwargs))  # type: ignore[arg-type,return-value]  # awaited there
            return found

    async def ask(self, function: Function[T], *args: Any, **kwargs: Any) -> T:
        """A *function* of one statement. Three messages to the database are saved. Raises: StoreUnavailable, and as *function*."""
        if self.database.settings.pgbouncer:
            return await self.read(function, *args, **kwargs)
        found: T = await self.database.run(self.database.alone, function, *args, **kwargs)  # type: ignore[arg-type]  # awaited there
        return found

    async def write(self, function: Function[T], *args: Any, **kwargs: Any) -> T:
        """*function* in a transaction of its own. Raises: StoreUnavailable, and as *function*."""
        async with locks.told(self.database), self._session(WRITING, commit=True) as session:
            found: T = await session.run(function, *args, **kwargs)  # type: ignore[arg-type]  # awaited there
            return found


async def open_store(settings: Settings, patience: float = 0.0) -> PostgisStore:
    """Open the store in a database, creating or migrating its schema. Raises: StoreMismatch, StoreUnavailable.

    *patience*: seconds to wait for a database that does not answer yet.
    """
    database = Database(settings)
    try:
        await database.open(patience)
        await database.run(_migrate, database)
    except BaseException:
        await database.close()
        raise
    store = PostgisStore(database)
    await store.listen()
    return store


async def _migrate(database: Database) -> None:
    connection = await database.acquire()
    try:
        await migrate(connection, database)
    finally:
        await database.release(connection)
