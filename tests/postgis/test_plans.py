"""No statement reads another project's rows, whatever the planner knows and whether it plans for values or once for all."""

import asyncio
import inspect
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fiberq_core.ports import Reader, Store, Unit
from fiberq_storage.postgis import Settings, open_store
from fiberq_storage.postgis.ddl import SYSTEM_TABLES
from fiberq_storage.postgis.photos import PHOTO_TABLES
from fiberq_storage.postgis.tables import TABLES
from tests.postgis import courses
from tests.postgis import network as network_module
from tests.postgis.courses import COURSES
from tests.postgis.databases import Databases
from tests.postgis.network import Filled, analyse, fill
from tests.postgis.plans import Plan, Read, reads, watched_store

pytestmark = pytest.mark.postgis

MODES = ("force_custom_plan", "force_generic_plan")
SMALL = {"projects", "members"}  # lists of these are asked for as a whole
LARGE = {
    *re.findall(r"CREATE TABLE (\w+)", SYSTEM_TABLES + PHOTO_TABLES),
    *(table.layer.table + end for table in TABLES.values() for end in ("", "_history")),
} - SMALL
OF_ONE = re.compile(r"\(?\b(project_id|sync_id|export_id) = ")  # what an index must be asked for
# and where it may not be: files are kept for all projects, and a number says nothing of its project
ACROSS = {
    "What the server asks for itself": re.compile("inbox_open"),
    "A row by its number": re.compile(r"\w+_pkey"),
    "Who has a photo": re.compile("photo_files_name"),
}


@pytest.fixture(scope="module", params=["never analysed", "analysed"])
def network(request, databases: Databases) -> Iterator[tuple[str, Sequence[Filled]]]:
    """A database with a project for each mode, and one between whose rows are nobody's business."""

    async def filled() -> Sequence[Filled]:
        async with await open_store(Settings(dsn)) as store:
            return await fill(store, projects=len(MODES) + 1, villages=2)

    dsn = databases.create()
    made = asyncio.run(filled())
    if request.param == "analysed":
        analyse(dsn)
    yield dsn, made
    databases.drop(dsn)


@pytest.mark.parametrize("mode", MODES)
async def test_statements_stay_in_their_project(network, mode: str, tmp_path: Path) -> None:
    dsn, filled = network
    store, watched = await watched_store(dsn, mode)
    async with store:
        for course in COURSES:
            watched.course = course.what
            await course.work(store, filled[2 * MODES.index(mode)], tmp_path)

    assert {course.what for course in COURSES} == {plan.course for plan in watched.plans}
    assert LARGE - {"audit"} <= {read.table for plan in watched.plans for read in reads(plan)}
    assert [] == [(plan.course, read, plan.sql) for plan in watched.plans for read in reads(plan) if strays(plan, read)]


def strays(plan: Plan, read: Read) -> bool:
    """Whether other projects' rows are read too."""
    if read.table not in LARGE or OF_ONE.search(read.condition):
        return False
    by_place = read.index.endswith("_geom") and "geom && " in read.condition
    across = ACROSS.get(plan.course)
    return not by_place and not (across and across.fullmatch(read.index))


@pytest.mark.parametrize(
    "stray",
    [
        "SELECT count(*) FROM ftth_okna",
        "SELECT 1 FROM ftth_okna WHERE project_id + 0 = 1",
        "SELECT 1 FROM inbox WHERE id > 0 ORDER BY item_id LIMIT 1",
    ],
)
async def test_statements_that_stray_are_noticed(network, stray: str) -> None:
    """The law above can fail."""
    store, watched = await watched_store(network[0])
    async with store, store.snapshot(1) as (session, _):
        watched.course = "straying"
        await session.run(lambda db: db.fetch(stray))

    assert any(strays(plan, read) for plan in watched.plans for read in reads(plan))


def test_every_question_is_asked() -> None:
    """Whatever the ports offer appears in some course of work."""
    ports = {name for port in (Reader, Unit, Store) for name, _ in inspect.getmembers(port, inspect.isfunction)}
    said = inspect.getsource(courses) + inspect.getsource(network_module)

    assert set() == {name for name in ports if not name.startswith("_") and f".{name}(" not in said}
