"""One project of a store on its way out: held, read by parts, and removed, in one transaction."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Protocol

import apsw
import asyncpg

from fiberq_core.errors import Busy, Conflict
from fiberq_core.inbox import Author
from fiberq_core.ports import Project
from fiberq_storage.moving import embedded_rows
from fiberq_storage.moving.database import UNHURRIED, WRITING, InDatabase, connected
from fiberq_storage.moving.embedded import Embedded
from fiberq_storage.moving.parts import OF_PROJECTS, End
from fiberq_storage.postgis import audit as database_audit
from fiberq_storage.postgis import projects as database_projects
from fiberq_storage.postgis.connection import Connection, Session, Settings
from fiberq_storage.postgis.meaning import LOCKED
from fiberq_storage.postgis.tables import TABLES
from fiberq_storage.sql import ident
from fiberq_storage.sqlite import audit as embedded_audit
from fiberq_storage.sqlite import projects as embedded_projects
from fiberq_storage.sqlite import tables as embedded_tables
from fiberq_storage.sqlite.connection import FILE, connect, transaction, translating

PURGED = "project.purged"
PATIENCE_MS = 30_000  # waiting for who writes to the project
ALIVE = "Only an archived project can be purged; archive it first"
# Tables beside the parts: what each store makes of them.
EMBEDDED_OWN = ("counters", "history")
DATABASE_OWN = ("identities",)


class Going(End, Protocol):
    """A project that can be read as long as it is there, and removed."""

    async def remove(self, detail: Mapping[str, object], by: Author, at: str) -> None:
        """Remove everything of the project; the audit keeps *detail*."""
        ...


class EmbeddedProject(Embedded):
    """A project of the embedded store."""

    def __init__(self, db: apsw.Connection, project: int) -> None:
        super().__init__(db, project)
        self._id = project

    async def remove(self, detail: Mapping[str, object], by: Author, at: str) -> None:
        """Remove everything of the project; the audit keeps *detail*."""
        with translating():
            for table in embedded_tables.TABLES.values():
                if table.index:
                    gone = f"SELECT id FROM {table.name} WHERE project_id = ?"
                    self._db.execute(f"DELETE FROM {table.index} WHERE id IN ({gone})", (self._id,))
            for name in EMBEDDED_OWN:
                self._db.execute(f"DELETE FROM {ident(name)} WHERE project_id = ?", (self._id,))
            for part in reversed(OF_PROJECTS):
                if not part.past:
                    whose = embedded_rows.whose(part)
                    self._db.execute(f"DELETE FROM {ident(part.name)} WHERE {whose}", (self._id,))
            embedded_audit.note(self._db, None, (by, at), PURGED, detail)


class DatabaseProject(InDatabase):
    """A project of a store in a database."""

    def __init__(self, session: Session, project: int) -> None:
        super().__init__(session, project)
        self._id = project

    async def remove(self, detail: Mapping[str, object], by: Author, at: str) -> None:
        """Remove everything of the project; the audit keeps *detail*."""
        await self._session.run(_remove, self._id)
        await self._session.run(database_audit.note, None, (by, at), PURGED, detail)


@asynccontextmanager
async def going(store: Path | Settings, project: int) -> AsyncIterator[Going]:
    """An archived project that nobody else changes meanwhile; what is done stays if the block ends without an error.

    Raises: NotFound, Conflict, Busy, StoreUnavailable.
    """
    if isinstance(store, Path):
        with translating(), closing(connect(store / FILE, writing=True)) as db, transaction(db):
            _must_be_archived(embedded_projects.get(db, project))
            yield EmbeddedProject(db, project)
        return
    async with connected(store) as database:
        session, done = Session(database), False
        try:
            await session.begin(WRITING)
            _must_be_archived(await session.run(_hold, project))
            yield DatabaseProject(session, project)
            done = True
        finally:
            await session.finish(commit=done)


def _must_be_archived(project: Project) -> None:
    if not project.archived:
        raise Conflict(ALIVE)


async def _hold(db: Connection, project: int) -> Project:
    """The project, held against all who write to it or refer to it. Raises: NotFound, Busy."""
    await db.execute(f"{UNHURRIED}; SET LOCAL lock_timeout = {PATIENCE_MS}; SET LOCAL fiberq.server = 'on'")
    try:
        return await database_projects.get(db, project, "FOR UPDATE")
    except asyncpg.LockNotAvailableError as error:
        raise Busy(LOCKED) from error


async def _remove(db: Connection, project: int) -> None:
    """Rows first: that writes history, and takes a revision, which go afterwards."""
    for table in TABLES.values():
        await db.execute(f"DELETE FROM {table.name} WHERE project_id = $1", project)
    await db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in TABLES.values():
        await db.execute(f"DELETE FROM {table.past} WHERE project_id = $1", project)
    for name in DATABASE_OWN:
        await db.execute(f"DELETE FROM {ident(name)} WHERE project_id = $1", project)
    for part in reversed([part for part in OF_PROJECTS if part.layer is None]):
        key = "id" if part.name == "projects" else "project_id"
        await db.execute(f"DELETE FROM {ident(part.name)} WHERE {key} = $1", project)
