"""The shapes of photos: what is known of them, how they are sent, and how the pictures themselves come."""

from typing import Final

from fiberq_aiohttp.openapi.common import AUTHOR
from fiberq_aiohttp.openapi.operation import FORM, IDEMPOTENCY_KEY, PAGED, Answer, Parameter
from fiberq_aiohttp.openapi.shapes import (
    FILE,
    MOMENT,
    NUMBER,
    TEXT,
    WHOLE,
    YES_NO,
    Shape,
    extended,
    list_of,
    maybe,
    one_of,
    page_of,
    partial,
    record,
    text,
)
from fiberq_core.photos import MEDIA

IMAGE: Final = "image/*"
PHOTO_FILE: Final = Shape(
    "PhotoFile",
    record(
        name=TEXT,
        media_type=TEXT,
        size=WHOLE,
        width=WHOLE,
        height=WHOLE,
        taken_at=maybe(MOMENT),
        longitude=maybe(NUMBER),
        latitude=maybe(NUMBER),
        whole=YES_NO,
        file_name=maybe(TEXT),
        uploaded_by=AUTHOR,
        uploaded_at=MOMENT,
    ),
)
_ROW: Final = Shape(
    "PhotoRow",
    record(
        id=WHOLE,
        uuid=TEXT,
        project_id=WHOLE,
        layer=TEXT,
        revision=WHOLE,
        related_type=maybe(TEXT),
        related_uuid=maybe(TEXT),
        photo_path=maybe(TEXT),
        caption=maybe(TEXT),
        taken_at=maybe(MOMENT),
        taken_by_sub=maybe(TEXT),
        longitude=maybe(NUMBER),
        latitude=maybe(NUMBER),
        awaited=YES_NO,
        file=maybe(PHOTO_FILE),
    ),
)
PHOTO: Final = Shape("Photo", extended(_ROW, url=maybe(TEXT)))
PHOTOS_PAGE: Final = page_of("photos", PHOTO)
AWAITED_PAGE: Final = page_of("awaited", Shape("AwaitedPhoto", extended(_ROW, since=MOMENT, **{"from": AUTHOR})))
SENT: Final = Shape("SentPhoto", extended(PHOTO, status=one_of("ok"), filename=TEXT))
SUPPLIED: Final = record(status=one_of("ok"), filename=TEXT, path=TEXT, file=PHOTO_FILE, photos=list_of(PHOTO))
PICTURE: Final = Answer(FILE, IMAGE, "The picture", ("Cache-Control", "Content-Disposition"))

TAKEN: Final = {FORM: partial("file", file=FILE), **{media.type: FILE for media in MEDIA}}
NOTE: Final = (
    Parameter("caption", "what the photo shows", text(2000)),
    Parameter("longitude", "where it was taken, degrees", dict(NUMBER)),
    Parameter("latitude", "where it was taken, degrees", dict(NUMBER)),
)
KEYED: Final = (IDEMPOTENCY_KEY,)
RELATED_TYPE: Final = Parameter("related_type", "layer of the record", required=True)
RELATED_ID: Final = Parameter("related_id", "number of the record", {**WHOLE, "minimum": 1}, required=True)
RELATED: Final = Parameter("related_uuid", "the record's `fiberq_uuid`")
OF_DEVICE: Final = Parameter("path", "where the device has it, as `DCIM/x.jpg`", required=True)
SIZE: Final = Parameter(
    "size",
    "a thumbnail with at least so many pixels on its longer side",
    {"type": "integer", "minimum": 1, "maximum": 2048},
)
SIGNED: Final = (
    SIZE,
    Parameter("until", "of a signed address: how long it is good"),
    Parameter("signature", "of a signed address"),
)
LISTED: Final = (RELATED, *PAGED)
