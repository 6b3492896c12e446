"""What happened to rows, as both stores tell it: events in order, and the versions that they made."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from fiberq_core.changes import Op, Source
from fiberq_core.inbox import Author
from fiberq_core.ports import Page, Revision, Version
from fiberq_core.rows import Key, Stored
from fiberq_storage.paging import cursor_parts, cursor_text, too_heavy

At = tuple[Key, int]  # a row at a revision
Place = tuple[int, str, int]  # in the feed: revision, layer, id
LAST = 2**63 - 1
SLICE = 25  # events whose rows are fetched together


@frozen
class Event:
    """That something happened to a row: which and when. In the order of (revision, layer, id)."""

    revision: int
    layer: str
    id: int
    uuid: str
    gone: bool

    @property
    def key(self) -> Key:
        """Which row."""
        return Key(self.layer, self.uuid)


def start_of(revision: int, cursor: str | None = None) -> Place:
    """The place before all that happened at *revision*, or where *cursor* says, if that is later. Raises: Invalid."""
    start: Place = (revision, "", -1)
    if not cursor:
        return start
    at, layer, id_ = cursor_parts(cursor, (int, str, int))
    return max(start, (int(at), str(layer), int(id_)))


def first_id(layer: str, after: Place) -> int:
    """After which id the rows of *layer* come after a place in its revision; `LAST` where none do."""
    _, last_layer, last_id = after
    if layer == last_layer:
        return last_id
    return -1 if layer > last_layer else LAST


def of_row(key: Key, records: Iterable[Sequence[Any]]) -> Sequence[Event]:
    """What happened to one row, newest first, from its versions, oldest first: (id, rev, until, how it ended).

    A version that is still current has no end.
    """
    events: dict[int, Event] = {}
    for id_, rev, until, ended_by in records:
        events[rev] = Event(rev, key.layer, id_, key.uuid, gone=False)
        if ended_by == Op.DELETE.value:
            events.setdefault(until, Event(until, key.layer, id_, key.uuid, gone=True))
    return [events[revision] for revision in sorted(events, reverse=True)]


def slices(events: Sequence[Event]) -> Iterable[Sequence[Event]]:
    """Events in the portions whose rows are fetched together."""
    return (events[start : start + SLICE] for start in range(0, len(events), SLICE))


def cut(versions: Sequence[Version], shown: Sequence[Event], found: Page[Event]) -> Page[Version] | None:
    """A page that ends early, with *shown* the last portion, if what it holds is too heavy for more."""
    if too_heavy(sum(map(_weight, versions))) and len(versions) < len(found.items):
        return Page(tuple(versions), place(shown[-1]))
    return None


def place(event: Event) -> str:
    """The place of an event in the feed, as a cursor."""
    return cursor_text(event.revision, event.layer, event.id)


def wanted(events: Iterable[Event]) -> Sequence[At]:
    """The rows at revisions that `versions` must know: what each event left, and what it found."""
    events = list(events)
    return [(e.key, e.revision) for e in events if not e.gone] + [(e.key, e.revision - 1) for e in events]


def versions(events: Iterable[Event], rows: Mapping[At, Stored], made: Mapping[int, Revision]) -> Sequence[Version]:
    """The versions that *events* made."""
    return [_version(event, rows, made[event.revision]) for event in events]


def revision_of(record: Sequence[Any]) -> Revision:
    """A revision from (revision, author's subject and name, when, source, sync id)."""
    revision, sub, name, when, source, sync_id = record
    return Revision(revision, Author(sub, name), when, Source(source), sync_id)


def _version(event: Event, rows: Mapping[At, Stored], by: Revision) -> Version:
    after = None if event.gone else rows.get((event.key, event.revision))
    before = rows.get((event.key, event.revision - 1))
    stored = after or before
    if stored is None:
        raise RuntimeError(f"history has a gap at revision {event.revision}")
    op = Op.DELETE if after is None else Op.UPDATE if before else Op.INSERT
    return Version(
        stored.key, stored.id, stored.fid, op, after.row if after else None, before.row if before else None, by
    )


def _weight(version: Version) -> int:
    rows = (row.values.values() for row in (version.row, version.before) if row is not None)
    return sum(len(value) for values in rows for value in values if isinstance(value, str | bytes))
