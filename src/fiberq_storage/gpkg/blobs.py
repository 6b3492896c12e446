"""What the heads of geometry blobs say, many at a time: boxes, types, Z and M."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from attrs import define, field

from fiberq_core.geometry import bounds, decode_gpb
from fiberq_core.wkb import NAMES, POINT

HEAD = 45  # header 8, XY envelope 32, WKB byte order and type 5
_PLAIN, _BOXED, _EMPTY = 0x01, 0x03, 0x11  # flags as `encode_gpb` writes them
_WKB_AT = {_PLAIN: 8, _EMPTY: 8, _BOXED: 40}

Ids = npt.NDArray[np.int64]
Boxes = npt.NDArray[np.float64]


@define
class Seen:
    """What the geometries of a layer turned out to be."""

    types: set[int] = field(factory=set)  # ISO WKB types
    extent: tuple[float, float, float, float] | None = None  # min x, min y, max x, max y

    @property
    def has_z(self) -> bool:
        """Whether any geometry has heights."""
        return any(code // 1000 in (1, 3) for code in self.types)

    @property
    def has_m(self) -> bool:
        """Whether any geometry has measures."""
        return any(code // 1000 in (2, 3) for code in self.types)

    def type_name(self, declared: str) -> str:
        """The narrowest GeoPackage type that holds all: *declared* where that does."""
        names = {NAMES[code % 1000].upper() for code in self.types}
        if not names or names == {declared}:
            return declared
        return names.pop() if names == {f"MULTI{declared}"} else "GEOMETRY"

    def add(self, rows: Sequence[tuple[int, bytes]], whole: Callable[[int], bytes]) -> tuple[Ids, Boxes]:
        """Look at the first `HEAD` bytes of blobs: ids and boxes (min x, max x, min y, max y) of those with a place.

        *whole* gives the whole blob of an id, for those that another program wrote.
        """
        ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        heads = np.array([row[1] for row in rows], dtype=f"S{HEAD}").view(np.uint8).reshape(-1, HEAD)
        flags = heads[:, 3]
        boxes = np.full((len(rows), 4), np.nan)
        boxed = flags == _BOXED
        boxes[boxed] = np.ascontiguousarray(heads[boxed, 8:40]).view("<f8")
        kinds = np.ascontiguousarray(heads[:, 9:13]).view("<u4")[:, 0] % 1000
        point = (flags == _PLAIN) & (kinds == POINT)
        xy = np.ascontiguousarray(heads[point, 13:29]).view("<f8")
        boxes[point] = xy[:, [0, 0, 1, 1]]
        for code, at in _WKB_AT.items():
            codes = np.ascontiguousarray(heads[flags == code, at + 1 : at + 5]).view("<u4")
            self.types |= set(np.unique(codes).tolist())
        for i in np.flatnonzero(~(boxed | point | (flags == _EMPTY))):
            boxes[i] = self._by_hand(whole(int(ids[i])))
        placed = ~np.isnan(boxes).any(axis=1)
        self._extend(boxes[placed])
        return ids[placed], boxes[placed]

    def _by_hand(self, blob: bytes) -> tuple[float, float, float, float]:
        wkb, _ = decode_gpb(blob)
        self.types.add(int.from_bytes(wkb[1:5], "little"))
        west, south, east, north = bounds(wkb) or (np.nan,) * 4
        return west, east, south, north

    def _extend(self, boxes: Boxes) -> None:
        if not len(boxes):
            return
        low, high = boxes.min(axis=0), boxes.max(axis=0)
        new = (float(low[0]), float(low[2]), float(high[1]), float(high[3]))
        old = self.extent or new
        self.extent = (min(old[0], new[0]), min(old[1], new[1]), max(old[2], new[2]), max(old[3], new[3]))
