"""The blob that holds a geometry in a GeoPackage: a header, an envelope, then WKB."""

import struct

from fiberq_core.errors import Invalid
from fiberq_core.wkb import POINT, canonical_wkb, is_empty, node_bounds, parse

WGS84 = 4326
_MAGIC, _VERSION = b"GP", 0
_LITTLE, _ENVELOPE_XY, _EMPTY, _EXTENDED = 0x01, 0x02, 0x10, 0x20
_ENVELOPE_BYTES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
_HEADER = 8


def encode_gpb(wkb: bytes, srid: int = WGS84) -> bytes:
    """The GeoPackage blob of canonical *wkb*: little-endian header, XY envelope for all but points. Raises: Invalid."""
    node = parse(wkb)
    box = node_bounds(node)
    if is_empty(node) or box is None:
        return struct.pack("<2sBBi", _MAGIC, _VERSION, _LITTLE | _EMPTY, srid) + wkb
    if node.kind == POINT:
        return struct.pack("<2sBBi", _MAGIC, _VERSION, _LITTLE, srid) + wkb
    west, south, east, north = box
    head = struct.pack("<2sBBi4d", _MAGIC, _VERSION, _LITTLE | _ENVELOPE_XY, srid, west, east, south, north)
    return head + wkb


def decode_gpb(blob: bytes) -> tuple[bytes, int]:
    """Canonical WKB and the declared SRID of a GeoPackage blob with any header. Raises: Invalid."""
    if len(blob) < _HEADER or blob[:2] != _MAGIC or blob[2] != _VERSION:
        raise Invalid("The geometry is not a GeoPackage geometry")
    flags = blob[3]
    if flags & _EXTENDED:
        raise Invalid("The geometry uses a GeoPackage extension that is not supported")
    envelope = _ENVELOPE_BYTES.get(flags >> 1 & 7)
    if envelope is None:
        raise Invalid("The geometry has an invalid envelope")
    (srid,) = struct.unpack_from("<i" if flags & _LITTLE else ">i", blob, 4)
    return canonical_wkb(blob[_HEADER + envelope :]), srid
