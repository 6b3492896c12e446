"""The PostGIS store: any number of readers, one writer per project, in any number of servers."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from fiberq_core.errors import FiberqError
from fiberq_core.inbox import Author
from fiberq_core.policy import Role
from fiberq_core.ports import Member, Project, Reader, Unit
from fiberq_storage.postgis import inbox, locks, projects, statistics, synclog
from fiberq_storage.postgis.connection import Connection, Database, Session, Settings
from fiberq_storage.postgis.listening import Listener, Remembered
from fiberq_storage.postgis.migrate import migrate
from fiberq_storage.postgis.reader import Extents, PostgisReader
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.unit import PostgisUnit

P = ParamSpec("P")
T = TypeVar("T")

READING = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITING = "ISOLATION LEVEL READ COMMITTED"  # whether anybody may write is for the database to say

log = logging.getLogger("fiberq.postgis")


class PostgisStore:
    """`ports.Store` on a schema of a PostGIS database. Make it with `open_store`, end it with `close`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        # Within one server writers to a project wait here, without a connection; those of several servers at its row.
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._extents: Extents = {}
        self._members: Remembered[Sequence[Member]] = Remembered()  # asked for at every request
        self._listener = Listener(database, self._members)

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

    async def create_project(
        self, name: str, description: str, *, uuid: str, by: Author, at: str, owner_role: Role | None
    ) -> Project:
        """Create a project; *by* becomes a member with *owner_role* where one is given. Raises: Conflict."""
        return await self._write(projects.create, name, description, uuid, by=by, at=at, owner_role=owner_role)

    async def projects(self, *, member: str | None, archived: bool = False) -> Sequence[Project]:
        """Projects of which *member* (or everyone) is a member; None: all. Archived ones only where asked for."""
        return await self.read(projects.listed, member, archived=archived)

    async def project(self, project_id: int) -> Project:
        """One project. Raises: NotFound."""
        return await self.read(projects.get, project_id)

    async def update_project(self, project_id: int, changes: Mapping[str, str], *, by: Author, at: str) -> Project:
        """Change name, description, status or conflict_policy. Raises: NotFound, Invalid."""
        return await self._write(projects.update, project_id, changes, by, at)

    async def members(self, project_id: int, *, anew: bool = False) -> Sequence[Member]:
        """Who belongs to a project, as remembered where not asked *anew*. Raises: NotFound."""
        if anew:
            self._members.forget(project_id)
        return await self._members.get(project_id, partial(self.read, projects.members, project_id))

    async def set_member(self, project_id: int, member: Member, *, by: Author, at: str) -> None:
        """Add somebody or change their role. Raises: NotFound."""
        await self._write(projects.set_member, project_id, member, by, at)
        self._members.forget(project_id)  # this server need not wait until it is told

    async def remove_member(self, project_id: int, sub: str, *, by: Author, at: str) -> None:
        """Take somebody out. Raises: NotFound."""
        await self._write(projects.remove_member, project_id, sub, by, at)
        self._members.forget(project_id)

    async def find_receipt(self, sync_id: str) -> tuple[int, Author, Mapping[str, object], int]:
        """Project, author, receipt and revision of an upload. Raises: NotFound."""
        return await self.read(synclog.find_receipt, sync_id)

    async def save_export(self, export_id: str, project_id: int, revision: int, *, by: Author, at: str) -> None:
        """Remember a download. The same export may be saved again."""
        await self._write(synclog.save_export, export_id, project_id, revision, by=by, at=at)

    async def find_export(self, export_id: str) -> tuple[int, int, Author] | None:
        """Project, revision and taker of an export; None if it is not ours."""
        return await self.read(synclog.find_export, export_id)

    async def digests_waiting(self) -> frozenset[str]:
        """The digests of uploads that an open inbox item refers to: those must be kept."""
        return await self.read(inbox.digests_waiting)

    @asynccontextmanager
    async def reading(self, project_id: int) -> AsyncIterator[Reader]:
        """A snapshot to read. Raises: NotFound, StoreUnavailable."""
        async with self.snapshot(project_id) as (session, scope):
            yield PostgisReader(session, scope, self._extents)

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
            await self._write(statistics.refresh, grown)
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

    async def read(
        self, function: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """One question in a snapshot of its own, for those who ask in SQL. Raises: StoreUnavailable, and as *function*."""
        async with locks.told(self.database):
            return await Session(self.database).whole(READING, lambda db: function(db, *args, **kwargs))

    async def _write(
        self, function: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with locks.told(self.database), self._session(WRITING, commit=True) as session:
            return await session.run(function, *args, **kwargs)


async def open_store(settings: Settings) -> PostgisStore:
    """Open the store in a database, creating or migrating its schema. Raises: StoreMismatch, StoreUnavailable."""
    database = Database(settings)
    try:
        await database.open()
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
