"""The photo volume: a place for the photos, threads to look into them, a folder of thumbnails."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from fiberq_core.errors import NotFound
from fiberq_core.photos import Facts, media_in
from fiberq_core.ports import PhotoStore
from fiberq_storage.files.disk import DAY_S, disk_errors, workplace
from fiberq_storage.photos import imaging
from fiberq_storage.photos.place import GONE, Place
from fiberq_storage.photos.thumbnails import Thumbnails

P = ParamSpec("P")
T = TypeVar("T")

LOOKED_AT: Final = 4  # photos whose head is read at the same time
UNPACKED: Final = 2  # and that are unpacked: each may take half a gigabyte
ORPHAN_S: Final = DAY_S  # how old a photo without a row must be to be nobody's upload

log = logging.getLogger("fiberq.photos")


class Photos:
    """`ports.PhotoVolume` on a place. *thumbnails* is a folder; *clock* gives epoch seconds, as files have them."""

    def __init__(self, place: Place, thumbnails: Path, *, clock: Callable[[], float] = time.time) -> None:
        imaging.prepare()
        self._place, self._thumbnails, self._clock = place, Thumbnails(thumbnails), clock
        self._heads = ThreadPoolExecutor(LOOKED_AT, thread_name_prefix="fiberq-photo")
        self._pictures = ThreadPoolExecutor(UNPACKED, thread_name_prefix="fiberq-thumbnail")

    async def examine(self, path: str) -> Facts:
        """What the file at *path*, from a stranger, says of itself. Raises: BadPhoto."""
        return await _on(self._heads, imaging.examine, Path(path))

    async def keep(self, path: str, name: str) -> None:
        """Keep the file at *path*; keeping it twice only renews it. Raises: StoreUnavailable."""
        await self._place.put(Path(path), name)

    async def local(self, name: str) -> str | None:
        """Where the photo lies on this machine; None if it lies elsewhere. Raises: NotFound."""
        path = await self._place.local(name)
        return None if path is None else str(path)

    def pieces(self, name: str) -> AsyncIterator[bytes]:
        """The photo, piece by piece. Raises: NotFound, StoreUnavailable."""
        return self._place.pieces(name)

    async def thumbnail(self, name: str, side: int) -> str:
        """Where a JPEG of the photo lies, made where there is none. Raises: NotFound, BadPhoto, StoreUnavailable."""
        media = media_in(name)
        if media is None:
            raise NotFound(GONE)
        path = await _on(self._heads, self._thumbnails.found, name, side)
        if path is None:
            async with self._at_hand(name) as source:
                path = await _on(self._pictures, self._thumbnails.make, source, media, name, side)
        return str(path)

    async def sweep(self, known: PhotoStore) -> int:
        """Remove what no project knows and nobody is about to; how many. Raises: StoreUnavailable."""
        before, removed = self._clock() - ORPHAN_S, 0
        async for names in self._place.old(before):
            for name in sorted(set(names) - await known.photos_known(names)):
                removed += await self._place.remove(name, before)
        if removed:
            log.info("%d photos removed that belong to no record", removed)
        await _on(self._heads, self._thumbnails.prune, self._clock())
        return removed

    async def close(self) -> None:
        """Wait for what is being looked at."""
        for pool in (self._heads, self._pictures):
            await asyncio.to_thread(pool.shutdown)

    @asynccontextmanager
    async def _at_hand(self, name: str) -> AsyncIterator[Path]:
        """The photo as a file on this machine. Raises: NotFound, StoreUnavailable."""
        path = await self._place.local(name)
        if path is not None:
            yield path
            return
        async with workplace(self._thumbnails.root) as folder:
            with disk_errors(), (folder / name).open("wb") as file:
                async for piece in self._place.pieces(name):
                    await asyncio.to_thread(file.write, piece)
            yield folder / name


async def _on(pool: ThreadPoolExecutor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, partial(function, *args, **kwargs))
