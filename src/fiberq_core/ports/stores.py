"""All projects, and writing to one. Stores (embedded SQLite, PostGIS) implement `Store`."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from fiberq_core.inbox import Author
from fiberq_core.policy import Role
from fiberq_core.ports.people import Audit, People
from fiberq_core.ports.photos import PhotoStore, PhotoUnit
from fiberq_core.ports.reading import Reader
from fiberq_core.ports.values import Applied, Changeset, Member, Page, Project, Sought, Upload
from fiberq_core.ports.watching import WatchedStore
from fiberq_core.rows import Key, Stored


class Unit(Reader, PhotoUnit, Protocol):
    """One writing transaction on one project; nobody else writes to it meanwhile.

    Commits when its block ends without an exception, unless it was opened as a rehearsal.
    """

    async def apply(self, changeset: Changeset) -> Applied:
        """Write rows, history and inbox under the project's next revision; each call takes one. Raises: StoreUnavailable."""
        ...

    async def save_upload(self, upload: Upload, revision: int) -> None:
        """Remember an upload: its receipt, its digest and what it sent."""
        ...

    async def save_answer(self, key: str, answer: Mapping[str, object]) -> None:
        """Remember the answer to an idempotency key."""
        ...


class Store(PhotoStore, WatchedStore, People, Audit, Protocol):
    """All projects."""

    async def create_project(
        self, name: str, description: str, *, uuid: str, by: Author, at: str, owner_role: Role | None
    ) -> Project:
        """Create a project; *by* becomes a member with *owner_role* where one is given."""
        ...

    async def projects(self, *, member: str | None, archived: bool = False) -> Sequence[Project]:
        """Projects of which *member* (or everyone) is a member; None: all."""
        ...

    async def project(self, project_id: int) -> Project:
        """One project. Raises: NotFound."""
        ...

    async def update_project(self, project_id: int, changes: Mapping[str, str], *, by: Author, at: str) -> Project:
        """Change name, description, status or conflict_policy. Raises: NotFound."""
        ...

    async def members(self, project_id: int, *, anew: bool = False) -> Sequence[Member]:
        """Who belongs to a project. What other servers have just changed is sure to be in it only when asked *anew*."""
        ...

    async def set_member(self, project_id: int, member: Member, *, by: Author, at: str) -> None:
        """Add somebody or change their role."""
        ...

    async def remove_member(self, project_id: int, sub: str, *, by: Author, at: str) -> None:
        """Take somebody out. Raises: NotFound."""
        ...

    async def find_receipt(self, sync_id: str) -> tuple[int, Author, Mapping[str, object], int]:
        """Project, author, receipt and revision of an upload. Raises: NotFound."""
        ...

    async def save_export(self, export_id: str, project_id: int, revision: int, *, by: Author, at: str) -> None:
        """Remember a download. The same export may be saved again."""
        ...

    async def find_export(self, export_id: str) -> tuple[int, int, Author] | None:
        """Project, revision and taker of an export; None if it is not ours."""
        ...

    async def numbered(self, layer: str, number: int) -> tuple[int, Key]:
        """Project and key of the current row of *layer* that people and old clients know by *number*. Raises: NotFound."""
        ...

    async def sought(self, sought: Sought, limit: int, cursor: str | None) -> Page[tuple[int, Stored]]:
        """Current rows of several projects, each with its project, in the order of their numbers. Raises: NotFound, Invalid."""
        ...

    def reading(self, project_id: int) -> AbstractAsyncContextManager[Reader]:
        """A snapshot to read. Raises: NotFound."""
        ...

    def unit(self, project_id: int, *, rehearsal: bool = False) -> AbstractAsyncContextManager[Unit]:
        """A transaction to write. A rehearsal does everything and is rolled back. Raises: NotFound, StoreUnavailable."""
        ...
