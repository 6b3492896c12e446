"""What a store offers to the folder of packages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from attrs import frozen

from fiberq_core.geopackage import PackageLayer
from fiberq_core.rows import Value


@frozen
class Look:
    """A project at a revision: its uuid, the revision, and when that was made (UTC, ISO 8601 with milliseconds)."""

    project: str
    revision: int
    made_at: str


@frozen
class LayerDelta:
    """How the rows of one layer in a package become those of a later one.

    *gone*: the keys of rows that were replaced or deleted (fids; values of the natural key where the layer has one).
    *put*: the rows that are new or read otherwise, with the values of `PackageLayer.names` in that order; geometries
    as blobs. What is put is there afterwards, whether its key is among those that are gone or not.
    """

    gone: Sequence[Value]
    put: Sequence[Sequence[Value | None]]


@frozen
class Delta:
    """How one package becomes a later one: its *layers* as they are then, and the *rows* of those that changed."""

    layers: Sequence[PackageLayer]
    rows: Mapping[str, LayerDelta]


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

    async def delta(self, project_id: int, since: int, until: int, at_most: int) -> Delta | None:
        """How the package of revision *since* becomes that of *until*; None if that takes more than *at_most* rows.

        Among what is put are rows that only read otherwise: those that refer to a row which came or went, since its
        number stands in them, and open questions about a row that changed. Raises: NotFound, StoreUnavailable.
        """
        ...
