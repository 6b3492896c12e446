"""What happened: revisions, the history of a row, the change feed. All of it is read from current rows and history."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from fiberq_core.ports import Page, Revision, Version
from fiberq_core.rows import Key
from fiberq_storage import events
from fiberq_storage.events import LAST, Event, Place, first_id, revision_of
from fiberq_storage.paging import page
from fiberq_storage.postgis.rows import at
from fiberq_storage.postgis.scope import Scope, uuids_of
from fiberq_storage.postgis.tables import INSTANT, TABLES, Table
from fiberq_storage.sql import literal

REVISION = f"revision, author_sub, author_name, to_char(at AT TIME ZONE 'UTC', '{INSTANT}'), source, sync_id"


async def revisions(scope: Scope, numbers: Collection[int]) -> Mapping[int, Revision]:
    """Who made these revisions, when and how."""
    sql = f"SELECT {REVISION} FROM revisions WHERE project_id = $1 AND revision = ANY($2::bigint[])"
    found = map(revision_of, await scope.db.fetch(sql, scope.project.id, list(numbers)))
    return {revision.revision: revision for revision in found}


async def history(scope: Scope, key: Key) -> Sequence[Version]:
    """All versions of a row, newest first."""
    if key.layer not in TABLES or not uuids_of([key.uuid]):
        return []
    table = TABLES[key.layer]
    mine = "WHERE project_id = $1 AND fiberq_uuid = $2::text::uuid"
    sql = (
        f"SELECT id, fiberq_rev, until, ended_by FROM {table.past} {mine}"
        f" UNION ALL SELECT id, fiberq_rev, NULL, NULL FROM {table.name} {mine} ORDER BY fiberq_rev"
    )
    return await _versions(scope, events.of_row(key, await scope.db.fetch(sql, scope.project.id, key.uuid)))


async def written_at(scope: Scope, revision: int) -> Sequence[Version]:
    """All that the transaction of *revision* did to rows."""
    return await _versions(scope, await _events(scope, events.start_of(revision), LAST, until=revision))


async def changes(scope: Scope, since: int, limit: int, cursor: str | None) -> Page[Version]:
    """A page of what happened after revision *since*, oldest first. Raises: Invalid."""
    start = events.start_of(since + 1, cursor)
    found = page(await _events(scope, start, limit + 1, until=LAST), limit, events.place)
    versions: list[Version] = []
    for some in events.slices(found.items):
        versions += await _versions(scope, some)
        if early := events.cut(versions, some, found):
            return early
    return Page(tuple(versions), found.next)


async def _events(scope: Scope, after: Place, limit: int, *, until: int) -> list[Event]:
    """Events after a place up to the revision *until*, in order; each part stops at *limit*."""
    parts = [part for number, table in enumerate(TABLES.values(), 5) for part in _parts(table, number)]
    firsts = [first_id(name, after) for name in TABLES]
    sql = f"{' UNION ALL '.join(parts)} ORDER BY revision, layer, id LIMIT $4"
    found = await scope.db.fetch(sql, scope.project.id, after[0], until, limit, *firsts)
    return [Event(*record) for record in found]


def _parts(table: Table, number: int) -> Iterator[str]:
    """What happened to the rows of one layer: what is current, what was replaced since, what went."""
    for source, column, gone, only in (
        (table.name, "fiberq_rev", "false", ""),
        (table.past, "fiberq_rev", "false", ""),
        (table.past, "until", "true", " AND ended_by = 'delete'"),
    ):
        yield (
            f'(SELECT {column} AS revision, {literal(table.layer.name)} COLLATE "C" AS layer, id, fiberq_uuid::text,'
            f" {gone} AS gone FROM {source} WHERE project_id = $1 AND {column} <= $3"
            f" AND ({column}, id) > ($2::bigint, ${number}::bigint){only} ORDER BY {column}, id LIMIT $4)"
        )


async def _versions(scope: Scope, found: Sequence[Event]) -> Sequence[Version]:
    made = await revisions(scope, {event.revision for event in found})
    return events.versions(found, await at(scope, events.wanted(found)), made)
