"""The embedded store: one writer, a few readers, one file."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import apsw

from fiberq_core.errors import FiberqError, StoreUnavailable
from fiberq_core.ports import Reader, Unit
from fiberq_storage.files.disk import UNWRITABLE
from fiberq_storage.reader import Function
from fiberq_storage.sqlite import projects
from fiberq_storage.sqlite.connection import FILE, Lane, begin, finish, transaction, translating
from fiberq_storage.sqlite.migrate import demand_current, migrate
from fiberq_storage.sqlite.reader import ANSWERS, SqliteReader, SqliteUnit
from fiberq_storage.sqlite.scope import Scope
from fiberq_storage.store import AnsweringStore

T = TypeVar("T")


class SqliteStore(AnsweringStore):
    """`ports.Store` on one SQLite file. Make it with `open_store`, end it with `close`."""

    answers = ANSWERS

    def __init__(self, path: Path, readers: int) -> None:
        super().__init__()
        self.path = path
        self._writer = Lane(path, writing=True)
        self._pulse = Lane(path, writing=False)  # its own, so that health does not wait for long readers
        self._lanes = [Lane(path, writing=False) for _ in range(readers)]
        self._idle = list(self._lanes)
        self._readers = asyncio.Semaphore(readers)
        self._writing = asyncio.Lock()

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

    async def check(self) -> None:
        """Insist that the file is this version's and can be written. Raises: StoreUnavailable, StoreMismatch."""
        await self._pulse.run(demand_current)
        if not await asyncio.to_thread(_writable, self.path):
            raise StoreUnavailable(UNWRITABLE)

    @asynccontextmanager
    async def reading(self, project_id: int) -> AsyncIterator[Reader]:
        """A snapshot to read. Raises: NotFound."""
        async with self._lane() as lane:
            try:
                yield SqliteReader(lane, await lane.run(_enter, project_id, "DEFERRED"), self._measured)
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

    async def read(self, function: Function[T], *args: Any, **kwargs: Any) -> T:
        """*function* of a connection that is only read."""
        async with self._lane() as lane:
            found: T = await lane.run(function, *args, **kwargs)  # type: ignore[arg-type]  # nothing is awaited here
            return found

    async def write(self, function: Function[T], *args: Any, **kwargs: Any) -> T:
        """*function* in a transaction of its own; one at a time."""

        def work(db: apsw.Connection) -> Any:
            with transaction(db):
                return function(db, *args, **kwargs)

        async with self._writing:
            found: T = await self._writer.run(work)
            return found


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


def _writable(path: Path) -> bool:
    """Whether the system would let us write the file and what SQLite puts beside it. Asks nobody to wait."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)


def _enter(db: apsw.Connection, project_id: int, mode: str) -> Scope:
    """Begin a transaction and look: from here on it is one snapshot."""
    begin(db, mode)
    return Scope(db, projects.get(db, project_id))


def _ping(db: apsw.Connection) -> None:
    db.execute("SELECT max(version) FROM schema_version").fetchone()
