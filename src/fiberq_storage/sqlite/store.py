"""The embedded store: one writer, a few readers, one file."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

import apsw

from fiberq_core.errors import FiberqError
from fiberq_core.inbox import Author
from fiberq_core.policy import Role
from fiberq_core.ports import Member, Project, Reader, Unit
from fiberq_storage.sqlite import inbox, projects, synclog
from fiberq_storage.sqlite.connection import FILE, Lane, begin, finish, transaction, translating
from fiberq_storage.sqlite.migrate import migrate
from fiberq_storage.sqlite.reader import Extents, SqliteReader
from fiberq_storage.sqlite.scope import Scope
from fiberq_storage.sqlite.unit import SqliteUnit

P = ParamSpec("P")
T = TypeVar("T")


class SqliteStore:
    """`ports.Store` on one SQLite file. Make it with `open_store`, end it with `close`."""

    def __init__(self, path: Path, readers: int) -> None:
        self.path = path
        self._writer = Lane(path, writing=True)
        self._pulse = Lane(path, writing=False)  # its own, so that health does not wait for long readers
        self._lanes = [Lane(path, writing=False) for _ in range(readers)]
        self._idle = list(self._lanes)
        self._readers = asyncio.Semaphore(readers)
        self._writing = asyncio.Lock()
        self._extents: Extents = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what is under way and close the file."""
        for lane in (*self._lanes, self._pulse, self._writer):
            await asyncio.to_thread(lane.close)

    async def migrate(self) -> None:
        """Bring the file to this version's form. Raises: StoreMismatch, StoreUnavailable."""
        await self._writer.run(migrate)

    async def alive(self) -> bool:
        """Whether the store answers."""
        try:
            await self._pulse.run(_ping)
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
        return await self._read(projects.listed, member, archived=archived)

    async def project(self, project_id: int) -> Project:
        """One project. Raises: NotFound."""
        return await self._read(projects.get, project_id)

    async def update_project(self, project_id: int, changes: Mapping[str, str], *, by: Author, at: str) -> Project:
        """Change name, description, status or conflict_policy. Raises: NotFound, Invalid."""
        return await self._write(projects.update, project_id, changes, by, at)

    async def members(self, project_id: int, *, anew: bool = False) -> Sequence[Member]:  # noqa: ARG002 (always new)
        """Who belongs to a project. Raises: NotFound."""
        return await self._read(projects.members, project_id)

    async def set_member(self, project_id: int, member: Member, *, by: Author, at: str) -> None:
        """Add somebody or change their role. Raises: NotFound."""
        await self._write(projects.set_member, project_id, member, by, at)

    async def remove_member(self, project_id: int, sub: str, *, by: Author, at: str) -> None:
        """Take somebody out. Raises: NotFound."""
        await self._write(projects.remove_member, project_id, sub, by, at)

    async def find_receipt(self, sync_id: str) -> tuple[int, Author, Mapping[str, object], int]:
        """Project, author, receipt and revision of an upload. Raises: NotFound."""
        return await self._read(synclog.find_receipt, sync_id)

    async def save_export(self, export_id: str, project_id: int, revision: int, *, by: Author, at: str) -> None:
        """Remember a download. The same export may be saved again."""
        await self._write(synclog.save_export, export_id, project_id, revision, by=by, at=at)

    async def find_export(self, export_id: str) -> tuple[int, int, Author] | None:
        """Project, revision and taker of an export; None if it is not ours."""
        return await self._read(synclog.find_export, export_id)

    async def digests_waiting(self) -> frozenset[str]:
        """The digests of uploads that an open inbox item refers to: those must be kept."""
        return await self._read(inbox.digests_waiting)

    @asynccontextmanager
    async def reading(self, project_id: int) -> AsyncIterator[Reader]:
        """A snapshot to read. Raises: NotFound."""
        async with self._lane() as lane:
            try:
                yield SqliteReader(lane, await lane.run(_enter, project_id, "DEFERRED"), self._extents)
            finally:
                await lane.run(finish, commit=False)

    @asynccontextmanager
    async def unit(self, project_id: int, *, rehearsal: bool = False) -> AsyncIterator[Unit]:
        """A transaction to write; one at a time. Raises: NotFound, Busy, StoreUnavailable."""
        async with self._writing:
            commit = False
            try:
                yield SqliteUnit(self._writer, await self._writer.run(_enter, project_id, "IMMEDIATE"))
                commit = not rehearsal
            finally:
                await self._writer.run(finish, commit=commit)

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[Lane]:
        async with self._readers:
            lane = self._idle.pop()
            try:
                yield lane
            finally:
                self._idle.append(lane)

    async def _read(
        self, function: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._lane() as lane:
            return await lane.run(function, *args, **kwargs)

    async def _write(
        self, function: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        def work(db: apsw.Connection) -> T:
            with transaction(db):
                return function(db, *args, **kwargs)

        async with self._writing:
            return await self._writer.run(work)


async def open_store(data: Path, *, readers: int = 4) -> SqliteStore:
    """Open the store in the folder *data*, creating or migrating it. *readers*: snapshots at the same time.

    Raises: StoreMismatch, StoreUnavailable, Busy.
    """
    await asyncio.to_thread(_make_folder, data)
    store = SqliteStore(data / FILE, readers)
    try:
        await store.migrate()
    except BaseException:
        await store.close()
        raise
    return store


def _make_folder(data: Path) -> None:
    with translating():
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (data / FILE).exists():  # a folder that was there may be open to everybody; the store is not
            with suppress(FileExistsError):
                os.close(os.open(data / FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _enter(db: apsw.Connection, project_id: int, mode: str) -> Scope:
    """Begin a transaction and look: from here on it is one snapshot."""
    begin(db, mode)
    return Scope(db, projects.get(db, project_id))


def _ping(db: apsw.Connection) -> None:
    db.execute("SELECT max(version) FROM schema_version").fetchone()
