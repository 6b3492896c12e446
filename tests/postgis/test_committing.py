"""What was not committed is never said to be done."""

from contextlib import suppress

import pytest

from fiberq_core.changes import Source, Write
from fiberq_core.errors import Conflict, StoreUnavailable
from fiberq_core.ports import Changeset
from fiberq_storage.postgis import Settings, open_store
from tests.contracts.builders import ANA, a_project, at, current, edit, key, new
from tests.postgis.cluster import psql

pytestmark = pytest.mark.postgis

THROW_OUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
)


def wish(*writes: Write) -> Changeset:
    """What somebody wants."""
    return Changeset(ANA, at(1), Source.REST, writes=writes)


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_connection_that_is_lost_before_the_commit(dsn, noticed: bool):
    """Whether or not anybody noticed before: the unit fails, and nothing of it is there."""
    async with await open_store(Settings(dsn)) as store:
        project = await a_project(store)

        async def work() -> None:
            async with store.unit(project.id) as unit:
                await unit.apply(wish(new(1)))
                psql(dsn, THROW_OUT)
                if noticed:
                    with suppress(StoreUnavailable):
                        await unit.rows([key(1)])

        with pytest.raises(StoreUnavailable):
            await work()

        assert [None] == await current(store, project, key(1))
        assert 0 == (await store.project(project.id)).revision


async def test_a_statement_that_failed_before_the_commit(dsn):
    """Somebody went on after an error: PostgreSQL then takes a COMMIT for a ROLLBACK, and says so in its answer only."""
    async with await open_store(Settings(dsn)) as store:
        project = await a_project(store)
        async with store.unit(project.id) as unit:
            first = await unit.apply(wish(new(1)))
        moved = edit(first.rows[key(1)], broj_okna="1")

        async def work() -> None:
            async with store.unit(project.id) as unit:
                await unit.apply(wish(new(2)))
                with suppress(Conflict):
                    await unit.apply(wish(moved, new(2)))

        with pytest.raises(StoreUnavailable):
            await work()

        assert [None] == await current(store, project, key(2))
        assert 1 == (await store.project(project.id)).revision
