"""When and where a photo was taken, as EXIF says it. What makes no sense says nothing: cameras write anything."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL.ExifTags import GPS, Base

NONSENSE = (ValueError, TypeError, ArithmeticError, LookupError)


def instant(exif: Mapping[int, Any], gps: Mapping[int, Any]) -> str | None:
    """When it was taken, UTC: by the satellites' clock where it is given, else by the camera's.

    A camera's clock without a zone is read as UTC, as every time in FiberQ that names none.
    """
    for read, tags in ((_by_satellites, gps), (_by_camera, exif)):
        with suppress(*NONSENSE):
            return read(tags).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return None


def position(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    """Longitude and latitude in degrees."""
    with suppress(*NONSENSE):
        longitude = _degrees(gps[GPS.GPSLongitude], gps[GPS.GPSLongitudeRef], "EW", 180)
        return longitude, _degrees(gps[GPS.GPSLatitude], gps[GPS.GPSLatitudeRef], "NS", 90)
    return None


def _degrees(parts: Sequence[Any], side: Any, sides: str, most: int) -> float:
    """Degrees from degrees, minutes and seconds. Raises: one of `NONSENSE`."""
    sign = (1, -1)[sides.index(_text(side).upper()[:1] or "?")]
    whole, minutes, seconds = (float(part) for part in parts)
    value = sign * (whole + minutes / 60 + seconds / 3600)
    if not (math.isfinite(value) and abs(value) <= most):
        raise ValueError(value)
    return value


def _by_satellites(gps: Mapping[int, Any]) -> datetime:
    hours, minutes, seconds = (float(part) for part in gps[GPS.GPSTimeStamp])
    day = datetime.strptime(_text(gps[GPS.GPSDateStamp]), "%Y:%m:%d").replace(tzinfo=UTC)
    return day + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _by_camera(exif: Mapping[int, Any]) -> datetime:
    time = _text(exif[Base.DateTimeOriginal])
    zone = _text(exif.get(Base.OffsetTimeOriginal) or "Z")
    return datetime.strptime(f"{time}{zone}", "%Y:%m:%d %H:%M:%S%z")


def _text(value: Any) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return text.strip(" \0")
