"""What is read out of photos, and what is refused before it is unpacked."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fiberq_core.errors import BadPhoto
from fiberq_core.photos import JPEG, MEDIA, Media
from fiberq_storage.photos import exif, imaging
from tests.aiohttp.pictures import PLACE, TAKEN, TAKEN_AT, picture
from tests.aiohttp.pictures import exif as a_phone

KINDS = ["JPEG", "PNG", "WEBP", "HEIF"]


@pytest.fixture(autouse=True)
def library() -> None:
    """The image library as the server sets it up."""
    imaging.prepare()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is as large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(9999), 9))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_phone_wrote(kind: str, tmp_path: Path) -> None:
    """Time, place and orientation are read from each kind; the size is that of the upright picture."""
    (tmp_path / "x").write_bytes(picture(kind, (80, 60), exif=a_phone(6)))
    facts = imaging.examine(tmp_path / "x")

    assert (60, 80) == (facts.width, facts.height) or (kind == "HEIF" and (80, 60) == (facts.width, facts.height))
    assert (kind, TAKEN_AT, *PLACE, True) == (
        facts.media.codec,
        facts.taken_at,
        facts.longitude,
        facts.latitude,
        facts.whole,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_without_words(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(picture(kind, (80, 60)))
    facts = imaging.examine(tmp_path / "x")

    assert (80, 60, 1, None, None, None) == (
        *(facts.width, facts.height, facts.orientation),
        *(facts.taken_at, facts.longitude, facts.latitude),
    )


# what stands in the upper left corner of the upright picture: its left half is red, its right one blue
UPRIGHT = [(1, "red"), (2, "blue"), (3, "blue"), (6, "red"), (8, "blue")]


@pytest.mark.parametrize("orientation, corner", UPRIGHT)
def test_thumbnails_stand_upright(orientation: int, corner: str, tmp_path: Path) -> None:
    """As EXIF defines its orientations: 6 is turned to the right, 8 to the left, 3 upside down, 2 mirrored."""
    image = Image.new("RGB", (400, 200), "red")
    image.paste("blue", (200, 0, 400, 200))
    image.save(tmp_path / "x", "JPEG", exif=a_phone(orientation), quality=95)
    imaging.make_thumbnail(tmp_path / "x", JPEG, 100, tmp_path / "small")

    with Image.open(tmp_path / "small") as small:
        pixel = small.getpixel((2, 2))
        assert isinstance(pixel, tuple)
        assert ((50, 100) if orientation > 4 else (100, 50)) == small.size
        assert (corner == "red") == (pixel[0] > pixel[2])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "I;16", "CMYK", "1"])
def test_any_colours_become_a_thumbnail(mode: str, tmp_path: Path) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    Image.new(mode, (50, 50)).save(tmp_path / "x", kind)
    imaging.make_thumbnail(tmp_path / "x", imaging.examine(tmp_path / "x").media, 20, tmp_path / "small")

    with Image.open(tmp_path / "small") as small:
        assert ((20, 20), "RGB") == (small.size, small.mode)


@pytest.mark.parametrize("size", [(60_000, 60_000), (32_000, 32_000), (2**31 - 1, 2**31 - 1), (0, 5), (40_000, 1)])
def test_a_bomb_is_refused_by_its_head(size: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bomb(*size))

    with pytest.raises(BadPhoto):
        imaging.examine(tmp_path / "x")


NO_PHOTOS = [
    b"",
    b"\xff\xd8\xff",
    b"\xff\xd8\xff\xe0" + bytes(100),
    b"<html><body onload=alert(1)>",
    b"\x89PNG\r\n\x1a\n",
    b"\x89PNG\r\n\x1a\n" + bytes(1000),
    b"RIFF\xff\xff\xff\xffWEBP" + bytes(1000),
    b"\0\0\0\x18ftypheic" + bytes(1000),
    b"GIF89a" + bytes(100),
]


@pytest.mark.parametrize("content", NO_PHOTOS)
def test_what_is_no_photo_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)

    with pytest.raises(BadPhoto):
        imaging.examine(tmp_path / "x")


@pytest.mark.parametrize("media", MEDIA, ids=lambda m: m.extension)
def test_half_a_photo(media: Media, tmp_path: Path) -> None:
    """Cut anywhere: refused, or taken and known to be cut. Half a WebP or a HEIC is nothing: the head needs the rest."""
    whole = picture(media.codec, (200, 200), exif=a_phone())
    taken = 0
    for part in range(1, len(whole), max(1, len(whole) // 40)):
        (tmp_path / "x").write_bytes(whole[:part])
        try:
            facts = imaging.examine(tmp_path / "x")
        except BadPhoto:
            continue
        taken += 1
        assert not facts.whole
    assert (taken > 10) == (media in MEDIA[:2])


@pytest.mark.parametrize("media", MEDIA[:2], ids=lambda m: m.extension)
def test_half_a_photo_is_shown_as_far_as_it_goes(media: Media, tmp_path: Path) -> None:
    image = Image.effect_noise((200, 200), 90)
    image.save(tmp_path / "x", media.codec)
    whole = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(whole[: len(whole) // 2])
    imaging.make_thumbnail(tmp_path / "x", media, 100, tmp_path / "small")

    assert (tmp_path / "small").stat().st_size


GPS = {1: "N", 2: (43.0, 30.0, 0.0), 3: "W", 4: (21.0, 15.0, 36.0), 29: "2026:05:04", 7: (8.0, 11.0, 12.5)}
PLACES = [
    ({}, (-21.26, 43.5)),
    ({1: "S"}, (-21.26, -43.5)),
    ({1: b"n\0"}, (-21.26, 43.5)),
    ({1: ""}, None),
    ({1: "X"}, None),
    ({2: (999.0, 0.0, 0.0)}, None),
    ({2: (float("nan"), 0.0, 0.0)}, None),
    ({2: (43.0, 30.0)}, None),
    ({2: 43.5}, None),
    ({4: None}, None),
]


@pytest.mark.parametrize("change, expected", PLACES)
def test_places_that_make_no_sense_are_none(change: dict[int, Any], expected: tuple[float, float] | None) -> None:
    assert expected == exif.position({**GPS, **change})
    assert exif.position({}) is None


TIMES = [
    ({0x9003: TAKEN, 0x9011: "+02:00"}, {}, TAKEN_AT),
    ({0x9003: TAKEN}, {}, "2026-05-04T10:11:12.000Z"),
    ({0x9003: TAKEN, 0x9011: "+02:00"}, GPS, "2026-05-04T08:11:12.500Z"),
    ({0x9003: TAKEN}, {**GPS, 29: "0000:00:00"}, "2026-05-04T10:11:12.000Z"),
    ({0x9003: "0000:00:00 00:00:00"}, {}, None),
    ({0x9003: "yesterday"}, {}, None),
    ({0x9003: b"2026:05:04 10:11:12\0"}, {}, "2026-05-04T10:11:12.000Z"),
    ({0x9003: TAKEN, 0x9011: "east"}, {}, None),
    ({0x9003: "0001:01:01 00:00:00", 0x9011: "+14:00"}, {}, None),
    ({}, {**GPS, 7: (1e300, 0.0, 0.0)}, None),
    ({}, {}, None),
]


@pytest.mark.parametrize("camera, gps, expected", TIMES)
def test_times(camera: dict[int, Any], gps: dict[int, Any], expected: str | None) -> None:
    """The satellites' clock first, then the camera's; one without a zone is read as UTC."""
    assert expected == exif.instant(camera, gps)
