"""Connections to the store's file: how they are opened, whose thread they live on, what their errors mean."""

import asyncio
import fcntl
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from fiberq_core.errors import Busy, Conflict, FiberqError, Invalid, StoreUnavailable
from fiberq_storage.files.disk import FAILING, FULL, UNOPENED, UNWRITABLE, disk_errors
from fiberq_storage.sqlite.blobs import touches

P = ParamSpec("P")
T = TypeVar("T")

FILE = "fiberq.db"
LOCK = "server.lock"
BUSY_MS = 10_000  # how long another process (the command line beside a server) is waited for
CACHE_KIB = 16_384  # per connection
WAL_BYTES = 64 << 20  # what is left of the WAL after a large import
STATEMENTS = 400  # cached per connection: some dozen per layer

DAMAGED = "The store's file is damaged. Stop the server and restore the latest backup"
WRITING = "Another program is writing to the store. Nothing was changed; try again in a moment"
UNSTORABLE = "A text is not valid Unicode, or a number has more than 64 bits. Nothing was changed"
CLOSED = "The server is stopping. Try again in a moment"
COLLIDES = "The change collides with another row of the project. Nothing was changed"

MEANING: tuple[tuple[type[apsw.Error], type[FiberqError], str], ...] = (
    (apsw.BusyError, Busy, WRITING),
    (apsw.LockedError, Busy, WRITING),
    (apsw.ProtocolError, Busy, WRITING),
    (apsw.FullError, StoreUnavailable, FULL),
    (apsw.ReadOnlyError, StoreUnavailable, UNWRITABLE),
    (apsw.PermissionsError, StoreUnavailable, UNWRITABLE),
    (apsw.CantOpenError, StoreUnavailable, UNOPENED),
    (apsw.CorruptError, StoreUnavailable, DAMAGED),
    (apsw.NotADBError, StoreUnavailable, DAMAGED),
    (apsw.IOError, StoreUnavailable, FAILING),
    (apsw.ConstraintError, Conflict, COLLIDES),
)


@contextmanager
def translating() -> Iterator[None]:
    """Turn what SQLite and the system report into our own errors, in words and without paths."""
    try:
        with disk_errors():
            yield
    except apsw.Error as error:
        for kind, ours, words in MEANING:
            if isinstance(error, kind):
                raise ours(words) from error
        raise
    except (UnicodeEncodeError, OverflowError) as error:
        raise Invalid(UNSTORABLE) from error


def connect(path: Path, *, writing: bool) -> apsw.Connection:
    """Open the store's file. Raises: apsw.Error."""
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if writing else 0)
    db = apsw.Connection(str(path), flags=flags, statementcachesize=STATEMENTS)
    db.set_busy_timeout(BUSY_MS)
    pragmas = ["foreign_keys = ON", "synchronous = FULL", f"cache_size = -{CACHE_KIB}", "trusted_schema = OFF"]
    for pragma in [
        *(["journal_mode = WAL", f"journal_size_limit = {WAL_BYTES}"] if writing else ["query_only = ON"]),
        *pragmas,
    ]:
        db.execute(f"PRAGMA {pragma}")
    db.create_scalar_function("fq_touches", touches, 5, deterministic=True)
    return db


class Lane:
    """A connection and the only thread that ever uses it. What is run on it happens in order."""

    def __init__(self, path: Path, *, writing: bool) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fiberq-store")
        self._path, self._writing = path, writing
        self._db: apsw.Connection | None = None
        self._closed = False

    async def run(self, function: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """*function* of the connection. Shielded: what has been asked for happens even if nobody waits any more."""
        return await asyncio.shield(asyncio.wrap_future(self._submit(function, *args, **kwargs)))

    def close(self) -> None:
        """Finish what was asked for, then close; blocks. Closing again does nothing."""
        if not self._closed:
            self._closed = True
            self._thread.submit(self._close)
        self._thread.shutdown(wait=True)

    def _submit(
        self, function: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> "Future[T]":
        def work() -> T:
            with translating():
                return function(self._connection(), *args, **kwargs)

        if self._closed:
            raise StoreUnavailable(CLOSED)
        return self._thread.submit(work)

    def _connection(self) -> apsw.Connection:
        if self._db is None:
            self._db = connect(self._path, writing=self._writing)
        return self._db

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()


def begin(db: apsw.Connection, mode: str) -> None:
    """Begin a transaction; one that a cancelled caller left open is rolled back first."""
    if db.in_transaction:
        db.execute("ROLLBACK")
    db.execute(f"BEGIN {mode}")


def finish(db: apsw.Connection, *, commit: bool) -> None:
    """End the transaction. One that cannot be committed is rolled back, and the error raised."""
    try:
        if commit:
            db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


@contextmanager
def transaction(db: apsw.Connection, mode: str = "IMMEDIATE") -> Iterator[None]:
    """A transaction around a block, by default a writing one."""
    begin(db, mode)
    try:
        yield
    except BaseException:
        finish(db, commit=False)
        raise
    finish(db, commit=True)


@contextmanager
def lock_folder(data: Path) -> Iterator[None]:
    """Hold a data folder for one server; the system lets go when the process ends. Raises: Busy, StoreUnavailable."""
    with translating():
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (data / LOCK).open("a")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("Another FiberQ server is running on this data folder. Stop it first, or use another") from None
        yield
