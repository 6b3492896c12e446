"""Which parts of a table came back byte for byte as they were delivered, seen without reading a row.

A device edits its copy of a package in place: most pages of the file are the package's own. SQLite's file format
(sqlite.org/fileformat2.html) keeps a table as a tree. Its rows lie in *leaf* pages, side by side in the order of their
fids; *inner* pages only say which leaf holds which fids. So a leaf that both files have, at the same place and with
the same bytes, holds the same rows, and only the rows of other leaves need to be compared.

A row that is too long for its leaf goes on in other pages; leaves with such rows count as changed always.

The delivered package is ours. The file is a stranger's: of it, bytes are compared, and inner pages are taken apart with
every number checked. Whatever is odd gives None, and then the whole table is compared by SQLite.
"""

import os
from typing import Final

import numpy as np
import numpy.typing as npt
from attrs import frozen

from fiberq_storage.gpkg.description import PAGE_BYTES

INNER, LEAF = 5, 13  # what the first byte of a page of a table says
LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1  # fids
MAX_DEPTH: Final = 20  # SQLite's own limit
_IN_LEAF: Final = PAGE_BYTES - 35  # bytes of a row that fit into a leaf
_VARINT: Final = 9  # bytes at the most
_SAME_FORM: Final = (slice(16, 18), slice(20, 24), slice(44, 48), slice(52, 60))  # of the header: sizes, encoding
_BIG_ENDIAN: Final = np.array([1 << 24, 1 << 16, 1 << 8, 1])  # what four bytes count for

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


@frozen
class Pages:
    """An open file as pages of 4,096 bytes, numbered from one."""

    file: int  # descriptor
    count: int

    @classmethod
    def of(cls, file: int) -> "Pages":
        """All whole pages of a file."""
        return cls(file, os.fstat(file).st_size // PAGE_BYTES)

    def read(self, number: int) -> bytes:
        """One page."""
        return os.pread(self.file, PAGE_BYTES, (number - 1) * PAGE_BYTES)

    def into(self, block: Bytes, number: int) -> None:
        """Fill *block*, a page per line, with the pages from *number* on."""
        os.preadv(self.file, [block.data.cast("B")], (number - 1) * PAGE_BYTES)

    def rows(self, leaves: Numbers) -> int:
        """How many rows there are in these leaves together."""
        heads = (os.pread(self.file, 2, (number - 1) * PAGE_BYTES + 3) for number in leaves.tolist())
        return sum(int.from_bytes(head, "big") for head in heads)


@frozen
class Tree:
    """The leaves of a table in the order of their rows, the highest fid that each may hold, and the inner pages."""

    leaves: Numbers
    highest: Numbers
    inner: Numbers

    def stretches(self, chosen: Flags) -> tuple[tuple[int, int], ...]:
        """The fids that the *chosen* leaves may hold, as first and last; leaves side by side give one stretch."""
        framed = np.concatenate([[False], chosen, [False]])
        first, last = np.flatnonzero(framed[1:] & ~framed[:-1]), np.flatnonzero(framed[:-1] & ~framed[1:]) - 1
        below = np.concatenate([[LOWEST], self.highest[:-1] + 1])
        return tuple(zip(below[first].tolist(), self.highest[last].tolist(), strict=True))


def same_form(one: Pages, other: Pages) -> bool:
    """Whether equal pages of two files mean the same: size of pages, text encoding, form of the schema."""
    heads = [pages.read(1)[:100] for pages in (one, other)]
    size = heads[0][16:18] == PAGE_BYTES.to_bytes(2, "big") and heads[0][20] == 0
    return size and all(heads[0][part] == heads[1][part] for part in _SAME_FORM)


def read_tree(pages: Pages, root: int) -> Tree | None:
    """The tree of a table whose root is page *root*; None where it is not plainly one.

    Of a stranger's file it is believed only after SQLite's own check, which sees leaves out of order or used twice.
    """
    level, highest = np.array([root]), np.array([HIGHEST])
    inner: list[int] = []
    for _ in range(MAX_DEPTH):
        if level.min() < 1 or level.max() > pages.count or len(inner) + len(level) > pages.count:
            return None
        if pages.read(int(level[0]))[0] == LEAF:
            return Tree(level, highest, np.array(inner, np.int64))
        below = [children(pages.read(n), high) for n, high in zip(level.tolist(), highest.tolist(), strict=True)]
        inner += level.tolist()
        known = [part for part in below if part is not None]
        if len(known) != len(below):
            return None
        level, highest = (np.concatenate(parts) for parts in zip(*known, strict=True))
    return None


def children(page: bytes, highest: int) -> tuple[Numbers, Numbers] | None:
    """The pages below an inner page and the highest fid of each; *highest* is that of the page itself."""
    cells = int.from_bytes(page[3:5], "big")
    if len(page) != PAGE_BYTES or page[0] != INNER or 12 + 2 * cells > PAGE_BYTES:
        return None
    starts = np.frombuffer(page, ">u2", cells, 12).astype(np.int64)
    starts = np.minimum(starts, PAGE_BYTES)  # what lies outside of the page reads as nothing
    raw = np.frombuffer(page + bytes(4 + _VARINT), np.uint8)[starts[:, None] + np.arange(4 + _VARINT)]
    numbers = raw[:, :4].astype(np.int64) @ _BIG_ENDIAN
    last = int.from_bytes(page[8:12], "big")
    return np.append(numbers, last), np.append(_varints(raw[:, 4:]), highest)


def _varints(raw: Bytes) -> Numbers:
    """The number at the beginning of each line of nine bytes: seven bits of each byte but the last, all of the ninth."""
    value, going_on = np.zeros(len(raw), np.uint64), np.ones(len(raw), np.bool_)
    for at in range(_VARINT):
        byte = raw[:, at].astype(np.uint64)
        longer = (
            (value << np.uint64(8)) | byte if at == _VARINT - 1 else (value << np.uint64(7)) | (byte & np.uint64(127))
        )
        value = np.where(going_on, longer, value)
        going_on &= byte > np.uint64(127)
        if not going_on.any():
            break
    return value.view(np.int64)


def whole_rows(pages: Bytes, leaves: Numbers) -> Flags:
    """For each of *leaves* among some *pages* of our own, one per line: whether no row of it goes on elsewhere."""
    cells = pages[leaves, 3].astype(np.int64) << 8 | pages[leaves, 4]
    most = min(int(cells.max(initial=0)), (PAGE_BYTES - 8) // 2)
    starts = np.minimum(pages[leaves, 8 : 8 + 2 * most].view(">u2").astype(np.int64), PAGE_BYTES - 2)
    starts += leaves[:, None] * PAGE_BYTES
    first, second = (pages.reshape(-1)[starts + at].astype(np.int64) for at in (0, 1))
    short = (first <= 127) | ((second <= 127) & (((first & 127) << 7 | second) <= _IN_LEAF))
    within: Flags = np.all(short | (np.arange(most) >= cells[:, None]), axis=1)
    return within
