"""Packages from PostGIS are those that the embedded store makes of the same rows, now and as they were."""

import random
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from fiberq_core.changes import Write
from fiberq_core.errors import NotFound
from fiberq_core.ports import Project, Store
from fiberq_storage import postgis, sqlite
from fiberq_storage.demo import village
from fiberq_storage.gpkg import patching
from fiberq_storage.postgis import PostgisStore
from fiberq_storage.postgis.source import PostgisSource
from fiberq_storage.sqlite.source import SqliteSource
from tests.contracts import lives
from tests.contracts.builders import CABLES, OKNA, SLACKS, a_project, commit, new, point, uuid
from tests.contracts.lives import Life
from tests.contracts.test_patching import Content, content, faults, patched, whole

pytestmark = pytest.mark.postgis

ORDER = {"title": "", "order_type": "repair"}

# values that could be read otherwise on their way through a database
AWKWARD = (
    new(1, OKNA, broj_okna="Ћ 'x' \\n \t \u00a0 \U0001f600", debl_zida=0.1, poklop_tes=False, poklop_lak=True),
    new(2, OKNA, godina_ugradnje=2**63 - 1, debl_zida=5e-324, geometry=point(-180, 90)),
    new(3, OKNA, godina_ugradnje=-(2**63), debl_zida=1.7976931348623157e308, geometry=point(1e-300, -0.0)),
    new(4, "Work_orders", **ORDER, due_date="0001-01-01", created_at="0001-01-01T00:00:00.001Z"),
    new(5, "Work_orders", **ORDER, due_date="2024-02-29", created_at="1969-12-31T23:59:59.999Z"),
    new(6, "SMR_reports", activities='{"a": [1.0, "b"]}', materials_used="no JSON", report_date="9999-12-30"),
)


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[PostgisStore]:
    """An empty store in PostGIS."""
    async with await postgis.open_store(postgis.Settings(dsn)) as opened:
        yield opened


@pytest.fixture
async def project(store: PostgisStore) -> Project:
    """An empty project in it."""
    return await a_project(store)


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[sqlite.SqliteStore]:
    """An empty embedded store."""
    async with await sqlite.open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(autouse=True)
def _places_that_the_database_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    points = tuple(text for text in lives.POINTS if "EMPTY" not in text)
    for layer in (OKNA, SLACKS):
        monkeypatch.setitem(lives.SHAPES, layer, points)


async def lived(store: Store, seed: int, turns: int) -> Project:
    """A project with the same life in every store."""
    project = await a_project(store)
    life = Life(store, project, random.Random(seed))
    for _ in range(turns):
        await life.turn()
    return project


async def same(store: PostgisStore, embedded: sqlite.SqliteStore, writes: Iterable[Write], tmp_path: Path) -> bool:
    """Whether *writes* read the same in the packages of both stores."""
    found: list[Content] = []
    for one, source in ((store, PostgisSource(store)), (embedded, SqliteSource(embedded))):
        project = await a_project(one)
        await commit(one, project, writes)
        path = tmp_path / f"{len(found)}.gpkg"
        await whole(source, project, 1, path)
        found.append(content(path))
    return found[0] == found[1]


async def test_a_village_is_the_same(store: PostgisStore, embedded: sqlite.SqliteStore, tmp_path: Path) -> None:
    """A whole network, with rows in every layer and every kind of reference."""
    assert await same(store, embedded, [Write(c.key, None, c.sent) for c in village(7)], tmp_path)


async def test_awkward_values_are_the_same(store: PostgisStore, embedded: sqlite.SqliteStore, tmp_path: Path) -> None:
    """Nothing is rounded, cut or spelled anew."""
    assert await same(store, embedded, AWKWARD, tmp_path)


@pytest.mark.parametrize("seed", range(2))
async def test_both_stores_make_the_same_packages(
    store: PostgisStore, embedded: sqlite.SqliteStore, tmp_path: Path, *, seed: int
) -> None:
    """After the same life: the same tables, rows, numbers and indexes at every revision."""
    ours, theirs = await lived(store, seed, 8), await lived(embedded, seed, 8)
    newest = (await store.project(ours.id)).revision
    for revision in range(newest + 1):
        expected, found = tmp_path / f"expected{revision}.gpkg", tmp_path / f"found{revision}.gpkg"
        offsets = [
            await whole(SqliteSource(embedded), theirs, revision, expected),
            await whole(PostgisSource(store), ours, revision, found),
        ]

        assert content(expected) == content(found)
        assert 1 == len(set(offsets))
        assert [] == faults(found)


@pytest.mark.parametrize("seed", range(2))
async def test_patched_is_rebuilt(
    store: PostgisStore, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, seed: int
) -> None:
    """Whatever happens to a project: the package patched from step to step is the package written anew."""
    monkeypatch.setattr(patching, "HOLLOW", 0)  # small packages soon are
    life, source, path = Life(store, project, random.Random(seed)), PostgisSource(store), tmp_path / "patched.gpkg"
    while not (since := (await source.look(project.id, None)).revision):
        await life.turn()
    await whole(source, project, since, path)
    for step in range(6):
        for _ in range(life.rng.randrange(1, 4)):
            await life.turn()
        newest = await source.look(project.id, None)
        look = await source.look(project.id, life.rng.randrange(since + 1, newest.revision + 1))
        anew = tmp_path / f"{step}.gpkg"

        assert await patched(source, project, since, look, path) == await whole(source, project, look.revision, anew)
        assert content(anew) == content(path)
        assert [] == faults(path)
        since = look.revision


@pytest.mark.parametrize("at_most, there", [(3, True), (2, False)])
async def test_too_much(store: PostgisStore, project: Project, *, at_most: int, there: bool) -> None:
    """A delta of more rows than are wanted is none; rows that only refer count too."""
    await commit(store, project, [new(n, SLACKS, kabl_uuid=uuid(9)) for n in (1, 2)])
    await commit(store, project, [new(9, CABLES)])

    assert there == (await PostgisSource(store).delta(project.id, 1, 2, at_most) is not None)


@pytest.mark.parametrize("revision", [-1, 2])
async def test_a_revision_that_never_was(store: PostgisStore, project: Project, *, revision: int) -> None:
    """What was not there cannot be looked at."""
    await commit(store, project, [new(1)])

    with pytest.raises(NotFound):
        await PostgisSource(store).look(project.id, revision)
