"""Photos: what the store remembers of them, and the volume in which they lie."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Protocol

from fiberq_core.photos import Facts, KnownName, PhotoFile
from fiberq_core.ports.values import Page
from fiberq_core.rows import Stored


class PhotoReader(Protocol):
    """What a project knows of photos, in one consistent snapshot."""

    async def photo_files(self, paths: Collection[str]) -> Mapping[str, PhotoFile]:
        """The photos that *paths* name, by name of ours or by path of a device; those that have not come are left out."""
        ...

    async def photo_rows(self, path: str) -> Sequence[Stored]:
        """The current rows, of any layer, that name a photo by exactly this path."""
        ...

    async def photo_name(self, path: str) -> KnownName | None:
        """Which photo came under a path of a device."""
        ...

    async def photos_awaited(self, layer: str, limit: int, cursor: str | None) -> Page[Stored]:
        """The current rows of *layer* whose photo has not come, by fid. Raises: NotFound, Invalid."""
        ...


class PhotoUnit(PhotoReader, Protocol):
    """What a transaction writes of photos."""

    async def save_photo(self, photo: PhotoFile) -> None:
        """Remember a photo that is in the volume; what is known of it already stays."""
        ...

    async def save_photo_name(self, name: KnownName, at: str) -> None:
        """Remember under which path a photo came, in place of what came under it before."""
        ...


class PhotoStore(Protocol):
    """What is asked across projects."""

    async def photo_projects(self, name: str) -> Sequence[int]:
        """The projects that have a photo."""
        ...

    async def photos_known(self, names: Collection[str]) -> frozenset[str]:
        """Those of *names* that any project has."""
        ...


class PhotoVolume(Protocol):
    """The photos themselves, by their names of ours. They are never changed once they are there."""

    async def examine(self, path: str) -> Facts:
        """What the file at *path*, from a stranger, says of itself. Raises: BadPhoto."""
        ...

    async def keep(self, path: str, name: str) -> None:
        """Keep the file at *path*, on the disk for good; keeping it twice only renews it. Raises: StoreUnavailable."""
        ...

    async def local(self, name: str) -> str | None:
        """Where the photo lies on this machine; None if it does not, but elsewhere. Raises: NotFound."""
        ...

    def pieces(self, name: str) -> AsyncIterator[bytes]:
        """The photo, piece by piece. Raises: NotFound, StoreUnavailable."""
        ...

    async def thumbnail(self, name: str, side: int) -> str:
        """Where a JPEG of the photo lies that is at most *side* pixels wide and high, upright; made where there is none.

        Raises: NotFound, BadPhoto, StoreUnavailable.
        """
        ...

    async def sweep(self, known: PhotoStore) -> int:
        """Remove what no project knows, once it is old enough to be nobody's upload; how many. Raises: StoreUnavailable."""
        ...
