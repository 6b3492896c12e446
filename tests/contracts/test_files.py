"""Raw uploads and backups: files that are there whole or not at all."""

import hashlib
import os
from pathlib import Path

import pytest

from fiberq_core.errors import Conflict, Invalid, StoreMismatch, StoreUnavailable
from fiberq_storage.backup import Kept, backup, restore, verify
from fiberq_storage.files import disk
from fiberq_storage.files.disk import DAY_S
from fiberq_storage.files.uploads import FileUploads
from fiberq_storage.files.volumes import Folder
from fiberq_storage.sqlite import open_store
from fiberq_storage.sqlite.connection import FILE
from fiberq_storage.sqlite.migrate import STEPS
from tests.contracts.builders import T0, a_project, an_item, at, commit, current, key, new, point

NOW = 2_000_000_000.0


def digest(content: bytes) -> str:
    """The name of an upload."""
    return hashlib.sha256(content).hexdigest()


def sent(folder: Path, content: bytes = b"gpkg") -> str:
    """A file as it was received."""
    path = folder / "received"
    path.write_bytes(content)
    return str(path)


def found(folder: Path) -> set[str]:
    """All files below a folder."""
    return {path.name for path in folder.rglob("*") if path.is_file()}


async def test_an_upload_is_kept_by_its_digest(tmp_path: Path) -> None:
    """The bytes are kept once, whoever sends them; the received file stays the caller's."""
    uploads = FileUploads(tmp_path / "uploads")
    name = digest(b"gpkg")
    for _ in range(2):
        await uploads.keep(sent(tmp_path), name)

    assert b"gpkg" == uploads.path(name).read_bytes()
    assert {name} == found(tmp_path / "uploads")
    assert [] == list(uploads.folder.glob("**/*.part"))


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
async def test_names_that_are_no_digest(tmp_path: Path, name: str) -> None:
    """A name is 64 hexadecimal digits or a mistake of ours."""
    with pytest.raises(ValueError, match="digest"):
        await FileUploads(tmp_path / "uploads").keep(sent(tmp_path), name)
    assert not (tmp_path / "uploads").exists()


async def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is told in words, and no half file stays under the digest."""

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(disk, "sync", full)
    uploads = FileUploads(tmp_path / "uploads")
    with pytest.raises(StoreUnavailable, match="disk is full"):
        await uploads.keep(sent(tmp_path), digest(b"gpkg"))
    assert set() == found(tmp_path / "uploads")


async def test_uploads_are_pruned(tmp_path: Path) -> None:
    """After the set time an upload goes, unless somebody still has to decide about it; being sent again renews it."""
    clock = [NOW]
    uploads = FileUploads(tmp_path / "uploads", keep_days=10, clock=lambda: clock[0])
    contents = [b"old", b"waiting", b"again", b"young"]
    for content in contents:
        await uploads.keep(sent(tmp_path, content), digest(content))
    clock[0] += 10 * DAY_S + 1
    await uploads.keep(sent(tmp_path, b"again"), digest(b"again"))
    os.utime(uploads.path(digest(b"young")), (NOW + 2, NOW + 2))

    await uploads.prune(except_for={digest(b"waiting")})

    assert {digest(content) for content in contents[1:]} == found(uploads.folder)


async def test_what_crashed_uploads_left(tmp_path: Path) -> None:
    """Unfinished files of a process that is gone are removed by the next pruning."""
    uploads = FileUploads(tmp_path / "uploads", clock=lambda: NOW)
    for name, age in (("old", 7200), ("young", 60)):
        part = uploads.folder / "ab" / f"{name}.part"
        part.mkdir(parents=True)
        (part / name).write_text("half")
        os.utime(part, (NOW - age, NOW - age))

    await uploads.prune(except_for=())

    assert {"young"} == found(uploads.folder)


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data folder with a row, an open item, a photo and an upload."""
    async with await open_store(tmp_path / "data") as store:
        await commit(store, await a_project(store), [new(1, geometry=point(20, 43))], items=[an_item("i")])
    for name in ("photos/1.jpg", "photos/a/2.jpg", "uploads/ab/cd", "uploads/x.part/half"):
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return tmp_path / "data"


def folders(data: Path) -> dict[str, Folder]:
    """The folders that go into a backup."""
    return {name: Folder(data / name) for name in ("photos", "uploads")}


async def test_there_and_back(data: Path, tmp_path: Path) -> None:
    """A backup taken while the store is open holds what was committed, and is restored whole."""
    async with await open_store(data) as store:
        project = await store.project(1)
        async with store.unit(1) as unit:
            kept = backup(data, tmp_path / "backup", folders(data), at=T0)
            assert 1 == unit.project.revision
        await commit(store, project, [new(2)])

    assert (
        kept == verify(tmp_path / "backup") == restore(tmp_path / "backup", tmp_path / "new", folders(tmp_path / "new"))
    )

    assert Kept(len(STEPS), {"photos": 2, "uploads": 1}) == kept
    assert {FILE, "1.jpg", "2.jpg", "cd"} == found(tmp_path / "new")
    async with await open_store(tmp_path / "new") as store:
        one, two = await current(store, project, key(1), key(2))
        assert (1, None) == (one and one.rev, two)
        assert 2 == (await commit(store, project, [new(2)], second=3)).revision
        async with store.reading(1) as reader:
            assert ["i"] == [item.item_id for item in (await reader.items("open", 9, None)).items]
            assert at(3) == (await reader.revisions([2]))[2].at


def test_nothing_is_overwritten(data: Path, tmp_path: Path) -> None:
    """Neither a backup nor a restore writes where something is."""
    backup(data, tmp_path / "backup", folders(data), at=T0)
    with pytest.raises(Conflict):
        backup(data, tmp_path / "backup", folders(data), at=T0)
    with pytest.raises(Conflict):
        restore(tmp_path / "backup", data, folders(data))
    (tmp_path / "new" / "photos").mkdir(parents=True)
    (tmp_path / "new" / "photos" / "mine.jpg").touch()
    with pytest.raises(Conflict):
        restore(tmp_path / "backup", tmp_path / "new", folders(tmp_path / "new"))
    assert {"mine.jpg"} == found(tmp_path / "new")


def test_a_failed_backup_leaves_nothing(data: Path, tmp_path: Path) -> None:
    """A backup of a damaged store is reported, and none is left that looks whole."""
    (data / FILE).write_bytes(b"x" * 9000)
    with pytest.raises(StoreUnavailable):
        backup(data, tmp_path / "backup", folders(data), at=T0)
    assert ["data"] == [path.name for path in tmp_path.iterdir()]


def test_backups_that_are_not_whole(data: Path, tmp_path: Path) -> None:
    """A restore checks everything before it writes anything."""
    target = tmp_path / "backup"
    backup(data, target, folders(data), at=T0)
    whole = (target / FILE).read_bytes()

    (target / FILE).write_bytes(whole[:4096] + bytes(len(whole) - 4096))
    with pytest.raises((Invalid, StoreUnavailable)):
        restore(target, tmp_path / "new", folders(tmp_path / "new"))

    (target / FILE).write_bytes(b"")
    with pytest.raises(Invalid, match="damaged"):
        restore(target, tmp_path / "new", folders(tmp_path / "new"))

    (target / FILE).write_bytes(whole)
    note = (target / "backup.json").read_text()
    (target / "backup.json").write_text(note.replace('"store_version": ', '"store_version": 9'))
    with pytest.raises(StoreMismatch):
        restore(target, tmp_path / "new", folders(tmp_path / "new"))

    (target / "backup.json").write_text(note)
    (target / "uploads" / "ab" / "cd").write_text("uploads/ab/ce")
    with pytest.raises(Invalid, match="1 files"):
        restore(target, tmp_path / "new", folders(tmp_path / "new"))

    (target / "photos" / "1.jpg").unlink()
    with pytest.raises(Invalid, match="photos"):
        restore(target, tmp_path / "new", folders(tmp_path / "new"))

    (target / "backup.json").unlink()
    with pytest.raises(Invalid, match="not a FiberQ backup"):
        restore(target, tmp_path / "new", folders(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


async def test_an_upload_is_kept_with_its_log(tmp_path: Path) -> None:
    """What came as a file and its write-ahead log is rescued, and removed, as both."""
    now = [1_000_000.0]
    uploads = FileUploads(tmp_path / "uploads", keep_days=1, clock=lambda: now[0])
    (tmp_path / "sent").write_bytes(b"file")
    (tmp_path / "sent-wal").write_bytes(b"log")

    await uploads.keep(str(tmp_path / "sent"), "a" * 64)
    kept = {p.name: p.read_bytes() for p in uploads.path("a" * 64).parent.iterdir()}
    now[0] += 2 * 86_400
    await uploads.prune(except_for=())

    assert {"a" * 64: b"file", "a" * 64 + "-wal": b"log"} == kept
    assert [] == list(uploads.path("a" * 64).parent.iterdir())
