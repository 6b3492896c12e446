"""A project that grows at once stays fast: the planner is told, and looks rows up by their keys."""

import pytest

from fiberq_storage.postgis import Settings, open_store
from tests.contracts.builders import a_project, commit, current, edit, key, new
from tests.postgis.cluster import psql
from tests.postgis.plans import reads, watched_store

pytestmark = pytest.mark.postgis

MANY, FEW = 3_000, 50
KNOWN = "SELECT reltuples FROM pg_class WHERE oid = 'fiberq.{}'::regclass"
OFTEN = 7  # a statement that ran so often on a connection has one plan for all values


async def test_rows_of_a_large_file_are_found_by_their_keys(dsn):
    """Also by connections that made their plans when there was nothing."""
    store, watched = await watched_store(dsn)
    async with store:
        project = await a_project(store)
        for _ in range(OFTEN):
            await current(store, project, *map(key, range(FEW)))
        await commit(store, project, map(new, range(MANY)))
        watched.course = "looking up"
        found = await current(store, project, *map(key, range(FEW)))

    assert None not in found
    (read,) = (read for plan in watched.plans for read in reads(plan) if read.table == "ftth_okna")
    assert (FEW, 0) == (read.rows, read.passed_over)


async def test_tables_that_grew_are_known_and_others_are_left_alone(dsn):
    async with await open_store(Settings(dsn)) as store:
        project = await a_project(store)
        await commit(store, project, map(new, range(FEW)))
        before = psql(dsn, KNOWN.format("ftth_okna"))
        applied = await commit(store, project, map(new, range(FEW, MANY)))
        await commit(store, project, (edit(row, broj_okna="7") for row in applied.rows.values()))

    assert "-1" == before
    assert MANY == int(psql(dsn, KNOWN.format("ftth_okna")))
    assert MANY - FEW == int(psql(dsn, KNOWN.replace("fiberq.", "fiberq_history.").format("ftth_okna_history")))
    assert MANY == int(psql(dsn, KNOWN.format("identities")))
    assert "-1" == psql(dsn, KNOWN.format("ftth_stubovi"))


async def test_a_rehearsal_tells_nothing(dsn):
    async with await open_store(Settings(dsn)) as store:
        project = await a_project(store)
        async with store.unit(project.id, rehearsal=True) as unit:
            await unit.rows([key(1)])

    assert "-1" == psql(dsn, KNOWN.format("ftth_okna"))
