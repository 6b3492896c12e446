"""Exported packages, kept by revision and made again when they are asked for later."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from fiberq_core.ports import Edition, Package
from fiberq_core.sent import Provenance, SentFile
from fiberq_storage.files.building import build
from fiberq_storage.files.disk import disk_errors
from fiberq_storage.files.keeping import Limits, has_room, prune
from fiberq_storage.files.shelf import Kept, Shelf
from fiberq_storage.files.source import Look, PackageSource
from fiberq_storage.gpkg.reader import read_package, read_provenance

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("fiberq.sync.exporter")

READ_AT_ONCE = 6  # files of strangers: each may take minutes, and whatever else needs a thread is not to wait for that


class FilePackages:
    """`ports.Packages`: exports in a folder, a shelf for each project by its uuid. *clock*: epoch seconds."""

    def __init__(
        self,
        source: PackageSource,
        folder: Path,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source, self._folder, self._clock = source, folder, clock
        self._limits = limits or Limits()
        self._building: dict[Look, asyncio.Task[Package]] = {}
        self._laying_by: set[asyncio.Task[None]] = set()
        self._readers = ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="fiberq-read")

    async def export(self, project_id: int) -> Package:
        """The package of the project as it is now. Raises: NotFound, StoreUnavailable."""
        return await self._at(project_id, None)

    async def edition(self, project_id: int) -> Edition:
        """What `export` would give, and the package itself if it is there: none is built. Raises: NotFound."""
        look = await self._source.look(project_id, None)
        return Edition(look.revision, look.made_at, await self._kept(look))

    async def at(self, project_id: int, revision: int) -> Package:
        """The package as it was at *revision*. Raises: NotFound, StoreUnavailable."""
        return await self._at(project_id, revision)

    async def provenance(self, path: str) -> Provenance | None:
        """What a file says of its origin. Raises: BadPackage."""
        return await self._apart(read_provenance, path)

    async def read(self, path: str, base: Package | None, extra: Mapping[str, Mapping[str, str]]) -> SentFile:
        """What a file from a stranger says, compared with *base*, what its export delivered. Raises: BadPackage."""
        return await self._apart(read_package, path, base.path if base else None, extra)

    async def prune(self) -> None:
        """Remove what the limits do not allow to stay, and what crashed builds left. Raises: StoreUnavailable."""
        await asyncio.to_thread(prune, self._folder, self._limits, self._clock())

    async def close(self) -> None:
        """Wait for what is being built and read."""
        await asyncio.gather(*self._building.values(), return_exceptions=True)
        await asyncio.gather(*self._laying_by)
        await asyncio.to_thread(self._readers.shutdown)

    async def _apart(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What *read* makes of a stranger's file, in threads that nothing else waits for."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, partial(read, *args, **kwargs))

    async def _at(self, project_id: int, revision: int | None) -> Package:
        look = await self._source.look(project_id, revision)
        return await self._kept(look) or await self._built(project_id, look)

    async def _kept(self, look: Look) -> Package | None:
        """The package of a revision, if there is one."""
        return await asyncio.to_thread(self._found, look)

    async def _built(self, project_id: int, look: Look) -> Package:
        """Build the package, or wait for whoever is building it: the work goes on if this caller gives up."""
        task = self._building.get(look)
        if task is None:
            task = asyncio.create_task(self._build(project_id, look))
            self._building[look] = task
            task.add_done_callback(lambda done: self._forget(look, done))
        return await asyncio.shield(task)

    async def _build(self, project_id: int, look: Look) -> Package:
        kept = await build(self._source, self._shelf(look), project_id, look)
        with disk_errors():
            package = await asyncio.to_thread(self._used, kept, look)
        await self.prune()
        if package.size >= self._limits.spare_from:
            task = asyncio.create_task(asyncio.to_thread(self._lay_by, self._shelf(look), kept))
            self._laying_by.add(task)
            task.add_done_callback(self._laying_by.discard)
        return package

    def _forget(self, look: Look, done: "asyncio.Task[Package]") -> None:
        del self._building[look]
        if not done.cancelled():
            done.exception()  # whoever waited has it; nobody else misses it

    def _shelf(self, look: Look) -> Shelf:
        return Shelf(self._folder / look.project)

    def _found(self, look: Look) -> Package | None:
        kept = self._shelf(look).find(look)
        with suppress(FileNotFoundError):  # pruned meanwhile
            return self._used(kept, look) if kept else None
        return None

    def _used(self, kept: Kept, look: Look) -> Package:
        """Note that a package was used now. Raises: FileNotFoundError."""
        os.utime(kept.path, (self._clock(), self._clock()))
        size = kept.path.stat().st_size
        return Package(str(kept.path), kept.id_offset, kept.revision, size, look.made_at, kept.making)

    def _lay_by(self, shelf: Shelf, kept: Kept) -> None:
        try:
            if has_room(self._folder, self._limits, kept.path.stat().st_size):
                shelf.lay_by(kept)
        except OSError as broken:
            log.warning("no spare of a package was made, so the next one takes longer: %s", broken.strerror)
