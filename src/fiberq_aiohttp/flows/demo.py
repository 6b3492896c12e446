"""The demo project: something to look at and to try things on, made once in an empty store."""

from collections.abc import Callable, Sequence
from typing import Final

from fiberq_aiohttp.flows import writing
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.changes import Change, Source
from fiberq_core.inbox import Author
from fiberq_core.planning import Cause
from fiberq_core.policy import EVERYONE, Actor, Role
from fiberq_core.ports import Member, Project
from fiberq_core.proposals import Proposal

MAKER: Final = Author("fiberq", "FiberQ demo")
NAME: Final = "Demo village"
DESCRIPTION: Final = "A village that is getting fibre. Try things: everything here is invented."

Village = Callable[[Project], Sequence[Change]]


async def demo_project(ports: Ports, village: Village) -> Project:
    """The first project of the store; in an empty store the demo, which *village* fills. Raises: StoreUnavailable."""
    projects = await ports.store.projects(member=None, archived=True)
    project = min(projects, key=lambda p: p.archived) if projects else await _created(ports)
    if project.created_by_sub == MAKER.sub and project.revision == 0:  # new, or its making was interrupted
        everyone = Member(EVERYONE, Role.ENGINEER, "everyone")
        await ports.store.set_member(project.id, everyone, by=MAKER, at=ports.now())
        await _fill(ports, project, village(project))
        project = await ports.store.project(project.id)
    return project


async def _created(ports: Ports) -> Project:
    return await ports.store.create_project(
        NAME, DESCRIPTION, uuid=ports.new_uuid(), by=MAKER, at=ports.now(), owner_role=None
    )


async def _fill(ports: Ports, project: Project, changes: Sequence[Change]) -> None:
    maker = Actor(MAKER.sub, frozenset({Role.ADMIN}), MAKER.name)
    async with ports.store.unit(project.id) as unit:
        cause = Cause(maker, ports.now(), ports.new_uuid())
        plan = writing.insist(await writing.plan(unit, cause, [Proposal(change) for change in changes]))
        await writing.apply(unit, plan, Source.REST)
