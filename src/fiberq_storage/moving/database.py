"""The PostGIS store as one end of a move: one transaction in its database.

While records are copied into a database, the triggers of its tables are off, which only their owner may do:
history comes as it was, and must not be written a second time. References and rules are checked all the same.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from attrs import evolve

from fiberq_core.errors import Busy, Conflict, NotFound, StoreMismatch, StoreUnavailable
from fiberq_storage.moving import database_rows
from fiberq_storage.moving.parts import COUNTED, PARTS, SYSTEM, TAKEN, UNKNOWN, Batch, Numbers, Part
from fiberq_storage.postgis import locks
from fiberq_storage.postgis.connection import PROGRAM, Connection, Database, Session, Settings
from fiberq_storage.postgis.migrate import is_current, migrate, version
from fiberq_storage.postgis.original import tables_in
from fiberq_storage.postgis.tables import TABLES
from fiberq_storage.sql import ident, idents, literal

SNAPSHOT = "ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITING = "ISOLATION LEVEL READ COMMITTED"
UNHURRIED = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = $1 AND pid <> pg_backend_pid()"
)

NOTHING = "There is no FiberQ store in the database"
OLDER = "The store in the database was not yet brought to this version. Start the server of this FiberQ on it once"
OCCUPIED = "There are projects or access tokens in the database already. Move into an empty one"
FOREIGN = "The schema holds other tables already. Move into an empty one; DB_SCHEMA names it"
SERVED = "A FiberQ server or command works on the database. Stop it first"
NOT_OWNED = (
    "The tables in the database belong to another role. Moving into them needs their owner:"
    " connect as a member of fiberq_owner, or as who made the schema"
)


class InDatabase:
    """`parts.End` in a transaction, or one *project* of it."""

    def __init__(self, session: Session, project: int | None = None) -> None:
        self._session, self._project = session, project

    async def read(self, part: Part) -> AsyncIterator[Batch]:
        """All records of a part, some at a time."""
        cursor = await self._session.run(_cursor, database_rows.selection(part, self._project))
        while batch := await self._session.run(lambda _: cursor.fetch(part.batch)):
            yield database_rows.received(part, batch)

    async def write(self, part: Part, batch: Batch) -> None:
        """Add records. Raises: Invalid."""
        await self._session.run(database_rows.write, part, batch)

    async def numbers(self) -> Numbers:
        """What was given last."""
        return await self._session.run(_numbers)

    async def complete(self, numbers: Numbers) -> None:
        """Check what refers to what, and have the triggers and sequences go on from here. Raises: Invalid."""
        await self._session.run(_complete, numbers)


@asynccontextmanager
async def source(settings: Settings) -> AsyncIterator[InDatabase]:
    """The store in a database; nobody else writes to it meanwhile.

    Raises: NotFound, Busy (a server or somebody else works on it), StoreMismatch, StoreUnavailable.
    """
    async with connected(settings) as database:
        await database.run(_must_be_known, database)
        async with _held(database, SNAPSHOT, "SHARE") as session:
            await session.run(_must_know_all)
            yield InDatabase(session)


@asynccontextmanager
async def snapshot(settings: Settings) -> AsyncIterator[InDatabase]:
    """The store in a database as it is at one moment, while others go on writing to it.

    Raises: NotFound, Busy (somebody changes the form of its tables), StoreMismatch, StoreUnavailable.
    """
    async with connected(settings) as database:
        await database.run(_must_be_known, database)
        async with _held(database, SNAPSHOT, "ACCESS SHARE", alone=False) as session:
            await session.run(_must_know_all)
            yield InDatabase(session)


@asynccontextmanager
async def target(settings: Settings) -> AsyncIterator[InDatabase]:
    """An empty store in a database, made where there is none. What is written stays if the block ends without an error.

    Raises: Conflict (it is not empty), Busy, StoreMismatch, StoreUnavailable.
    """
    async with connected(settings) as database:
        await database.run(_have_store, database)
        async with _held(database, WRITING, "EXCLUSIVE") as session:
            await session.run(_empty_handed)
            yield InDatabase(session)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[Database]:
    """The database, by few connections of its own. Raises: StoreUnavailable."""
    database = Database(evolve(settings, smallest=1, largest=2))
    try:
        await database.open()
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _held(database: Database, mode: str, lock: str, *, alone: bool = True) -> AsyncIterator[Session]:
    """A transaction beside which nobody does what *lock* forbids; committed if the block ends without an error.

    *alone*: no FiberQ server works on the database. Raises: Busy.
    """
    session, done = Session(database), False
    try:
        await session.begin(mode)
        async with locks.told(database):
            await session.run(_hold, lock, alone)
        yield session
        done = True
    finally:
        await session.finish(commit=done)


async def _hold(db: Connection, lock: str, alone: bool) -> None:
    """Every change of a project takes its next revision, so that holding the projects' table holds the layers' too."""
    await db.execute(f"{UNHURRIED}; LOCK TABLE {idents(part.name for part in SYSTEM)} IN {lock} MODE")
    if alone and await db.fetchval(OTHERS, PROGRAM):
        raise Busy(SERVED)


async def _must_be_known(database: Database) -> None:
    db = await database.acquire()
    try:
        if not await version(db, database.settings.schema):
            raise NotFound(NOTHING)
        if not await is_current(db, database):
            raise StoreMismatch(OLDER)
    finally:
        await database.release(db)


async def _must_know_all(db: Connection) -> None:
    """Look for values in columns that others added to our tables. Raises: StoreMismatch."""
    for part in PARTS:
        names = list(part.columns)
        sql = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
        there = {record[0] for record in await db.fetch(sql, ident(part.name))}
        if part.layer and there - set(names):
            sql = (
                f"SELECT key FROM {ident(part.name)} t, json_each(row_to_json(t))"
                " WHERE key <> ALL ($1) AND json_typeof(value) <> 'null' LIMIT 1"
            )
            if found := await db.fetchval(sql, names):
                raise StoreMismatch(UNKNOWN.format(f"the column {found} of {part.name}"))


async def _have_store(database: Database) -> None:
    """Make an empty store where there is nothing."""
    db, schema = await database.acquire(), database.settings.schema
    try:
        if not await version(db, schema) and await tables_in(db, schema):
            raise Conflict(FOREIGN)  # the original server's would be adopted, and not be empty
        await migrate(db, database)
    finally:
        await database.release(db)


async def _empty_handed(db: Connection) -> None:
    """Look whether the store is empty, and switch the triggers off. Raises: Conflict, StoreUnavailable."""
    if await db.fetchval(TAKEN):
        raise Conflict(OCCUPIED)
    owned = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'projects'::regclass"
    if not await db.fetchval(owned):
        raise StoreUnavailable(NOT_OWNED)
    for table in TABLES.values():
        await db.execute(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
    await db.execute("DELETE FROM people")  # who only looked whether the new server is there
    await database_rows.prepare(db)


async def _cursor(db: Connection, sql: str) -> "asyncpg.cursor.Cursor":
    return await db.cursor(sql)


async def _numbers(db: Connection) -> Numbers:
    sql = "SELECT n, pg_sequence_last_value(quote_ident(n || $2)::regclass) FROM unnest($1::text[]) AS n"
    layers = {table.layer.table: layer for layer, table in TABLES.items()}
    ids = await db.fetch(sql, [*COUNTED, *layers], "_id_seq")
    fids = await db.fetch(sql, list(layers), "_fid_seq")
    return Numbers({name: last for name, last in ids if last}, {layers[name]: last for name, last in fids if last})


async def _complete(db: Connection, numbers: Numbers) -> None:
    try:
        await db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except asyncpg.PostgresError as error:
        raise database_rows.misfit(error, str(getattr(error, "table_name", ""))) from error
    for layer, table in TABLES.items():
        await db.execute(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
        await db.execute(
            f"INSERT INTO identities SELECT project_id, fiberq_uuid, {literal(layer)} FROM (SELECT project_id,"
            f" fiberq_uuid FROM {table.name} UNION SELECT project_id, fiberq_uuid FROM {table.past}) r"
        )
    last = {f"{name}_id_seq": number for name, number in numbers.ids.items()}
    last |= {f"{TABLES[layer].layer.table}_fid_seq": number for layer, number in numbers.fids.items()}
    for sequence, number in last.items():
        await db.execute("SELECT setval($1::text::regclass, $2)", ident(sequence), number)
    await db.execute(f"ANALYZE {idents(part.name for part in PARTS)}, identities")
