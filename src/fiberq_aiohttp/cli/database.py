"""What `fiberq doctor` looks at where the store lies in PostgreSQL. Nothing here says a password."""

from collections.abc import Iterator
from typing import Final

from fiberq_aiohttp import wiring
from fiberq_aiohttp.cli.checks import MEBIBYTE, NOTE, OK, WRONG, Finding
from fiberq_aiohttp.settings import Database

APART: Final = 2.0  # seconds between two clocks that are worth a note
ROLES: Final = "docs/howto-postgis.md has the SQL for a superuser."
RESTART: Final = "Start the server as a user who may, or see docs/howto-postgis.md."


def findings(database: Database) -> Iterator[Finding]:
    """Look at the database. Changes nothing."""
    facts = wiring.inspect_database(database)
    if isinstance(facts, str):
        yield Finding("database", WRONG, facts, "Look at DATABASE_URL, and whether PostgreSQL runs and lets us in.")
        return
    yield from _server(facts)
    yield from _role(facts, database)
    yield _schema(facts, database)
    yield from _triggers(facts, database)
    yield from _rules(facts, database)
    yield from _connections(facts, database)


def _server(facts: wiring.DatabaseFacts) -> Iterator[Finding]:
    server = facts.server
    postgis = f"PostGIS {server.postgis}" if server.postgis else "no PostGIS yet"
    found = f"PostgreSQL {server.server.split()[0]}, {postgis}"
    if server.outdated:
        yield Finding("database", WRONG, found, "FiberQ needs PostgreSQL 14 or newer.")
    elif server.encoding != "UTF8":
        yield Finding("database", WRONG, f"{found}, encoding {server.encoding}", "Make one with ENCODING 'UTF8'.")
    elif not server.postgis and not server.postgis_installed:
        yield Finding("database", WRONG, found, "Install PostGIS on the database server, as postgresql-15-postgis-3.")
    elif not server.postgis and not facts.role.superuser:
        yield Finding("database", WRONG, found, "As a superuser, in this database: CREATE EXTENSION postgis;")
    elif server.standby:
        yield Finding("database", WRONG, f"{found}, a standby", "Let DATABASE_URL name the primary: servers write.")
    elif server.read_only:
        yield Finding("database", WRONG, f"{found}, read-only", "Set default_transaction_read_only off for this user.")
    else:
        yield Finding("database", OK, found)
    if server.off:
        found = f"{', '.join(server.off)} switched off"
        yield Finding("durability", NOTE, found, "Work that was acknowledged is lost when the machine fails; set on.")
    if abs(facts.clock_ahead) > APART:
        found = f"the database's is {facts.clock_ahead:+.0f} s from this machine's"
        advice = "Let both follow a time server. No merge looks at clocks; people who read the history do."
        yield Finding("clock", NOTE, found, advice)


def _role(facts: wiring.DatabaseFacts, database: Database) -> Iterator[Finding]:
    role = facts.role
    if facts.schema.version and not role.serves:
        grant = f'GRANT fiberq_server TO "{role.name}";' if role.has_roles else ROLES
        yield Finding("database user", WRONG, f"{role.name} may not write in {database.schema}", grant)
    elif role.superuser:
        advice = f"Give servers a user of their own with the role fiberq_server. {ROLES}"
        yield Finding("database user", NOTE, f"{role.name} is a superuser", advice)
    elif facts.schema.version and not role.has_roles:
        yield Finding("database user", NOTE, f"{role.name}; there are no roles for others", ROLES)
    else:
        yield Finding("database user", OK, f"{role.name}, who {'may' if role.migrates else 'may not'} change tables")


def _schema(facts: wiring.DatabaseFacts, database: Database) -> Finding:
    schema, role = facts.schema, facts.role
    may = f"{role.name} may not do that"
    if schema.version > schema.known_version:
        found = f"version {schema.version}; this FiberQ knows {schema.known_version}"
        return Finding("store", WRONG, found, "Install the FiberQ that wrote it, or restore a dump.")
    if not schema.version:
        found = f"the schema {database.schema} has none yet; version {schema.known_version} is made at the first start"
        return Finding("store", OK, found) if role.migrates else Finding("store", WRONG, f"{found}, but {may}", RESTART)
    if not schema.has_form:
        found = f"version {schema.version}, of another FiberQ; the next start brings it to this one's form"
        if role.migrates:
            return Finding("store", NOTE, found, "Dump it first: `fiberq backup` says how.")
        return Finding("store", WRONG, f"{found}, but {may}", f"Start once as a user with the role {role.owner}.")
    size = schema.size // MEBIBYTE
    return Finding("store", OK, f"version {schema.version}, {schema.projects} projects, {size} MiB in PostgreSQL")


def _triggers(facts: wiring.DatabaseFacts, database: Database) -> Iterator[Finding]:
    silent = facts.schema.silent
    if silent:
        found = f"missing or disabled, so that edits are no history: {', '.join(silent)}"
        advice = (
            f"ALTER TABLE {database.schema}.TABLE ENABLE TRIGGER USER; one that is missing is made again at a start as"
            f" {facts.role.owner}, once the column form in {database.schema}.schema_version was set to ''."
        )
        yield Finding("triggers", WRONG, found, advice)
    elif facts.schema.version == facts.schema.known_version:
        yield Finding("triggers", OK, "edits by SQL and QGIS become history")


def _rules(facts: wiring.DatabaseFacts, database: Database) -> Iterator[Finding]:
    unproven = facts.schema.unproven
    if unproven:
        found = f"in force, but rows from before may break them: {', '.join(unproven)}"
        advice = (
            f'ALTER TABLE {database.schema}.TABLE VALIDATE CONSTRAINT "CONSTRAINT"; proves one, or says that a row breaks'
            " it. Such a row stays as it is until somebody changes it, who then has to put it right."
        )
        yield Finding("rules", NOTE, found, advice)
    elif facts.schema.version == facts.schema.known_version:
        yield Finding("rules", OK, "all rows keep them")


def _connections(facts: wiring.DatabaseFacts, database: Database) -> Iterator[Finding]:
    allowed, wanted = facts.server.connections, facts.wanted
    found = f"{allowed} allowed, {facts.server.serving} taken by servers; a server takes up to {wanted}"
    if facts.pooled and not database.pgbouncer:
        advice = "If that is PgBouncer in transaction mode, set DB_PGBOUNCER=yes: prepared statements fail there."
        yield Finding("connections", NOTE, "something hands them out, such as PgBouncer", advice)
    elif database.pgbouncer and not facts.pooled:
        advice = "Set DB_PGBOUNCER=no: statements are then planned once, and servers hear of changes."
        yield Finding("connections", NOTE, "DB_PGBOUNCER=yes, but nothing stands between", advice)
    elif facts.pooled:
        yield Finding("connections", OK, f"handed out by a pooler; a server asks it for up to {wanted}")
    elif wanted > allowed:
        yield Finding("connections", NOTE, found, "Lower DB_POOL_MAX, or raise max_connections or the user's limit.")
    else:
        yield Finding("connections", OK, f"{found}: room for {allowed // wanted}")
