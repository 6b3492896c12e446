"""Photos as the stores hold them: one record each, in both."""

from collections.abc import Sequence
from typing import Any

from fiberq_core.inbox import Author
from fiberq_core.photos import Facts, PhotoFile, media_in

FIELDS = (
    *("name", "size", "width", "height", "orientation", "taken_at", "longitude", "latitude", "whole"),
    *("file_name", "by_sub", "by_name", "at"),
)


def record_of(photo: PhotoFile) -> tuple[Any, ...]:
    """The values of `FIELDS`."""
    f, by = photo.facts, photo.by
    seen = (f.width, f.height, f.orientation, f.taken_at, f.longitude, f.latitude, f.whole)
    return (photo.name, photo.size, *seen, photo.file_name, by.sub, by.name, photo.at)


def photo_of(record: Sequence[Any]) -> PhotoFile:
    """The photo in a record of `FIELDS`."""
    name, size, width, height, orientation, taken_at, longitude, latitude, whole, file_name, sub, by_name, at = record
    media = media_in(name)
    assert media is not None  # nothing else is ever saved
    facts = Facts(media, width, height, orientation, taken_at, longitude, latitude, bool(whole))
    return PhotoFile(name, facts, size, file_name, Author(sub, by_name), at)
