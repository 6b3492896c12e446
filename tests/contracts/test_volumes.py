"""What backups and moves see of a folder, of an object store in memory, and of S3 as a server on this machine speaks it."""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from fiberq_core.errors import Conflict, NotFound, StoreUnavailable
from fiberq_core.photos import JPEG, name_of, shelf
from fiberq_storage.files.bringing import bringing
from fiberq_storage.files.volumes import Folder, Volume, copy_into
from fiberq_storage.photos.bucket import s3
from fiberq_storage.photos.carrying import BucketVolume
from tests.buckets import a_bucket

MANY = 1_100  # more than are listed, or copied, at one time


class BrokenError(Exception):
    """What no part of the product raises."""


@pytest.fixture(params=["folder", "memory", "s3"])
def volume(request: pytest.FixtureRequest, tmp_path: Path) -> Volume:
    """A volume without files."""
    if request.param == "folder":
        return Folder(tmp_path / "photos")
    if request.param == "memory":
        return BucketVolume(MemoryStore(), "memory")
    address = request.getfixturevalue("s3_bucket")
    return BucketVolume(s3(address), address)


def photos_in(folder: Path, count: int, size: int = 9) -> dict[str, bytes]:
    """Photos, by where they lie."""
    contents = [number.to_bytes(size, "big") for number in range(count)]
    found = {shelf(name_of(hashlib.sha256(content).hexdigest(), JPEG)): content for content in contents}
    for name, content in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return found


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file, by where it lies."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def put(source: Path, volume: Volume) -> None:
    """Bring the files of a folder into a volume."""
    with bringing({"photos": Folder(source)}, {"photos": volume}) as files:
        files.copy()
        files.place()


def given_up(source: Path, volume: Volume) -> set[str]:
    """Bring the files of a folder into a volume, and break off; what was there in between."""
    seen: set[str] = set()
    with suppress(BrokenError), bringing({"photos": Folder(source)}, {"photos": volume}) as files:
        files.copy()
        files.place()
        seen.update(volume.sizes())
        raise BrokenError
    return seen


@pytest.mark.parametrize("count", [0, 1, MANY])
def test_what_goes_in_comes_out(volume: Volume, tmp_path: Path, count: int) -> None:
    """All of it, byte for byte."""
    sent = photos_in(tmp_path / "sent", count)

    put(tmp_path / "sent", volume)
    copy_into(volume, tmp_path / "copy")

    assert {name: len(content) for name, content in sent.items()} == volume.sizes()
    assert sent == files_in(tmp_path / "copy")


def test_a_photo_of_many_parts(volume: Volume, tmp_path: Path) -> None:
    """A bucket takes large ones in parts."""
    sent = photos_in(tmp_path / "sent", 2, size=12 << 20)

    put(tmp_path / "sent", volume)
    copy_into(volume, tmp_path / "copy")

    assert sent == files_in(tmp_path / "copy")


def test_one_file_that_is_not_there(volume: Volume, tmp_path: Path) -> None:
    """It may have been removed since it was listed; a copy of all goes on without it."""
    with pytest.raises(NotFound):
        volume.fetch(shelf(name_of("0" * 64, JPEG)), tmp_path / "one")

    assert not (tmp_path / "one").exists()


def test_a_failure_leaves_what_was_there(volume: Volume, tmp_path: Path) -> None:
    """Also when all files are in their place already."""
    sent = photos_in(tmp_path / "sent", 20)

    assert set(sent) == given_up(tmp_path / "sent", volume)
    assert {} == volume.sizes()


def test_volumes_in_one_place_stay_as_they_are(volume: Volume, tmp_path: Path) -> None:
    """As where a store moves into a database and its photos remain in their bucket."""
    sent = photos_in(tmp_path / "sent", 3)
    put(tmp_path / "sent", volume)

    with bringing({"photos": volume}, {"photos": volume}) as files:
        assert {"photos": 3} == files.copy()
        files.place()

    assert set(sent) == set(volume.sizes())


def test_a_folder_with_files_takes_no_others(tmp_path: Path) -> None:
    mine = photos_in(tmp_path / "mine", 2)
    photos_in(tmp_path / "sent", 3)

    with pytest.raises(Conflict):
        put(tmp_path / "sent", Folder(tmp_path / "mine"))

    assert mine == files_in(tmp_path / "mine")


def test_what_is_unfinished_is_not_copied(tmp_path: Path) -> None:
    """A crash may have left it; it is nobody's file."""
    sent = photos_in(tmp_path / "sent", 1)
    (tmp_path / "sent/ab/x.part").mkdir(parents=True)
    (tmp_path / "sent/ab/x.part/half").touch()
    (tmp_path / "sent/ab/y.part").touch()

    put(tmp_path / "sent", Folder(tmp_path / "there"))

    assert sent == files_in(tmp_path / "there")


def test_folders_on_other_disks_belong_to_it(tmp_path: Path) -> None:
    """An administrator may have put some there, with links to them."""
    sent = photos_in(tmp_path / "disk", 3)
    (tmp_path / "linked").mkdir()
    for folder in (tmp_path / "disk").iterdir():
        (tmp_path / "linked" / folder.name).symlink_to(folder)

    copy_into(Folder(tmp_path / "linked"), tmp_path / "copy")

    assert sent == files_in(tmp_path / "copy")


@pytest.fixture
def kept(tmp_path: Path) -> BucketVolume:
    """A bucket with photos, of which the folder `sent` has a copy."""
    photos_in(tmp_path / "sent", 5)
    volume = BucketVolume(MemoryStore(), "memory")
    put(tmp_path / "sent", volume)
    return volume


def test_a_bucket_that_was_not_lost_is_only_completed(
    kept: BucketVolume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there already is not sent; a photo that is not what its file says is put right."""
    missing, damaged, *_ = kept.sizes()
    obstore.delete(kept.store, missing)
    obstore.put(kept.store, damaged, b"something else")
    sent = []

    def noting(store: Any, name: str, *args: Any, _put: Any = obstore.put, **more: Any) -> Any:
        sent.append(name)
        return _put(store, name, *args, **more)

    monkeypatch.setattr(obstore, "put", noting)
    put(tmp_path / "sent", kept)
    copy_into(kept, tmp_path / "copy")

    assert {missing, damaged} == set(sent)
    assert files_in(tmp_path / "sent") == files_in(tmp_path / "copy")


def test_a_failure_takes_nothing_from_a_bucket_that_was_there(kept: BucketVolume, tmp_path: Path) -> None:
    before = kept.sizes()
    photos_in(tmp_path / "sent", 9)

    assert 9 == len(given_up(tmp_path / "sent", kept))
    assert before == kept.sizes()


def test_a_bucket_that_keeps_other_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arrives is read again."""
    photos_in(tmp_path / "sent", 1)
    volume = BucketVolume(MemoryStore(), "memory")
    put_ = obstore.put

    def bending(store: Any, name: str, _path: Path, **more: Any) -> Any:
        return put_(store, name, b"bent", **more)

    monkeypatch.setattr(obstore, "put", bending)
    with pytest.raises(StoreUnavailable, match="other bytes"):
        put(tmp_path / "sent", volume)

    assert {} == volume.sizes()


def test_what_else_lies_in_a_bucket_is_not_ours(kept: BucketVolume, tmp_path: Path) -> None:
    for name in ("note.txt", "ab/note.jpg", f"zz/{name_of('0' * 64, JPEG)}"):
        obstore.put(kept.store, name, b"mine")

    copy_into(kept, tmp_path / "copy")

    assert files_in(tmp_path / "sent") == files_in(tmp_path / "copy")


def test_no_bucket_and_no_answer(s3_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty backup would be a lie."""
    photos_in(tmp_path / "sent", 1)
    address = a_bucket(s3_address, "there", monkeypatch).replace("there", "elsewhere")
    absent = BucketVolume(s3(address), address)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    silent = BucketVolume(s3("s3://there/x"), "s3://there/x")

    for volume in (absent, silent):
        with pytest.raises(StoreUnavailable, match="does not answer"):
            copy_into(volume, tmp_path / "copy")
        with pytest.raises(StoreUnavailable, match="does not answer"):
            put(tmp_path / "sent", volume)
