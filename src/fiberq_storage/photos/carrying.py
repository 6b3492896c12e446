"""The photos in a bucket, as backups and moves see them; everything blocks.

A bucket need not be empty to take photos in: one that is there already, and is what its file says, stays as it is. So
a restore beside a bucket that was not lost sends only what is missing. What arrives is read again and compared.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import obstore
from attrs import define, field, frozen
from obstore.store import ObjectStore

from fiberq_core.errors import NotFound, StoreUnavailable
from fiberq_core.photos import media_in, shelf
from fiberq_storage.files.disk import disk_errors
from fiberq_storage.files.volumes import Volume, at_hand, each
from fiberq_storage.photos.bucket import PIECE, SILENT, translating

CHANGED: Final = (
    "A photo is in the bucket with other bytes than it was sent with. Nothing was restored; check the bucket"
)
PARTS: Final = 2  # of a photo that are sent at the same time


@frozen
class BucketVolume:
    """`files.volumes.Volume` in an object store; *address* tells it from others."""

    store: ObjectStore
    address: str

    @property
    def folder(self) -> None:
        """None: it lies elsewhere."""
        return None

    def sizes(self) -> Mapping[str, int]:
        """The photos: bytes by name. What else lies in the bucket is not ours. Raises: StoreUnavailable."""
        try:
            with translating():
                found = {meta["path"]: meta["size"] for batch in obstore.list(self.store) for meta in batch}
        except NotFound as error:  # not even the bucket
            raise StoreUnavailable(SILENT) from error
        return {name: size for name, size in found.items() if _is_photo(name)}

    def fetch(self, name: str, target: Path) -> None:
        """Copy one photo to *target*. Raises: NotFound, StoreUnavailable."""
        pieces = self.pieces(name)
        first = next(pieces, b"")
        with disk_errors(), target.open("wb") as file:
            file.write(first)
            file.writelines(pieces)

    def arrival(self) -> "BucketArrival":
        """Take photos in; nothing can be in their way, since their names say what they are."""
        return BucketArrival(self)

    def pieces(self, name: str) -> Iterator[bytes]:
        """A photo, piece by piece. Raises: NotFound, StoreUnavailable."""
        with translating():
            for piece in obstore.get(self.store, name).stream(min_chunk_size=PIECE):
                yield bytes(piece)


@define
class BucketArrival:
    """`files.volumes.Arrival` in a bucket: photos are seen at once, but no store knows of them yet."""

    target: BucketVolume
    _sent: list[str] = field(init=False, factory=list)

    def take(self, source: Volume) -> None:
        """Copy all files of *source* that are not there. Raises: StoreUnavailable."""
        each(list(source.sizes()), partial(self._bring, source))

    def place(self) -> None:
        """Nothing is left to do."""

    def take_back(self) -> None:
        """Remove the photos that were not there before. Raises: StoreUnavailable."""
        each(self._sent, self._remove)

    def _bring(self, source: Volume, name: str) -> None:
        with at_hand(source, name) as path:
            with disk_errors(), path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            there = self._digest(name)
            if there == digest:
                return
            if there is None:
                self._sent.append(name)
            self._send(path, name)
        if self._digest(name) != digest:
            raise StoreUnavailable(CHANGED)

    def _send(self, path: Path, name: str) -> None:
        try:
            with translating():
                obstore.put(self.target.store, name, path, max_concurrency=PARTS)
        except NotFound as error:  # not even the bucket
            raise StoreUnavailable(SILENT) from error

    def _digest(self, name: str) -> str | None:
        """The digest of what is in the bucket; None if there is nothing. Raises: StoreUnavailable."""
        digest = hashlib.sha256()
        try:
            for piece in self.target.pieces(name):
                digest.update(piece)
        except NotFound:
            return None
        return digest.hexdigest()

    def _remove(self, name: str) -> None:
        with suppress(NotFound), translating():
            obstore.delete(self.target.store, name)


def _is_photo(path: str) -> bool:
    name = path.rpartition("/")[2]
    return media_in(name) is not None and path == shelf(name)
