"""Database roles, each with no more rights than its people need: who owns the schema, the server, the office, reports.

They are group roles (NOLOGIN): people and servers are made members of them. Roles belong to the whole
database server, so they are made only by somebody who may; where they are missing, only whoever
migrates has any rights, as without roles. `docs/howto-postgis.md` has the SQL for a superuser.

Nobody but the server writes revisions, history, places or the inbox: the triggers do it for everybody,
as the owner. So authors and history cannot be written by hand.
"""

import logging
from collections.abc import Iterator, Mapping

from fiberq_core.errors import StoreMismatch
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.tables import TABLES
from fiberq_storage.sql import ident

OWNER, SERVER, EDITOR, READER = ("fiberq_owner", "fiberq_server", "fiberq_editor", "fiberq_reader")
USERS = (SERVER, EDITOR, READER)
ROLES = (OWNER, *USERS)

ROWS, LOOK = "SELECT, INSERT, UPDATE, DELETE", "SELECT"
# the system's own tables: what the server, an editor and a reader may do in them
SYSTEM: Mapping[str, tuple[str, str, str]] = {
    **dict.fromkeys(("projects", "revisions"), (ROWS, LOOK, LOOK)),
    **dict.fromkeys(("members", "audit", "identities", "claims", "extra_columns", "inbox"), (ROWS, "", "")),
    **dict.fromkeys(("uploads", "upload_rows", "exports", "answers"), (ROWS, "", "")),
    **dict.fromkeys(("photo_files", "photo_names"), (ROWS, "", "")),
    **dict.fromkeys(("people", "tokens"), (ROWS, "", "")),
    "schema_version": (LOOK, "", ""),
}
LAYERS, HISTORY = (ROWS, ROWS, LOOK), (ROWS, LOOK, LOOK)
REVISIONS = ("take_revision", "revision_taken")  # whoever may call them could write in another's name

log = logging.getLogger("fiberq.postgis")


async def establish(db: Connection, schema: str) -> None:
    """Make the roles, as far as this session may, and give each its rights in the schema."""
    there = await _make(db)
    for statement in grants(schema, there):
        await db.execute(statement)
    if OWNER in there and await db.fetchval("SELECT pg_has_role($1, 'USAGE')", OWNER):
        await _give_away(db, schema)


async def lacking(db: Connection, schema: str) -> bool:
    """Whether there are roles that have no rights yet, and this session could give them some."""
    sql = (
        "SELECT EXISTS (SELECT FROM pg_roles r, pg_namespace n WHERE rolname = ANY($1) AND nspname = $2"
        " AND NOT has_schema_privilege(r.oid, n.oid, 'USAGE') AND pg_has_role(nspowner, 'USAGE'))"
    )
    return bool(await db.fetchval(sql, list(USERS), schema))


async def demand_owner(db: Connection, schema: str) -> None:
    """Raises: StoreMismatch where the schema is there, and this session may make nothing in it."""
    sql = (
        "SELECT nspowner::regrole::text, current_user FROM pg_namespace"
        " WHERE nspname = $1 AND NOT has_schema_privilege(oid, 'CREATE')"
    )
    if found := await db.fetchrow(sql, schema):
        owner, user = found
        raise StoreMismatch(
            f"The tables have the form of another version of FiberQ, and the database user {user} may not change it."
            f" Run any command once as a user with the role {owner}, as in:"
            " DATABASE_URL=postgresql://THAT_USER:PASSWORD@HOST/DATABASE fiberq project list"
        )


def grants(schema: str, roles: frozenset[str]) -> Iterator[str]:
    """The rights of those of *roles* that use the schema."""
    yield f"REVOKE ALL ON FUNCTION {', '.join(REVISIONS)} FROM PUBLIC"
    for position, role in enumerate(USERS):
        if role not in roles:
            continue
        yield f"GRANT USAGE ON SCHEMA {ident(schema)}, {ident(schema + '_history')} TO {role}"
        for table, rights in _tables():
            if rights[position]:
                yield f"GRANT {rights[position]} ON {table} TO {role}"
    if SERVER in roles:
        yield f"GRANT EXECUTE ON FUNCTION {', '.join(REVISIONS)} TO {SERVER}"
        yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {ident(schema)} TO {SERVER}"
    if EDITOR in roles:
        numbers = (ident(f"{t.layer.table}_{column}_seq") for t in TABLES.values() for column in ("id", "fid"))
        yield f"GRANT USAGE ON SEQUENCE {', '.join(numbers)} TO {EDITOR}"


def _tables() -> Iterator[tuple[str, tuple[str, str, str]]]:
    for table in TABLES.values():
        yield table.name, LAYERS
        yield table.past, HISTORY
    yield from SYSTEM.items()


def _functions() -> Iterator[str]:
    yield from (*REVISIONS, "stamp_row", "refuse", "tell_of_member", "tell_of_people", "refresh_statistics")
    for table in TABLES.values():
        yield from (ident(f"{table.layer.table}_{what}") for what in ("changed", "emptied"))


async def _make(db: Connection) -> frozenset[str]:
    """The roles that there are, after those that are missing were made where that is allowed."""
    there = await _known(db)
    may = await db.fetchval("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    if not may:
        if missing := [role for role in ROLES if role not in there]:
            log.info("database roles %s are not there and may not be made by this user", ", ".join(missing))
        return there
    for role in ROLES:  # another database of the server may make them at the same moment
        made = f"CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;"
        if role not in there:
            await db.execute(f"DO $$ BEGIN {made} END $$")
    if OWNER not in there and not await db.fetchval("SELECT pg_has_role($1, 'USAGE')", OWNER):
        await db.execute(f"GRANT {OWNER} TO CURRENT_USER")
    return frozenset(ROLES)


async def _known(db: Connection) -> frozenset[str]:
    sql = "SELECT rolname FROM pg_roles WHERE rolname = ANY($1)"
    return frozenset(record[0] for record in await db.fetch(sql, list(ROLES)))


async def _give_away(db: Connection, schema: str) -> None:
    """Let the tables, and the trigger functions, which run with their owner's rights, belong to the owner.

    So do schemas that this session made; one that was there before stays with whoever has it.
    """
    for name in (schema, f"{schema}_history"):
        mine = "SELECT nspowner = current_user::regrole FROM pg_namespace WHERE nspname = $1"
        if await db.fetchval(mine, name):
            await db.execute(f"ALTER SCHEMA {ident(name)} OWNER TO {OWNER}")
        else:
            await db.execute(f"GRANT USAGE, CREATE ON SCHEMA {ident(name)} TO {OWNER}")
        if not await db.fetchval("SELECT has_schema_privilege($1, $2, 'CREATE')", OWNER, name):
            return  # somebody else's schema, in which this session may make things, but give nobody a right
    tables = (f"TABLE {table}" for table, _ in _tables())
    functions = (f"FUNCTION {function}" for function in _functions())
    for name in (*tables, *functions):
        await db.execute(f"ALTER {name} OWNER TO {OWNER}")
