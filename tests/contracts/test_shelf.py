"""Packages that are made from earlier ones, spares, and several servers on one folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from fiberq_core.ports import Package, Project
from fiberq_storage.files import building, disk, shelf
from fiberq_storage.files.keeping import Limits
from fiberq_storage.files.packages import FilePackages
from fiberq_storage.files.shelf import SPARE, Shelf
from fiberq_storage.files.source import Look
from fiberq_storage.sqlite import SqliteStore, open_store
from fiberq_storage.sqlite.source import SqliteSource
from tests.contracts.builders import OKNA, a_project, commit, edit, key, new, point

LARGE = Limits(spare_from=0)  # every package is


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    """An empty store, closed at the end."""
    async with await open_store(tmp_path / "data") as opened:
        yield opened


@pytest.fixture
async def project(store: SqliteStore) -> Project:
    """A project of a few rows."""
    project = await a_project(store)
    await commit(store, project, [new(n, broj_okna="a", geometry=point(n, n)) for n in range(20)])
    return project


class Source(SqliteSource):
    """A store that notes which revisions it was asked to write whole."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self.whole: list[int] = []

    async def build(self, project_id: int, look: Look, path: Path) -> int:
        """Write and note."""
        self.whole.append(look.revision)
        return await super().build(project_id, look, path)


class SlowSource(Source):
    """A store that has written a package, and does not say so until it may."""

    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self.written, self.go_on = asyncio.Event(), asyncio.Event()

    async def build(self, project_id: int, look: Look, path: Path) -> int:
        """Write, then wait."""
        offset = await super().build(project_id, look, path)
        self.written.set()
        await self.go_on.wait()
        return offset


@pytest.fixture
def source(store: SqliteStore) -> Source:
    """The store, as packages see it."""
    return Source(store)


def a_server(source: Source, tmp_path: Path, limits: Limits | None = None) -> FilePackages:
    """Packages in the one folder."""
    return FilePackages(source, tmp_path / "packages", limits=limits)


async def rename(store: SqliteStore, project: Project, name: str) -> None:
    """Change row 1."""
    async with store.reading(project.id) as reader:
        row = (await reader.rows([key(1)]))[key(1)]
    await commit(store, project, [edit(row, broj_okna=name)])


def name(package: Package) -> object:
    """What a package says of row 1."""
    with closing(apsw.Connection(package.path, flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return db.execute(f'SELECT broj_okna FROM "{OKNA}" WHERE fid = 2').get


def files(tmp_path: Path, suffix: str) -> list[str]:
    """What is in the folder of packages."""
    return sorted(path.name for path in (tmp_path / "packages").glob(f"*/*{suffix}"))


def damage(package: Package) -> None:
    """Overwrite the middle of a package."""
    with Path(package.path).open("r+b") as file:
        file.seek(package.size // 4)
        file.write(b"\xff" * (package.size // 2))


async def test_the_next_package_is_made_from_the_last(
    store: SqliteStore, project: Project, source: Source, tmp_path: Path
) -> None:
    """Only the first package is written whole; each says what its own revision says."""
    packages = a_server(source, tmp_path)
    found = [await packages.export(project.id)]
    for text in ("b", "c"):
        await rename(store, project, text)
        found.append(await packages.export(project.id))

    assert [1] == source.whole
    assert ["a", "b", "c"] == [name(package) for package in found]
    assert len({package.making for package in found}) == 3
    assert 3 == len(files(tmp_path, ""))


async def test_an_older_package_is_made_from_a_still_older_one(
    store: SqliteStore, project: Project, source: Source, tmp_path: Path
) -> None:
    """What is asked for as of an earlier revision grows from what is earlier still, never from what is later."""
    packages = a_server(source, tmp_path)
    await packages.export(project.id)
    for text in ("b", "c"):
        await rename(store, project, text)
    last = await packages.export(project.id)

    middle = await packages.at(project.id, 2)
    first = await packages.at(project.id, 0)

    assert ["b", "c", None] == [name(package) for package in (middle, last, first)]
    assert [1, 0] == source.whole


async def test_too_much_changed(store: SqliteStore, project: Project, source: Source, tmp_path: Path) -> None:
    """Where many rows changed, a package is written whole."""
    packages = a_server(source, tmp_path)
    await packages.export(project.id)
    await commit(store, project, [new(n) for n in range(100, 101 + building.FEW)])

    await packages.export(project.id)

    assert [1, 2] == source.whole


async def test_a_package_of_a_former_life_is_no_base(
    store: SqliteStore, project: Project, source: Source, tmp_path: Path
) -> None:
    """What was made before a backup was restored is not built on; an older one that still holds is."""
    packages = a_server(source, tmp_path)
    await packages.export(project.id)
    await rename(store, project, "b")
    former = Path((await packages.export(project.id)).path)
    await rename(store, project, "c")
    with closing(apsw.Connection(str(former))) as db:
        db.execute("PRAGMA user_version = 1")
        db.execute(f'CREATE TABLE "never to be seen" (x); DELETE FROM "{OKNA}" WHERE 0')
    former.rename(former.with_name(former.name.replace(former.name.split("-")[1], "0" * 16)))  # noqa: ASYNC240

    package = await packages.export(project.id)

    assert "c" == name(package)
    assert [1] == source.whole
    assert b"never to be seen" not in Path(package.path).read_bytes()  # noqa: ASYNC240


async def test_a_damaged_package_is_no_base(
    store: SqliteStore, project: Project, source: Source, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A kept package that cannot be patched is passed over, and the log says so."""
    packages = a_server(source, tmp_path)
    damage(await packages.export(project.id))
    await rename(store, project, "b")

    package = await packages.export(project.id)

    assert "b" == name(package)
    assert [1, 2] == source.whole
    assert "written whole" in caplog.text


async def test_a_spare_is_used_up(store: SqliteStore, project: Project, source: Source, tmp_path: Path) -> None:
    """The next package is made out of the spare of the last, and gets a spare itself; there is one at a time."""
    packages = a_server(source, tmp_path, LARGE)
    first = await packages.export(project.id)
    await packages.close()
    (spare,) = (tmp_path / "packages").glob(f"*/*{SPARE}")
    inode = spare.stat().st_ino
    assert spare.read_bytes() == Path(first.path).read_bytes()  # noqa: ASYNC240

    await rename(store, project, "b")
    second = await packages.export(project.id)
    await packages.close()

    assert inode == Path(second.path).stat().st_ino  # noqa: ASYNC240
    assert ("a", "b") == (name(first), name(second))
    assert [Path(second.path).stem + SPARE] == files(tmp_path, SPARE)


async def test_small_packages_have_no_spare(project: Project, source: Source, tmp_path: Path) -> None:
    """A spare is made only where copying takes long."""
    packages = a_server(source, tmp_path)
    await packages.export(project.id)
    await packages.close()

    assert [] == files(tmp_path, SPARE)


@pytest.mark.parametrize("beside, there", [(1, True), (-1, False)])
async def test_spares_have_to_fit(
    project: Project, source: Source, tmp_path: Path, *, beside: int, there: bool
) -> None:
    """A spare is made, and stays, only where there is room for it beside all packages."""
    size = (await (a_server(source, tmp_path)).export(project.id)).size
    for path in (tmp_path / "packages").glob("*/*"):
        path.unlink()
    packages = a_server(source, tmp_path, Limits(size=2 * size + beside, spare_from=0))
    await packages.export(project.id)
    await packages.close()
    assert there == bool(files(tmp_path, SPARE))

    await (a_server(source, tmp_path, Limits(size=2 * size - 1))).prune()

    assert ([], 1) == (files(tmp_path, SPARE), len(files(tmp_path, ".gpkg")))


async def test_a_spare_goes_with_its_package(project: Project, source: Source, tmp_path: Path) -> None:
    """A spare that a crash left without its package is removed."""
    packages = a_server(source, tmp_path, LARGE)
    package = await packages.export(project.id)
    await packages.close()
    Path(package.path).unlink()  # noqa: ASYNC240

    await packages.prune()

    assert [] == files(tmp_path, "")


async def test_servers_make_the_same_package_at_once(
    store: SqliteStore, project: Project, source: Source, tmp_path: Path
) -> None:
    """Servers that know nothing of each other share a folder: each gets a whole package, and later ones find it."""
    servers = [a_server(source, tmp_path, LARGE) for _ in range(4)]
    for text in ("b", "c", "d"):
        await rename(store, project, text)
        found = await asyncio.gather(*(server.export(project.id) for server in servers))
        assert {text} == {name(package) for package in found}
        again = await asyncio.gather(*(server.export(project.id) for server in servers))
        assert len(set(again)) == 1
        for server in servers:
            await server.close()

    assert all(file.endswith((".gpkg", SPARE)) for file in files(tmp_path, ""))
    assert {"4"} == {file.partition("-")[0] for file in files(tmp_path, SPARE)}


async def test_the_slower_one_takes_what_is_there(
    store: SqliteStore, project: Project, source: Source, tmp_path: Path
) -> None:
    """A server that finishes a package which another has finished meanwhile keeps that."""
    slow = SlowSource(store)
    late = asyncio.create_task((a_server(slow, tmp_path)).export(project.id))
    await slow.written.wait()
    first = await (a_server(source, tmp_path)).export(project.id)
    slow.go_on.set()

    assert first == await late
    assert 1 == len(files(tmp_path, ""))


@pytest.mark.parametrize("fails", [False, True])
def test_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    """A copy is the same, also where the file system has no way of its own to make it."""
    if fails:
        monkeypatch.setattr(os, "copy_file_range", refused)
    content = os.urandom(300_001)
    (tmp_path / "a").write_bytes(content)

    disk.copy(tmp_path / "a", tmp_path / "b")

    assert content == (tmp_path / "b").read_bytes()


def refused(*_: object) -> int:
    """A file system that does not do this."""
    raise OSError(95, "not supported")


def test_other_files_are_no_packages(tmp_path: Path) -> None:
    """Only what has the name of a package is one."""
    for stranger in ("1.gpkg", "1-0-0-0.gpkg", "x.spare", "1-0123456789abcdef-1-0123456.gpkg"):
        (tmp_path / stranger).touch()
    good = tmp_path / "7-0123456789abcdef-44956-01234567.gpkg"
    good.touch()

    (kept,) = Shelf(tmp_path).packages()

    assert shelf.Kept(good, 7, "0123456789abcdef", 44956, "01234567") == kept
