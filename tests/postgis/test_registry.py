"""A database follows a registry that gained a column, a rule or lost one."""

import asyncpg
import pytest
from attrs import evolve

from fiberq_core.ports import Store
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import Column, Kind, Labels
from fiberq_core.rows import Row
from fiberq_storage import postgis
from fiberq_storage.postgis import migrate, registry
from fiberq_storage.postgis.tables import TABLES, Table
from tests.contracts.builders import OKNA, a_project, commit, current, edit, key, new

NOBODY = Labels("x", "x", "x")


def with_columns(*columns: Column) -> Table:
    """The table of manholes, had the registry these columns too."""
    return Table(evolve(LAYER[OKNA], columns=(*LAYER[OKNA].columns, *columns)))


@pytest.mark.postgis
async def test_a_new_column_takes_what_rows_said_under_its_name(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fits moves into the column, in history too; what does not stays beside; nobody has edited anything."""
    async with await postgis.open_store(postgis.Settings(dsn)) as store:
        project = await a_project(store)
        made = await commit(store, project, [new(1, depth=3, boja="crvena", b=1e300), new(2, depth="deep")])
        await commit(store, project, [edit(made.rows[key(1)], depth=4)])

    columns = (Column("depth", Kind.INTEGER, NOBODY), Column("boja", Kind.TEXT, NOBODY))
    monkeypatch.setitem(TABLES, OKNA, with_columns(*columns))
    async with await postgis.open_store(postgis.Settings(dsn)) as store:
        await _same_rows(store, project.id)
        first, second = await current(store, project, key(1), key(2))

    assert first is not None and second is not None
    assert Row({"depth": 4, "boja": "crvena", "b": 1e300}) == first.row
    assert Row({"depth": "deep"}) == second.row
    db = await asyncpg.connect(dsn)
    found = await db.fetch("SELECT depth, boja, extra::text FROM fiberq.ftth_okna ORDER BY fid")
    past = await db.fetch("SELECT depth, boja FROM fiberq_history.ftth_okna_history")
    await db.close()
    assert [(4, "crvena", '{ "b" : 1e+300 }'), (None, None, '{"depth":"deep"}')] == [tuple(r) for r in found]
    assert [(3, "crvena")] == [tuple(r) for r in past]


async def _same_rows(store: Store, project_id: int) -> None:
    async with store.reading(project_id) as reader:
        assert 2 == reader.project.revision
        assert [3, 4] == [v.row.get("depth") for v in reversed(await reader.history(key(1))) if v.row]


@pytest.mark.postgis
async def test_rules_come_and_go(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that the registry has no more is gone, one that it gained counts for what comes, not for what is there."""
    async with await postgis.open_store(postgis.Settings(dsn)) as store:
        project = await a_project(store)
        await commit(store, project, [new(1)])
    needed = Column("depth", Kind.INTEGER, NOBODY, required=True)
    db = await asyncpg.connect(dsn)
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, OKNA, with_columns(needed))
        await (await postgis.open_store(postgis.Settings(dsn))).close()
        with pytest.raises(asyncpg.CheckViolationError, match="depth must be filled in"):
            await db.execute("INSERT INTO fiberq.ftth_okna (project_id) VALUES ($1)", project.id)
    await (await postgis.open_store(postgis.Settings(dsn))).close()
    await db.execute("INSERT INTO fiberq.ftth_okna (project_id) VALUES ($1)", project.id)
    await db.close()


def test_every_kind_that_travels_as_json_may_move() -> None:
    """Dates, times and uuids were typed as text, which may be anything: they stay beside."""
    assert set(Kind) - registry.FITS.keys() == {Kind.DATE, Kind.DATETIME, Kind.UUID}
    assert migrate.STEPS


@pytest.mark.postgis
async def test_qgis_still_finds_the_layers(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`geometry_columns`, by which QGIS and GDAL know a database, names every layer's reference system after a change too."""
    monkeypatch.setitem(TABLES, OKNA, with_columns(Column("depth", Kind.INTEGER, NOBODY, required=True)))
    await (await postgis.open_store(postgis.Settings(dsn))).close()
    db = await asyncpg.connect(dsn)
    found = await db.fetch("SELECT f_table_name, srid FROM geometry_columns WHERE f_table_schema = 'fiberq'")
    await db.close()

    assert {(table.layer.table, 4326) for table in TABLES.values() if table.layer.spatial} == {*map(tuple, found)}
