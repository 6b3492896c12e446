"""Where a file may differ from the package that was delivered: for each table, stretches of fids."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from attrs import field, frozen

from fiberq_storage.gpkg.connection import Allowance
from fiberq_storage.gpkg.description import PAGE_BYTES
from fiberq_storage.gpkg.pages import HIGHEST, LEAF, LOWEST, Flags, Pages, Tree, read_tree, same_form, whole_rows

Stretches = tuple[tuple[int, int], ...]  # first and last fid of each
Everywhere = Callable[[Callable[[int], None], Iterable[int]], Iterable[None]]  # `map`, or that of several threads

_SPAN: Final = 4_096  # pages that one thread compares before it is given the next
_BLOCK: Final = 128  # pages of it in memory at a time
_MOST: Final = 0.5  # of the leaves: beyond that, a whole table is read faster than its stretches


@frozen
class Parts:
    """Where rows may differ, *here* in the file and in what was *delivered*.

    *more*: how many rows there are here beyond those delivered, where that is known. *untouched*: every page of the
    table is the package's own.
    """

    here: Stretches
    delivered: Stretches
    more: int | None = None
    untouched: bool = False


WHOLE: Final = Parts(((LOWEST, HIGHEST),), ((LOWEST, HIGHEST),))
UNTOUCHED: Final = Parts((), (), 0, untouched=True)


def differing_parts(
    path: str, base: str, roots: Mapping[str, int], allowance: Allowance, everywhere: Everywhere
) -> dict[str, Parts]:
    """For each table of *roots* (its root page, the same in both files) where it may differ.

    Tables of which that cannot be said are left out. Raises: BadPackage, when time is up.
    """
    with Path(path).open("rb") as sent, Path(base).open("rb") as package:
        file, delivered = Pages.of(sent.fileno()), Pages.of(package.fileno())
        if not same_form(file, delivered):
            return {}
        trees = {table: tree for table, root in roots.items() if (tree := read_tree(delivered, root))}
        look = _Look(file, delivered, _marked(trees.values(), max(file.count, delivered.count)), allowance)
        for _ in everywhere(look.span, range(1, min(file.count, delivered.count) + 1, _SPAN)):
            pass
        found = {table: _parts(_here(tree, roots[table], look), tree, look) for table, tree in trees.items()}
        return {table: parts for table, parts in found.items() if parts}


def _marked(trees: Iterable[Tree], count: int) -> Flags:
    """By number of page, whether it is a leaf of one of *trees*."""
    leaf = np.zeros(count + 1, np.bool_)
    for tree in trees:
        leaf[tree.leaves] = True
    return leaf


@frozen
class _Look:
    """Both files, page by page: *same* where they are equal, *settled* where that is a leaf of whole rows besides."""

    file: Pages
    delivered: Pages
    leaf: Flags
    allowance: Allowance
    same: Flags = field(init=False)
    settled: Flags = field(init=False)

    @same.default
    def _same(self) -> Flags:
        return np.zeros_like(self.leaf)

    @settled.default
    def _settled(self) -> Flags:
        return np.zeros_like(self.leaf)

    def span(self, first: int) -> None:
        """Compare the pages from *first* on, some megabytes. Raises: BadPackage, when time is up."""
        end = min(first + _SPAN, self.file.count + 1, self.delivered.count + 1)
        now, was = (np.empty((_BLOCK, PAGE_BYTES), np.uint8) for _ in range(2))
        for at in range(first, end, _BLOCK):
            self.allowance.spend(0)
            self.file.into(now, at)
            self.delivered.into(was, at)
            pages = slice(at, min(at + _BLOCK, end))
            self.same[pages] = (now.view(np.uint64) == was.view(np.uint64)).all(axis=1)[: pages.stop - at]
            leaves = np.flatnonzero(self.leaf[pages] & self.same[pages])
            self.settled[at + leaves] = whole_rows(was, leaves)


def _here(delivered: Tree, root: int, look: _Look) -> Tree | None:
    """The tree of a table in the file. Equal inner pages make equal trees: mostly it need not be read once more."""
    there = delivered.leaves.max() <= look.file.count and bool(look.same[delivered.inner].all())
    if there and look.file.read(int(delivered.leaves[0]))[0] == LEAF:
        return delivered
    return read_tree(look.file, root)


def _parts(here: Tree | None, delivered: Tree, look: _Look) -> Parts | None:
    if here is None:
        return None
    shared = look.settled if here is delivered else _in_both(here, delivered, look)
    changed, was = ~shared[here.leaves], ~shared[delivered.leaves]
    if changed.mean() > _MOST:
        return None
    if here is delivered and not changed.any():
        return UNTOUCHED
    more = look.file.rows(here.leaves[changed]) - look.delivered.rows(delivered.leaves[was])
    return Parts(here.stretches(changed), delivered.stretches(was), more)


def _in_both(here: Tree, delivered: Tree, look: _Look) -> Flags:
    """By number of page, whether it is a settled leaf of either tree."""
    shared = np.zeros_like(look.settled)
    shared[np.intersect1d(here.leaves, delivered.leaves, assume_unique=True)] = True
    return shared & look.settled
