"""Change sets: the one form that everything takes before it may change a project."""

from collections.abc import Collection
from enum import Enum
from functools import cached_property

from attrs import frozen

from fiberq_core.rows import Key, Row, Stored, differing, present


class Op(Enum):
    """What happens to a row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Source(Enum):
    """Where a revision came from."""

    UPLOAD = "upload"
    REST = "rest"
    INBOX = "inbox"
    UNDO = "undo"
    RESTORE = "restore"
    SQL = "sql"
    QFIELD = "qfield"


@frozen
class Change:
    """What somebody wants for one row: *base* is what they saw, *sent* what they made of it.

    None means "not there". For an update only the fields in which the two differ count, so both
    may be partial; for a new row *sent* is the whole row.
    """

    key: Key
    base: Row | None
    sent: Row | None

    @property
    def op(self) -> Op:
        """What the change amounts to."""
        if self.base is None:
            return Op.INSERT
        return Op.UPDATE if self.sent is not None else Op.DELETE

    @cached_property
    def fields(self) -> frozenset[str]:
        """The fields that it changes."""
        return differing(self.base, self.sent)

    def only(self, names: Collection[str]) -> "Change":
        """The part of an edit that is about the fields *names*."""
        base, sent = (Row(present({n: row.get(n) for n in names})) if row else Row() for row in (self.base, self.sent))
        return Change(self.key, base, sent)

    def without(self, names: Collection[str]) -> "Change":
        """The edit, where the fields *names* are as they were."""
        base, sent = self.base or Row(), self.sent or Row()
        return Change(self.key, self.base, sent.with_values({n: base.get(n) for n in names}))

    def inverse(self) -> "Change":
        """The change that takes this one back."""
        return Change(self.key, self.sent, self.base)


@frozen
class Write:
    """A decided effect on the store: *before* is replaced by *after*; None means "not there".

    *earlier* is given where a row comes back that the store knew before: it takes its old id and fid.
    """

    key: Key
    before: Stored | None
    after: Row | None
    earlier: Stored | None = None

    @property
    def op(self) -> Op:
        """What the store does."""
        if self.before is None:
            return Op.INSERT
        return Op.UPDATE if self.after is not None else Op.DELETE
