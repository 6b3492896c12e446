"""Geometry blobs as this store wrote them: the GeoPackage form, whose header is read without parsing."""

import struct
from typing import Any

from fiberq_core.gpb import encode_gpb

Box = tuple[float, float, float, float]  # west, south, east, north

_ENVELOPE, _EMPTY = 0x02, 0x10
_HEAD, _HEAD_AND_ENVELOPE = 8, 40


def pack(wkb: bytes | None) -> bytes | None:
    """The blob of a canonical geometry. Raises: Invalid."""
    return None if wkb is None else encode_gpb(wkb)


def unpack(blob: bytes) -> bytes:
    """The canonical geometry in a blob that `pack` made."""
    return blob[_HEAD_AND_ENVELOPE:] if blob[3] & _ENVELOPE else blob[_HEAD:]


def box_of(blob: bytes | None) -> Box | None:
    """Where the geometry is, in degrees; None for none or an empty one."""
    if blob is None or blob[3] & _EMPTY:
        return None
    if blob[3] & _ENVELOPE:
        west, east, south, north = struct.unpack_from("<4d", blob, _HEAD)
        return west, south, east, north
    x, y = struct.unpack_from("<2d", blob, _HEAD + 5)
    return x, y, x, y


def touches(*args: Any) -> bool:
    """Whether the envelope of a geometry blob and a box (west, south, east, north) have a position in common."""
    blob, west, south, east, north = args
    box = box_of(blob)
    return box is not None and box[0] <= east and west <= box[2] and box[1] <= north and south <= box[3]
