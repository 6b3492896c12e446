"""What a server holds of its projects, on all its disks: how much it is, and how a project goes for good."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from attrs import frozen

from fiberq_core.inbox import Author
from fiberq_core.ports.values import Project


@frozen
class Holding:
    """How many there are, and the bytes that they take."""

    count: int = 0
    size: int = 0


@frozen
class Usage:
    """What a project takes. *rows* and *history* are the bytes of their values; the rest are files."""

    project: int
    rows: Holding
    history: Holding
    photos: Holding
    uploads: Holding
    packages: Holding


@frozen
class Purged:
    """What was taken out: the name of its backup, records by table, files by folder."""

    backup: str
    records: Mapping[str, int]
    files: Mapping[str, int]


class Holdings(Protocol):
    """The projects in the store, and their files."""

    async def usage(self) -> Sequence[Usage]:
        """What each project takes; looks at everything, so that it may take long. Raises: StoreUnavailable."""
        ...

    async def purge(self, project: Project, *, by: Author, at: str) -> Purged:
        """Write a backup of an archived project, then remove everything of it, in one transaction.

        Raises: NotFound, Conflict (it is not archived), Busy, StoreUnavailable; then nothing was removed.
        """
        ...
