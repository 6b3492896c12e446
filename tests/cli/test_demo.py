"""The demo project: made once, whole, for everyone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from fiberq_aiohttp import wiring
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.demo import demo_project
from fiberq_aiohttp.settings import from_env
from fiberq_core.changes import Change
from fiberq_core.inbox import Author
from fiberq_core.policy import EVERYONE, Role
from fiberq_core.ports import Project

T = TypeVar("T")

CREW, ENGINEER = "crew-1", "engineer-1"


def village(project: Project) -> tuple[Change, ...]:
    """What the project is filled with."""
    return wiring.demo_village(project, crew=CREW, engineer=ENGINEER)


def broken(_project: Project) -> tuple[Change, ...]:
    """A process that ends before the village is there."""
    raise InterruptedError


def within(folder: Path, work: Callable[[Ports], Awaitable[T]]) -> T:
    """What *work* makes of a store in *folder*."""

    async def run() -> T:
        async with wiring.opened(from_env({}, dev=True, data=folder / "data")) as ports:
            return await work(ports)

    return asyncio.run(run())


def test_the_demo_is_whole_and_everyones(tmp_path: Path) -> None:
    """All that the village has is there, in one revision, with nothing in the inbox."""

    async def work(ports: Ports) -> None:
        project = await demo_project(ports, village)
        async with ports.store.reading(project.id) as reader:
            counts, waiting = await reader.counts(), await reader.items("open", 10, None)

        assert len(village(project)) == sum(counts.values()) > 250
        assert (1, ()) == (project.revision, waiting.items)
        assert {EVERYONE: Role.ENGINEER} == {m.sub: m.role for m in await ports.store.members(project.id)}

    within(tmp_path, work)


def test_the_demo_is_made_once(tmp_path: Path) -> None:
    async def work(ports: Ports) -> None:
        assert await demo_project(ports, village) == await demo_project(ports, broken)

    within(tmp_path, work)


def test_what_was_interrupted_is_finished(tmp_path: Path) -> None:
    async def work(ports: Ports) -> None:
        with pytest.raises(InterruptedError):
            await demo_project(ports, broken)

        project = await demo_project(ports, village)

        assert (1, 1) == (project.id, project.revision)

    within(tmp_path, work)


def test_where_people_work_there_is_no_demo(tmp_path: Path) -> None:
    """Also where their project is still empty; one that is not archived comes first."""

    async def work(ports: Ports) -> None:
        by, at = Author("ana"), ports.now()
        old = await ports.store.create_project("Old", "", uuid=ports.new_uuid(), by=by, at=at, owner_role=None)
        await ports.store.update_project(old.id, {"status": "archived"}, by=by, at=at)
        mine = await ports.store.create_project("Mine", "", uuid=ports.new_uuid(), by=by, at=at, owner_role=None)

        assert mine == await demo_project(ports, broken)

    within(tmp_path, work)
