"""Whoever edits the tables with SQL, however they do it, makes revisions with history and author (S40)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from tests.postgis.cluster import run_psql

pytestmark = pytest.mark.postgis

VILLAGE, TOWN = 1, 2
PATH = {"search_path": "fiberq, fiberq_history, public"}


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Any]:
    """Somebody at a database with two projects."""
    connection = await asyncpg.connect(dsn, server_settings=PATH)
    await connection.execute("INSERT INTO projects (name) VALUES ('Village'), ('Town')")
    yield connection
    await connection.close()


async def poles(db: Any) -> list[tuple[Any, ...]]:
    """Names and revisions of the poles."""
    return [tuple(r) for r in await db.fetch("SELECT naziv, fiberq_rev FROM ftth_stubovi ORDER BY naziv")]


async def past(db: Any) -> list[tuple[Any, ...]]:
    """Their replaced versions."""
    sql = "SELECT naziv, fiberq_rev, until, ended_by FROM ftth_stubovi_history ORDER BY fiberq_rev, until, naziv"
    return [tuple(r) for r in await db.fetch(sql)]


async def revision(db: Any, project: int = VILLAGE) -> int:
    """Where a project is."""
    return int(await db.fetchval("SELECT revision FROM projects WHERE id = $1", project))


async def draw(db: Any, *names: str) -> None:
    """Poles, in one statement."""
    await db.execute("INSERT INTO ftth_stubovi (project_id, naziv) SELECT 1, unnest($1::text[])", list(names))


async def given_up(db: Any, name: str) -> None:
    """A pole that is rolled back: a transaction, or a savepoint in one."""
    transaction = db.transaction()
    await transaction.start()
    await draw(db, name)
    await transaction.rollback()


async def test_each_transaction_takes_one_revision(db):
    """Whatever it does to however many rows, in however many statements; what it does twice to one row is one version."""
    await draw(db, "A", "B")
    async with db.transaction():
        await db.execute("UPDATE ftth_stubovi SET naziv = 'A1' WHERE naziv = 'A'")
        await db.execute("UPDATE ftth_stubovi SET naziv = 'A2' WHERE naziv = 'A1'")
        await db.execute("INSERT INTO ftth_okna (project_id, naziv) VALUES (1, 'M')")
        await db.execute("DELETE FROM ftth_stubovi WHERE naziv = 'B'")

    assert [("A2", 2)] == await poles(db) and 2 == await revision(db)
    assert [("A", 1, 2, "update"), ("B", 1, 2, "delete")] == await past(db)


async def test_what_is_rolled_back_leaves_no_gap(db):
    await draw(db, "A")
    await given_up(db, "B")
    await draw(db, "C")
    async with db.transaction():
        with pytest.raises(asyncpg.PostgresError):
            async with db.transaction():  # a savepoint, as QGIS sets them
                await db.execute("UPDATE ftth_stubovi SET project_id = 2")
        await draw(db, "D")

    assert [("A", 1), ("C", 2), ("D", 3)] == await poles(db)
    assert [1, 2, 3] == [r[0] for r in await db.fetch("SELECT revision FROM revisions ORDER BY revision")]


async def test_a_savepoint_that_took_the_revision_gives_it_back(db):
    """The revision that a rolled back savepoint took is taken again by the same transaction."""
    async with db.transaction():
        await given_up(db, "A")
        await draw(db, "B")

    assert [("B", 1)] == await poles(db) and 1 == await db.fetchval("SELECT count(*) FROM revisions")


async def test_copy_from_psql(db, dsn):
    """COPY gives each row uuid, numbers and revision."""
    lines = "\n".join(f"1\tC-{n}\t{n}.5\tSRID=4326;POINT(21 44.{n})" for n in range(1, 6))
    done = run_psql(dsn, f"COPY fiberq.ftth_stubovi (project_id, naziv, visina, geom) FROM STDIN;\n{lines}\n\\.\n")

    assert 0 == done.returncode, done.stderr
    assert [(f"C-{n}", 1) for n in range(1, 6)] == await poles(db)
    assert 5 == await db.fetchval("SELECT count(DISTINCT (fiberq_uuid, fid)) FROM ftth_stubovi")


async def test_truncate_is_a_deletion(db):
    await draw(db, "A", "B")
    await db.execute("TRUNCATE ftth_stubovi")
    await draw(db, "C")

    assert [("C", 3)] == await poles(db)
    assert [("A", 1, 2, "delete"), ("B", 1, 2, "delete")] == await past(db)
    assert 3 == await db.fetchval("SELECT fid FROM ftth_stubovi") or await db.fetchval(
        "SELECT fid > 2 FROM ftth_stubovi"
    )


async def test_truncate_of_what_others_refer_to_is_refused(db):
    await db.execute(
        "WITH c AS (INSERT INTO fiber_splice_closures (project_id, naziv) VALUES (1, 'N-4') RETURNING fiberq_uuid)"
        " INSERT INTO fiber_splice_trays (project_id, closure_uuid, tray_number) SELECT 1, fiberq_uuid, 1 FROM c"
    )
    for statement in ("TRUNCATE fiber_splice_closures", "TRUNCATE fiber_splice_closures CASCADE"):
        with pytest.raises(asyncpg.PostgresError):
            await db.execute(statement)

    assert 1 == await db.fetchval("SELECT count(*) FROM fiber_splice_trays") and 1 == await revision(db)


async def test_insert_from_select_copies_rows_as_new_ones(db):
    """Also with the uuids and revisions of what was copied, and into another project."""
    await draw(db, "A")
    await db.execute(
        "INSERT INTO ftth_stubovi (project_id, fiberq_uuid, fid, fiberq_rev, naziv)"
        " SELECT p.id, fiberq_uuid, fid, fiberq_rev, naziv || ' of ' || p.name FROM ftth_stubovi, projects p"
    )

    assert 3 == await db.fetchval("SELECT count(DISTINCT (project_id, fiberq_uuid)) FROM ftth_stubovi")
    assert (2, 1) == (await revision(db), await revision(db, TOWN))


async def test_on_conflict_updates_and_inserts_in_one_revision(db):
    await draw(db, "A")
    await db.execute(
        "INSERT INTO ftth_stubovi (id, project_id, naziv) SELECT id, 1, 'A1' FROM ftth_stubovi"
        " UNION ALL SELECT nextval('ftth_stubovi_id_seq'), 1, 'B'"
        " ON CONFLICT (id) DO UPDATE SET naziv = excluded.naziv"
    )

    assert [("A1", 2), ("B", 2)] == await poles(db) and [("A", 1, 2, "update")] == await past(db)


async def test_merge_and_update_from(db):
    await draw(db, "A", "B")
    await db.execute(
        "MERGE INTO ftth_stubovi s USING (VALUES ('A', 7.5), ('C', 8.5)) w (naziv, visina)"
        " ON s.naziv = w.naziv WHEN MATCHED THEN UPDATE SET visina = w.visina"
        " WHEN NOT MATCHED THEN INSERT (project_id, naziv, visina) VALUES (1, w.naziv, w.visina)"
    )

    assert [("A", 2), ("B", 1), ("C", 2)] == await poles(db) and [("A", 1, 2, "update")] == await past(db)


async def test_an_update_of_nothing_takes_no_revision(db):
    await draw(db, "A")
    await db.execute("UPDATE ftth_stubovi SET naziv = 'Z' WHERE naziv = 'nobody'")
    await db.execute("DELETE FROM ftth_stubovi WHERE naziv = 'nobody'")

    assert 1 == await revision(db)


async def test_deleted_and_added_again_in_one_transaction_is_a_change(db):
    """As GDAL and scripts write: the row with the same uuid is the same row, and history says so."""
    await draw(db, "A")
    uuid = await db.fetchval("SELECT fiberq_uuid FROM ftth_stubovi")
    async with db.transaction():
        await db.execute("DELETE FROM ftth_stubovi")
        await db.execute("INSERT INTO ftth_stubovi (project_id, fiberq_uuid, naziv) VALUES (1, $1, 'A1')", uuid)

    assert [("A1", 2)] == await poles(db) and [("A", 1, 2, "update")] == await past(db)


async def test_places_are_swapped_in_one_statement(db):
    """Two trays exchange their numbers: in between nobody looks."""
    await db.execute(
        "WITH c AS (INSERT INTO fiber_splice_closures (project_id) VALUES (1) RETURNING fiberq_uuid)"
        " INSERT INTO fiber_splice_trays (project_id, closure_uuid, tray_number) SELECT 1, fiberq_uuid, n FROM c, generate_series(1, 2) n"
    )
    await db.execute("UPDATE fiber_splice_trays SET tray_number = 3 - tray_number")
    with pytest.raises(asyncpg.PostgresError, match="taken already"):
        await db.execute("UPDATE fiber_splice_trays SET tray_number = 1")

    assert [2, 1] == [r[0] for r in await db.fetch("SELECT tray_number FROM fiber_splice_trays ORDER BY id")]
    assert 2 == await db.fetchval("SELECT count(*) FROM claims")


async def test_who_it_was(db, dsn):
    """The session says so, or else it is the database user."""
    await draw(db, "A")
    await db.execute("SET fiberq.actor = 'elena'")
    await draw(db, "B")

    assert ["postgres", "elena"] == [r[0] for r in await db.fetch("SELECT author_sub FROM revisions ORDER BY revision")]
    assert {("sql", "postgres")} == {
        tuple(r) for r in await db.fetch("SELECT source, session_user::text FROM revisions")
    }


async def test_nobody_needs_to_know_of_us_to_write(db):
    """A statement with the layer's own columns is enough; the rest is the database's."""
    made = await db.fetchrow("INSERT INTO ftth_okna (project_id) VALUES (1) RETURNING id, fiberq_uuid, fid, fiberq_rev")

    assert all(made) and 1 == made["fiberq_rev"]
