"""One package onto its shelf: made from an earlier one where little has changed since, else written whole."""

import asyncio
import logging
from pathlib import Path

import apsw

from fiberq_core.geopackage import PLACEHOLDER
from fiberq_core.sent import Provenance
from fiberq_storage.files.disk import workplace
from fiberq_storage.files.shelf import Kept, Shelf, mark
from fiberq_storage.files.source import Delta, Look, PackageSource
from fiberq_storage.gpkg import patching

SHARE = 10  # one row in so many may have changed: more are quicker written anew
FEW = 1_000  # rows that may have changed in any package
TRIED = 3  # earlier packages that are looked at

log = logging.getLogger("fiberq.sync.exporter")


async def build(source: PackageSource, shelf: Shelf, project_id: int, look: Look) -> Kept:
    """Make the package of a project at *look*. Raises: NotFound, StoreUnavailable."""
    async with workplace(shelf.folder) as place:
        made = place / "patched"
        offset = await _patched(source, shelf, project_id, look, made)
        if offset is None:
            made = place / "whole"
            offset = await source.build(project_id, look, made)
        return await asyncio.to_thread(shelf.put, made, look, offset)


async def _patched(source: PackageSource, shelf: Shelf, project_id: int, look: Look, path: Path) -> int | None:
    """Make the package at *path* from an earlier one; the offset of its export id, or None if it must be written whole."""
    try:
        base = await _base(source, shelf, project_id, look.revision)
        if base is None:
            return None
        at_most = max(FEW, await asyncio.to_thread(patching.rows_in, base.path) // SHARE)
        delta = await source.delta(project_id, base.revision, look.revision, at_most)
        return None if delta is None else await asyncio.to_thread(_patch, shelf, base, path, delta, look)
    except FileNotFoundError:
        return None  # the earlier package was pruned meanwhile
    except apsw.Error:
        log.exception("the package of revision %d is written whole: an earlier one cannot be patched", look.revision)
        return None


async def _base(source: PackageSource, shelf: Shelf, project_id: int, revision: int) -> Kept | None:
    """The newest earlier package that this store made in this life."""
    packages = await asyncio.to_thread(shelf.packages)
    for kept in [kept for kept in packages if kept.revision < revision][:TRIED]:
        if mark(await source.look(project_id, kept.revision)) == kept.mark:
            return kept
    return None


def _patch(shelf: Shelf, base: Kept, path: Path, delta: Delta, look: Look) -> int | None:
    shelf.take_copy(base, path)
    return patching.patch(path, delta, Provenance(PLACEHOLDER, look.project, look.revision), look.made_at)
