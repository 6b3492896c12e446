"""What one server remembers of a project ends when anybody changes it."""

import asyncio

import pytest

from fiberq_core.policy import Role
from fiberq_core.ports import Member
from fiberq_storage import postgis
from fiberq_storage.postgis.listening import Remembered
from fiberq_storage.postgis.store import PostgisStore
from tests.contracts.builders import ANA, T0, a_project
from tests.postgis.cluster import psql

BOJAN = Member("bojan", Role.ENGINEER, "Bojan")


async def subjects(store: PostgisStore, project_id: int) -> list[str]:
    """Who belongs to a project."""
    return [member.sub for member in await store.members(project_id)]


async def eventually(store: PostgisStore, project_id: int, expected: list[str]) -> None:
    """Wait until a store says so. Raises: TimeoutError."""
    async with asyncio.timeout(10):
        while await subjects(store, project_id) != expected:  # noqa: ASYNC110 (what is waited for happens elsewhere)
            await asyncio.sleep(0.01)


@pytest.mark.postgis
async def test_what_another_server_does_is_heard_of(dsn: str) -> None:
    """A member whom one server adds is one at the others; so is one whom psql adds, or takes out."""
    async with (
        await postgis.open_store(postgis.Settings(dsn)) as one,
        await postgis.open_store(postgis.Settings(dsn)) as other,
    ):
        project = await a_project(one)
        assert [] == await subjects(one, project.id) == await subjects(other, project.id)

        await one.set_member(project.id, BOJAN, by=ANA, at=T0)
        assert ["bojan"] == await subjects(one, project.id)
        await eventually(other, project.id, ["bojan"])

        psql(dsn, f"INSERT INTO fiberq.members VALUES ({project.id}, 'vuk', 'field_worker', 'Vuk')")
        await eventually(one, project.id, ["bojan", "vuk"])
        psql(dsn, "DELETE FROM fiberq.members")
        await eventually(other, project.id, [])


@pytest.mark.postgis
async def test_who_was_thrown_out_listens_again(dsn: str) -> None:
    """A connection that broke is made again, and what was missed meanwhile is not remembered wrongly."""
    async with await postgis.open_store(postgis.Settings(dsn)) as store:
        project = await a_project(store)
        assert [] == await subjects(store, project.id)
        psql(
            dsn,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%' OR query = 'SELECT 1' AND pid <> pg_backend_pid();"
            f"INSERT INTO fiberq.members VALUES ({project.id}, 'vuk', 'field_worker', 'Vuk')",
        )
        await eventually(store, project.id, ["vuk"])


async def test_nothing_is_remembered_while_nobody_listens() -> None:
    """An answer counts once where nothing is heard, and where something was said while it was on its way."""
    asked: list[int] = []
    remembered: Remembered[int] = Remembered()

    async def ask() -> int:
        asked.append(1)
        if len(asked) == 2:
            remembered.forget(7)
        return len(asked)

    assert 1 == await remembered.get(7, ask)
    remembered.trusted = True
    assert 2 == await remembered.get(7, ask)  # told of a change meanwhile
    assert 3 == await remembered.get(7, ask)
    assert 3 == await remembered.get(7, ask)
    remembered.forget(8)
    assert 3 == await remembered.get(7, ask)
    remembered.forget()
    assert 4 == await remembered.get(7, ask)
