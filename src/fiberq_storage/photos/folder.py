"""Photos in a folder: written beside, seen onto the disk, then renamed, so that one is there whole or not at all."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from fiberq_core.errors import NotFound
from fiberq_core.photos import media_in, shelf
from fiberq_storage.files.disk import beside, copy, disk_errors, remove_leftovers, sync
from fiberq_storage.photos.place import GONE

AT_ONCE: Final = 500  # names that are looked at together
PIECE: Final = 1 << 18  # bytes


class PhotoFolder:
    """`Place` in the folder *root*, which is made when the first photo comes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, path: Path, name: str) -> None:
        """Copy the file at *path*; one that is there already is renewed. Raises: StoreUnavailable."""
        await asyncio.to_thread(self._put, path, name)

    async def local(self, name: str) -> Path:
        """Where the photo lies. Raises: NotFound."""
        path = self._path(name)
        if not await asyncio.to_thread(path.is_file):
            raise NotFound(GONE)
        return path

    async def pieces(self, name: str) -> AsyncIterator[bytes]:
        """The photo, piece by piece. Raises: NotFound, StoreUnavailable."""
        with disk_errors(), await asyncio.to_thread((await self.local(name)).open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    async def old(self, before: float) -> AsyncIterator[list[str]]:
        """The names of photos that were put or renewed last *before*, some at a time; what crashes left then is removed.

        Raises: StoreUnavailable.
        """
        names = await asyncio.to_thread(self._old, before)
        for start in range(0, len(names), AT_ONCE):
            yield names[start : start + AT_ONCE]

    async def remove(self, name: str, before: float) -> bool:
        """Remove a photo, if it was not renewed since *before*; whether it was. Raises: StoreUnavailable."""
        return await asyncio.to_thread(self._remove, name, before)

    def _path(self, name: str) -> Path:
        return self._root / shelf(name)

    def _put(self, source: Path, name: str) -> None:
        target = self._path(name)
        with disk_errors():
            try:
                os.utime(target)
            except FileNotFoundError:
                with beside(target) as unfinished:
                    copy(source, unfinished)
            for path in (target, target.parent, self._root):  # another one may have put it there a moment ago
                sync(path)

    def _old(self, before: float) -> list[str]:
        with disk_errors():
            remove_leftovers(self._root, before)
            found = (path for path in self._root.glob("??/*") if media_in(path.name))
            return sorted(path.name for path in found if _stood_since(path) < before)

    def _remove(self, name: str, before: float) -> bool:
        path = self._path(name)
        with disk_errors():
            if _stood_since(path) >= before:
                return False
            path.unlink(missing_ok=True)
        return True


def _stood_since(path: Path) -> float:
    """When a photo was put or renewed; of one that somebody removes meanwhile, never."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
