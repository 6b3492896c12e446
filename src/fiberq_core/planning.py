"""The one write path, as values: authorise → merge → check → what to write, what waits, what to answer.

`drafting.draft` authorises and merges each proposal by itself; `checking.needs` says what must be
known to check them together; `checking.settle` checks and returns the `Plan`. Nothing raises on bad
data: whatever may not or cannot be written becomes an inbox item, so that it is never lost.
"""

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen

from fiberq_core.changes import Change, Write
from fiberq_core.identity import derived
from fiberq_core.inbox import Author, Decided, Decision, Item, ItemKind
from fiberq_core.orders import Refusal
from fiberq_core.policy import Actor
from fiberq_core.proposals import Proposal
from fiberq_core.registry import LAYER
from fiberq_core.rows import Key, Row, Stored


class ConflictPolicy(Enum):
    """What becomes of two different values for one field (a project's setting)."""

    HOLD = "hold"
    DEVICE_WINS = "device_wins"
    SERVER_WINS = "server_wins"


@frozen
class Outcome:
    """One line of a receipt."""

    layer: str
    uuid: str | None
    outcome: str
    fid: int | None = None
    field: str | None = None
    device_value: object = None
    current_value: object = None
    reason: str | None = None
    item_id: str | None = None


@frozen
class Cause:
    """Who does this, and under which name its inbox items are known (an upload's copy, a sync, a request)."""

    actor: Actor
    at: str
    origin: str
    sync_id: str | None = None
    conflict_policy: ConflictPolicy = ConflictPolicy.HOLD

    @property
    def author(self) -> Author:
        """The actor as the author of what is written."""
        return Author(self.actor.subject, self.actor.name)


@frozen
class Held:
    """Something that waits instead of being written. *ground* says more of a move that is refused."""

    kind: ItemKind
    changes: tuple[Change, ...]
    reason: str
    proposal: Proposal | None = None
    field: str | None = None
    raw: object = None
    layer: str | None = None
    origin: str | None = None  # what alone the item is known by, where that is not its cause and what it asks for
    settled: bool = False  # the project's setting has decided for the server at once
    ground: Refusal | None = None
    because_of: frozenset[str] = frozenset()  # the fields at fault, of a row that waits as a whole

    def item(self, cause: Cause) -> Item:
        """The inbox item. The same thing from the same origin always has the same id, whatever it was made from."""
        key = self.changes[0].key if len(self.changes) == 1 else None
        layer = self.layer or (key.layer if key else None)
        wish = [] if self.origin else [(c.key, c.sent and _items(c.sent)) for c in self.changes]
        item_id = derived(
            "item", self.origin or cause.origin, self.kind.value, layer, self.field, repr(self.raw), repr(wish)
        )
        return Item(
            item_id, self.kind, layer, key.uuid if key else None, self.field, self.reason,
            self.changes, self.raw, cause.sync_id, cause.author, cause.at,
            Decided(Decision.KEEP_SERVER, cause.author, cause.at, "the project's setting") if self.settled else None,
        )  # fmt: skip


def _items(row: Row) -> list[tuple[str, str]]:
    return sorted((name, repr(value)) for name, value in row.values.items())


@frozen
class Candidate:
    """A proposal that may be written, as far as it can be told by itself. *merged*: it meets somebody else's edit."""

    proposal: Proposal
    write: Write
    merged: bool = False

    @property
    def key(self) -> Key:
        """Which row."""
        return self.write.key


@frozen
class Draft:
    """Every proposal authorised and merged."""

    cause: Cause
    candidates: tuple[Candidate, ...]
    held: tuple[Held, ...]
    notes: tuple[Outcome, ...] = ()


@frozen
class Needs:
    """What must be known to check a draft."""

    claims: frozenset[str]
    targets: frozenset[str]  # uuids that are newly referred to
    referred: frozenset[Key]  # rows that are to be deleted: who refers to them?
    cables: frozenset[str]  # uuids of cables whose fibres are used: by whom else?
    layers: frozenset[str]  # layers that get new rows with a place


@frozen
class World:
    """The answers to `Needs`, from one snapshot.

    *located* is the newest version of each target, *rows* all current rows that were met on the
    way, *authors* who wrote the revisions of those rows, *appeared* the rows that came to a layer
    after the device received its own. *own* are rows that this very copy sent before.
    """

    claimants: Mapping[str, Key] = field(factory=dict)
    located: Mapping[str, Stored] = field(factory=dict)
    rows: Mapping[Key, Stored] = field(factory=dict)
    referring: tuple[Stored, ...] = ()
    appeared: Mapping[str, tuple[Stored, ...]] = field(factory=dict)
    authors: Mapping[int, Author] = field(factory=dict)
    own: frozenset[Key] = frozenset()


@frozen
class Plan:
    """What is to be done about a change set: what is written, what waits, what else the receipt says."""

    cause: Cause
    candidates: tuple[Candidate, ...]
    held: tuple[Held, ...]
    notes: tuple[Outcome, ...] = ()

    @property
    def writes(self) -> tuple[Write, ...]:
        """What the store has to write."""
        return tuple(c.write for c in self.candidates)

    def items(self) -> tuple[Item, ...]:
        """What goes to the inbox."""
        unique = {item.item_id: item for item in (h.item(self.cause) for h in self.held)}
        return tuple(unique.values())


@frozen
class Current:
    """What is in the store: *rows* as they are, *last* rows that are gone, *owners* of rows whose owner is another's.

    *completers* are those who completed the orders that are to be verified.
    """

    rows: Mapping[Key, Stored]
    last: Mapping[Key, Stored] = field(factory=dict)
    owners: Mapping[str, str | None] = field(factory=dict)  # by the uuid of the row that `owner_via` names
    completers: Mapping[Key, str | None] = field(factory=dict)

    def owner(self, key: Key, row: Row | None) -> str | None:
        """The subject whose work *row* is."""
        layer = LAYER[key.layer]
        if row is None or (layer.owner_via is not None and row.get(layer.owner_via) is None):
            return None
        if layer.owner_via is not None:
            return self.owners.get(str(row.get(layer.owner_via)))
        owner = row.get(layer.owner) if layer.owner else None
        return owner if isinstance(owner, str) else None
