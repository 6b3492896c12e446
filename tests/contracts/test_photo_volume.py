"""The photo volume on a folder, on an object store in memory, and on S3 as a server on this machine speaks it."""

import asyncio
import hashlib
import os
import time
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from PIL import Image

from fiberq_core.errors import BadPhoto, NotFound, StoreUnavailable
from fiberq_core.photos import JPEG, name_of
from fiberq_core.ports import PhotoVolume
from fiberq_storage.photos import bucket
from fiberq_storage.photos.folder import PhotoFolder
from fiberq_storage.photos.place import Place
from fiberq_storage.photos.thumbnails import Thumbnails
from fiberq_storage.photos.volume import ORPHAN_S, Photos
from tests.aiohttp.pictures import exif, picture

CONTENT = picture("JPEG", (400, 200), exif=exif(6))
NAME = name_of(hashlib.sha256(CONTENT).hexdigest(), JPEG)
ABSENT = name_of("0" * 64, JPEG)


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place without photos."""
    if request.param == "folder":
        return PhotoFolder(tmp_path / "photos")
    if request.param == "memory":
        return bucket.PhotoBucket(MemoryStore())
    return bucket.PhotoBucket(bucket.s3(request.getfixturevalue("s3_bucket")))


@pytest.fixture
def volume(place: Place, tmp_path: Path) -> Photos:
    """A volume without photos, whose clock is a day and a bit ahead."""
    return Photos(place, tmp_path / "thumbnails", clock=lambda: time.time() + ORPHAN_S + 60)


@pytest.fixture
def sent(tmp_path: Path) -> str:
    """A photo that has just come."""
    path = tmp_path / "sent"
    path.write_bytes(CONTENT)
    return str(path)


class Known:
    """A store that knows some photos, of one project."""

    def __init__(self, *names: str) -> None:
        self.names = frozenset(names)

    async def photo_projects(self, name: str) -> list[int]:
        return [1] if name in self.names else []

    async def photos_known(self, names: object) -> frozenset[str]:
        assert isinstance(names, list)
        return self.names & frozenset(names)


def bytes_of(path: str, new: bytes | None = None) -> bytes:
    """What the file at *path* holds, after *new* was put there if it is given."""
    if new is not None:
        Path(path).write_bytes(new)
    return Path(path).read_bytes()


async def content(volume: PhotoVolume, name: str = NAME) -> bytes:
    """The photo, all pieces of it."""
    return b"".join([piece async for piece in volume.pieces(name)])


async def test_bytes_stay_as_they_are(volume: Photos, sent: str) -> None:
    """What was kept comes back, once or twice kept; the file that came is not touched."""
    await volume.keep(sent, NAME)
    await volume.keep(sent, NAME)

    assert CONTENT == await content(volume) == bytes_of(sent)
    local = await volume.local(NAME)
    assert local is None or CONTENT == bytes_of(local)


async def test_the_same_photo_many_times_at_once(volume: Photos, sent: str) -> None:
    await asyncio.gather(*(volume.keep(sent, NAME) for _ in range(8)))

    assert CONTENT == await content(volume)


async def test_what_is_not_there(volume: Photos) -> None:
    with pytest.raises(NotFound):
        await volume.local(ABSENT)
    with pytest.raises(NotFound):
        await content(volume, ABSENT)
    for name in (ABSENT, "../../etc/passwd"):
        with pytest.raises(NotFound):
            await volume.thumbnail(name, 160)


async def test_thumbnails(volume: Photos, sent: str, tmp_path: Path) -> None:
    """Upright, as large as was asked for, without place, time or camera; made once."""
    await volume.keep(sent, NAME)
    made = [await volume.thumbnail(NAME, 160) for _ in range(2)]

    assert made[0] == made[1]
    with Image.open(made[0]) as image:
        assert ((80, 160), "JPEG", {}) == (image.size, image.format, dict(image.getexif()))
    assert [] == list((tmp_path / "thumbnails").glob("*.part"))


async def test_the_sweep_takes_what_nobody_knows(volume: Photos, sent: str) -> None:
    """Of two old photos the one without a row goes; what is there counts, not what it is called."""
    other = picture(colour="red")
    orphan = name_of(hashlib.sha256(other).hexdigest(), JPEG)
    await volume.keep(sent, NAME)
    bytes_of(sent, other)
    await volume.keep(sent, orphan)

    assert 1 == await volume.sweep(Known(NAME))
    assert CONTENT == await content(volume)
    with pytest.raises(NotFound):
        await content(volume, orphan)
    assert 0 == await volume.sweep(Known(NAME))


async def test_the_sweep_leaves_what_is_young(place: Place, sent: str, tmp_path: Path) -> None:
    """A photo without a row may be one whose row is being written."""
    volume = Photos(place, tmp_path / "thumbnails")
    await volume.keep(sent, NAME)

    assert 0 == await volume.sweep(Known())
    assert CONTENT == await content(volume)


async def test_what_is_sent_again_is_young_again(place: Place, sent: str, tmp_path: Path) -> None:
    """An orphan that somebody sends once more stays: its row is on the way."""
    late = Photos(place, tmp_path / "thumbnails", clock=lambda: time.time() + ORPHAN_S + 60)
    await late.keep(sent, NAME)
    before = time.time() + 1
    await asyncio.sleep(2.1)  # an object store knows whole seconds
    await late.keep(sent, NAME)

    assert not await place.remove(NAME, before)
    assert CONTENT == await content(late)


async def test_a_folder_is_swept_of_what_crashes_left(sent: str, tmp_path: Path) -> None:
    """Half-written photos of processes that are gone; whatever else lies there is not ours."""
    root = tmp_path / "photos"
    volume = Photos(PhotoFolder(root), tmp_path / "thumbnails")
    await volume.keep(sent, NAME)
    left, foreign = root / NAME[:2] / "x.part", root / "ab" / "notes.txt"
    left.mkdir()
    foreign.parent.mkdir(exist_ok=True)
    for path in (left / NAME, foreign):
        path.write_bytes(b"half")
    for path in (left, foreign):
        os.utime(path, (1, 1))
    await volume.sweep(Known(NAME))

    assert not left.exists()
    assert foreign.exists()


async def test_a_folder_that_cannot_be_written(sent: str, tmp_path: Path) -> None:
    """Whoever sends is told, and nothing stays behind."""
    (tmp_path / "photos").write_text("not a folder")

    with pytest.raises(StoreUnavailable):
        await Photos(PhotoFolder(tmp_path / "photos"), tmp_path / "thumbnails").keep(sent, NAME)


async def test_a_bucket_that_does_not_answer(sent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, without its address or keys."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for variable in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{variable}", "very-secret")
    volume = Photos(bucket.PhotoBucket(bucket.s3("s3://bucket/x")), tmp_path / "thumbnails")

    with pytest.raises(StoreUnavailable) as refused:
        await volume.keep(sent, NAME)
    assert not {"127.0.0.1", "very-secret"} & set(str(refused.value).split())


def test_thumbnails_take_no_more_room_than_they_may(tmp_path: Path) -> None:
    """Those used longest ago go first."""
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    thumbnails = Thumbnails(tmp_path / "thumbnails")
    made = [thumbnails.make(source, JPEG, name_of(f"{n:064}", JPEG), 160) for n in range(4)]
    for age, path in enumerate(made):
        os.utime(path, (1000 - age, 1000 - age))
    Thumbnails(tmp_path / "thumbnails", room=2 * made[0].stat().st_size).prune(time.time())

    assert [True, True, False, False] == [path.exists() for path in made]


async def test_what_is_no_photo_is_not_looked_into(volume: Photos, tmp_path: Path) -> None:
    page = tmp_path / "page.jpg"
    page.write_text("<html><script>alert(1)</script>")

    with pytest.raises(BadPhoto):
        await volume.examine(str(page))
