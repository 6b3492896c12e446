"""Bringing a database to the form that this version of FiberQ works with.

Numbered steps change the system's own tables, under a lock that all servers share; the tables of
the layers and what the database does at every change follow the registry, whatever the number.
"""

import hashlib
from collections.abc import Awaitable, Callable

from fiberq_core.errors import StoreMismatch, StoreUnavailable
from fiberq_storage.postgis.adopting import adopt
from fiberq_storage.postgis.connection import Connection, Database
from fiberq_storage.postgis.ddl import (
    SYSTEM_TABLES,
    add_constraint,
    constraints,
    create_history,
    create_table,
    indexes,
)
from fiberq_storage.postgis.meaning import OTHER_FORM, READ_ONLY
from fiberq_storage.postgis.original import set_aside
from fiberq_storage.postgis.people import PEOPLE_TABLES
from fiberq_storage.postgis.photos import PHOTO_TABLES
from fiberq_storage.postgis.registry import follow_registry
from fiberq_storage.postgis.roles import ROLES, demand_owner, establish, grants, lacking
from fiberq_storage.postgis.tables import TABLES, Table
from fiberq_storage.postgis.triggers import FUNCTIONS, table_triggers
from fiberq_storage.sql import ident

LOCK = 0x4669626572510001  # "FiberQ": the advisory lock under which a database is migrated
Step = Callable[[Connection, str], Awaitable[None]]


async def _first(db: Connection, _schema: str) -> None:
    """All tables."""
    await db.execute(SYSTEM_TABLES)


async def _photos(db: Connection, _schema: str) -> None:
    """Which photos are in the volume, and under which paths they came."""
    await db.execute(PHOTO_TABLES)


async def _people(db: Connection, _schema: str) -> None:
    """Who signed in, their access tokens, and an audit that is not only of projects."""
    await db.execute(PEOPLE_TABLES)


STEPS: tuple[Step, ...] = (_first, _photos, _people)


async def migrate(db: Connection, database: Database, steps: tuple[Step, ...] = STEPS) -> None:
    """Create or migrate the schema, in one transaction. Raises: StoreMismatch for a newer, a foreign or somebody else's one.

    A database that has its form already is only read.
    """
    schema = database.settings.schema
    if await is_current(db, database, steps):
        return
    await demand_owner(db, schema)
    await db.execute(database.beginning(""))
    try:
        await db.execute(
            "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0"
        )  # however long another one takes
        await db.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await _migrate(db, schema, steps)
    except BaseException:
        await db.execute("ROLLBACK")
        raise
    await db.execute("COMMIT")


async def is_current(db: Connection, database: Database, steps: tuple[Step, ...] = STEPS) -> bool:
    """Whether the database has this version's form. Raises: StoreMismatch."""
    schema = database.settings.schema
    found = await version(db, schema)
    check_version(found, steps)
    if found < len(steps):
        return False
    form = await db.fetchval(f"SELECT form FROM {ident(schema)}.schema_version WHERE version = $1", found)
    return bool(form == wanted_form()) and not await lacking(db, schema)


async def demand_current(db: Connection, schema: str, steps: tuple[Step, ...] = STEPS) -> None:
    """Insist that the database has the form of this version and takes what is written. Raises: StoreMismatch, StoreUnavailable."""
    if await version(db, schema) != len(steps):
        raise StoreMismatch(OTHER_FORM)
    if await db.fetchval("SHOW transaction_read_only") == "on":
        raise StoreUnavailable(READ_ONLY)


def check_version(found: int, steps: tuple[Step, ...] = STEPS) -> None:
    """Whether this FiberQ knows a database of version *found*. Raises: StoreMismatch."""
    if found > len(steps):
        raise StoreMismatch(
            "This database was written by a newer FiberQ"
            f" (store version {found}; this one knows {len(steps)})."
            " Install that version again, or restore a backup made with this one"
        )


async def version(db: Connection, schema: str) -> int:
    """The number of the newest step that the schema has seen; 0 where there is none."""
    there = await db.fetchval("SELECT to_regclass($1)", f"{ident(schema)}.schema_version")
    if there is None:
        return 0
    return int(await db.fetchval(f"SELECT coalesce(max(version), 0) FROM {ident(schema)}.schema_version"))


def wanted_form() -> str:
    """A digest of what the registry, the triggers and the roles want, so that an unchanged database is only read."""
    parts = [FUNCTIONS, *grants("schema", frozenset(ROLES))]
    for table in TABLES.values():
        parts += [create_table(table), *create_history(table, "history"), *indexes(table), *table_triggers(table)]
        parts += [f"{name} {rule}" for name, rule in constraints(table)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


async def _migrate(db: Connection, schema: str, steps: tuple[Step, ...]) -> None:
    for name in (schema, f"{schema}_history"):
        await db.execute(f"CREATE SCHEMA IF NOT EXISTS {ident(name)}")
    await _have_postgis(db)
    found = await version(db, schema)
    originals = found == 0 and await set_aside(db, schema)
    if found == 0:
        await db.execute("CREATE TABLE schema_version (version integer PRIMARY KEY, form text NOT NULL)")
    for number, step in list(enumerate(steps, 1))[found:]:
        await step(db, schema)
        await db.execute("INSERT INTO schema_version (version, form) VALUES ($1, '')", number)
    await db.execute(FUNCTIONS)
    new = [table for table in TABLES.values() if await follow_registry(db, schema, table)]
    for table in TABLES.values():  # once all tables are there, since they refer to each other
        await _constrain(db, table, trusted=table in new)
        for statement in table_triggers(table):
            await db.execute(statement)
    if originals:
        await adopt(db, schema)
    await establish(db, schema)
    await db.execute("UPDATE schema_version SET form = $1", wanted_form())


async def _have_postgis(db: Connection) -> None:
    if await db.fetchval("SELECT 1 FROM pg_extension WHERE extname = 'postgis'"):
        return
    if not await db.fetchval("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
        raise StoreMismatch("The database server has no PostGIS. Install its package (postgis) and try again")
    await db.execute("CREATE EXTENSION postgis SCHEMA public")


async def _constrain(db: Connection, table: Table, *, trusted: bool) -> None:
    """Have the constraints that the registry demands now, and none that it once did: ours have names of several words."""
    sql = "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname LIKE '% %'"
    for (name,) in await db.fetch(sql, table.name):
        await db.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT {ident(name)}")
    for name, rule in constraints(table):
        await db.execute(add_constraint(table, name, rule, trusted=trusted))
