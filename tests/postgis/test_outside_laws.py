"""What holds of revisions, history and places, whatever is done with SQL (S40)."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from fiberq_core.fibre import claims_of
from fiberq_core.registry import LAYER
from fiberq_core.rows import Key, Row
from fiberq_storage.postgis import Settings, open_store
from tests.contracts.builders import a_project

pytestmark = pytest.mark.postgis

VILLAGE, TOWN = 1, 2
PATH = {"search_path": "fiberq, fiberq_history, public"}
SEED, STEPS = 3, 120


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Any]:
    """Somebody at a database with two projects."""
    connection = await asyncpg.connect(dsn, server_settings=PATH)
    await connection.execute("INSERT INTO projects (name) VALUES ('Village'), ('Town')")
    yield connection
    await connection.close()


async def revision(db: Any, project: int) -> int:
    """Where a project is."""
    return int(await db.fetchval("SELECT revision FROM projects WHERE id = $1", project))


async def test_revisions_are_gapless_and_in_the_order_of_commits(db, dsn):
    """Twenty people at once: whoever commits first has the lower revision."""
    committed: list[int] = []

    async def work(name: int) -> None:
        connection = await asyncpg.connect(dsn, server_settings=PATH)
        for turn in range(5):
            async with connection.transaction():
                await connection.execute(f"INSERT INTO ftth_stubovi (project_id, naziv) VALUES (1, '{name}-{turn}')")
                taken = await connection.fetchval(
                    "SELECT max(revision) FROM revisions WHERE xid = pg_current_xact_id()"
                )
                await asyncio.sleep(0.001)
                committed.append(taken)
        await connection.close()

    await asyncio.gather(*(work(name) for name in range(20)))

    assert list(range(1, 101)) == committed


async def test_the_server_meets_an_editor(dsn):
    """The server's writer and an editor's transaction wait for each other; both are there, in the order of commits."""
    async with await open_store(Settings(dsn)) as store:
        project = await a_project(store)
        editor = await asyncpg.connect(dsn, server_settings=PATH)
        async with editor.transaction():
            await editor.execute("INSERT INTO ftth_okna (project_id, naziv) VALUES ($1, 'editor')", project.id)
            waiting = asyncio.create_task(opened(store, project.id))
            await asyncio.sleep(0.3)
            assert not waiting.done()

        assert 1 == await waiting
        await editor.close()


async def opened(store: Any, project: int) -> int:
    """The revision that a writer finds."""
    async with store.unit(project) as unit:
        return int(unit.project.revision)


def random_edit(chance: random.Random) -> str:
    """Some statement that somebody might type."""
    project, name = chance.choice((VILLAGE, TOWN)), f"P-{chance.randrange(12)}"
    place = f"ST_SetSRID(ST_MakePoint({chance.uniform(20, 22)}, {chance.uniform(43, 45)}), 4326)"
    some = f"project_id = {project} AND id % {chance.randrange(2, 5)} = 0"
    edits = (
        f"INSERT INTO ftth_stubovi (project_id, naziv, geom) VALUES ({project}, '{name}', {place})",
        f"INSERT INTO ftth_stubovi (project_id, naziv) SELECT {project}, naziv FROM ftth_stubovi WHERE {some} LIMIT 3",
        f"UPDATE ftth_stubovi SET visina = coalesce(visina, 0) + 0.1 WHERE {some}",
        f"UPDATE ftth_stubovi SET naziv = '{name}', geom = {place} WHERE id % 7 = 1",
        f"UPDATE ftth_stubovi SET extra = '{{\"k\": {chance.randrange(9)}}}' WHERE {some}",
        f"DELETE FROM ftth_stubovi WHERE project_id = {project} AND id % 6 = {chance.randrange(6)}",
        *(("TRUNCATE ftth_stubovi",) if chance.random() < 0.1 else ()),
    )
    return str(chance.choice(edits))


CONTENT = "id, fiberq_uuid::text, fid, fiberq_rev, naziv, visina, extra::text, geom::text"
AS_OF = f"""
SELECT {CONTENT} FROM ftth_stubovi WHERE project_id = $1 AND fiberq_rev <= $2
UNION ALL SELECT {CONTENT} FROM ftth_stubovi_history WHERE project_id = $1 AND fiberq_rev <= $2 AND until > $2
ORDER BY id
"""


async def test_every_revision_can_be_seen_again(db):
    """Whatever SQL does, current rows and history give each revision exactly as it was when it was committed."""
    chance = random.Random(SEED)
    seen: dict[tuple[int, int], list[Any]] = {}
    for _ in range(STEPS):
        transaction = db.transaction()
        await transaction.start()
        for _ in range(chance.randrange(1, 4)):
            await db.execute(random_edit(chance))
        await (transaction.rollback() if chance.random() < 0.1 else transaction.commit())
        for project in (VILLAGE, TOWN):
            now = await db.fetch(f"SELECT {CONTENT} FROM ftth_stubovi WHERE project_id = $1 ORDER BY id", project)
            known = seen.setdefault((project, await revision(db, project)), now)
            assert known == now  # what changes takes a revision

    assert len(seen) > STEPS / 2
    for (project, at), rows in seen.items():
        assert rows == await db.fetch(AS_OF, project, at)


async def test_places_are_those_that_the_core_knows(db):
    """The claims that the database keeps of rows are `fibre.claims_of` them, however they were edited."""
    await db.execute(
        "WITH c AS (INSERT INTO fiber_splice_closures (project_id) VALUES (1) RETURNING fiberq_uuid),"
        " k AS (INSERT INTO ftth_kablovi_podzemni (project_id) VALUES (1), (1) RETURNING fiberq_uuid)"
        " INSERT INTO fiber_splice_trays (project_id, closure_uuid, tray_number) SELECT 1, fiberq_uuid, n FROM c, generate_series(1, 3) n"
    )
    await db.execute(
        "INSERT INTO fiber_splices (project_id, tray_uuid, position_in_tray, cable_a_uuid, fiber_a_number, cable_a_end)"
        " SELECT 1, t.fiberq_uuid, n, k.fiberq_uuid, t.tray_number * 10 + n, CASE WHEN n < 3 THEN 'from' END"
        " FROM fiber_splice_trays t, generate_series(1, 4) n, (SELECT min(fiberq_uuid::text)::uuid AS fiberq_uuid FROM ftth_kablovi_podzemni) k"
    )
    await db.execute("UPDATE fiber_splices SET position_in_tray = position_in_tray + 4 WHERE position_in_tray > 2")
    await db.execute("DELETE FROM fiber_splices WHERE position_in_tray = 1")
    found = {tuple(r) for r in await db.fetch("SELECT claim, layer, uuid::text FROM claims")}

    assert found == {claim for name in ("fiber_splice_trays", "fiber_splices") for claim in await expected(db, name)}
    assert len(found) > 10


async def expected(db: Any, name: str) -> list[tuple[str, str, str]]:
    """The claims of a layer's rows."""
    rows = await db.fetch(f"SELECT * FROM {LAYER[name].table}")
    keyed = [
        (Key(name, str(r["fiberq_uuid"])), Row({n: _plain(v) for n, v in r.items() if v is not None})) for r in rows
    ]
    return [(claim, name, key.uuid) for key, row in keyed for claim in claims_of(name, row)]


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else str(value)
