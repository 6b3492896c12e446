"""What only the embedded store has: a file, that can be damaged, full, read-only, old, new, or in somebody's hands."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest
from attrs import evolve

from fiberq_core.errors import Busy, Conflict, FiberqError, StoreMismatch, StoreUnavailable
from fiberq_core.gpb import encode_gpb
from fiberq_core.registry import DATA_LAYERS, LAYER
from fiberq_core.registry.model import Kind
from fiberq_storage.files import disk
from fiberq_storage.sql import ident, literal
from fiberq_storage.sqlite import SqliteStore, connection, lock_folder, open_store
from fiberq_storage.sqlite.blobs import box_of, pack, unpack
from fiberq_storage.sqlite.connection import FILE, MEANING, transaction, translating
from fiberq_storage.sqlite.ddl import SQL_TYPE
from fiberq_storage.sqlite.migrate import FITS, STEPS, migrate
from fiberq_storage.sqlite.tables import SYSTEM, TABLES
from tests.contracts.builders import OKNA, a_project, commit, current, edit, gone, key, line, new, point
from tests.contracts.crashing import ROWS

NOBODY = 65534
ROOT = Path(__file__).parents[2]


@contextmanager
def file(data: Path) -> Iterator[apsw.Connection]:
    """The store's file, as a stranger opens it."""
    with closing(apsw.Connection(str(data / FILE))) as db:
        yield db


async def a_filled_store(data: Path) -> None:
    """A store with one project and one row."""
    async with await open_store(data) as store:
        await commit(store, await a_project(store), [new(1, broj_okna="7", boja="plava", geometry=point(20, 43))])


async def an_empty_project(data: Path) -> None:
    """A store with one project and nothing in it."""
    async with await open_store(data) as store:
        await a_project(store)


async def counted(data: Path) -> tuple[int, int]:
    """The revision of the project, and how many rows it has."""
    async with await open_store(data) as store, store.reading(1) as reader:
        return reader.project.revision, sum((await reader.counts()).values())


async def the_row(data: Path) -> object:
    """What the row of `a_filled_store` holds."""
    async with await open_store(data) as store:
        (found,) = await current(store, await store.project(1), key(1))
        return found and found.row.values


async def test_a_new_registered_column_takes_in_what_was_unregistered(tmp_path: Path) -> None:
    """When the registry gains a column, the table does too, and values that rows carried under its name move in (S38)."""
    await a_filled_store(tmp_path)
    with file(tmp_path) as db:
        table = TABLES[OKNA].name
        db.execute(f"UPDATE {table} SET extra = json_set(extra, '$.broj_okna', broj_okna)")
        db.execute(f"ALTER TABLE {table} DROP COLUMN broj_okna")
        db.execute("INSERT INTO extra_columns VALUES (1, ?, 'broj_okna', 'TEXT', 1)", (OKNA,))

    assert {"broj_okna": "7", "boja": "plava", "geometry": point(20, 43)} == await the_row(tmp_path)
    with file(tmp_path) as db:
        assert [("7", '{"boja":"plava"}')] == db.execute(f"SELECT broj_okna, extra FROM {table}").fetchall()
        assert [("boja",)] == db.execute("SELECT name FROM extra_columns").fetchall()


async def test_a_new_registered_column_leaves_what_does_not_fit(tmp_path: Path) -> None:
    """A value of another type stays where it is, and is still seen."""
    await a_filled_store(tmp_path)
    with file(tmp_path) as db:
        table = TABLES[OKNA].name
        db.execute(f"UPDATE {table} SET extra = json_set(extra, '$.broj_okna', 12.5)")
        db.execute(f"ALTER TABLE {table} DROP COLUMN broj_okna")

    assert {"broj_okna": 12.5, "boja": "plava", "geometry": point(20, 43)} == await the_row(tmp_path)


async def test_a_version_is_known_by_more_than_its_number(tmp_path: Path) -> None:
    """A write that names a row by another row's id, or another project's, changes neither."""
    async with await open_store(tmp_path) as store:
        ours, theirs = await a_project(store, 900), await a_project(store, 901)
        for project in (ours, theirs):
            await commit(store, project, [new(1, broj_okna="7"), new(2, broj_okna="8")])
        first, second = await current(store, ours, key(1), key(2))
        (foreign,) = await current(store, theirs, key(1))
        assert first and second and foreign
        for wrong in (evolve(first, id=second.id), foreign):
            for write in (edit(wrong, broj_okna="9"), gone(wrong)):
                with pytest.raises(Conflict):
                    await commit(store, ours, [write], second=2)

        assert [first, second] == await current(store, ours, key(1), key(2))
        assert [foreign] == await current(store, theirs, key(1))


async def test_the_past_keeps_a_geometry_once(tmp_path: Path) -> None:
    """Beside the values, not among them too."""
    await a_filled_store(tmp_path)
    async with await open_store(tmp_path) as store:
        (row,) = await current(store, await store.project(1), key(1))
        assert row
        await commit(store, await store.project(1), [edit(row, broj_okna="8")], second=2)

    with file(tmp_path) as db:
        assert [('{"boja":"plava","broj_okna":"7"}', pack(point(20, 43)))] == db.execute(
            "SELECT vals, geom FROM history"
        ).fetchall()


async def test_an_older_store_is_migrated(tmp_path: Path) -> None:
    """Steps that the store has not seen are taken in order, once; a step that fails leaves it as it was."""
    await a_filled_store(tmp_path)
    seen: list[int] = []

    def second(db: apsw.Connection) -> None:
        seen.append(2)
        db.execute("ALTER TABLE projects ADD COLUMN colour TEXT")

    def third(db: apsw.Connection) -> None:
        raise StoreUnavailable("no")

    with file(tmp_path) as db:
        with pytest.raises(StoreUnavailable):
            migrate(db, (*STEPS, second, third))
        assert [(len(STEPS),)] == db.execute("SELECT max(version) FROM schema_version").fetchall()
        migrate(db, (*STEPS, second))
        migrate(db, (*STEPS, second))
        assert [(None,)] == db.execute("SELECT colour FROM projects").fetchall()
    assert [2, 2] == seen  # the failed attempt, then the one that counts
    with pytest.raises(StoreMismatch, match="newer FiberQ"):
        await open_store(tmp_path)


async def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    """A store of a newer version is refused with what to do, and not touched."""
    await a_filled_store(tmp_path)
    with file(tmp_path) as db:
        db.execute("INSERT INTO schema_version VALUES (99)")
        before = db.execute("PRAGMA schema_version").get

    with pytest.raises(StoreMismatch, match="Install that version again"):
        await open_store(tmp_path)

    with file(tmp_path) as db:
        assert before == db.execute("PRAGMA schema_version").get


async def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    """A database that is no store is refused."""
    with file(tmp_path) as db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(StoreMismatch, match="another data folder"):
        await open_store(tmp_path)


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one" * 40, os.urandom(8192)])
def test_damaged_files_are_reported(tmp_path: Path, content: bytes) -> None:
    """A file that is no database is reported in words, without its path, and not touched."""
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(StoreUnavailable, match="damaged") as caught:
        asyncio.run(open_store(tmp_path))
    assert str(tmp_path) not in str(caught.value)
    assert content == (tmp_path / FILE).read_bytes()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    """A data folder that is a file is reported."""
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreUnavailable):
        asyncio.run(open_store(tmp_path / "data"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
@pytest.mark.parametrize("prepared", [False, True])
def test_a_read_only_folder(tmp_path: Path, prepared: bool) -> None:
    """A folder that this user may not write is reported in words, whether a store is in it or not."""
    data = tmp_path / "data"
    data.mkdir()
    if prepared:
        asyncio.run(a_filled_store(data))
    tmp_path.chmod(0o755)
    data.chmod(0o555)
    process = os.fork()
    if process == 0:  # pytest's own folder is root's alone, so the child steps into it first
        os._exit(_open_as_nobody(data))
    assert (process, 0) == os.waitpid(process, 0)


def _open_as_nobody(data: Path) -> int:
    """0 when the store says that it cannot be written."""
    os.chdir(data)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    try:
        with translating(), closing(connection.connect(Path(FILE), writing=True)) as db:
            migrate(db)
    except StoreUnavailable as error:
        return int(str(error) not in (disk.UNWRITABLE, disk.UNOPENED))
    return 2


async def test_a_full_disk(tmp_path: Path) -> None:
    """A disk that fills up in mid-transaction costs that transaction only, and is reported in words."""
    async with await open_store(tmp_path) as store:
        project = await a_project(store)
        limit = await _limit_pages(store, spare=20)
        with pytest.raises(StoreUnavailable, match="disk is full"):
            await commit(store, project, [new(n, napomena="x" * 500) for n in range(1000)])
        assert limit
        assert 1 == (await commit(store, project, [new(1)])).revision


async def _limit_pages(store: SqliteStore, spare: int) -> object:
    def limit(db: apsw.Connection) -> object:
        pages = db.execute("PRAGMA page_count").get
        return db.execute(f"PRAGMA max_page_count = {pages + spare}").get

    return await store._writer.run(limit)


async def test_a_busy_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that another process keeps waiting for too long says so, and works again afterwards."""
    monkeypatch.setattr(connection, "BUSY_MS", 50)
    async with await open_store(tmp_path) as store:
        project = await a_project(store)
        with file(tmp_path) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Busy, match="Another program"):
                await commit(store, project, [new(1)])
            assert await store.alive()
        assert 1 == (await commit(store, project, [new(1)])).revision


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    """Whoever comes after the end is told, and closing twice does no harm."""
    store = await open_store(tmp_path)
    await store.close()
    await store.close()
    assert not await store.alive()
    with pytest.raises(StoreUnavailable, match="stopping"):
        await store.project(1)


def test_one_server_on_a_folder(tmp_path: Path) -> None:
    """A second server is refused while the first one lives, not longer."""
    with lock_folder(tmp_path):
        script = "import sys, pathlib, fiberq_storage.sqlite as s\nwith s.lock_folder(pathlib.Path(sys.argv[1])): pass"
        second = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False)
        assert "Busy: Another FiberQ server is running on this data folder" in second.stderr
        with pytest.raises(Busy), lock_folder(tmp_path):
            pass
    with lock_folder(tmp_path):
        pass


@pytest.mark.parametrize("seed", range(4))
def test_killed_while_writing(tmp_path: Path, seed: int) -> None:
    """Being killed at any moment leaves each transaction wholly there or not at all, and every acknowledged one there (S35)."""
    asyncio.run(an_empty_project(tmp_path))
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.contracts.crashing", tmp_path], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline())]
    chance = random.Random(seed)
    try:
        writer.wait(chance.uniform(0, 0.3))
    except subprocess.TimeoutExpired:
        writer.send_signal(signal.SIGKILL)
    acknowledged += [int(said) for said in writer.communicate()[0].split()]

    revision, rows = asyncio.run(counted(tmp_path))
    assert acknowledged[-1] <= revision <= acknowledged[-1] + 1
    assert revision * ROWS == rows
    with file(tmp_path) as db:
        assert [("ok",)] == db.execute("PRAGMA integrity_check").fetchall()


def test_every_kind_has_a_column_type() -> None:
    """The tables over kinds are total."""
    assert set(Kind) == set(SQL_TYPE) == set(FITS)


def test_no_names_collide() -> None:
    """No layer's table has the name of a system table, and no column that of a system column, whatever their case."""
    with closing(apsw.Connection(":memory:")) as db:
        migrate(db)
        found = [name.casefold() for (name,) in db.execute("SELECT name FROM sqlite_schema")]
    assert len(set(found)) == len(found)
    for table in TABLES.values():
        names = [name.casefold() for name in (*SYSTEM, *table.written)]
        assert len(set(names)) == len(names) - 1  # `extra` is in both
    assert {layer.name for layer in DATA_LAYERS} == set(TABLES) == set(LAYER) - {"sync_issues"}


@pytest.mark.parametrize("name", ['a"b', "a'b", "a;--", "ж", " "])
def test_quoting(name: str) -> None:
    """Any name is a name, and any text is a text."""
    with closing(apsw.Connection(":memory:")) as db:
        db.execute(f"CREATE TABLE {ident(name)} ({ident(name)})")
        assert [(name,)] == db.execute(f"SELECT name FROM sqlite_schema WHERE name = {literal(name)}").fetchall()


def test_names_that_cannot_be_quoted() -> None:
    """NUL would cut the statement off. That a column has no name at all is odd, and possible."""
    with pytest.raises(ValueError, match="identifier"):
        ident("a\0b")
    assert '""' == ident("")


@pytest.mark.parametrize("theirs,ours,words", MEANING)
def test_errors_become_ours(theirs: type[apsw.Error], ours: type[FiberqError], words: str) -> None:
    """What SQLite reports is told in words, with the cause kept for the log."""
    with pytest.raises(ours) as caught, translating():
        raise theirs("/secret/path")
    assert (words, "/secret/path") == (str(caught.value), str(caught.value.__cause__))


@pytest.mark.parametrize("x", [20.0, float("nan"), float("inf"), -0.0, 1e308])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_quick_packing_is_packing(x: float, count: int) -> None:
    """Plain points and lines get the blob that the core gives them, and it says where they are."""
    for wkb in (point(x, 43), line(*[x, 43] * count)):
        blob = encode_gpb(wkb)
        assert blob == pack(wkb)
        assert wkb == unpack(blob)
    inside = point(20, 43), line(19, 42, 21, 44)
    assert [(20, 43, 20, 43), (19, 42, 21, 44)] == [box_of(pack(wkb)) for wkb in inside]
    assert box_of(pack(line())) is None


def test_a_failed_transaction_is_rolled_back() -> None:
    """A writing block that raises leaves nothing, and no transaction open."""
    with closing(apsw.Connection(":memory:")) as db:
        db.execute("CREATE TABLE t (x)")
        with pytest.raises(ZeroDivisionError), transaction(db):  # noqa: PT012 - the block is what is tested
            db.execute("INSERT INTO t VALUES (1)")
            raise ZeroDivisionError
        assert not db.in_transaction
        assert [] == db.execute("SELECT * FROM t").fetchall()
