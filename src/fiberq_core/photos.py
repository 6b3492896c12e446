"""Photos: what is taken for one, what it is called here, and who may give a picture to which row.

A photo is known by its content: it is called `<sha256>.<extension>`, whatever its sender called it. A row names its
photo in `photo_path`: by that name, or by the path that it has on a device (`DCIM/…`) while the photo itself may
still be on the way (S30).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from attrs import frozen

from fiberq_core.errors import BadPhoto, Conflict, Fault, Forbidden, Invalid
from fiberq_core.geojson import from_geojson
from fiberq_core.inbox import Author
from fiberq_core.policy import Action, Actor, allows
from fiberq_core.registry import DATA_LAYERS, LAYER
from fiberq_core.registry.model import Layer
from fiberq_core.registry.work import PHOTOS, RELATED_TYPE
from fiberq_core.rows import Stored

PHOTO_PATH: Final = "photo_path"  # the column in which a row names its photo
PHOTO_LAYERS: Final[tuple[Layer, ...]] = tuple(layer for layer in DATA_LAYERS if layer.column(PHOTO_PATH))
HEAD: Final = 64  # bytes of a file that tell what it is
LONGEST_PATH: Final = 512  # characters
MAX_PIXELS: Final = 120_000_000  # of a photo; a larger one is taken for an attack on whoever opens it
MAX_SIDE: Final = 32_767  # pixels

_NAME = re.compile(r"[0-9a-f]{64}\.(jpg|png|webp|heic)")
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


@frozen
class Media:
    """A kind of file that is taken. *extension* is without the dot, *codec* the name by which libraries know it."""

    type: str
    extension: str
    codec: str


JPEG = Media("image/jpeg", "jpg", "JPEG")
PNG = Media("image/png", "png", "PNG")
WEBP = Media("image/webp", "webp", "WEBP")
HEIC = Media("image/heic", "heic", "HEIF")
MEDIA: Final = (JPEG, PNG, WEBP, HEIC)
NOT_A_PHOTO: Final = "The file is no photo that is taken here. Send a JPEG, PNG, WebP or HEIC"


@frozen
class Facts:
    """What a photo says of itself.

    *width* and *height* are pixels as it is to be seen, *orientation* is EXIF's 1 to 8. *taken_at* is UTC in ISO 8601;
    *longitude* and *latitude* are degrees. *whole*: nothing seems to be missing at its end.
    """

    media: Media
    width: int
    height: int
    orientation: int = 1
    taken_at: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    whole: bool = True


@frozen
class PhotoFile:
    """A photo that is here, by its *name*. *size* is bytes; *file_name*, for people only, is what its sender called it."""

    name: str
    facts: Facts
    size: int
    file_name: str
    by: Author
    at: str


@frozen
class KnownName:
    """Which photo came under a path of a device, and from whom (a subject)."""

    path: str
    name: str
    by: str


class Content(Protocol):
    """The bytes of a file, in memory or mapped."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...
    def rfind(self, sub: bytes, /) -> int:
        """Where *sub* is last; -1 if nowhere."""
        ...


def media_of(head: bytes) -> Media | None:
    """What a file is by its first `HEAD` bytes; None for anything that is no photo."""
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    return HEIC if head[4:8] == b"ftyp" and head[8:12] in _HEIC else None


def looks_whole(media: Media, content: Content) -> bool:
    """Whether a photo ends as one of its kind does. What it holds is not looked at."""
    if media is JPEG:  # behind the last scan; a small picture inside the EXIF data ends before that
        return content.rfind(b"\xff\xd9") > content.rfind(b"\xff\xda") >= 0
    if media is PNG:
        return content.rfind(b"IEND") >= 0
    if media is WEBP:
        return int.from_bytes(content[4:8], "little") + 8 <= len(content)
    return _boxes_end_inside(content)


def _boxes_end_inside(content: Content) -> bool:
    """Whether the boxes of an ISO base media file (ISO 14496-12, 4.2) end where the file does."""
    at, end = 0, len(content)
    while at < end:
        size, head = int.from_bytes(content[at : at + 4], "big"), 8
        if size == 0:  # up to the end of the file
            return True
        if size == 1:
            size, head = int.from_bytes(content[at + 8 : at + 16], "big"), 16
        if size < head:
            return False
        at += size
    return at == end


def check_size(width: int, height: int) -> None:
    """Refuse, before anything is unpacked, a picture of more pixels than a camera makes. Raises: BadPhoto."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or width * height > MAX_PIXELS:
        reason = f"has {width} by {height} pixels; at most {MAX_PIXELS // 1_000_000} million are taken"
        raise BadPhoto(f"The photo {reason}", [Fault("file", reason)])


def not_a_photo() -> BadPhoto:
    """What is said of anything else."""
    return BadPhoto(NOT_A_PHOTO, [Fault("file", "must be a JPEG, PNG, WebP or HEIC")])


def name_of(digest: str, media: Media) -> str:
    """What a photo is called here."""
    return f"{digest}.{media.extension}"


def shelf(name: str) -> str:
    """Where in a folder or a bucket the photo with a name of ours lies."""
    return f"{name[:2]}/{name}"


def media_in(name: str) -> Media | None:
    """What a photo with a name of ours is; None for any other name."""
    match = _NAME.fullmatch(name)
    return next((m for m in MEDIA if match and m.extension == match[1]), None)


def device_path(text: str) -> str:
    """A photo's path on a device, as rows have it; it is compared with theirs and never opened. Raises: Invalid."""
    if not 0 < len(text) <= LONGEST_PATH or not text.isprintable() or ".." in re.split(r"[\\/]", text):
        message = f"must be the photo's path as a row has it, like DCIM/photo.jpg: at most {LONGEST_PATH} characters"
        raise Invalid(f"path {message}", [Fault("path", message)])
    return text


def shown_name(text: str | None) -> str:
    """What a sender called a file, without folders and whatever cannot be printed; for people only."""
    last = re.split(r"[\\/]", text or "")[-1]
    return "".join(c for c in last if c.isprintable())[:LONGEST_PATH]


def related_layer(text: str) -> Layer:
    """The layer of what a photo shows, by any of its names. Raises: Invalid."""
    term = RELATED_TYPE.term(text)
    if term is None:
        known = ", ".join(t.code for t in RELATED_TYPE.terms)
        raise Invalid("related_type is not a kind of record", [Fault("related_type", f"must be one of {known}")])
    return LAYER[term.code]


def place(longitude: float | None, latitude: float | None) -> bytes | None:
    """Where a photo was taken, as a geometry; None if that is not known. Raises: Invalid."""
    faults = [
        Fault(name, f"must be from {-most} to {most} degrees")
        for name, value, most in (("longitude", longitude, 180), ("latitude", latitude, 90))
        if value is not None and not -most <= value <= most
    ]
    if (longitude is None) != (latitude is None):
        faults.append(Fault("longitude" if longitude is None else "latitude", "goes with the other one; send both"))
    if faults:
        raise Invalid("Nothing was changed; see the errors", faults)
    return None if longitude is None else from_geojson({"type": "Point", "coordinates": [longitude, latitude]})


def demand_record(actor: Actor, record: Stored, owner: str | None) -> None:
    """Insist that *actor* may photograph *record*, which belongs to *owner* if to anybody. Raises: Forbidden, Invalid."""
    layer = LAYER[record.key.layer]
    if RELATED_TYPE.term(layer.name) is None:
        raise Invalid(f"{layer.labels.en} have no photos", [Fault("related_uuid", "names a record that has no photos")])
    owned = layer.owner is not None or layer.owner_via is not None
    if owned and not allows(actor, Action.PHOTO_WRITE, owner=owner):
        raise Forbidden(f"{layer.labels.en}: this one is somebody else's; your role lets you add photos to your own")


def demand_rows(actor: Actor, rows: Sequence[Stored]) -> None:
    """Insist that *actor* may send the photo that *rows* name: whoever may write one of them may. Raises: Forbidden."""
    if rows and not any(may_write(actor, row) for row in rows):
        raise Forbidden("The photo belongs to a record of somebody else; your role lets you send your own")


def demand_name(actor: Actor, rows: Sequence[Stored], known: KnownName | None, name: str) -> None:
    """Insist that *actor* may send the photo *name* under a path that *rows* name and *known* has come under.

    Whoever may write one of the rows may; so may anybody while no row names it. A photo that is there gives way to
    its own sender, to whoever may write everybody's, and where it came from somebody without a row of that name.
    Raises: Forbidden, Conflict.
    """
    demand_rows(actor, rows)
    if known is None or name == known.name or actor.subject == known.by or allows(actor, Action.PHOTO_WRITE):
        return
    if not rows or known.by in owners(rows):
        raise Conflict("Another photo has come under this path, from somebody else. Give yours another name")


def may_write(actor: Actor, row: Stored) -> bool:
    """Whether *actor* may write *row*."""
    layer = LAYER[row.key.layer]
    owner = row.row.get(layer.owner) if layer.owner else None
    return allows(actor, layer.rights.write, owner=owner if isinstance(owner, str) else None)


def owners(rows: Iterable[Stored]) -> frozenset[object]:
    """Whose photos *rows* are."""
    return frozenset(row.row.get(owner) for row in rows if (owner := LAYER[row.key.layer].owner))


def is_photo(row: Stored) -> bool:
    """Whether a row is a photo of its own, and not a record that has one."""
    return row.key.layer == PHOTOS.name
