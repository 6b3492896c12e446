"""Geometry blobs as this store wrote them: the GeoPackage form, whose header is read without parsing."""

import struct
import sys
from array import array
from math import isfinite
from typing import Any

from fiberq_core.gpb import WGS84, encode_gpb
from fiberq_storage.reader import Box

_ENVELOPE, _EMPTY = 0x02, 0x10
_HEAD, _HEAD_AND_ENVELOPE = 8, 40
_POINT_HEAD = struct.pack("<2sBBi", b"GP", 0, 1, WGS84)
_LINE_HEAD = struct.Struct("<2sBBi4d")


def pack(wkb: bytes | None) -> bytes | None:
    """The blob of a canonical geometry. Raises: Invalid."""
    if wkb is None:
        return None
    quick = _QUICK.get(wkb[:5]) if sys.byteorder == "little" else None
    return (quick and quick(wkb)) or encode_gpb(wkb)


def _packed_point(wkb: bytes) -> bytes | None:
    return _POINT_HEAD + wkb if isfinite(sum(array("d", wkb[5:]))) else None


def _packed_line(wkb: bytes) -> bytes | None:
    run = array("d", wkb[9:])
    if not run or not isfinite(sum(run)):
        return None
    xs, ys = run[0::2], run[1::2]
    return _LINE_HEAD.pack(b"GP", 0, 1 | _ENVELOPE, WGS84, min(xs), max(xs), min(ys), max(ys)) + wkb


# Plain points and lines, of which most networks consist, without building their trees; None for odd numbers.
_QUICK = {b"\x01\x01\0\0\0": _packed_point, b"\x01\x02\0\0\0": _packed_line}


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
