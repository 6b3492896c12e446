"""The inbox: what waits for a person, and what a decision makes of it."""

from enum import Enum

from attrs import frozen

from fiberq_core.changes import Change


class ItemKind(Enum):
    """Why something waits (see `reference/sync.md`)."""

    CONFLICT = "conflict"
    REJECTED = "rejected"
    REFUSED = "refused"
    HELD_DELETE = "held_delete"
    HELD_DELETES = "held_deletes"
    CLASH = "clash"
    DUPLICATE = "duplicate"
    QUESTION = "question"


class Decision(Enum):
    """What a person can say to an item."""

    KEEP_SERVER = "keep_server"
    TAKE_MINE = "take_mine"
    TAKE_BOTH = "take_both"
    RESTORE = "restore"
    DISMISS = "dismiss"


@frozen
class Author:
    """Who: *sub* identifies, *name* is for people."""

    sub: str
    name: str = ""


@frozen
class Decided:
    """How an item ended. *at* is UTC, ISO 8601."""

    decision: Decision
    by: Author
    at: str
    note: str = ""


@frozen
class Item:
    """One thing that waits.

    *changes* is what the device wanted, ready to be proposed again; *raw* is the value as typed
    where it never became a value (S21). *field* is None where the whole row is meant; *layer* and
    *uuid* are None where several rows are.
    """

    item_id: str
    kind: ItemKind
    layer: str | None
    uuid: str | None
    field: str | None
    reason: str
    changes: tuple[Change, ...] = ()
    raw: object = None
    sync_id: str | None = None
    author: Author = Author("")
    created_at: str = ""
    decided: Decided | None = None

    @property
    def open(self) -> bool:
        """Whether somebody still has to decide."""
        return self.decided is None
