"""What FiberQ needs of the outside. The only module of the core that says `async`.

Stores (embedded SQLite, PostGIS) implement `Store`; one contract suite runs on each.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, Protocol, TypeVar

from attrs import field, frozen

from fiberq_core.changes import Op, Source, Write
from fiberq_core.inbox import Author, Item
from fiberq_core.policy import Role
from fiberq_core.rows import Key, Row, Stored
from fiberq_core.sent import Provenance, SentFile

T = TypeVar("T")


ARCHIVED = "archived"
STATUSES = ("planning", "in_progress", "completed", "paused", ARCHIVED)  # of projects


@frozen
class Project:
    """A project. *uuid* identifies it across servers, *id* on this one; times are UTC, ISO 8601."""

    id: int
    uuid: str
    name: str
    description: str
    revision: int
    status: str  # one of STATUSES
    conflict_policy: str  # a `planning.ConflictPolicy`
    created_at: str
    created_by_sub: str | None

    @property
    def archived(self) -> bool:
        """Archived projects are read-only and hidden from lists."""
        return self.status == ARCHIVED


@frozen
class Member:
    """Somebody's role in a project. *sub* may be `policy.EVERYONE`."""

    sub: str
    role: Role
    name: str = ""


@frozen
class Page(Generic[T]):
    """A part of a list. *next* is an opaque cursor, None at the end."""

    items: tuple[T, ...]
    next: str | None = None


@frozen
class Revision:
    """One transaction that changed a project."""

    revision: int
    author: Author
    at: str
    source: Source
    sync_id: str | None = None


@frozen
class Version:
    """One version of one row: written by *by*, None as *row* for a deletion. *before* is what it replaced."""

    key: Key
    id: int
    fid: int
    op: Op
    row: Row | None
    before: Row | None
    by: Revision


@frozen
class SentDelta:
    """A row as an earlier upload sent it where that differed from the export; None: it was gone.

    *fid* is its number in *source*, the table in the file; None where the row was gone.
    """

    key: Key
    source: str
    fid: int | None
    row: Row | None


@frozen
class EarlierUpload:
    """An upload that came from the same export.

    *copy* names the copy of the file, *parent* the upload it descends from; *writes* as in `SentFile`.
    """

    sync_id: str
    copy: str
    parent: str | None
    author: Author
    at: str
    revision: int
    deltas: tuple[SentDelta, ...]
    writes: int = 0


@frozen
class Sync:
    """One exchange with a device, as the list of recent syncs shows it."""

    sync_id: str
    kind: str  # upload, download
    by: Author
    at: str
    export_id: str | None
    revision: int
    receipt: Mapping[str, object] | None


@frozen
class Upload:
    """What is kept of an upload beside its effects."""

    sync_id: str
    digest: str  # sha256 of the bytes, hex
    export_id: str | None
    copy: str
    parent: str | None
    receipt: Mapping[str, object]
    deltas: tuple[SentDelta, ...] = ()
    writes: int = 0


@frozen
class Changeset:
    """Everything that one transaction writes. Empty writes and items take no revision."""

    author: Author
    at: str
    source: Source
    sync_id: str | None = None
    writes: tuple[Write, ...] = ()
    new_items: tuple[Item, ...] = ()
    decided_items: tuple[Item, ...] = ()
    extra_types: Mapping[tuple[str, str], str] = field(factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing that an export would contain moves."""
        return not (self.writes or self.new_items or self.decided_items)


@frozen
class Applied:
    """What a transaction did: the revision afterwards, and every written row as it now is (deleted rows as they were)."""

    revision: int
    rows: Mapping[Key, Stored]


class Reader(Protocol):
    """One project in one consistent snapshot."""

    @property
    def project(self) -> Project:
        """The project, at the snapshot's revision."""
        ...

    async def rows(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """The current rows among *keys*."""
        ...

    async def locate(self, uuids: Collection[str]) -> Mapping[str, Stored]:
        """For each uuid that the project knows or ever knew, in any layer, its newest version (for a deleted row, its last)."""
        ...

    async def versions(self, wanted: Mapping[Key, int]) -> Mapping[Key, Stored]:
        """Each key's version that was current at the wanted revision; keys that were not there then are left out."""
        ...

    async def history(self, key: Key) -> Sequence[Version]:
        """All versions of a row, newest first; deletions are versions too."""
        ...

    async def written_at(self, revision: int) -> Sequence[Version]:
        """All that the transaction of *revision* did to rows."""
        ...

    async def referring(self, keys: Collection[Key]) -> Sequence[Stored]:
        """The current rows that refer to any of *keys*, through any reference of the registry."""
        ...

    async def claimants(self, claims: Collection[str]) -> Mapping[str, Key]:
        """Who holds each of *claims* (see `fibre.claims_of`); free ones are left out."""
        ...

    async def appeared_since(self, layer: str, revision: int) -> Sequence[Stored]:
        """The current rows of *layer* that were not there at *revision*."""
        ...

    async def revisions(self, numbers: Collection[int]) -> Mapping[int, Revision]:
        """Who made these revisions, when and how."""
        ...

    async def changes(self, since: int, limit: int, cursor: str | None) -> Page[Version]:
        """What happened to rows after revision *since*, oldest first."""
        ...

    async def features(
        self, layer: str, bbox: tuple[float, float, float, float] | None, limit: int, cursor: str | None
    ) -> Page[Stored]:
        """The current rows of *layer*, by fid. *bbox* is west, south, east, north in degrees."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """The number of current rows per layer."""
        ...

    async def extent(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of all current rows, in degrees; None where nothing has a place."""
        ...

    async def extra_columns(self) -> Mapping[str, Mapping[str, str]]:
        """Unregistered columns by layer: name → type as the first file declared it."""
        ...

    async def items(self, state: str | None, limit: int, cursor: str | None) -> Page[Item]:
        """Inbox items, oldest first; *state* is open, decided or None for both."""
        ...

    async def item(self, item_id: str) -> Item:
        """One inbox item. Raises: NotFound."""
        ...

    async def known_items(self, item_ids: Collection[str]) -> frozenset[str]:
        """Those of *item_ids* that are in the inbox already, open or decided."""
        ...

    async def syncs(self, limit: int) -> Sequence[Sync]:
        """The most recent exchanges, newest first."""
        ...

    async def receipt_of_digest(self, digest: str) -> Mapping[str, object] | None:
        """The receipt of an upload of exactly these bytes, if there was one."""
        ...

    async def uploads_of(self, export_id: str) -> Sequence[EarlierUpload]:
        """The uploads that came from this export, oldest first."""
        ...

    async def keyed_answer(self, key: str) -> Mapping[str, object] | None:
        """What was answered to the request with this idempotency key, if it was here before."""
        ...


class Unit(Reader, Protocol):
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


class Store(Protocol):
    """All projects."""

    async def alive(self) -> bool:
        """Whether the store answers."""
        ...

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

    def reading(self, project_id: int) -> AbstractAsyncContextManager[Reader]:
        """A snapshot to read. Raises: NotFound."""
        ...

    def unit(self, project_id: int, *, rehearsal: bool = False) -> AbstractAsyncContextManager[Unit]:
        """A transaction to write. A rehearsal does everything and is rolled back. Raises: NotFound, StoreUnavailable."""
        ...


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
