"""A database of the original server is taken over as a whole: projects, people, numbers, and what is refused."""

import json
import secrets
from urllib.parse import urlsplit

import pytest

from fiberq_core.errors import StoreMismatch
from fiberq_core.policy import Role
from fiberq_core.ports import Member
from fiberq_storage.postgis import Settings, open_store
from fiberq_storage.postgis.roles import READER
from tests.postgis.cluster import psql
from tests.postgis.databases import migrate
from tests.postgis.originals import EMPTY, FIRST, NOBODYS, TOWN, VILLAGE, fill
from tests.postgis.people import login

pytestmark = pytest.mark.postgis


async def test_projects_have_a_first_revision(db, adopted_store):
    village, town, empty, nobodys = await adopted_store.projects(member=None)
    async with adopted_store.reading(VILLAGE) as reader:
        made = (await reader.revisions([1]))[1]

    assert (VILLAGE, "Горње село", "Прва фаза", "in_progress", "elena") == (
        village.id, village.name, village.description, village.status, village.created_by_sub
    )  # fmt: skip
    assert ("completed", "", EMPTY) == (town.status, town.description, empty.id)
    assert (NOBODYS, "2026-01-15T11:00:00.123Z") == (nobodys.name, empty.created_at)
    assert [1, 1, 1, 1] == [p.revision for p in (village, town, empty, nobodys)]
    assert ("adopted", "sql") == (made.author.sub, made.source.value)


async def test_members_are_those_who_could_write(adopted_store, db):
    """Managers are engineers, specialists field workers. Who could only look is left out, and the audit says so."""
    left_out = await db.fetch("SELECT detail FROM audit WHERE what = 'member.not_adopted'")

    assert [Member("elena", Role.ENGINEER, "Elena Engineer"), Member("filip", Role.FIELD_WORKER, "Филип")] == list(
        await adopted_store.members(VILLAGE)
    )
    assert [] == list(await adopted_store.members(EMPTY))
    assert [{"sub": "olga", "role": "observer"}] == [json.loads(record[0]) for record in left_out]


async def test_before_there_were_members_everybody_with_a_role_could_work(bare_dsn):
    async with await open_store(Settings(fill(bare_dsn, FIRST))) as store:
        assert [Member("*", Role.ENGINEER)] == list(await store.members(VILLAGE))
        assert [VILLAGE, TOWN, EMPTY] == [p.id for p in await store.projects(member="anybody")]


async def test_ids_go_on_after_the_old_ones(db):
    """Also after those that were given and deleted."""
    await db.execute("INSERT INTO ftth_okna (project_id, naziv) VALUES (1, 'new')")
    await db.execute("INSERT INTO ftth_rezerve (project_id, tip) VALUES (1, 'zavrsna')")

    assert [(41, True)] == [tuple(r) for r in await db.fetch("SELECT id, fid > 40 FROM ftth_okna WHERE naziv = 'new'")]
    assert 31 == await db.fetchval("SELECT max(id) FROM ftth_rezerve")
    assert 11 == await db.fetchval("INSERT INTO projects (name) VALUES ('next') RETURNING id")


async def test_the_original_is_kept_as_it_was(db):
    """Also what has no place in ours; tables that were somebody else's stay where they are."""
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = $1 AND tablename = ANY($2)"
    others = ["sync_log", "fiber_paths", "project_activity_log", "user_logins", "project_users"]

    assert 0.1 == pytest.approx(await db.fetchval("SELECT visina FROM fiberq_original.ftth_stubovi WHERE id = 2"))
    assert 2 == await db.fetchval("SELECT count(*) FROM fiberq_original.sync_log")
    assert (5, 0) == (
        await db.fetchval(tables, "fiberq_original", others),
        await db.fetchval(tables, "fiberq", others),
    )
    assert "Петар" == await db.fetchval("SELECT ime FROM fiberq.kontakti")


async def test_a_second_attempt_gives_the_same_identities(databases, bare_dsn):
    """A backup that is adopted once more is the same network: devices' files still know its rows and inbox items."""
    original = urlsplit(fill(bare_dsn)).path[1:]
    identities = "SELECT uuid::text FROM fiberq.identities UNION ALL SELECT item_id FROM fiberq.inbox ORDER BY 1"
    found = []
    for _ in range(2):
        dsn = databases.create(original)
        await migrate(dsn)
        found.append(psql(dsn, identities).splitlines())
        databases.drop(dsn)

    assert found[0] == found[1] and len(found[0]) > 40


async def test_adoption_happens_once(adopted_dsn, db):
    await db.execute("UPDATE ftth_stubovi SET naziv = 'S-1a' WHERE id = 1")
    async with await open_store(Settings(adopted_dsn)) as again:
        assert 2 == (await again.project(VILLAGE)).revision
    assert "S-1a" == await db.fetchval("SELECT naziv FROM ftth_stubovi WHERE id = 1")


REFUSED = {
    "a stranger's": ("CREATE SCHEMA fiberq; CREATE TABLE fiberq.invoices (id int)", "not FiberQ's (invoices)"),
    "half the original's": ("DROP TABLE fiberq.smr_reports, fiberq.field_photos", "has no field_photos, smr_reports"),
    "a type of somebody's own": (
        "ALTER TABLE fiberq.ftth_stubovi ALTER visina TYPE text",
        "The column visina of the original server's table ftth_stubovi is text. Change its type to real or",
    ),
    "no room for the old tables": (
        "CREATE SCHEMA fiberq_original; CREATE TABLE fiberq_original.mine (id int)",
        "fiberq_original, where the original server's tables are to be kept, is not empty",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_neither_ours_nor_the_originals_is_refused_and_left_alone(bare_dsn, name):
    statement, words = REFUSED[name]
    if "invoices" not in statement:
        fill(bare_dsn)
    psql(bare_dsn, statement)
    tables = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'fiberq%' ORDER BY 1, 2"
    before = psql(bare_dsn, tables)

    with pytest.raises(StoreMismatch) as refused:
        await open_store(Settings(bare_dsn))

    assert words in str(refused.value) and before == psql(bare_dsn, tables)


async def test_whoever_owns_the_old_database_can_adopt_it(bare_dsn):
    """The original server's user was no superuser; what it owned is enough."""
    name = f"fiberq_old_{secrets.token_hex(4)}"
    plain = login(bare_dsn, READER, name)
    psql(bare_dsn, f"ALTER DATABASE {urlsplit(bare_dsn).path[1:]} OWNER TO {name}")
    fill(plain)
    async with await open_store(Settings(plain)) as store, store.reading(VILLAGE) as reader:
        assert 4 == (await reader.counts())["Stubovi"]

    psql(bare_dsn, f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}")


async def test_the_schema_may_have_another_name(bare_dsn):
    fill(bare_dsn, schema="mreza")
    async with await open_store(Settings(bare_dsn, schema="mreza")) as store:
        assert 4 == len(await store.projects(member=None))
    assert "2" == psql(bare_dsn, "SELECT count(*) FROM mreza_original.sync_log")
