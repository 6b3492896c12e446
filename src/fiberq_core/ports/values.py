"""What travels through the ports: projects, revisions, versions, exchanges. Times are UTC, ISO 8601."""

from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from attrs import field, frozen

from fiberq_core.changes import Op, Source, Write
from fiberq_core.inbox import Author, Item
from fiberq_core.policy import Role
from fiberq_core.rows import Key, Row, Stored

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
class Sought:
    """Which rows of *layer* are sought, in which *projects*: those of which each column named in *any_of* holds one of
    its values, and each date named in *spans* lies from the one to the other (None: open; both ends count). Besides the
    columns of the layer, rows can be sought by `fid` and by `fiberq_uuid`.
    """

    layer: str
    projects: tuple[int, ...]
    any_of: Mapping[str, tuple[str | int, ...]] = field(factory=dict)
    spans: Mapping[str, tuple[str | None, str | None]] = field(factory=dict)
    newest_first: bool = True


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


UNDO: Final = "undo:"  # what stands before the id of an undo in place of a digest: it has a receipt and no file


@frozen
class Upload:
    """What is kept of an upload beside its effects."""

    sync_id: str
    digest: str  # sha256 of the bytes, hex; of an undo, see `UNDO`
    export_id: str | None
    copy: str
    parent: str | None
    receipt: Mapping[str, object]
    deltas: tuple[SentDelta, ...] = ()
    writes: int = 0


@frozen
class Changeset:
    """Everything that one transaction writes. Empty writes and items take no revision.

    *audited* is what the audit is told of it: what happened, and to what.
    """

    author: Author
    at: str
    source: Source
    sync_id: str | None = None
    writes: tuple[Write, ...] = ()
    new_items: tuple[Item, ...] = ()
    decided_items: tuple[Item, ...] = ()
    extra_types: Mapping[tuple[str, str], str] = field(factory=dict)
    audited: tuple[tuple[str, Mapping[str, object]], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing that an export would contain moves."""
        return not (self.writes or self.new_items or self.decided_items)


@frozen
class Applied:
    """What a transaction did: the revision afterwards, and every written row as it now is (deleted rows as they were)."""

    revision: int
    rows: Mapping[Key, Stored]
