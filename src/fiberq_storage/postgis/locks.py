"""Waiting for others who write: how long, and who it was."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from fiberq_core.errors import Busy, FiberqError
from fiberq_core.ports import Project
from fiberq_storage.postgis import projects
from fiberq_storage.postgis.connection import Connection, Database, Settings
from fiberq_storage.postgis.meaning import LOCKED

HOLDERS = """
SELECT a.usename, coalesce(nullif(a.application_name, ''), 'a program without a name'),
       extract(epoch FROM clock_timestamp() - a.xact_start)::bigint
FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND l.granted AND l.mode <> 'AccessShareLock' AND l.database = a.datid
AND a.pid <> pg_backend_pid()
GROUP BY a.pid, 1, 2, 3 ORDER BY 3 DESC NULLS LAST LIMIT 1
"""


@asynccontextmanager
async def turn(lock: asyncio.Lock, patience: float) -> AsyncIterator[float]:
    """The turn of one writer of this server. Gives what is left of *patience* (seconds). Raises: Busy."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(patience):
            await lock.acquire()
    except TimeoutError:
        raise Busy(LOCKED) from None
    try:
        yield patience - (time.monotonic() - began)
    finally:
        lock.release()


async def project(db: Connection, project_id: int, settings: Settings, patience: float) -> Project:
    """The project, held for this transaction alone: what it shows stays as it is. Raises: NotFound, Busy.

    *patience*: seconds to wait for whoever holds it.
    """
    await db.execute(f"SET LOCAL lock_timeout = {max(1, int(patience * 1000))}")
    try:
        found = await projects.get(db, project_id, "FOR NO KEY UPDATE")
    except asyncpg.LockNotAvailableError as error:
        raise Busy(LOCKED) from error
    await db.execute(f"SET LOCAL lock_timeout = {int(settings.row_lock * 1000)}")
    return found


@asynccontextmanager
async def told(database: Database) -> AsyncIterator[None]:
    """Say in `Busy` who holds the rows that this block waited for in vain."""
    try:
        yield
    except Busy as busy:
        with suppress(FiberqError):
            busy.holder = await database.run(_holder, database)
        raise


async def _holder(database: Database) -> str:
    connection = await database.acquire()
    try:
        found = await connection.fetchrow(HOLDERS, database.settings.schema)
    finally:
        await database.release(connection)
    if found is None:
        return ""
    user, program, seconds = found
    return f"the database user {user} in {program}" + (f", for {seconds} seconds" if seconds is not None else "")
