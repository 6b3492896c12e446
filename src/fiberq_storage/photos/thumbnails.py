"""Thumbnails that were made once, in a folder of their own: they can be made again, and go when there are too many."""

import os
from pathlib import Path
from typing import Final

from fiberq_core.photos import Media
from fiberq_storage.files.disk import LEFT_S, beside, disk_errors, remove_leftovers
from fiberq_storage.photos.imaging import make_thumbnail

ROOM: Final = 1 << 30  # bytes that all of them may take


class Thumbnails:
    """A folder of thumbnails. All methods block."""

    def __init__(self, root: Path, room: int = ROOM) -> None:
        self._root, self._room = root, room

    @property
    def root(self) -> Path:
        """The folder."""
        return self._root

    def found(self, name: str, side: int) -> Path | None:
        """The thumbnail of a photo, if it is there; it counts as used."""
        path = self._path(name, side)
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def make(self, source: Path, media: Media, name: str, side: int) -> Path:
        """Make the thumbnail of the photo *name*, which lies at *source*. Raises: BadPhoto, StoreUnavailable."""
        path = self._path(name, side)
        with disk_errors(), beside(path) as unfinished:
            make_thumbnail(source, media, side, unfinished)
        return path

    def prune(self, now: float) -> None:
        """Remove those used longest ago, where all together take too much room. Raises: StoreUnavailable."""
        with disk_errors():
            remove_leftovers(self._root, now - LEFT_S)
            room = self._room
            facts = [(path.stat(), path) for path in self._root.glob("??/*.jpg")]
            for stat, path in sorted(facts, key=lambda fact: -fact[0].st_mtime):
                room -= stat.st_size
                if room < 0:
                    path.unlink(missing_ok=True)

    def _path(self, name: str, side: int) -> Path:
        return self._root / name[:2] / f"{Path(name).stem}-{side}.jpg"
