"""Each database role can do what its people need, and nothing else."""

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from fiberq_core.changes import Source
from fiberq_core.errors import StoreMismatch
from fiberq_core.ports import Changeset
from fiberq_storage.postgis import Settings, open_store
from fiberq_storage.postgis.roles import EDITOR, OWNER, READER, ROWS, SERVER, SYSTEM, USERS
from fiberq_storage.postgis.tables import TABLES
from tests.contracts.builders import ANA, T0, a_project, new
from tests.postgis.cluster import psql
from tests.postgis.people import Newcomer, login, people

pytestmark = pytest.mark.postgis

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
POLE = "INSERT INTO ftth_stubovi (project_id, naziv) VALUES (1, 'P-1')"


@pytest.fixture
def somebody(dsn: str) -> Iterator[Newcomer]:
    """Makes people with a role."""
    with people(dsn) as newcomer:
        yield newcomer


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Any]:
    """A superuser with a project, who can become somebody else."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "fiberq, fiberq_history, public"})
    await connection.execute("INSERT INTO projects (name) VALUES ('Village')")
    yield connection
    await connection.close()


async def become(db: Any, role: str) -> None:
    """Go on as a role."""
    await db.execute(f"SET SESSION AUTHORIZATION {role}")


def expected(schema: str, table: str) -> tuple[set[str], set[str], set[str]]:
    """What server, editor and reader may do in a table."""
    rows, look = set(ROWS.split(", ")), {"SELECT"}
    nothing: set[str] = set()
    if schema == "fiberq_history":
        return rows, look, look
    if table in {t.layer.table for t in TABLES.values()}:
        return rows, rows, look
    if table in ("projects", "revisions"):
        return rows, look, look
    return (look if table == "schema_version" else rows), nothing, nothing


async def test_every_table_has_its_rights(db):
    """Also those that somebody adds: whoever makes a table has to say here and in `roles` who may use it."""
    sql = (
        "SELECT schemaname, tablename, r.role, array_agg(p.privilege)"
        " FILTER (WHERE has_table_privilege(r.role, format('%I.%I', schemaname, tablename), p.privilege))"
        " FROM pg_tables, unnest($1::text[]) r (role), unnest($2::text[]) p (privilege)"
        " WHERE schemaname IN ('fiberq', 'fiberq_history') GROUP BY 1, 2, 3"
    )
    found = {
        (s, t, role): set(rights or ()) for s, t, role, rights in await db.fetch(sql, list(USERS), list(PRIVILEGES))
    }
    tables = {(schema, table) for schema, table, _ in found}

    assert {t for s, t in tables if s == "fiberq"} == {*SYSTEM, *(t.layer.table for t in TABLES.values())}
    assert {(*t, r): rights for t in tables for r, rights in zip(USERS, expected(*t), strict=True)} == found


async def test_all_of_it_belongs_to_the_owner_who_cannot_sign_in(db):
    tables = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname LIKE 'fiberq%'"
    functions = "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'fiberq'::regnamespace"
    schemas = "SELECT DISTINCT nspowner::regrole::text FROM pg_namespace WHERE nspname LIKE 'fiberq%'"

    assert [[OWNER]] * 3 == [[r[0] for r in await db.fetch(sql)] for sql in (tables, functions, schemas)]
    assert not await db.fetchval("SELECT bool_or(rolcanlogin) FROM pg_roles WHERE rolname = ANY($1)", [OWNER, *USERS])


async def test_trigger_functions_run_with_a_path_of_their_own(db):
    """They run with the owner's rights, so no name in them may be looked up where the caller says."""
    sql = "SELECT proname FROM pg_proc WHERE pronamespace = 'fiberq'::regnamespace AND prosecdef AND proconfig::text NOT LIKE '%search_path=%'"

    assert [] == await db.fetch(sql)


async def test_an_editor_edits_and_the_database_notes_who_and_what(db):
    await become(db, EDITOR)
    await db.execute(POLE)
    await db.execute("UPDATE ftth_stubovi SET naziv = 'P-1a'")
    await db.execute("DELETE FROM ftth_stubovi")
    past = await db.fetch("SELECT naziv, fiberq_rev, until, ended_by FROM ftth_stubovi_history ORDER BY until")
    made = await db.fetch("SELECT revision, author_sub, source FROM revisions ORDER BY revision")

    assert [("P-1", 1, 2, "update"), ("P-1a", 2, 3, "delete")] == list(map(tuple, past))
    assert [(n, EDITOR, "sql") for n in (1, 2, 3)] == list(map(tuple, made))


NOT_FOR_EDITORS = {
    "make a project": "INSERT INTO projects (name) VALUES ('mine')",
    "count revisions back": "UPDATE projects SET revision = 0",
    "write a revision": "INSERT INTO revisions VALUES (1, 9, 'ana', 'Ana', now(), 'rest', NULL)",
    "take a revision in another's name": "SELECT take_revision(1, 'ana', 'Ana', now(), 'rest', NULL)",
    "take a revision for nothing": "SELECT revision_taken(1)",
    "rewrite history": "UPDATE ftth_stubovi_history SET naziv = 'never'",
    "forget history": "DELETE FROM ftth_stubovi_history",
    "free a place": "DELETE FROM claims",
    "read the inbox": "SELECT * FROM inbox",
    "read receipts": "SELECT * FROM uploads",
    "read what devices sent": "SELECT * FROM upload_rows",
    "read answers": "SELECT * FROM answers",
    "see who took what": "SELECT * FROM exports",
    "make members": "INSERT INTO members VALUES (1, 'me', 'admin', '')",
    "empty a layer at once": "TRUNCATE ftth_stubovi",
    "switch triggers off": "ALTER TABLE ftth_stubovi DISABLE TRIGGER ALL",
    "act as a replica": "SET session_replication_role = replica",
    "add a column": "ALTER TABLE ftth_stubovi ADD COLUMN mine text",
    "make a table": "CREATE TABLE fiberq.mine (id int)",
    "replace a function": "CREATE OR REPLACE FUNCTION fiberq.refuse(words text, hint text) RETURNS void LANGUAGE sql AS ''",
}


@pytest.mark.parametrize("what", NOT_FOR_EDITORS)
async def test_an_editor_cannot(db, what):
    await become(db, EDITOR)

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute(NOT_FOR_EDITORS[what])


PRETENDING = {
    "another uuid": "UPDATE ftth_stubovi SET fiberq_uuid = gen_random_uuid()",
    "another project": "UPDATE ftth_stubovi SET project_id = 2",
    "a reference to nothing": "INSERT INTO fiber_splices (project_id, position_in_tray, tray_uuid) VALUES (1, 1, gen_random_uuid())",
}


@pytest.mark.parametrize("what", PRETENDING)
async def test_an_editor_who_says_to_be_the_server_is_none(db, what):
    await db.execute("INSERT INTO projects (name) VALUES ('Town')")
    await db.execute(POLE)
    await become(db, EDITOR)
    await db.execute("SET fiberq.server = 'on'")

    with pytest.raises(asyncpg.PostgresError, match=r"cannot be changed|stays in its project|does not name a row"):
        await db.execute(PRETENDING[what])


async def test_a_mark_that_an_editor_forges_does_not_count(db):
    """The revision is the one that the database took, whatever the session says."""
    await db.execute(POLE)
    await become(db, EDITOR)
    for forged in ("1", "77"):
        async with db.transaction():
            await db.execute(f"SET LOCAL fiberq.revision_1 = '{forged}'")
            with pytest.raises(asyncpg.PostgresError):
                async with db.transaction():
                    await db.execute("UPDATE ftth_stubovi SET naziv = 'forged'")

    assert [("P-1", 1)] == list(map(tuple, await db.fetch("SELECT naziv, fiberq_rev FROM ftth_stubovi")))


async def test_a_reader_reads_the_network_and_its_history(db):
    await db.execute(POLE)
    await db.execute("UPDATE ftth_stubovi SET naziv = 'P-1a'")
    await become(db, READER)

    assert "P-1a" == await db.fetchval("SELECT naziv FROM ftth_stubovi")
    assert "P-1" == await db.fetchval("SELECT naziv FROM ftth_stubovi_history")
    assert 2 == await db.fetchval("SELECT max(r.revision) FROM revisions r JOIN projects ON id = project_id")
    for statement in (POLE, "UPDATE ftth_stubovi SET naziv = ''", "DELETE FROM ftth_stubovi", "SELECT * FROM inbox"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(statement)


async def test_the_server_needs_no_more_than_its_role(somebody):
    """It opens a migrated database, writes, reads and takes back, without a right to change any table's form."""
    async with await open_store(Settings(somebody(SERVER, "server"))) as store:
        project = await a_project(store)
        async with store.unit(project.id) as unit:
            applied = await unit.apply(Changeset(ANA, T0, Source.REST, writes=(new(1), new(2))))
        async with store.reading(project.id) as reader:
            assert applied.rows == await reader.rows(applied.rows)

    assert 1 == applied.revision


async def test_a_server_cannot_bring_a_database_to_its_form(somebody, dsn):
    """That is for whoever owns it, and it is said."""
    psql(dsn, "UPDATE fiberq.schema_version SET form = 'older'")

    with pytest.raises(StoreMismatch, match=f"may not change it. Run any command once as a user with the role {OWNER}"):
        await open_store(Settings(somebody(SERVER, "server")))


async def test_set_up_as_the_page_says(bare_dsn):
    """Somebody with the owner's role sets up, somebody with the server's serves, a third upgrades."""
    database = urlsplit(bare_dsn).path[1:]
    psql(bare_dsn, f"GRANT CREATE ON DATABASE {database} TO {OWNER}")
    with people(bare_dsn) as newcomer:
        async with await open_store(Settings(newcomer(OWNER, "setup"))) as store:
            await a_project(store)
        async with await open_store(Settings(newcomer(SERVER, "app"))) as store:
            assert 1 == len(await store.projects(member=None))
        psql(bare_dsn, "UPDATE fiberq.schema_version SET form = 'older'")
        async with await open_store(Settings(newcomer(OWNER, "upgrade"))) as store:
            assert 1 == len(await store.projects(member=None))
        owners = psql(bare_dsn, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname LIKE 'fiberq%'")

    assert OWNER == owners


async def test_a_schema_that_was_there_stays_its_owners(bare_dsn):
    """Also `public`, with PostGIS and whatever else of extensions in it."""
    owners = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'public'"
    before = psql(bare_dsn, owners)
    with people(bare_dsn) as newcomer:
        await (await open_store(Settings(bare_dsn, schema="public"))).close()
        async with await open_store(Settings(newcomer(SERVER, "app"), schema="public")) as store:
            project = await a_project(store)
        jelena = newcomer(EDITOR, "jelena")
        psql(jelena, f"INSERT INTO public.ftth_stubovi (project_id, naziv) VALUES ({project.id}, 'P-1')")

    assert before == psql(bare_dsn, owners)
    assert "1|sql" == psql(bare_dsn, "SELECT revision, source FROM public.revisions")


async def test_roles_that_were_made_later_get_their_rights_at_the_next_start(dsn, db):
    await db.execute(f"REVOKE USAGE ON SCHEMA fiberq FROM {READER}")
    await (await open_store(Settings(dsn))).close()
    await become(db, READER)

    assert 0 == await db.fetchval("SELECT count(*) FROM ftth_stubovi")


async def test_without_rights_to_make_roles_the_database_works_for_whoever_owns_it(bare_dsn):
    """Somebody who may neither make roles nor give anything away migrates, and is the server too."""
    name = f"plain_{secrets.token_hex(4)}"
    plain = login(bare_dsn, READER, name)
    psql(bare_dsn, f"GRANT CREATE ON DATABASE {urlsplit(bare_dsn).path[1:]} TO {name}")
    async with await open_store(Settings(plain)) as store:
        project = await a_project(store)
        async with store.unit(project.id) as unit:
            await unit.apply(Changeset(ANA, T0, Source.REST, writes=(new(1),)))

    assert name == psql(bare_dsn, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname LIKE 'fiberq%'")
    psql(bare_dsn, f"DROP OWNED BY {name}; DROP ROLE {name}")
