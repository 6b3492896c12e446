"""What one server remembers of a project ends when anybody changes it."""

import asyncio
from pathlib import Path

import pytest

from fiberq_aiohttp import wiring
from fiberq_aiohttp.flows.access import actor_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.settings import from_env
from fiberq_core.policy import Actor, Role
from fiberq_core.ports import Member, Project
from fiberq_storage import postgis
from fiberq_storage.postgis.listening import Known
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
async def test_who_was_just_made_a_member_elsewhere_is_not_sent_away(dsn: str, tmp_path: Path) -> None:
    """Before a server has heard of a membership that another one gave, it asks, rather than refuse."""
    settings = from_env({"FIBERQ_DATA": str(tmp_path), "DATABASE_URL": dsn}, dev=True)
    async with wiring.opened(settings) as ports, await postgis.open_store(postgis.Settings(dsn)) as other:
        project = await a_project(other)
        deaf = ports.store
        assert isinstance(deaf, PostgisStore)
        await deaf._listener.stop()
        deaf._members.trusted = True
        assert [] == await subjects(deaf, project.id)
        await other.set_member(project.id, BOJAN, by=ANA, at=T0)

        assert [] == await subjects(deaf, project.id)
        assert (project, Role.ENGINEER) == await admitted(ports, project.id)


async def admitted(ports: Ports, project_id: int) -> tuple[Project, Role | None]:
    """The project as Bojan sees it, and what he may be there."""
    project, bojan = await actor_in(ports, Actor("bojan", frozenset({Role.ENGINEER})), project_id)
    return project, bojan.role


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
    remembered: Known[int, int] = Known()

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
