"""Exported packages, kept by revision and made again when they are asked for later."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from attrs import frozen

from fiberq_core.ports import Package
from fiberq_core.sent import Provenance, SentFile
from fiberq_storage.files.building import NOTE, build, known, note_of
from fiberq_storage.files.disk import DAY_S, LEFT_S, disk_errors, remove_leftovers
from fiberq_storage.files.source import Look, PackageSource
from fiberq_storage.gpkg.reader import read_package, read_provenance

P = ParamSpec("P")
T = TypeVar("T")

GIB = 2**30
READ_AT_ONCE = 6  # files of strangers: each may take minutes, and whatever else needs a thread is not to wait for that


@frozen
class Limits:
    """Which packages are kept: up to *size* bytes of those used in the last *days*, and all of the last *in_use_s*."""

    days: float = 30
    size: int = 20 * GIB
    in_use_s: float = 3_600


class FilePackages:
    """`ports.Packages`: exports in a folder, `<project uuid>/<revision>.gpkg`. *clock*: epoch seconds."""

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
        self._building: dict[Path, asyncio.Task[Package]] = {}
        self._readers = ThreadPoolExecutor(READ_AT_ONCE, thread_name_prefix="fiberq-read")

    async def export(self, project_id: int) -> Package:
        """The package of the project as it is now. Raises: NotFound, StoreUnavailable."""
        return await self._at(project_id, None)

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
        await asyncio.to_thread(self._prune)

    async def close(self) -> None:
        """Wait for what is being built and read."""
        await asyncio.gather(*self._building.values(), return_exceptions=True)
        await asyncio.to_thread(self._readers.shutdown)

    async def _apart(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What *read* makes of a stranger's file, in threads that nothing else waits for."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, partial(read, *args, **kwargs))

    async def _at(self, project_id: int, wanted: int | None) -> Package:
        look = await self._source.look(project_id, wanted)
        target = self._folder / look.project / f"{look.revision}.gpkg"
        kept = await asyncio.to_thread(self._kept, target, look)
        return kept or await self._built(project_id, look, target)

    async def _built(self, project_id: int, look: Look, target: Path) -> Package:
        """Build the package, or wait for whoever is building it: the work goes on if this caller gives up."""
        task = self._building.get(target)
        if task is None:
            task = asyncio.create_task(self._build(project_id, look, target))
            self._building[target] = task
            task.add_done_callback(lambda done: self._forget(target, done))
        return await asyncio.shield(task)

    async def _build(self, project_id: int, look: Look, target: Path) -> Package:
        package = await build(self._source, project_id, look, target)
        await asyncio.to_thread(self._settle, target)
        return package

    def _settle(self, target: Path) -> None:
        self._stamp(target)
        self._prune()

    def _forget(self, target: Path, done: "asyncio.Task[Package]") -> None:
        del self._building[target]
        if not done.cancelled():
            done.exception()  # whoever waited has it; nobody else misses it

    def _kept(self, target: Path, look: Look) -> Package | None:
        package = known(target, look)
        if package is not None:
            with suppress(FileNotFoundError):
                self._stamp(target)
                return package
        return None

    def _stamp(self, file: Path) -> None:
        """Note that the package was used now."""
        os.utime(file, (self._clock(), self._clock()))

    def _prune(self) -> None:
        now = self._clock()
        with disk_errors():
            remove_leftovers(self._folder, now - LEFT_S)
            room = self._limits.size
            for used, size, file in sorted(self._files(), reverse=True):
                room -= size
                idle = now - used
                if idle > self._limits.in_use_s and (room < 0 or idle > self._limits.days * DAY_S):
                    note_of(file).unlink(missing_ok=True)
                    file.unlink(missing_ok=True)
            for note in self._folder.glob(f"*/*{NOTE}"):
                if not note.with_suffix(".gpkg").exists() and now - note.stat().st_mtime > LEFT_S:
                    note.unlink(missing_ok=True)

    def _files(self) -> list[tuple[float, int, Path]]:
        """What is kept: when it was last used, its size, its path."""
        found = []
        for file in self._folder.glob("*/*.gpkg"):
            with suppress(FileNotFoundError):
                facts = file.stat()
                found.append((facts.st_mtime, facts.st_size, file))
        return found
