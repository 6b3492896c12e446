"""A move that cannot be done leaves everything as it was, and says why."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from fiberq_core.errors import Busy, Conflict, Invalid, NotFound, StoreMismatch, StoreUnavailable
from fiberq_storage import postgis, sqlite
from fiberq_storage.files.bringing import Files
from fiberq_storage.files.volumes import ARRIVING
from fiberq_storage.moving import database_rows, embedded_rows, move
from fiberq_storage.moving.parts import Batch, Part
from fiberq_storage.postgis.roles import SERVER
from fiberq_storage.sqlite.blobs import pack
from tests.contracts.builders import OKNA, a_project, commit, new, point, uuid
from tests.moving.stores import dump, folder, in_database
from tests.postgis.cluster import psql
from tests.postgis.originals import fill
from tests.postgis.people import people

pytestmark = pytest.mark.postgis

EVERYTHING = "SELECT sum(n_live) FROM (SELECT count(*) AS n_live FROM fiberq.projects UNION ALL SELECT count(*) FROM fiberq.ftth_okna) s"
TRIGGERS_OFF = "SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'"


class BrokenError(Exception):
    """Something that nobody expects."""


def breaking(write: Callable[..., object], at: str) -> Callable[..., object]:
    """*write*, until the table *at* is reached."""

    def broken(db: object, part: Part, batch: Batch) -> object:
        if part.name == at:
            raise BrokenError
        return write(db, part, batch)

    return broken


def empty(dsn: str) -> bool:
    """Whether nothing is in the database, and its triggers are on."""
    return "0" == psql(dsn, EVERYTHING) == psql(dsn, TRIGGERS_OFF)


@pytest.mark.parametrize("at", ["projects", "ftth_okna_history", "fiberq_metadata"])
async def test_interrupted_on_the_way_into_a_database(
    old: Path, dsn: str, tmp_path: Path, monkeypatch, at: str
) -> None:
    """The target is empty, without files; the next attempt finds nothing in its way."""
    before, there = dump(old), in_database(dsn, tmp_path / "served")
    with monkeypatch.context() as patch:
        patch.setattr(database_rows, "write", breaking(database_rows.write, at))
        with pytest.raises(BrokenError):
            await move(folder(old), there)

    assert empty(dsn)
    assert not [path for path in (tmp_path / "served").rglob("*") if path.is_file()]
    assert before == dump(old)
    await move(folder(old), there)


@pytest.mark.parametrize("at", ["projects", "ftth_okna_history", "fiberq_metadata"])
async def test_interrupted_on_the_way_into_a_folder(filled: str, tmp_path: Path, monkeypatch, at: str) -> None:
    here, there = in_database(filled, tmp_path / "served"), folder(tmp_path / "new")
    with monkeypatch.context() as patch:
        patch.setattr(embedded_rows, "write", breaking(embedded_rows.write, at))
        with pytest.raises(BrokenError):
            await move(here, there)

    assert not any(rows for table, rows in dump(tmp_path / "new").items() if table != "schema_version")
    await move(here, there)


async def test_what_arrives_otherwise_is_noticed(old: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost or changed, by whatever fault: the move is not declared done."""
    write = database_rows.write

    async def forgetful(db: postgis.connection.Connection, part: Part, batch: Batch) -> None:
        await write(db, part, batch[1:] if part.name == "ftth_okna_history" else batch)

    monkeypatch.setattr(database_rows, "write", forgetful)

    with pytest.raises(StoreUnavailable, match="ftth_okna_history did not arrive as it was read"):
        await move(folder(old), in_database(dsn, old))
    assert empty(dsn)


async def test_a_value_that_changed_is_noticed(filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded_rows.TO_BLOBS, None, lambda wkb: pack(point(1, 2)))

    with pytest.raises(StoreUnavailable, match="did not arrive as it was read"):
        await move(in_database(filled, tmp_path), folder(tmp_path / "new", tmp_path))


async def test_into_a_database_that_is_not_empty(old: Path, filled: str) -> None:
    before = psql(filled, EVERYTHING)

    with pytest.raises(Conflict, match="Move into an empty one"):
        await move(folder(old), in_database(filled, old))
    assert before == psql(filled, EVERYTHING) and "0" == psql(filled, TRIGGERS_OFF)


async def test_into_a_folder_that_is_not_empty(old: Path, filled: str) -> None:
    before = dump(old)

    with pytest.raises(Conflict, match="Move into an empty one"):
        await move(in_database(filled, old), folder(old))
    assert before == dump(old)


async def test_into_the_original_servers_database(old: Path, bare_dsn: str) -> None:
    """It would be adopted, and then not be empty: it is left as it is."""
    fill(bare_dsn)

    with pytest.raises(Conflict, match="other tables"):
        await move(folder(old), in_database(bare_dsn, old))
    assert "0" == psql(bare_dsn, "SELECT count(*) FROM pg_namespace WHERE nspname ~ '_(history|original)$'")


async def test_files_in_the_way(old: Path, dsn: str, tmp_path: Path) -> None:
    """Somebody's files are neither mixed with others nor removed."""
    (tmp_path / "served/photos").mkdir(parents=True)
    (tmp_path / "served/photos/mine.jpg").touch()

    with pytest.raises(Conflict, match="files in the folder"):
        await move(folder(old), in_database(dsn, tmp_path / "served"))
    assert empty(dsn)
    assert ["served/photos", "served/photos/mine.jpg"] == sorted(
        str(path.relative_to(tmp_path)) for path in (tmp_path / "served").rglob("*")
    )


async def test_while_a_server_works_on_the_folder(old: Path, dsn: str, tmp_path: Path) -> None:
    for source, target in ((folder(old), in_database(dsn, old)), (in_database(dsn, old), folder(old))):
        with sqlite.lock_folder(old), pytest.raises(Busy):
            await move(source, target)


async def test_while_a_command_writes_to_the_folder(old: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does anybody write to it while it is moved."""
    monkeypatch.setattr("fiberq_storage.sqlite.connection.BUSY_MS", 50)
    async with await sqlite.open_store(old) as store, store.unit(2):
        with pytest.raises(Busy):
            await move(folder(old), in_database(dsn, old))


async def test_while_a_server_works_on_the_database(dsn: str, tmp_path: Path) -> None:
    async with await sqlite.open_store(tmp_path / "old"):
        pass
    async with await postgis.open_store(postgis.Settings(dsn)):
        with pytest.raises(Busy, match="Stop it first"):
            await move(in_database(dsn, tmp_path), folder(tmp_path / "new", tmp_path))
        with pytest.raises(Busy, match="Stop it first"):
            await move(folder(tmp_path / "old", tmp_path), in_database(dsn, tmp_path))


async def test_what_the_database_cannot_hold(dsn: str, tmp_path: Path) -> None:
    """A rule that the embedded store does not have names the record that breaks it."""
    async with await sqlite.open_store(tmp_path / "old") as store:
        nowhere = b"\x01\x01\x00\x00\x00" + b"\x00\x00\x00\x00\x00\x00\xf8\x7f" * 2
        await commit(store, await a_project(store), [new(1), new(2, OKNA, geometry=nowhere)])

    with pytest.raises(Invalid, match=r"ftth_okna .* geom lies on the map, in degrees, and is not empty \(id 2\)"):
        await move(folder(tmp_path / "old"), in_database(dsn, tmp_path / "old"))
    assert empty(dsn)


async def test_what_refers_to_nothing(dsn: str, tmp_path: Path) -> None:
    """References are checked, though the triggers are off."""
    async with await sqlite.open_store(tmp_path / "old") as store:
        await commit(
            store,
            await a_project(store),
            [new(1, "work_order_items", item_type="other", work_order_uuid=uuid(2))],
        )

    with pytest.raises(Invalid, match=r"work_order_items .* is not present in table"):
        await move(folder(tmp_path / "old"), in_database(dsn, tmp_path / "old"))
    assert empty(dsn)


async def test_without_owning_the_tables(old: Path, dsn: str) -> None:
    """Triggers are their owner's to switch off."""
    with people(dsn) as newcomer, pytest.raises(StoreUnavailable, match="fiberq_owner"):
        await move(folder(old), in_database(newcomer(SERVER, "server"), old))


async def test_nothing_to_move(bare_dsn: str, tmp_path: Path) -> None:
    """A mistyped place is not made into an empty store."""
    with pytest.raises(NotFound):
        await move(in_database(bare_dsn, tmp_path), folder(tmp_path / "new", tmp_path))
    with pytest.raises(NotFound):
        await move(folder(tmp_path / "none"), in_database(bare_dsn, tmp_path))
    assert not (tmp_path / "none").exists()


async def test_from_another_version(old: Path, filled: str, tmp_path: Path) -> None:
    """The source is not changed, and so not brought to this version either."""
    psql(filled, "ALTER TABLE fiberq.ftth_okna DROP COLUMN broj_okna; UPDATE fiberq.schema_version SET form = ''")

    with pytest.raises(StoreMismatch, match="Start the server"):
        await move(in_database(filled, tmp_path), folder(tmp_path / "new", tmp_path))


async def test_what_only_the_database_has(filled: str, tmp_path: Path) -> None:
    """A column that an office added is not left behind without a word, unless it is empty."""
    here, there = in_database(filled, tmp_path), folder(tmp_path / "new", tmp_path)
    psql(
        filled, "ALTER TABLE fiberq.ftth_okna ADD COLUMN note text; UPDATE fiberq.ftth_okna SET note = 'x' WHERE id = 1"
    )

    with pytest.raises(StoreMismatch, match="the column note of ftth_okna"):
        await move(here, there)
    psql(filled, "UPDATE fiberq.ftth_okna SET note = NULL")
    await move(here, there)


@pytest.mark.parametrize(
    "addition, undone, words",
    [
        (
            "UPDATE ftth_okna SET note = 'x' WHERE id = 1",
            "UPDATE ftth_okna SET note = NULL",
            "the column note of ftth_okna",
        ),
        (
            "INSERT INTO counters VALUES (1, 'Later', 1)",
            "DELETE FROM counters WHERE layer = 'Later'",
            "the layer Later",
        ),
    ],
)
async def test_what_only_a_later_version_knows(old: Path, dsn: str, *, addition: str, undone: str, words: str) -> None:
    """A layer or a column that a later version had in the folder."""
    with closing(sqlite3.connect(old / "fiberq.db")) as db:
        db.executescript(f"ALTER TABLE ftth_okna ADD COLUMN note TEXT; {addition}")
        with pytest.raises(StoreMismatch, match=words):
            await move(folder(old), in_database(dsn, old))
        db.executescript(undone)
    await move(folder(old), in_database(dsn, old))


async def test_undone_at_the_last_moment(old: Path, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When all files are in their place already."""
    place = Files.place

    def broken(files: Files) -> None:
        place(files)
        assert (tmp_path / "served/photos/a/1.jpg").exists()
        raise BrokenError

    monkeypatch.setattr(Files, "place", broken)
    with pytest.raises(BrokenError):
        await move(folder(old), in_database(dsn, tmp_path / "served"))

    assert empty(dsn)
    assert not [path for path in (tmp_path / "served").rglob("*") if path.is_file()]


async def test_what_a_killed_move_left(old: Path, dsn: str, tmp_path: Path) -> None:
    """Files that were not yet in their place do not hinder the next attempt."""
    (tmp_path / "served/photos" / ARRIVING / "b").mkdir(parents=True)
    (tmp_path / "served/photos" / ARRIVING / "b/2.jpg").touch()

    await move(folder(old), in_database(dsn, tmp_path / "served"))

    assert ["1.jpg"] == [path.name for path in (tmp_path / "served/photos").rglob("*") if path.is_file()]


async def test_one_folder_into_another(old: Path, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="backup"):
        await move(folder(old), folder(tmp_path / "new"))
