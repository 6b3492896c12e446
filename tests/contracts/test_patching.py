"""A package that was patched is the one that would have been written anew."""

import asyncio
import random
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from fiberq_core.geopackage import PLACEHOLDER
from fiberq_core.ports import Project
from fiberq_core.sent import Provenance
from fiberq_storage.files.source import Look, PackageSource
from fiberq_storage.gpkg import patching
from fiberq_storage.gpkg.patching import patch
from fiberq_storage.sqlite import SqliteStore, open_store
from fiberq_storage.sqlite.source import SqliteSource
from tests.contracts.builders import CABLES, OKNA, SLACKS, a_project, commit, edit, gone, key, line, new, point, uuid
from tests.contracts.lives import Life

DEBIAN = "/usr/bin/python3"
SHADOWS = ("_node", "_rowid", "_parent")
Content = Mapping[str, list[Any]]


@pytest.fixture
async def store(tmp_path: Path) -> object:
    """An empty store, closed at the end."""
    opened = await open_store(tmp_path / "data")
    yield opened
    await opened.close()


@pytest.fixture
async def project(store: SqliteStore) -> Project:
    """An empty project."""
    return await a_project(store)


@pytest.fixture
def source(store: SqliteStore) -> SqliteSource:
    """The store, as packages see it."""
    return SqliteSource(store)


def content(path: Path) -> Content:
    """Everything that a package says: its tables with their SQL, triggers, rows and index entries."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2"
        found: dict[str, list[Any]] = {"schema": db.execute(schema).fetchall(), "counter": [path.read_bytes()[24:28]]}
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if not str(name).endswith(SHADOWS):
                found[str(name)] = sorted(db.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
        return found


def faults(path: Path) -> list[object]:
    """What SQLite finds wrong with a file and its spatial indexes."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        indexes = [
            str(name) for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE sql LIKE '% USING rtree%'")
        ]
        said = [db.execute("SELECT rtreecheck(?)", (name,)).get for name in indexes]
        return [word for word in (db.execute("PRAGMA integrity_check").get, *said) if word != "ok"]


async def whole(source: PackageSource, project: Project, revision: int, path: Path) -> int:
    """The package of a revision, written anew."""
    return await source.build(project.id, await source.look(project.id, revision), path)


async def patched(source: PackageSource, project: Project, since: int, until: Look, path: Path) -> int | None:
    """The package at *path*, brought from one revision to another."""
    delta = await source.delta(project.id, since, until.revision, 10_000)
    assert delta is not None
    return patch(path, delta, Provenance(PLACEHOLDER, until.project, until.revision), until.made_at)


@pytest.mark.parametrize("seed", range(10))
async def test_patched_is_rebuilt(
    store: SqliteStore, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, seed: int
) -> None:
    """Whatever happens to a project: the package patched from step to step is the package written anew."""
    monkeypatch.setattr(patching, "HOLLOW", 0)  # small packages soon are
    life, source, path = Life(store, project, random.Random(seed)), SqliteSource(store), tmp_path / "patched.gpkg"
    while not (since := (await source.look(project.id, None)).revision):
        await life.turn()
    await whole(source, project, since, path)
    for step in range(12):
        for _ in range(life.rng.randrange(1, 4)):
            await life.turn()
        newest = await source.look(project.id, None)
        look = await source.look(project.id, life.rng.randrange(since + 1, newest.revision + 1))
        offset = await patched(source, project, since, look, path)
        anew = tmp_path / f"{step}.gpkg"

        assert offset == await whole(source, project, look.revision, anew)
        assert content(anew) == content(path)
        assert [] == faults(path)
        assert PLACEHOLDER.encode() == path.read_bytes()[offset:][: len(PLACEHOLDER)]
        since = look.revision


async def both(source: SqliteSource, project: Project, tmp_path: Path) -> Iterator[Content]:
    """The package of now, patched from that of revision 1 and written anew."""
    await whole(source, project, 1, tmp_path / "patched.gpkg")
    now = await source.look(project.id, None)
    assert await patched(source, project, 1, now, tmp_path / "patched.gpkg")
    await whole(source, project, now.revision, tmp_path / "anew.gpkg")
    return map(content, (tmp_path / "patched.gpkg", tmp_path / "anew.gpkg"))


async def test_a_cable_that_comes_later(
    store: SqliteStore, project: Project, source: SqliteSource, tmp_path: Path
) -> None:
    """Rows that refer to what came or went since are written anew, though nobody touched them."""
    cable = (await commit(store, project, [new(2, CABLES), *(new(n, SLACKS, kabl_uuid=uuid(n)) for n in (2, 3))])).rows
    await commit(store, project, [new(3, CABLES), gone(cable[key(2, CABLES)])])

    first, second = await both(source, project, tmp_path)

    assert first == second
    with closing(apsw.Connection(str(tmp_path / "patched.gpkg"))) as db:
        assert [(2, None), (3, 2)] == [
            (number, fid)
            for number, (fid,) in zip(
                (2, 3), db.execute('SELECT kabl_fid FROM "Opticke_rezerve" ORDER BY fid'), strict=True
            )
        ]


@pytest.mark.parametrize("after", [[], [point(5, 5)], [point(0, 0), point(30, 30)]])
async def test_the_extent_follows(
    store: SqliteStore, project: Project, source: SqliteSource, tmp_path: Path, *, after: list[bytes]
) -> None:
    """Rows that made the extent go, one by one or all: it is that of what is left."""
    places = [point(x, y) for x, y in ((-170, 2), (170, 3), (4, -80), (5, 80), (20, 40), (20.0000001, 40))]
    rows = (await commit(store, project, [new(n, geometry=place) for n, place in enumerate(places)])).rows
    outermost = [rows[key(n)] for n in range(5)]
    changes = [edit(row, geometry=place) for row, place in zip(outermost, after, strict=False)]
    await commit(store, project, [*changes, *map(gone, outermost[len(after) :])])

    first, second = await both(source, project, tmp_path)

    assert first == second


async def test_deleted_rows_leave_no_trace(
    store: SqliteStore, project: Project, source: SqliteSource, tmp_path: Path
) -> None:
    """What was deleted is not in the bytes that go to a device."""
    rows = (await commit(store, project, [new(n, broj_okna=f"tajna {n}" * 300) for n in range(40)])).rows
    await commit(store, project, [gone(rows[key(n)]) for n in range(0, 40, 3)])
    await commit(store, project, [edit(rows[key(1)], broj_okna="javno")])

    await both(source, project, tmp_path)

    told = (tmp_path / "patched.gpkg").read_bytes()
    assert b"tajna 2" in told
    assert not [n for n in (0, 1, 3, 39) if f"tajna {n}t".encode() in told]


async def test_new_columns_need_a_new_package(
    store: SqliteStore, project: Project, source: SqliteSource, tmp_path: Path
) -> None:
    """A layer that has another column since cannot be patched."""
    await commit(store, project, [new(1)])
    await whole(source, project, 1, tmp_path / "x.gpkg")
    await commit(store, project, [new(2, boja="plava")])

    assert await patched(source, project, 1, await source.look(project.id, None), tmp_path / "x.gpkg") is None


async def test_much_unused_space_needs_a_new_package(
    store: SqliteStore, project: Project, source: SqliteSource, tmp_path: Path
) -> None:
    """A package that is hollow from deletions is not patched again."""
    rows = (await commit(store, project, [new(n, broj_okna="x" * 5000) for n in range(100)])).rows
    await whole(source, project, 1, tmp_path / "x.gpkg")
    for row in (rows[key(1)], None):
        doomed = [row] if row else [rows[key(n)] for n in range(2, 100)]
        await commit(store, project, [gone(one) for one in doomed])
    steps = [await source.look(project.id, revision) for revision in (2, 3)]
    assert await patched(source, project, 1, steps[0], tmp_path / "x.gpkg")
    assert await patched(source, project, 2, steps[1], tmp_path / "x.gpkg")
    await commit(store, project, [new(200)])

    assert await patched(source, project, 3, await source.look(project.id, None), tmp_path / "x.gpkg") is None


@pytest.mark.parametrize("at_most, there", [(3, True), (2, False)])
async def test_too_much(
    store: SqliteStore, project: Project, source: SqliteSource, *, at_most: int, there: bool
) -> None:
    """A delta of more rows than are wanted is none; rows that only refer count too."""
    await commit(store, project, [new(n, SLACKS, kabl_uuid=uuid(9)) for n in (1, 2)])
    await commit(store, project, [new(9, CABLES)])

    assert there == (await source.delta(project.id, 1, 2, at_most) is not None)


def test_rows_in(tmp_path: Path) -> None:
    """A package knows how many rows it has."""
    from tests.contracts.gpkg_files import full_package

    full_package(tmp_path / "x.gpkg", 3)

    with closing(apsw.Connection(str(tmp_path / "x.gpkg"))) as db:
        counts = [
            db.execute(f'SELECT count(*) FROM "{name}"').get
            for (name,) in db.execute("SELECT table_name FROM gpkg_contents").fetchall()
        ]
    assert sum(counts) == patching.rows_in(tmp_path / "x.gpkg")


@pytest.mark.gdal
async def test_gdal_finds_nothing_wrong(
    store: SqliteStore, project: Project, source: SqliteSource, tmp_path: Path
) -> None:
    """GDAL's own validator passes a patched package."""
    rows = (
        await commit(store, project, [new(1, geometry=point(1, 2)), new(2, CABLES, geometry=line(1, 2, 3, 4))])
    ).rows
    await commit(store, project, [edit(rows[key(1)], geometry=point(7, 8)), new(3, OKNA, geometry=point(9, 9))])
    await both(source, project, tmp_path)

    done = await asyncio.to_thread(
        subprocess.run,
        [DEBIAN, "-m", "osgeo_utils.samples.validate_gpkg", str(tmp_path / "patched.gpkg")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert (0, "") == (done.returncode, done.stdout + done.stderr)
