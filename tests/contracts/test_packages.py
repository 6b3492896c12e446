"""Exported packages: complete, made once, made again as they were, thrown away in time."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw
import pytest
from attrs import evolve

from fiberq_core.changes import Change, Write
from fiberq_core.errors import BadPackage, NotFound, StoreUnavailable
from fiberq_core.geopackage import PLACEHOLDER
from fiberq_core.inbox import Decided, Decision, Item, ItemKind
from fiberq_core.ports import Package, Project
from fiberq_core.registry import LAYERS
from fiberq_core.rows import Key, Row, Stored
from fiberq_storage.files.disk import DAY_S
from fiberq_storage.files.keeping import Limits
from fiberq_storage.files.packages import FilePackages
from fiberq_storage.files.shelf import Shelf
from fiberq_storage.files.source import Look
from fiberq_storage.sqlite import SqliteStore, open_store
from fiberq_storage.sqlite import source as sqlite_source
from fiberq_storage.sqlite.filling import Snapshot
from fiberq_storage.sqlite.source import SqliteSource
from tests.contracts.builders import (
    ANA,
    BOJAN,
    CABLES,
    OKNA,
    SLACKS,
    T0,
    a_project,
    an_item,
    at,
    commit,
    edit,
    gone,
    key,
    line,
    new,
    point,
    uuid,
)

Content = Mapping[str, list[dict[str, object]]]


class Clock:
    """A clock that tests set, not far from the one of the disk."""

    def __init__(self) -> None:
        self.now = 2_000_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """What time it is."""
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> object:
    """An empty store, closed at the end."""
    opened = await open_store(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def project(store: SqliteStore) -> Project:
    """An empty project."""
    return await a_project(store)


@pytest.fixture
def exports(store: SqliteStore, tmp_path: Path, clock: Clock) -> FilePackages:
    """Packages that are kept generously."""
    return FilePackages(SqliteSource(store), tmp_path / "gpkg_sync", clock=clock)


def content(package: Package) -> Content:
    """Everything that the layers of a package hold."""
    with closing(apsw.Connection(package.path, flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return {layer.name: table(db, layer.name) for layer in LAYERS}


def table(db: apsw.Connection, name: str) -> list[dict[str, object]]:
    """The rows of a table, columns by name, without those that are NULL."""
    cursor = db.execute(f'SELECT * FROM "{name}" ORDER BY 1')
    return [
        {column[0]: value for column, value in zip(cursor.description, row, strict=True) if value is not None}
        for row in cursor
    ]


def columns(package: Package) -> Mapping[str, list[tuple[str, str]]]:
    """The columns of the layers of a package, with their types."""
    with closing(apsw.Connection(package.path, flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return {layer.name: [r[1:3] for r in db.execute(f'PRAGMA table_info("{layer.name}")')] for layer in LAYERS}


def raw(package: Package) -> bytes:
    """The bytes of a package."""
    return Path(package.path).read_bytes()


def inode(package: Package) -> int:
    """Which file it is."""
    return Path(package.path).stat().st_ino


def remark(package: Package) -> None:
    """Have a package be one that was made when the store made its revision at another time."""
    path = Path(package.path)
    revision, mark, *rest = path.name.split("-")
    path.rename(path.with_name("-".join([revision, mark[::-1], *rest])))


def forget(found: Iterable[Package]) -> None:
    """Remove packages behind everybody's back."""
    for package in found:
        Path(package.path).unlink()


def asked(text: str) -> Item:
    """A conflict on the name of row 1."""
    change = Change(key(1), Row({"broj_okna": "a"}), Row({"broj_okna": text}))
    return Item(text, ItemKind.CONFLICT, OKNA, uuid(1), "broj_okna", "Both", (change,), author=BOJAN, created_at=T0)


async def test_a_package_says_everything(store: SqliteStore, project: Project, exports: FilePackages) -> None:
    """Own columns, system columns, unregistered ones, resolved references and open questions."""
    writes = [
        new(1, broj_okna="a", geometry=point(20, 43), boja="plava", slika=b"\0\1"),
        new(2, CABLES, naziv="K", geometry=line(20, 43, 21, 44)),
        new(3, SLACKS, kabl_uuid=uuid(2)),
        new(4, SLACKS, kabl_uuid=uuid(99), kabl_fid=17, kabl_layer_id="Kabl_abc"),
        new(5, SLACKS, kabl_fid=-1),
        Write(Key("_fiberq_metadata", uuid(6)), None, Row({"key": "k", "value": "v"})),
    ]
    extra = {(OKNA, "boja"): "TEXT", (OKNA, "slika"): "BLOB"}
    await commit(store, project, writes, items=[asked("z")], extra=extra, by=BOJAN)

    package = await exports.export(project.id)

    found = content(package)
    (manhole,) = found[OKNA]
    assert manhole.pop("geom")
    system = {"fiberq_uuid": uuid(1), "id": 1, "fiberq_rev": 1, "fid": 1, "project_id": project.id}
    author = {"_modified_by_sub": "bojan", "_modified_at": at(1)}
    assert {**system, **author, "broj_okna": "a", "boja": "plava", "slika": b"\0\1"} == manhole
    references = [{n: row.get(n) for n in ("kabl_uuid", "kabl_fid", "kabl_layer_id")} for row in found[SLACKS]]
    assert [
        {"kabl_uuid": uuid(2), "kabl_fid": 1, "kabl_layer_id": CABLES},
        {"kabl_uuid": uuid(99), "kabl_fid": 17, "kabl_layer_id": "Kabl_abc"},
        {"kabl_uuid": None, "kabl_fid": -1, "kabl_layer_id": None},
    ] == references
    assert [{"key": "k", "value": "v"}] == found["_fiberq_metadata"]
    (issue,) = found["sync_issues"]
    assert issue["geom"] == content(package)[OKNA][0]["geom"]
    wanted = {"fiberq_uuid": "z", "row_id": 1, "base": "a", "device": "z", "current": "a", "author": "Bojan"}
    assert wanted == {name: issue[name] for name in wanted}
    assert "take_mine" in str(issue["choices"])


async def test_an_empty_project_has_all_layers(project: Project, exports: FilePackages) -> None:
    """Every layer is there, also when it is empty."""
    package = await exports.export(project.id)

    assert {layer.name: [] for layer in LAYERS} == content(package)
    told = raw(package)
    assert PLACEHOLDER.encode() == told[package.id_offset :][: len(PLACEHOLDER)]
    assert package.size == len(told)


async def test_fids_stay(store: SqliteStore, project: Project, exports: FilePackages) -> None:
    """A row's number in packages does not change, and the next one that a device gives is above all that ever were."""
    rows = (await commit(store, project, [new(n) for n in range(1, 4)])).rows
    await commit(store, project, [gone(rows[key(1)]), gone(rows[key(3)])])

    package = await exports.export(project.id)

    with closing(apsw.Connection(package.path)) as db:
        assert [(2,)] == db.execute('SELECT fid FROM "OKNA"').fetchall()
        assert [(3,)] == db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'OKNA'").fetchall()


async def test_a_package_is_made_again_as_it_was(
    store: SqliteStore, project: Project, exports: FilePackages, clock: Clock
) -> None:
    """A package that is no longer kept comes back with the same rows, fids, references and open questions."""
    before, originals = [], []

    async def then(*writes: Write, **more: Any) -> Mapping[Key, Stored]:
        rows = (await commit(store, project, writes, **more)).rows
        before.append(await exports.export(project.id))
        originals.append((columns(before[-1]), content(before[-1])))
        return rows

    answer = Decided(Decision.KEEP_SERVER, ANA, T0)
    zero = await then(new(9, CABLES))
    first = (new(1, broj_okna="a", geometry=point(20, 43), x=1), new(2, CABLES, geometry=line(1, 2, 3, 4.1)))
    one = await then(*first, new(3, SLACKS, kabl_uuid=uuid(2)), items=[asked("z"), an_item("free")])
    two = await then(edit(one[key(1)], broj_okna="b", duzina=0.1, y="n"), extra={(OKNA, "y"): "TEXT(3)"})
    gone_now = (gone(one[key(2, CABLES)]), gone(zero[key(9, CABLES)]))
    three = await then(*gone_now, decided=[evolve(asked("z"), decided=answer)])
    back = Write(key(2, CABLES), None, Row({"naziv": "again"}), three[key(2, CABLES)])
    await then(back, gone(two[key(1)]), decided=[evolve(asked("z"), decided=evolve(answer, note="still"))])
    forget(before)

    again = [await exports.at(project.id, package.revision) for package in before]

    assert originals == [(columns(package), content(package)) for package in again]
    assert [1, 2, 3, 4, 5] == [package.revision for package in again]
    assert [2, 2, None, 2] == [rows[SLACKS][0].get("kabl_fid") for _, rows in originals[1:]]
    assert [0, 2, 2, 1, 1] == [len(rows["sync_issues"]) for _, rows in originals]
    assert [False, False, True, True, True] == [("y", "TEXT(3)") in names[OKNA] for names, _ in originals]


async def test_a_package_is_kept(store: SqliteStore, project: Project, exports: FilePackages) -> None:
    """The same revision is the same file; the next one is another."""
    first = await exports.export(project.id)
    assert first == await exports.export(project.id)
    made = inode(first)

    await commit(store, project, [new(1)])

    second = await exports.export(project.id)
    assert first.path != second.path
    assert made == inode(await exports.at(project.id, 0))


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The revisions that were built."""
    done: list[int] = []
    real = SqliteSource.build

    async def counted(source: SqliteSource, project_id: int, look: Look, path: Path) -> int:
        done.append(look.revision)
        return await real(source, project_id, look, path)

    monkeypatch.setattr(SqliteSource, "build", counted)
    return done


async def test_one_build_for_many(
    project: Project, exports: FilePackages, builds: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks while a package is being built waits for it; one that gives up does not stop the others."""
    go_on = asyncio.Event()
    counted = SqliteSource.build

    async def slow(source: SqliteSource, project_id: int, look: Look, path: Path) -> int:
        await go_on.wait()
        return await counted(source, project_id, look, path)

    monkeypatch.setattr(SqliteSource, "build", slow)
    impatient, *waiting = [asyncio.create_task(exports.export(project.id)) for _ in range(9)]
    await asyncio.sleep(0.2)
    impatient.cancel()
    await asyncio.wait([impatient])
    go_on.set()

    found = await asyncio.gather(*waiting)

    await exports.close()
    assert impatient.cancelled()
    assert 1 == len(set(found))
    assert [0] == builds
    assert {} == exports._building


async def test_a_failed_build_leaves_nothing(
    project: Project, exports: FilePackages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that fails tells everybody who waits, leaves no file, and the next one succeeds."""

    def full(*_: object) -> None:
        raise apsw.FullError

    with monkeypatch.context() as patched:
        patched.setattr(Snapshot, "fill", full)
        for failed in await asyncio.gather(*(exports.export(project.id) for _ in range(3)), return_exceptions=True):
            assert isinstance(failed, StoreUnavailable)
        assert [] == leftovers(tmp_path)
    assert 0 == (await exports.export(project.id)).revision


def leftovers(folder: Path) -> list[Path]:
    """The files in the folder of packages."""
    return [path for path in (folder / "gpkg_sync").rglob("*") if path.is_file()]


async def test_unknown_revisions(project: Project, exports: FilePackages) -> None:
    """A project that is not there, and a revision that it does not have, are not found."""
    for wrong in (exports.export(99), exports.at(project.id, 1), exports.at(project.id, -1)):
        with pytest.raises(NotFound):
            await wrong


async def test_packages_of_a_former_life(
    store: SqliteStore, project: Project, exports: FilePackages, builds: list[int]
) -> None:
    """A kept package whose revision the store made at another time is not served: the store came from a backup."""
    await commit(store, project, [new(1)], second=1)
    remark(await exports.export(project.id))

    await exports.export(project.id)

    assert [1, 1] == builds


@pytest.mark.parametrize(
    "limits,idle_s,kept",
    [
        (Limits(days=30, size=10**9, in_use_s=60), 30 * DAY_S - 1, 3),
        (Limits(days=30, size=10**9, in_use_s=60), 30 * DAY_S + 1, 0),
        (Limits(days=30, size=0, in_use_s=60), 59, 3),
        (Limits(days=30, size=0, in_use_s=60), 61, 0),
        (Limits(days=30, size=-1, in_use_s=0), 1, 0),
    ],
)
async def test_packages_are_thrown_away(
    store: SqliteStore, project: Project, tmp_path: Path, clock: Clock, *, limits: Limits, idle_s: float, kept: int
) -> None:
    """What was not used for long, or takes too much room, goes; what may be in use stays."""
    exports = FilePackages(SqliteSource(store), tmp_path / "gpkg_sync", limits=limits, clock=clock)
    for n in range(3):
        await exports.export(project.id)
        await commit(store, project, [new(n)])
    for file in leftovers(tmp_path):
        os.utime(file, (clock.now, clock.now))
    clock.now += idle_s

    await exports.prune()

    assert kept == len([path for path in leftovers(tmp_path) if path.suffix == ".gpkg"])


async def test_the_longest_unused_goes_first(
    store: SqliteStore, project: Project, tmp_path: Path, clock: Clock
) -> None:
    """Where room is short, the package that was used last stays."""
    exports = FilePackages(
        SqliteSource(store), tmp_path / "gpkg_sync", limits=Limits(size=1_500_000, in_use_s=1), clock=clock
    )
    sizes = []
    for n in range(6):
        sizes.append((await exports.export(project.id)).size)
        clock.now += 10
        await commit(store, project, [new(n)])
    await exports.at(project.id, 0)
    clock.now += 10

    await exports.prune()

    left = {kept.revision for kept in Shelf(tmp_path / "gpkg_sync" / project.uuid).packages()}
    room = 1_500_000 // max(sizes)
    assert {0, *range(7 - room, 6)} == left


async def test_slow_files_keep_nobody_out(project: Project, exports: FilePackages, tmp_path: Path) -> None:
    """Whatever strangers send, and however long it takes to read, packages go out meanwhile."""
    slow = tmp_path / "slow.gpkg"
    os.mkfifo(slow)
    reading = [asyncio.create_task(exports.provenance(str(slow))) for _ in range(40)]  # more than any pool has threads
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(30):
            assert 0 == (await exports.export(project.id)).revision
    finally:
        while not all(task.done() for task in reading):
            with suppress(OSError):  # nobody reads yet
                os.close(os.open(slow, os.O_WRONLY | os.O_NONBLOCK))
            await asyncio.sleep(0.01)

    assert {BadPackage} == {type(error) for error in await asyncio.gather(*reading, return_exceptions=True)}


async def test_what_crashed_builds_left(project: Project, exports: FilePackages, tmp_path: Path, clock: Clock) -> None:
    """Unfinished files of a process that is gone are removed, those of one that may live are not."""
    await exports.export(project.id)
    folder = tmp_path / "gpkg_sync" / project.uuid
    for name, age in (("old", 7200), ("young", 60)):
        part = folder / f"{name}.part"
        part.mkdir()
        (part / "1.gpkg").write_bytes(b"x")
        os.utime(part, (clock.now - age, clock.now - age))

    await exports.prune()

    assert {"young.part"} == {path.name for path in folder.iterdir() if path.is_dir()}


async def test_exporting_while_others_write(store: SqliteStore, project: Project, exports: FilePackages) -> None:
    """A package shows its own revision, whatever is committed while it is being made; writers do not wait for it."""
    rows = (await commit(store, project, [new(n, broj_okna="1") for n in range(200)])).rows

    async def write() -> None:
        now = dict(rows)
        for turn in range(2, 12):
            now = dict((await commit(store, project, [edit(row, broj_okna=str(turn)) for row in now.values()])).rows)

    async def export() -> set[tuple[int, frozenset[object]]]:
        found = set()
        for _ in range(6):
            package = await exports.export(project.id)
            found.add((package.revision, frozenset(row["broj_okna"] for row in content(package)[OKNA])))
        return found

    _, seen = await asyncio.gather(write(), export())

    assert all({str(revision)} == names for revision, names in seen)


async def test_a_commit_between_two_looks(
    store: SqliteStore, project: Project, exports: FilePackages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed between the beginnings of the two transactions that a package is made from does no harm."""
    row = (await commit(store, project, [new(1, broj_okna="1")])).rows[key(1)]
    loop, looks = asyncio.get_running_loop(), iter(range(99))
    real = sqlite_source._look

    def look(db: apsw.Connection, project_id: int) -> object:
        if next(looks) == 1:
            asyncio.run_coroutine_threadsafe(commit(store, project, [edit(row, broj_okna="2")]), loop).result()
        return real(db, project_id)

    monkeypatch.setattr(sqlite_source, "_look", look)
    package = await exports.export(project.id)

    assert next(looks) > 2
    assert [(1, "1")] == [(package.revision, found["broj_okna"]) for found in content(package)[OKNA]]
