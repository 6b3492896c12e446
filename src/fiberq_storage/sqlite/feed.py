"""What happened: revisions, the history of a row, the change feed. All of it is read from current rows and history."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from fiberq_core.ports import Page, Revision, Version
from fiberq_core.rows import Key
from fiberq_storage import events
from fiberq_storage.events import LAST, Event, Place, first_id, revision_of
from fiberq_storage.paging import page
from fiberq_storage.sql import literal
from fiberq_storage.sqlite.rows import at
from fiberq_storage.sqlite.scope import Scope, array
from fiberq_storage.sqlite.tables import TABLES

REVISION = "revision, author_sub, author_name, at, source, sync_id"


def revisions(scope: Scope, numbers: Collection[int]) -> Mapping[int, Revision]:
    """Who made these revisions, when and how."""
    sql = f"SELECT {REVISION} FROM json_each(?1) w CROSS JOIN revisions r ON r.project_id = ?2 AND r.revision = w.value"
    found = map(revision_of, scope.db.execute(sql, (array(numbers), scope.project.id)))
    return {revision.revision: revision for revision in found}


def history(scope: Scope, key: Key) -> Sequence[Version]:
    """All versions of a row, newest first."""
    sql = "SELECT id, rev, until, ended_by FROM history WHERE project_id = ? AND uuid = ? AND layer = ? ORDER BY rev"
    records: list[Any] = scope.db.execute(sql, (scope.project.id, key.uuid, key.layer)).fetchall()
    current = at(scope, [(key, scope.project.revision)]).values()
    records += [(stored.id, stored.rev, None, None) for stored in current]
    return _versions(scope, events.of_row(key, records))


def written_at(scope: Scope, revision: int) -> Sequence[Version]:
    """All that the transaction of *revision* did to rows."""
    return _versions(scope, _events(scope, events.start_of(revision), LAST, until=revision))


def changes(scope: Scope, since: int, limit: int, cursor: str | None) -> Page[Version]:
    """A page of what happened after revision *since*, oldest first. Raises: Invalid."""
    start = events.start_of(since + 1, cursor)
    found = page(_events(scope, start, limit + 1, until=LAST), limit, events.place)
    versions: list[Version] = []
    for some in events.slices(found.items):
        versions += _versions(scope, some)
        if early := events.cut(versions, some, found):
            return early
    return Page(tuple(versions), found.next)


def _events(scope: Scope, after: Place, limit: int, *, until: int) -> list[Event]:
    """Events after a place up to the revision *until*, in order; each part stops at *limit*."""
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
        parameters[f"after{number}"] = first_id(name, after)
    sql = f"{' UNION ALL '.join(parts)} ORDER BY revision, layer, id LIMIT :limit"
    return [
        Event(rev, layer, id_, uuid, bool(gone)) for rev, layer, id_, uuid, gone in scope.db.execute(sql, parameters)
    ]


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


def _versions(scope: Scope, found: Iterable[Event]) -> Sequence[Version]:
    found = list(found)
    made = revisions(scope, {event.revision for event in found})
    return events.versions(found, at(scope, events.wanted(found)), made)
