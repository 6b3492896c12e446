"""Questions of one statement, which are asked without a transaction around them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest

from fiberq_core.errors import StoreUnavailable
from fiberq_storage.postgis import PostgisStore, Settings, connection, open_store
from fiberq_storage.postgis.meaning import GONE
from fiberq_storage.postgis.source import PostgisSource
from tests.contracts.builders import ANA, T0, a_project, at, commit, new
from tests.postgis.cluster import free_port, psql_says

pytestmark = pytest.mark.postgis

OPEN = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"


@pytest.mark.parametrize("pgbouncer", [False, True])
async def test_they_see_what_another_server_has_just_committed(dsn: str, pgbouncer: bool) -> None:
    """Whether or not connections stay the same: the answer is of now, and no transaction is left open."""
    async with await open_store(Settings(dsn)) as theirs, await open_store(Settings(dsn, pgbouncer=pgbouncer)) as ours:
        project = await a_project(theirs)
        for number in range(1, 4):
            await commit(theirs, project, [new(number)], second=number)
            await theirs.save_export(f"e{number}", project.id, number, by=ANA, at=T0)

            assert number == (await ours.project(project.id)).revision
            assert (project.id, number, ANA) == await ours.find_export(f"e{number}")
            assert number == (await PostgisSource(ours).look(project.id, None)).revision
        assert await ours.find_export("none") is None
        assert "0" == psql_says(dsn, OPEN)


async def test_when_a_revision_was_made(dsn: str) -> None:
    """Each revision has its own time; before the first one it is that of the project."""
    async with await open_store(Settings(dsn)) as store:
        project = await a_project(store)
        await commit(store, project, [new(1)], second=1)
        await commit(store, project, [new(2)], second=2)
        looks = [await PostgisSource(store).look(project.id, revision) for revision in (0, 1, 2, None)]

    assert [project.created_at, at(1), at(2), at(2)] == [look.made_at for look in looks]


async def test_a_database_that_falls_silent(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for an answer that does not come; the next question gets a line of its own."""
    monkeypatch.setattr(connection, "PULSE", 0.5)
    async with silenced(dsn) as (store, speaks):
        project = await a_project(store)
        speaks.clear()
        with pytest.raises(StoreUnavailable, match=GONE):
            await asyncio.wait_for(store.project(project.id), 10)
        speaks.set()

        assert project == await store.project(project.id)


@asynccontextmanager
async def silenced(dsn: str) -> AsyncIterator[tuple[PostgisStore, asyncio.Event]]:
    """A store, and an event without which its database's answers do not come through."""
    parts, port, speaks = urlsplit(dsn), free_port(), asyncio.Event()
    speaks.set()

    async def pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            await speaks.wait()
            target.write(data)
        target.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, on = await asyncio.open_connection("127.0.0.1", parts.port or 5432)
        await asyncio.gather(pour(reader, on), pour(back, writer))

    address = urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))
    async with await asyncio.start_server(relay, "127.0.0.1", port), await open_store(Settings(address)) as store:
        yield store, speaks
