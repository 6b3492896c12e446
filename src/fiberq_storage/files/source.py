"""What a store offers to the folder of packages."""

from pathlib import Path
from typing import Protocol

from attrs import frozen


@frozen
class Look:
    """A project at a revision: its uuid, the revision, and when that was made (UTC, ISO 8601 with milliseconds)."""

    project: str
    revision: int
    made_at: str


class PackageSource(Protocol):
    """A store, as packages see it."""

    async def look(self, project_id: int, revision: int | None) -> Look:
        """The project at *revision*, or as it is now. Raises: NotFound, StoreUnavailable."""
        ...

    async def build(self, project_id: int, look: Look, path: Path) -> int:
        """Write the whole package to the new file *path*; the offset of its export id. Raises: NotFound, StoreUnavailable.

        Nobody else knows of *path* yet; the file is on the disk when this returns.
        """
        ...
