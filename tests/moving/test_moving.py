"""A store that is taken into another one is the same store: rows, history, numbers, files, and what comes next."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fiberq_core.ports import Store
from fiberq_core.rows import Stored
from fiberq_storage import postgis, sqlite
from fiberq_storage.files.source import PackageSource
from fiberq_storage.moving import move
from fiberq_storage.moving.parts import PARTS
from fiberq_storage.postgis.roles import OWNER, SERVER
from fiberq_storage.postgis.source import PostgisSource
from fiberq_storage.sqlite.source import SqliteSource
from tests.contracts.builders import a_project, commit, gone, key, new
from tests.contracts.test_patching import content, whole
from tests.moving.stores import POLES, SHADOWS, database_dump, dump, folder, in_database
from tests.postgis.cluster import psql, run_psql
from tests.postgis.databases import Databases
from tests.postgis.people import people

pytestmark = pytest.mark.postgis

MANHOLE = "INSERT INTO fiberq.ftth_okna (project_id, geom) VALUES (1, 'SRID=4326;POINT Z (1 2 3)')"


async def test_there_and_back(old: Path, bare_dsn: str, tmp_path: Path) -> None:
    """A store that went into a database and came back is the one that went, in every table and file."""
    there = await move(folder(old), in_database(bare_dsn, tmp_path / "served"))
    back = await move(in_database(bare_dsn, tmp_path / "served"), folder(tmp_path / "new"))

    assert there == back
    assert dump(old) == dump(tmp_path / "new")
    assert {"photos": 1, "uploads": 1} == back.files
    assert "photos/a/1.jpg" == (tmp_path / "new/photos/a/1.jpg").read_text()


async def test_a_database_there_and_back(filled: str, databases: Databases, tmp_path: Path) -> None:
    """The same from a database, which others wrote to as well."""
    psql(filled, "UPDATE fiberq.ftth_stubovi SET naziv = 'Ћ' WHERE id < 4; DELETE FROM fiberq.fiber_splices")
    psql(filled, f"BEGIN; {MANHOLE}; ROLLBACK; {MANHOLE}")
    again = databases.create()

    await move(in_database(filled, tmp_path), folder(tmp_path / "new", tmp_path))
    await move(folder(tmp_path / "new", tmp_path), in_database(again, tmp_path))

    assert database_dump(filled) == database_dump(again)
    databases.drop(again)


async def test_from_a_database_into_another(filled: str, databases: Databases, tmp_path: Path) -> None:
    again = databases.create(databases.bare)

    await move(in_database(filled, tmp_path), in_database(again, tmp_path))

    assert database_dump(filled) == database_dump(again)
    databases.drop(again)


async def test_what_was_delivered_can_be_made_again(old: Path, dsn: str, tmp_path: Path) -> None:
    """The package of every revision says the same on both sides, so that files that are out merge as before."""
    await move(folder(old), in_database(dsn, old))
    async with (
        await sqlite.open_store(old) as here,
        await postgis.open_store(postgis.Settings(dsn)) as there,
    ):
        project = await there.project(2)
        assert project == await here.project(2)
        for revision in range(1, project.revision + 1, 3):
            sources: tuple[PackageSource, ...] = (SqliteSource(here), PostgisSource(there))
            files = [tmp_path / f"{revision}-{number}.gpkg" for number in (1, 2)]
            offsets = [
                await whole(source, project, revision, file) for source, file in zip(sources, files, strict=True)
            ]

            assert content(files[0]) == content(files[1])
            assert 1 == len(set(offsets))


async def numbers(store: Store) -> Stored:
    """A new manhole and its numbers."""
    return (await commit(store, await store.project(2), [new(9999)])).rows[key(9999)]


async def test_numbers_go_on(old: Path, dsn: str, tmp_path: Path) -> None:
    """No number is given twice: not even one whose row was deleted before the move."""
    async with await sqlite.open_store(old) as store:
        newest = (await commit(store, await store.project(2), [new(9998)])).rows[key(9998)]
        await commit(store, await store.project(2), [gone(newest)])

    await move(folder(old), in_database(dsn, old))
    await move(in_database(dsn, old), folder(tmp_path / "new", old))

    async with await postgis.open_store(postgis.Settings(dsn)) as store:
        there = await numbers(store)
    async with await sqlite.open_store(tmp_path / "new") as store:
        back = await numbers(store)
    assert (newest.id + 1, newest.fid + 1) == (there.id, there.fid) == (back.id, back.fid)


async def test_the_database_goes_on_by_itself(old: Path, dsn: str) -> None:
    """What the database does at every change is switched on again: revisions, history, places, refusals."""
    await move(folder(old), in_database(dsn, old))
    versions = "SELECT count(*) FROM fiberq_history.ftth_stubovi_history"
    revision, before = psql(dsn, "SELECT revision FROM fiberq.projects WHERE id = 2"), psql(dsn, versions)

    psql(dsn, "UPDATE fiberq.ftth_stubovi SET visina = 1 WHERE id = 1")
    taken = 'INSERT INTO fiberq.fiber_splice_trays SELECT (json_populate_record(t, \'{"id": null, "fiberq_uuid": null}\')).*'

    assert int(revision) + 1 == int(psql(dsn, "SELECT revision FROM fiberq.projects WHERE id = 2"))
    assert int(before) + 1 == int(psql(dsn, versions))
    assert "taken already" in run_psql(dsn, f"{taken} FROM fiberq.fiber_splice_trays t LIMIT 1").stderr
    assert "refer" in run_psql(dsn, "DELETE FROM fiberq.ftth_kablovi_podzemni").stderr


async def test_with_the_least_rights(old: Path, dsn: str, tmp_path: Path) -> None:
    """Into a database as a member of its owner; out of it as the server."""
    with people(dsn) as newcomer:
        await move(folder(old), in_database(newcomer(OWNER, "setup"), old))
        await move(in_database(newcomer(SERVER, "server"), old), folder(tmp_path / "new", old))

    assert dump(old) == dump(tmp_path / "new")


async def test_the_source_is_only_read(old: Path, dsn: str) -> None:
    before = dump(old)

    await move(folder(old), in_database(dsn, old))

    assert before == dump(old)


async def test_minus_zero_and_spelling_are_no_difference(dsn: str, tmp_path: Path) -> None:
    """What SQL wrote in ways that are none of ours arrives as the values that it is."""
    async with await postgis.open_store(postgis.Settings(dsn)) as store:
        await a_project(store)
    pole = "INSERT INTO fiberq.ftth_stubovi (project_id, visina, geom, extra) VALUES (1, '-0', 'SRID=4326;POINT (1 2)',"
    psql(dsn, f'{pole} \'{{ "naziv" :"x", "broj": 1e2 }}\'); UPDATE fiberq.ftth_stubovi SET naziv = \'y\'')

    await move(in_database(dsn, tmp_path), folder(tmp_path / "new", tmp_path))

    async with await sqlite.open_store(tmp_path / "new") as came, came.reading(1) as reader:
        [current] = (await reader.features(POLES, None, 9, None)).items
        earlier = (await reader.history(current.key))[1]
    assert (0.0, "y") == (current.row.get("visina"), current.row.get("naziv"))
    assert earlier.row is not None
    assert ("x", 100.0) == (earlier.row.get("naziv"), earlier.row.get("broj"))


def test_every_column_of_both_stores_is_moved(old: Path, dsn: str) -> None:
    """Whoever adds a table or column to a store is told here to move it."""
    columns = "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema ~ '^fiberq'"
    with closing(sqlite3.connect(old / "fiberq.db")) as db:
        names = db.execute(
            "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        )
        there = {f"{table}.{column}" for table, column in names if not table.endswith((*SHADOWS, "_rtree"))}
    moved = {f"{part.name}.{column}" for part in PARTS for column in part.columns}
    past = {f"{part.name}.{column}" for part in PARTS if part.past for column in part.columns}

    assert moved == set(psql(dsn, columns).splitlines()) - MADE_IN_DATABASE
    assert moved - past - DERIVED == there - MADE_EMBEDDED


# What is no record of anything, or is made from the records.
MADE_IN_DATABASE = {"revisions.xid", "schema_version.version", "schema_version.form"}
MADE_IN_DATABASE |= {"identities.project_id", "identities.uuid", "identities.layer"}
MADE_EMBEDDED = {"schema_version.version", "sqlite_sequence.name", "sqlite_sequence.seq"}
MADE_EMBEDDED |= {"counters.project_id", "counters.layer", "counters.last_fid"}
MADE_EMBEDDED |= {
    f"history.{column}"  # which is where all past parts are
    for column in ("project_id", "uuid", "layer", "rev", "until", "ended_by", "id", "fid", "vals", "geom")
}
DERIVED = {"upload_rows.project_id", "upload_rows.number"}
