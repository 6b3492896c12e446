"""A look at a database that changes nothing in it: can it be reached, has it the right form, is anything amiss?"""

from collections.abc import Callable, Sequence

import asyncpg
from attrs import frozen

from fiberq_storage.postgis.builders import MOST
from fiberq_storage.postgis.connection import PROGRAM, Connection, Settings
from fiberq_storage.postgis.migrate import STEPS, version, wanted_form
from fiberq_storage.postgis.roles import SERVER
from fiberq_storage.postgis.tables import TABLES
from fiberq_storage.sql import ident

OLDEST = 140_000  # PostgreSQL 14, the first with CREATE OR REPLACE TRIGGER
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")

# what must work on every table of a layer, or edits from outside would be no history
TRIGGERS = tuple(f"fiberq_{what}" for what in ("stamp", "insert", "update", "delete", "truncate"))

SERVER_FACTS = """
SELECT current_setting('server_version') AS server, current_setting('server_version_num')::int < $1 AS outdated,
    (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis,
    EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgis') AS postgis_installed,
    current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby,
    current_setting('default_transaction_read_only') = 'on' AS read_only,
    ARRAY(SELECT name FROM pg_settings WHERE name = ANY($2::text[]) AND setting = 'off' ORDER BY name) AS off,
    (SELECT min(allowed) FROM (VALUES
        (current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int),
        ((SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())),
        ((SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user))) l (allowed)) AS connections,
    (SELECT count(*) FROM pg_stat_activity WHERE application_name = $3 AND datname = current_database()) AS serving
"""
ROLE = """
SELECT current_user AS name, r.rolsuper AS superuser,
    coalesce(has_schema_privilege(n.oid, 'CREATE'), has_database_privilege(current_database(), 'CREATE')) AS migrates,
    EXISTS (SELECT FROM pg_roles WHERE rolname = $2) AS has_roles,
    coalesce(pg_get_userbyid(n.nspowner), '') AS owner,
    coalesce(has_table_privilege(to_regclass(quote_ident($1::text) || '.revisions'), 'INSERT'), true) AS serves
FROM pg_roles r LEFT JOIN pg_namespace n ON n.nspname = $1::text WHERE r.rolname = current_user
"""
SILENT = """
SELECT t.name || ': ' || w.trigger FROM unnest($2::text[]) AS t (name) CROSS JOIN unnest($3::text[]) AS w (trigger)
LEFT JOIN pg_trigger g ON g.tgname = w.trigger AND g.tgrelid = to_regclass(quote_ident($1) || '.' || quote_ident(t.name))
WHERE coalesce(g.tgenabled, 'D') NOT IN ('O', 'A') ORDER BY 1
"""
UNPROVEN = """
SELECT c.relname || ': ' || k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY($2::text[]) AND NOT k.convalidated ORDER BY 1
"""
SIZE = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY($1::text[]) AND c.relkind = 'r'
"""

UNREACHABLE = "nobody answers at the address in DATABASE_URL"
# why nothing can be said, by what PostgreSQL and the network report; the most telling first
TROUBLE: tuple[tuple[type[BaseException], str], ...] = (
    (asyncpg.InvalidCatalogNameError, "the database server has no database of this name"),
    (asyncpg.InvalidPasswordError, "the database server refuses this user or password"),
    (asyncpg.InvalidAuthorizationSpecificationError, "the database server does not let this user in from here"),
    (asyncpg.TooManyConnectionsError, "the database server has no connection left"),
    (asyncpg.CannotConnectNowError, "the database server is starting or stopping"),
    (asyncpg.InsufficientPrivilegeError, "this user may not even look at the tables"),
    (asyncpg.PostgresError, "the database server answered with an error"),
    (TimeoutError, UNREACHABLE),
    (ConnectionRefusedError, UNREACHABLE),
    (ConnectionError, "the database server hangs up; sslmode in DATABASE_URL may not be what it wants"),
    (OSError, UNREACHABLE),
    (asyncpg.InterfaceError, "DATABASE_URL is not understood"),
    (ValueError, "DATABASE_URL is not understood"),
)


@frozen
class Role:
    """The database user. *serves*: it may write what a server writes; *migrates*: it may change the tables."""

    name: str
    superuser: bool
    migrates: bool
    has_roles: bool  # whether there are the roles of `roles.ROLES`
    owner: str  # of the schema; empty where there is none
    serves: bool


@frozen
class Server:
    """PostgreSQL: *outdated* is older than FiberQ needs, *off* protects acknowledged work and is switched off."""

    server: str
    outdated: bool
    postgis: str | None
    postgis_installed: bool  # so that CREATE EXTENSION has something to create
    encoding: str
    standby: bool
    read_only: bool
    off: Sequence[str]
    connections: int  # that this user may have at the most
    serving: int  # connections that FiberQ servers have now


@frozen
class Schema:
    """What there is of FiberQ. *version* 0: nothing; *has_form*: tables and triggers are as this version makes them."""

    version: int
    known_version: int
    has_form: bool = False
    size: int = 0  # bytes
    projects: int = 0
    silent: Sequence[str] = ()  # triggers that do not work for everybody, as "table: trigger"
    unproven: Sequence[str] = ()  # constraints that rows from before may break, as "table: constraint"


@frozen
class DatabaseFacts:
    """What was found. *clock_ahead*: seconds by which the database's clock is before ours; *pooled*: PgBouncer or alike.

    *wanted*: connections that a server takes at the most: the pool's, the one that listens, those that build packages.
    """

    server: Server
    role: Role
    schema: Schema
    clock_ahead: float
    pooled: bool
    wanted: int


async def inspect(settings: Settings, clock: Callable[[], float]) -> DatabaseFacts | str:
    """Look at the database; why nothing can be said, in words without secrets, where that is so.

    *clock* gives this machine's time, in seconds since the epoch.
    """
    try:
        connection = await asyncpg.connect(settings.dsn, statement_cache_size=0, timeout=settings.connecting)
        try:
            async with connection.transaction(readonly=True):
                return await _facts(connection, settings, clock)
        finally:
            await connection.close(timeout=settings.connecting)
    except tuple(kind for kind, _ in TROUBLE) as error:
        return next(words for kind, words in TROUBLE if isinstance(error, kind))


async def _facts(db: Connection, settings: Settings, clock: Callable[[], float]) -> DatabaseFacts:
    server = Server(**dict(await db.fetchrow(SERVER_FACTS, OLDEST, DURABLE, PROGRAM)))
    role = Role(**dict(await db.fetchrow(ROLE, settings.schema, SERVER)))
    before = clock()
    process, theirs = await db.fetchrow("SELECT pg_backend_pid(), extract(epoch FROM clock_timestamp())::float8")
    clock_ahead = theirs - (before + clock()) / 2
    pooled, wanted = process != db.get_server_pid(), settings.largest + 1 + MOST
    return DatabaseFacts(server, role, await _schema(db, settings.schema), clock_ahead, pooled, wanted)


async def _schema(db: Connection, schema: str) -> Schema:
    found, known = await version(db, schema), len(STEPS)
    if not 0 < found <= known:
        return Schema(found, known)
    tables = [table.layer.table for table in TABLES.values()]
    return Schema(
        found,
        known,
        await db.fetchval(f"SELECT form FROM {ident(schema)}.schema_version WHERE version = $1", found)
        == wanted_form(),
        await db.fetchval(SIZE, [schema, f"{schema}_history"]),
        await db.fetchval(f"SELECT count(*) FROM {ident(schema)}.projects"),
        [record[0] for record in await db.fetch(SILENT, schema, tables, TRIGGERS)],
        [record[0] for record in await db.fetch(UNPROVEN, schema, tables)],
    )
