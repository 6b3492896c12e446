"""The database: its pool, and the thread that all of its work happens on.

asyncpg decodes rows on the event loop that it lives on. It has one of its own here, so that a large
answer never stalls the server's loop; what is asked for goes there and comes back as a whole.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import asyncpg
from attrs import frozen

from fiberq_core.errors import FiberqError, StoreUnavailable
from fiberq_core.ports import Connections
from fiberq_storage.postgis.line import Line
from fiberq_storage.postgis.meaning import CROWDED, GONE, NOT_YET, translating
from fiberq_storage.sql import ident

P = ParamSpec("P")
T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[Any]"

PROGRAM = "FiberQ server"  # as which it is seen in pg_stat_activity

# Rows are looked up by keys, and never in other projects' rows: right after an import the planner may not know yet.
# Answers are small: parallel workers take longer to start than they save, and others wait for them.
BY_INDEX = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "max_parallel_workers_per_gather": "0",
}
# Where the best way depends on what is asked: a plan made for any box would read all rows in one around a town.
BY_VALUES = "SET LOCAL plan_cache_mode = force_custom_plan"

PULSE = 5.0  # seconds in which a healthy database answers
AGAIN = 1.0  # seconds between two looks for a database that is not there yet

CLOSED = "The server is stopping. Try again in a moment"
UNDONE = "A statement has failed before. Nothing was changed"

log = logging.getLogger("fiberq.postgis")


@frozen
class Settings:
    """Which database, and how it is used. Times in seconds."""

    url: str
    schema: str = "fiberq"
    smallest: int = 2  # connections of the pool
    largest: int = 20
    connecting: float = 10.0  # waiting for a connection
    statement: float = 300.0  # the longest statement
    table_lock: float = 10.0  # waiting for whoever changes or empties a table itself
    project_lock: float = 30.0  # waiting for whoever else writes to the project
    # Far below deadlock_timeout (1 s): an editor who holds a row and waits for us must not be the one who is thrown out.
    row_lock: float = 0.1
    pgbouncer: bool = False  # behind PgBouncer in transaction mode: no prepared statements, no LISTEN

    @property
    def dsn(self) -> str:
        """The address as asyncpg takes it."""
        return self.url.replace("postgresql+asyncpg://", "postgresql://", 1)


def _unheard(asked: "asyncio.Future[Any]") -> None:
    """Note what became of something that nobody waits for any more."""
    error = None if asked.cancelled() else asked.exception()
    if error is not None:
        log.warning("nobody waited to hear: %s", error, exc_info=None if isinstance(error, FiberqError) else error)


class Database:
    """A pool of connections and the event loop, on a thread of its own, that they live on."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, name="fiberq-postgis", daemon=True)
        self._pool: asyncpg.Pool[Any] | None = None
        self._postgis = "public"  # the schema of the extension
        self._thread.start()

    async def open(self, patience: float = 0.0) -> None:
        """Connect, waiting *patience* seconds at the most for a database that does not answer yet.

        Raises: StoreUnavailable.
        """
        until, waiting = time.monotonic() + patience, False
        while not await self.run(self._open, time.monotonic() >= until):
            if not waiting:
                log.warning("the database does not answer yet; waiting for it, %d seconds at the most", patience)
            waiting = True
            await asyncio.sleep(AGAIN)

    async def close(self) -> None:
        """Finish what is under way and disconnect. Closing again does nothing."""
        if self._thread.is_alive():
            await self.run(self._close)
            self.loop.call_soon_threadsafe(self.loop.stop)
            await asyncio.to_thread(self._thread.join)
            self.loop.close()

    async def run(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """*function* on the database's loop. Shielded: what has been asked for happens even if nobody waits any more."""

        async def work() -> T:
            with translating():
                return await function(*args, **kwargs)

        if self.loop.is_closed():
            raise StoreUnavailable(CLOSED)
        asked = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self.loop))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(_unheard)
            raise

    async def acquire(self) -> Connection:
        """A connection from the pool; on the database's loop only."""
        if self._pool is None or self._pool.is_closing():
            raise StoreUnavailable(CLOSED)
        try:
            connection: Connection = await self._pool.acquire(timeout=self.settings.connecting)
        except TimeoutError as error:
            full = self._pool.get_size() >= self.settings.largest
            raise StoreUnavailable(CROWDED if full else GONE) from error
        return connection

    async def release(self, connection: Connection) -> None:
        """Give a connection back; one with an open transaction or a fault is dropped by the pool."""
        if self._pool is not None:
            await self._pool.release(connection)

    def connections(self) -> Connections:
        """Those of the pool, as they are at the moment."""
        pool, most = self._pool, self.settings.largest
        if pool is None:
            return Connections(0, 0, most)
        return Connections(pool.get_size() - pool.get_idle_size(), pool.get_size(), most)

    async def ping(self) -> None:
        """Ask the database for an answer; on its loop only."""
        connection = await self.acquire()
        try:
            await connection.fetchval("SELECT 1", timeout=PULSE)
        finally:
            await self.release(connection)

    async def alone(
        self, function: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """*function* of a connection, a look at few rows: one statement is a snapshot without a transaction around it.

        On the database's loop only, and not behind PgBouncer. Raises: StoreUnavailable, and as *function*.
        """
        connection = await self.acquire()
        try:
            async with asyncio.timeout(PULSE):
                return await function(connection, *args, **kwargs)
        except TimeoutError as error:  # nobody answers at the other end
            connection.terminate()
            raise StoreUnavailable(GONE) from error
        finally:
            await self.release(connection)

    def beginning(self, mode: str) -> str:
        """The SQL that begins a transaction, with all that it relies on; ends with it, so PgBouncer may stand between."""
        return f"BEGIN {mode}; {self._all_set('SET LOCAL')}"

    def _all_set(self, how: str) -> str:
        """The SQL that sets all that statements rely on."""
        schema, settings = self.settings.schema, self.settings
        longest = str(int(settings.statement * 1000))
        wanted = {
            "search_path": f"{ident(schema)}, {ident(schema + '_history')}, {ident(self._postgis)}, pg_temp",
            "timezone": "'UTC'",
            "jit": "off",
            **BY_INDEX,
            "lock_timeout": str(int(settings.table_lock * 1000)),
            "statement_timeout": longest,
            "idle_in_transaction_session_timeout": longest,
        }
        return "; ".join(f"{how} {name} = {value}" for name, value in wanted.items())

    async def _open(self, now: bool) -> bool:
        """Connect; whether the database was there. If it has to be *now*, what is amiss is raised."""
        try:
            self._pool = await self._new_pool()
        except NOT_YET:
            if now:
                raise
            return False
        return True

    async def _new_pool(self) -> "asyncpg.Pool[Any]":
        settings = self.settings
        cache = {"statement_cache_size": 0} if settings.pgbouncer else {}
        return await asyncpg.create_pool(
            settings.dsn,
            min_size=settings.smallest,
            max_size=settings.largest,
            connection_class=Line,
            timeout=settings.connecting,
            server_settings={"application_name": PROGRAM},
            init=self._tell,
            **cache,
        )

    async def _tell(self, connection: Connection) -> None:
        """Tell a new connection for good what `alone` relies on, if it stays ours; look where PostGIS is."""
        found = (
            "SELECT nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'postgis'"
        )
        self._postgis = await connection.fetchval(found) or self._postgis
        if not self.settings.pgbouncer:
            await connection.execute(self._all_set("SET"))

    async def _close(self) -> None:
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), self.settings.connecting)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    def _work(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


class Session:
    """One transaction on one connection. What is run in it happens in order, also where a caller gave up waiting."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._turn: asyncio.Lock | None = None

    @property
    def connection(self) -> Connection:
        """The connection, for what runs in this session."""
        if self._connection is None:
            raise RuntimeError("the transaction has not begun or is over")
        return self._connection

    async def begin(self, mode: str) -> None:
        """Take a connection and begin. Raises: StoreUnavailable."""
        await self._database.run(self._begin, mode)

    async def run(
        self, function: Callable[Concatenate[Connection, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """*function* of the connection."""

        async def work() -> T:
            if self._turn is None:
                raise RuntimeError("the transaction has not begun")
            async with self._turn:
                return await function(self.connection, *args, **kwargs)

        return await self._database.run(work)

    async def whole(self, mode: str, work: Callable[[Connection], Awaitable[T]]) -> T:
        """*work* of the connection in a transaction from beginning to end, asked for at once; nothing is written."""

        async def transaction() -> T:
            try:
                await self._begin(mode)
                return await work(self.connection)
            finally:
                await self._finish(commit=False)

        return await self._database.run(transaction)

    async def finish(self, *, commit: bool) -> None:
        """End the transaction and give the connection back; does nothing where none was begun."""
        await self._database.run(self._finish, commit=commit)

    async def _begin(self, mode: str) -> None:
        self._turn = asyncio.Lock()
        async with self._turn:
            self._connection = await self._database.acquire()
            try:
                await self._connection.execute(self._database.beginning(mode), timeout=PULSE)
            except TimeoutError as error:  # nobody answers at the other end, nor will to a ROLLBACK
                self._connection.terminate()
                raise StoreUnavailable(GONE) from error

    async def _finish(self, *, commit: bool) -> None:
        if self._turn is None:
            return
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is None:
                return
            try:
                if commit:
                    await _commit(connection)
                elif not connection.is_closed():
                    await connection.execute("ROLLBACK")
            finally:
                await self._give_back(connection)

    async def _give_back(self, connection: Connection) -> None:
        try:
            if not connection.is_closed() and connection.is_in_transaction():
                await connection.execute("ROLLBACK")
        finally:
            await self._database.release(connection)


async def _commit(connection: Connection) -> None:
    """Commit. Raises: StoreUnavailable where that did not happen; a connection that is gone says so itself."""
    done = await connection.execute("COMMIT")
    if done != "COMMIT":  # what PostgreSQL answers where a statement has failed before
        raise StoreUnavailable(UNDONE)
