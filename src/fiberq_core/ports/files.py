"""Files: packages going out and coming back, and uploads as they came."""

from collections.abc import Collection, Mapping
from typing import Protocol

from attrs import frozen

from fiberq_core.sent import Provenance, SentFile


@frozen
class Package:
    """An exported file. The 32 characters at *id_offset* are the export's id, filled in while the bytes go out.

    *made_at* is when its revision was made. Two files of one revision hold the same, but only those of one *making*
    have the same bytes.
    """

    path: str
    id_offset: int
    revision: int
    size: int
    made_at: str
    making: str


@frozen
class Edition:
    """What would be exported now: the revision, when it was made, and the package if there is one already."""

    revision: int
    made_at: str
    package: Package | None


class Packages(Protocol):
    """GeoPackage files: exports kept by revision, and the reading of what came back."""

    async def export(self, project_id: int) -> Package:
        """The package of the project as it is now; builds it if there is none. Raises: NotFound, StoreUnavailable."""
        ...

    async def edition(self, project_id: int) -> Edition:
        """What `export` would give now; builds nothing. Raises: NotFound, StoreUnavailable."""
        ...

    async def at(self, project_id: int, revision: int) -> Package:
        """The package as it was at *revision*, rebuilt from history where it is no longer kept. Raises: StoreUnavailable."""
        ...

    async def provenance(self, path: str) -> Provenance | None:
        """What a file says of its origin. Raises: BadPackage."""
        ...

    async def read(self, path: str, base: Package | None, extra: Mapping[str, Mapping[str, str]]) -> SentFile:
        """What a file from a stranger says, compared with *base*, the package that its export delivered.

        *extra* are the unregistered columns that the project has, as `Reader.extra_columns` gives them.
        Raises: BadPackage.
        """
        ...


class Uploads(Protocol):
    """Raw uploads, kept for a set time so that anything can be rescued."""

    async def keep(self, path: str, digest: str) -> None:
        """Keep the file at *path* under its digest (sha256, hex); keeping it twice does nothing more."""
        ...

    async def prune(self, *, except_for: Collection[str]) -> None:
        """Remove what is older than the set time, except for these digests."""
        ...
