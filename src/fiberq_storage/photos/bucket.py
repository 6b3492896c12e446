"""Photos in a bucket of an S3-compatible store. Keys, region and address are in the usual variables (`AWS_…`)."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, S3Store

from fiberq_core.errors import NotFound, StoreUnavailable
from fiberq_core.photos import media_in, shelf
from fiberq_storage.photos.place import GONE

SILENT: Final = "The bucket of the photos does not answer, or refuses. Nothing was changed; try again later"
PIECE: Final = 1 << 18  # bytes


def s3(address: str) -> ObjectStore:
    """The store of `s3://bucket/prefix`; it is spoken to as its address (`AWS_ENDPOINT_URL`) says. Raises: StoreUnavailable."""
    with translating():
        return S3Store.from_url(
            address,
            client_options={
                "allow_http": True,
                "timeout": timedelta(seconds=60),
                "connect_timeout": timedelta(seconds=5),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )


class PhotoBucket:
    """`Place` in an object store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, path: Path, name: str) -> None:
        """Copy the file at *path*, also over the same photo. Raises: StoreUnavailable."""
        with translating():
            await obstore.put_async(self._store, shelf(name), path)

    async def local(self, name: str) -> None:
        """None: it lies elsewhere. Raises: NotFound, StoreUnavailable."""
        with translating():
            await obstore.head_async(self._store, shelf(name))

    async def pieces(self, name: str) -> AsyncIterator[bytes]:
        """The photo, piece by piece. Raises: NotFound, StoreUnavailable."""
        with translating():
            found = await obstore.get_async(self._store, shelf(name))
            async for piece in found.stream(min_chunk_size=PIECE):
                yield bytes(piece)

    async def old(self, before: float) -> AsyncIterator[list[str]]:
        """The names of photos that were put last *before*, some at a time. Raises: StoreUnavailable."""
        with translating():
            async for batch in obstore.list(self._store):
                names = ((meta["path"].rpartition("/")[2], meta["last_modified"]) for meta in batch)
                yield [name for name, at in names if media_in(name) and at.timestamp() < before]

    async def remove(self, name: str, before: float) -> bool:
        """Remove a photo, if it was not put again since *before*; whether it was. Raises: StoreUnavailable."""
        with translating():
            meta = await obstore.head_async(self._store, shelf(name))
            if meta["last_modified"].timestamp() >= before:
                return False
            await obstore.delete_async(self._store, shelf(name))
        return True


@contextmanager
def translating() -> Iterator[None]:
    """Turn what the object store's library reports into our own errors, in words and without addresses."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(GONE) from error
    except (BaseError, OSError) as error:
        raise StoreUnavailable(SILENT) from error
