"""Looking into photos. They come from strangers: only the head of one is read until its size is known to be sane.

A JPEG or a PNG whose end is missing is taken, since half of a photo may be all that is left of it; its head must be
readable. Of half a WebP or HEIC nothing can be read.
All functions block.
"""

import mmap
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from PIL import ExifTags, Image, ImageFile, ImageOps
from pillow_heif import register_heif_opener

from fiberq_core.errors import BadPhoto, Fault
from fiberq_core.photos import HEAD, MAX_PIXELS, Facts, Media, check_size, looks_whole, media_of, not_a_photo
from fiberq_storage.photos.exif import instant, position

QUALITY: Final = 82  # of the JPEG of a thumbnail
SIDEWAYS: Final = (5, 6, 7, 8)  # orientations of EXIF in which width is height
BROKEN: Final = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError),
    *(RuntimeError, MemoryError, struct.error, Image.DecompressionBombError, Image.DecompressionBombWarning),
)
UNREADABLE: Final = "The photo cannot be read; its beginning is damaged"


def prepare() -> None:
    """Set the image library up, for the whole process."""
    register_heif_opener(thumbnails=False)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # a photo whose end is missing is shown as far as it goes


def examine(path: Path) -> Facts:
    """What the file at *path* says of itself. Raises: BadPhoto."""
    with path.open("rb") as file:
        media = media_of(file.read(HEAD))
    if media is None:
        raise not_a_photo()
    with _opened(path, media) as image:
        exif = image.getexif()
        orientation = _orientation(exif)
        width, height = image.size[::-1] if orientation in SIDEWAYS else image.size
        taken_at, place = instant(_ifd(exif, ExifTags.IFD.Exif), _ifd(exif, ExifTags.IFD.GPSInfo)), _place(exif)
    return Facts(media, width, height, orientation, taken_at, *place, whole=_whole(path, media))


def make_thumbnail(path: Path, media: Media, side: int, target: Path) -> None:
    """Write a JPEG at most *side* pixels wide and high, upright, that says nothing but the picture. Raises: BadPhoto."""
    with _opened(path, media) as image:
        image.thumbnail((side, side))
        upright = ImageOps.exif_transpose(image)
        paper = Image.new("RGB", upright.size, "white")
        paper.paste(upright, mask=upright.convert("RGBA") if upright.has_transparency_data else None)
    paper.save(target, "JPEG", quality=QUALITY)


@contextmanager
def _opened(path: Path, media: Media) -> Iterator[Image.Image]:
    """The picture at *path*, not yet unpacked and of a sane size. Raises: BadPhoto, also for what fails in the block."""
    try:
        with Image.open(path, formats=[media.codec]) as image:
            check_size(*image.size)
            yield image
    except BROKEN as error:
        raise BadPhoto(UNREADABLE, [Fault("file", "must be a photo that can be opened")]) from error


def _whole(path: Path, media: Media) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return looks_whole(media, content)


def _orientation(exif: Image.Exif) -> int:
    said = exif.get(ExifTags.Base.Orientation)
    return said if isinstance(said, int) and 1 <= said <= 8 else 1


def _place(exif: Image.Exif) -> tuple[float | None, float | None]:
    return position(_ifd(exif, ExifTags.IFD.GPSInfo)) or (None, None)


def _ifd(exif: Image.Exif, which: ExifTags.IFD) -> Mapping[int, Any]:
    """A part of the EXIF data; what cannot be read says nothing."""
    try:
        return exif.get_ifd(which)
    except BROKEN:
        return {}
