"""What happened: revisions, the history of a row, the change feed. All of it is read from current rows and history."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from fiberq_core.changes import Op, Source
from fiberq_core.inbox import Author
from fiberq_core.ports import Page, Revision, Version
from fiberq_core.rows import Key, Stored
from fiberq_storage.paging import cursor_parts, cursor_text, page, too_heavy
from fiberq_storage.sql import literal
from fiberq_storage.sqlite.rows import PAST, at, past
from fiberq_storage.sqlite.scope import Scope, array
from fiberq_storage.sqlite.tables import TABLES

REVISION = "revision, author_sub, author_name, at, source, sync_id"
LAST = 2**63 - 1
SLICE = 25  # events whose rows are fetched together
BEFORE_ALL = ("", -1)  # before every (layer, id)


@frozen
class Event:
    """That something happened to a row: which and when. In the order of (revision, layer, id)."""

    revision: int
    layer: str
    id: int
    uuid: str
    gone: bool


def revision_of(record: Sequence[Any]) -> Revision:
    """The revision in a record of `REVISION`."""
    revision, sub, name, when, source, sync_id = record
    return Revision(revision, Author(sub, name), when, Source(source), sync_id)


def revisions(scope: Scope, numbers: Collection[int]) -> Mapping[int, Revision]:
    """Who made these revisions, when and how."""
    sql = f"SELECT {REVISION} FROM json_each(?1) w CROSS JOIN revisions r ON r.project_id = ?2 AND r.revision = w.value"
    found = map(revision_of, scope.db.execute(sql, (array(numbers), scope.project.id)))
    return {revision.revision: revision for revision in found}


def history(scope: Scope, key: Key) -> Sequence[Version]:
    """All versions of a row, newest first."""
    sql = (
        f"SELECT h.until, h.ended_by, {PAST} FROM history h"
        " WHERE h.project_id = ? AND h.uuid = ? AND h.layer = ? ORDER BY h.rev"
    )
    records: Any = scope.db.execute(sql, (scope.project.id, key.uuid, key.layer)).fetchall()
    events: dict[int, Event] = {}
    for until, ended_by, *rest in records:
        stored = past(rest)
        events[stored.rev] = Event(stored.rev, key.layer, stored.id, key.uuid, gone=False)
        if ended_by == Op.DELETE.value:
            events.setdefault(until, Event(until, key.layer, stored.id, key.uuid, gone=True))
    for stored in at(scope, [(key, scope.project.revision)]).values():
        events[stored.rev] = Event(stored.rev, key.layer, stored.id, key.uuid, gone=False)
    return _versions(scope, [events[revision] for revision in sorted(events, reverse=True)])


def written_at(scope: Scope, revision: int) -> Sequence[Version]:
    """All that the transaction of *revision* did to rows."""
    found = _events(scope, (revision, *BEFORE_ALL), LAST, until=revision)
    return _versions(scope, found)


def changes(scope: Scope, since: int, limit: int, cursor: str | None) -> Page[Version]:
    """A page of what happened after revision *since*, oldest first. Raises: Invalid."""
    start: tuple[Any, ...] = (since + 1, *BEFORE_ALL)
    if cursor:
        start = max(start, tuple(cursor_parts(cursor, (int, str, int))))
    found = page(_events(scope, start, limit + 1, until=LAST), limit, _place)
    versions: list[Version] = []
    for some in _slices(found.items):
        versions += _versions(scope, some)
        if too_heavy(sum(map(_weight, versions))) and len(versions) < len(found.items):
            return Page(tuple(versions), _place(some[-1]))
    return Page(tuple(versions), found.next)


def _slices(events: Sequence[Event]) -> Iterable[Sequence[Event]]:
    return (events[start : start + SLICE] for start in range(0, len(events), SLICE))


def _weight(version: Version) -> int:
    rows = (row.values.values() for row in (version.row, version.before) if row is not None)
    return sum(len(value) for values in rows for value in values if isinstance(value, str | bytes))


def _place(event: Event) -> str:
    return cursor_text(event.revision, event.layer, event.id)


def _events(scope: Scope, after: tuple[Any, ...], limit: int, *, until: int) -> list[Event]:
    """Events after (revision, layer, id) up to the revision *until*, in order; each part stops at *limit*."""
    revision, last_layer, last_id = after
    parts = [_replaced(), _deleted()]
    parameters: dict[str, Any] = {"project": scope.project.id, "until": until, "limit": limit}
    parameters |= {"revision": revision, "layer": last_layer, "id": last_id}
    for number, (name, table) in enumerate(TABLES.items()):
        parts.append(
            f"SELECT * FROM (SELECT fiberq_rev AS revision, {literal(name)} AS layer, id, fiberq_uuid, 0 AS gone"
            f" FROM {table.name} WHERE project_id = :project AND fiberq_rev <= :until"
            f" AND (fiberq_rev, id) > (:revision, :after{number}) ORDER BY fiberq_rev, id LIMIT :limit)"
        )
        parameters[f"after{number}"] = _first_id(name, last_layer, last_id)
    sql = f"{' UNION ALL '.join(parts)} ORDER BY revision, layer, id LIMIT :limit"
    return [
        Event(rev, layer, id_, uuid, bool(gone)) for rev, layer, id_, uuid, gone in scope.db.execute(sql, parameters)
    ]


def _first_id(layer: str, last_layer: str, last_id: int) -> int:
    """After which id the rows of *layer* come after (last_layer, last_id) in one revision; `LAST` where none do."""
    if layer == last_layer:
        return last_id
    return -1 if layer > last_layer else LAST


def _replaced() -> str:
    return (
        "SELECT * FROM (SELECT rev AS revision, layer, id, uuid, 0 AS gone FROM history WHERE project_id = :project"
        " AND rev <= :until AND (rev, layer, id) > (:revision, :layer, :id)"
        " ORDER BY rev, layer, id LIMIT :limit)"
    )


def _deleted() -> str:
    return (
        "SELECT * FROM (SELECT until AS revision, layer, id, uuid, 1 AS gone FROM history WHERE project_id = :project"
        " AND until <= :until AND (until, layer, id) > (:revision, :layer, :id)"
        " AND ended_by = 'delete' ORDER BY until, layer, id LIMIT :limit)"
    )


def _versions(scope: Scope, events: Iterable[Event]) -> Sequence[Version]:
    events = list(events)
    keys = [Key(event.layer, event.uuid) for event in events]
    after = at(scope, [(key, e.revision) for key, e in zip(keys, events, strict=True) if not e.gone])
    before = at(scope, [(key, e.revision - 1) for key, e in zip(keys, events, strict=True)])
    by = revisions(scope, {event.revision for event in events})
    return [
        _version(event, before.get((key, event.revision - 1)), after.get((key, event.revision)), by[event.revision])
        for key, event in zip(keys, events, strict=True)
    ]


def _version(event: Event, before: Stored | None, after: Stored | None, by: Revision) -> Version:
    stored = after or before
    if stored is None:
        raise RuntimeError(f"history has a gap at revision {event.revision}")
    op = Op.DELETE if after is None else Op.UPDATE if before else Op.INSERT
    return Version(
        stored.key, stored.id, stored.fid, op, after.row if after else None, before.row if before else None, by
    )
