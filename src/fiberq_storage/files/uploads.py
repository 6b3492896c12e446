"""Raw uploads by their digest, kept for a set time so that anything can be rescued."""

import asyncio
import os
import re
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path

from fiberq_storage.files.disk import DAY_S, LEFT_S, beside, disk_errors, remove_leftovers

DIGEST = re.compile(r"[0-9a-f]{64}")
WAL = "-wal"
FILES = (WAL, "")  # an upload may come with its write-ahead log; it is whole once the file itself is there


class FileUploads:
    """`ports.Uploads` in a folder. *keep_days*: how long; *clock*: epoch seconds, as files have them."""

    def __init__(self, folder: Path, *, keep_days: float = 90, clock: Callable[[], float] = time.time) -> None:
        self.folder, self._keep_s, self._clock = folder, keep_days * DAY_S, clock

    def path(self, digest: str) -> Path:
        """Where the upload of a digest (sha256, hex) is kept. Raises: ValueError."""
        if not DIGEST.fullmatch(digest):
            raise ValueError("a digest is 64 hexadecimal digits")
        return self.folder / digest[:2] / digest

    async def keep(self, path: str, digest: str) -> None:
        """Keep the file at *path* under its digest; keeping it twice only renews it. Raises: StoreUnavailable."""
        await asyncio.to_thread(self._keep, Path(path), self.path(digest))

    async def prune(self, *, except_for: Collection[str]) -> None:
        """Remove what is older than the set time, except for these digests, and what crashed uploads left."""
        await asyncio.to_thread(self._prune, frozenset(except_for))

    def _keep(self, source: Path, target: Path) -> None:
        with disk_errors():
            for kind in FILES:
                if not kind or Path(f"{source}{kind}").exists():
                    self._keep_one(Path(f"{source}{kind}"), Path(f"{target}{kind}"))

    def _keep_one(self, source: Path, target: Path) -> None:
        if not target.exists():
            with beside(target) as unfinished:
                shutil.copyfile(source, unfinished)
        os.utime(target, (self._clock(), self._clock()))

    def _prune(self, keep: frozenset[str]) -> None:
        with disk_errors():
            remove_leftovers(self.folder, self._clock() - LEFT_S)
            oldest = self._clock() - self._keep_s
            for file in self.folder.glob("??/*"):
                digest = file.name.removesuffix(WAL)
                if DIGEST.fullmatch(digest) and digest not in keep and file.stat().st_mtime < oldest:
                    file.unlink(missing_ok=True)
