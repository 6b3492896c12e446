"""Where photos lie, as the volume needs it: a folder or a bucket."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Protocol

GONE: Final = "There is no such photo"


class Place(Protocol):
    """Photos by name. Once they are there they never change. *before* is epoch seconds."""

    async def put(self, path: Path, name: str) -> None:
        """Copy the file at *path*; one that is there already is renewed. It is there for good then. Raises: StoreUnavailable."""
        ...

    async def local(self, name: str) -> Path | None:
        """Where the photo lies on this machine; None if it lies elsewhere. Raises: NotFound."""
        ...

    def pieces(self, name: str) -> AsyncIterator[bytes]:
        """The photo, piece by piece. Raises: NotFound, StoreUnavailable."""
        ...

    def old(self, before: float) -> AsyncIterator[list[str]]:
        """The names of photos that were put or renewed last *before*, some at a time. Raises: StoreUnavailable."""
        ...

    async def remove(self, name: str, before: float) -> bool:
        """Remove a photo, if it was not renewed since *before*; whether it was. Raises: StoreUnavailable."""
        ...
