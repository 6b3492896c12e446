"""Current rows, and rows as they were."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from fiberq_core.errors import NotFound
from fiberq_core.ports import Page
from fiberq_core.registry.shared import CABLES
from fiberq_core.rows import Key, Stored
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.postgis.connection import BY_VALUES
from fiberq_storage.postgis.scope import Scope, by_layer, uuids_of
from fiberq_storage.postgis.tables import GEOM, TABLES, Table
from fiberq_storage.reader import Box
from fiberq_storage.sql import ident, literal

At = tuple[Key, int]  # a row at a revision


async def rows(scope: Scope, keys: Collection[Key]) -> Mapping[Key, Stored]:
    """The current rows among *keys*."""
    found: dict[Key, Stored] = {}
    for layer, uuids in by_layer(keys).items():
        found |= {stored.key: stored for stored in await _with(scope, TABLES[layer], "fiberq_uuid", uuids)}
    return found


async def locate(scope: Scope, uuids: Collection[str]) -> Mapping[str, Stored]:
    """The newest version of each uuid, in whatever layer."""
    sql = "SELECT uuid::text, layer FROM identities WHERE project_id = $1 AND uuid = ANY($2::text[]::uuid[])"
    keys = {Key(layer, uuid) for uuid, layer in await scope.db.fetch(sql, scope.project.id, uuids_of(uuids))}
    current = {stored.key.uuid: stored for stored in (await rows(scope, keys)).values()}
    gone = [key for key in keys if key.uuid not in current]
    return {**await _last(scope, gone), **current}


async def _last(scope: Scope, keys: Collection[Key]) -> Mapping[str, Stored]:
    """The last version of each row that is gone."""
    found: dict[str, tuple[int, Stored]] = {}
    for layer, uuids in by_layer(keys).items():
        table = TABLES[layer]
        sql = (
            f"SELECT DISTINCT ON (h.fiberq_uuid) h.until, {table.selection('h')} FROM {table.past} h"
            " WHERE h.project_id = $1 AND h.fiberq_uuid = ANY($2::text[]::uuid[])"
            " ORDER BY h.fiberq_uuid, h.fiberq_rev DESC"
        )
        for until, *record in await scope.db.fetch(sql, scope.project.id, uuids):
            stored = table.stored(record)
            if until > found.get(stored.key.uuid, (0, stored))[0]:
                found[stored.key.uuid] = until, stored
    return {uuid: stored for uuid, (_, stored) in found.items()}


async def versions(scope: Scope, wanted: Mapping[Key, int]) -> Mapping[Key, Stored]:
    """Each key's version at the wanted revision."""
    return {key: stored for (key, _), stored in (await at(scope, wanted.items())).items()}


async def at(scope: Scope, wanted: Iterable[At]) -> Mapping[At, Stored]:
    """Rows at revisions, where they were there then. A row may be asked for at several."""
    asked: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for key, revision in wanted:
        for layer, uuids in by_layer([key]).items():
            asked[layer].add((uuids[0], revision))
    found: dict[At, Stored] = {}
    for layer, pairs in asked.items():
        table = TABLES[layer]
        uuids, revisions = (list(column) for column in zip(*pairs, strict=True))
        for revision, *record in await scope.db.fetch(_at_sql(table), scope.project.id, uuids, revisions):
            stored = table.stored(record)
            found[stored.key, revision] = stored
    return found


@cache
def _at_sql(table: Table) -> str:
    """Versions of rows at revisions: (project, uuids, revisions)."""
    wanted = "unnest($2::text[]::uuid[], $3::bigint[]) AS w (uuid, revision)"
    same = "{0}.project_id = $1 AND {0}.fiberq_uuid = w.uuid AND {0}.fiberq_rev <= w.revision"
    return (
        f"SELECT w.revision, {table.selection('t')} FROM {wanted} JOIN {table.name} t ON {same.format('t')}"
        f" UNION ALL SELECT w.revision, {table.selection('h')} FROM {wanted} JOIN {table.past} h"
        f" ON {same.format('h')} AND h.until > w.revision"
    )


async def referring(scope: Scope, keys: Collection[Key]) -> Sequence[Stored]:
    """The current rows that refer to any of *keys*."""
    targets = by_layer(keys)
    found: dict[Key, Stored] = {}
    for table in TABLES.values():
        for reference in table.layer.references:
            uuids = [uuid for target in reference.targets for uuid in targets.get(target, ())]
            if uuids:
                found |= {stored.key: stored for stored in await _with(scope, table, reference.column, uuids)}
    return list(found.values())


async def appeared_since(scope: Scope, layer: str, revision: int) -> Sequence[Stored]:
    """The current rows of *layer* that were not there at *revision*. Raises: NotFound."""
    table = table_of(layer)
    sql = (
        f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = $1 AND t.fiberq_rev > $2"
        f" AND NOT EXISTS (SELECT FROM {table.past} h WHERE h.project_id = $1 AND h.fiberq_uuid = t.fiberq_uuid"
        " AND h.fiberq_rev <= $2 AND h.until > $2) ORDER BY t.fid"
    )
    return [table.stored(found) for found in await scope.db.fetch(sql, scope.project.id, revision)]


async def features(scope: Scope, layer: str, bbox: Box | None, limit: int, cursor: str | None) -> Page[Stored]:
    """A page of the current rows of *layer*, by fid. Raises: NotFound, Invalid."""
    table = table_of(layer)
    after = cursor_parts(cursor, [int])[0] if cursor else 0
    place = _inside(table) if bbox is not None else ""
    sql = (
        f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = $1 AND t.fid > $2"
        f" {place} ORDER BY t.fid LIMIT $3"
    )
    box = bbox if bbox is not None and table.layer.spatial else ()
    if box:
        await scope.db.execute(BY_VALUES)
    records, limit = light(await scope.db.fetch(sql, scope.project.id, after, limit + 1, *box), limit)
    return page([table.stored(record) for record in records], limit, lambda stored: cursor_text(stored.fid))


async def counts(scope: Scope) -> Mapping[str, int]:
    """The number of current rows per layer."""
    parts = (
        f"SELECT {literal(name)}, count(*) FROM {table.name} WHERE project_id = $1" for name, table in TABLES.items()
    )
    return dict(await scope.db.fetch(" UNION ALL ".join(parts), scope.project.id))


async def extent(scope: Scope) -> Box | None:
    """The box of all current rows."""
    parts = (
        f"SELECT ST_Extent({GEOM})::box3d AS box FROM {table.name} WHERE project_id = $1"
        for table in TABLES.values()
        if table.layer.spatial
    )
    sql = f"SELECT min(ST_XMin(box)), min(ST_YMin(box)), max(ST_XMax(box)), max(ST_YMax(box)) FROM ({' UNION ALL '.join(parts)}) s"
    west, south, east, north = await scope.db.fetchrow(sql, scope.project.id)
    return None if west is None else (west, south, east, north)


async def cable_length(scope: Scope) -> float:
    """Metres of all cables as they are drawn, on the ellipsoid."""
    parts = (
        f"SELECT sum(ST_Length({GEOM}::geography)) AS metres FROM {TABLES[name].name} WHERE project_id = $1"
        for name in CABLES
    )
    sql = f"SELECT coalesce(sum(metres), 0) FROM ({' UNION ALL '.join(parts)}) s"
    return float(await scope.db.fetchval(sql, scope.project.id))


async def extra_columns(scope: Scope) -> Mapping[str, Mapping[str, str]]:
    """Unregistered columns by layer: name → type."""
    found: dict[str, dict[str, str]] = {}
    sql = "SELECT layer, name, type FROM extra_columns WHERE project_id = $1 ORDER BY layer, since, name"
    for layer, name, declared in await scope.db.fetch(sql, scope.project.id):
        found.setdefault(layer, {})[name] = declared
    return found


async def claimants(scope: Scope, claims: Collection[str]) -> Mapping[str, Key]:
    """Who holds each of *claims*."""
    sql = "SELECT claim, layer, uuid::text FROM claims WHERE project_id = $1 AND claim = ANY($2::text[])"
    found = await scope.db.fetch(sql, scope.project.id, list(claims))
    return {claim: Key(layer, uuid) for claim, layer, uuid in found}


def table_of(layer: str) -> Table:
    """The table of a layer by name. Raises: NotFound."""
    if layer not in TABLES:
        raise NotFound("There is no such layer")
    return TABLES[layer]


async def _with(scope: Scope, table: Table, column: str, uuids: Sequence[str]) -> Iterable[Stored]:
    records: Any = await scope.db.fetch(_with_sql(table, column), scope.project.id, uuids_of(uuids))
    return map(table.stored, records)


@cache
def _with_sql(table: Table, column: str) -> str:
    """The rows of a layer with any of (project, uuids) in a column."""
    return (
        f"SELECT {table.selection('t')} FROM {table.name} t"
        f" WHERE t.project_id = $1 AND t.{ident(column)} = ANY($2::text[]::uuid[])"
    )


def _inside(table: Table) -> str:
    """The condition that a row's envelope touches the box: roughly by the index, whose numbers are floats, then exactly."""
    if not table.layer.spatial:
        return "AND false"
    return (
        f"AND t.{GEOM} && ST_MakeEnvelope($4::float8, $5::float8, $6::float8, $7::float8, 4326)"
        f" AND ST_XMin(t.{GEOM}) <= $6 AND ST_XMax(t.{GEOM}) >= $4 AND ST_YMin(t.{GEOM}) <= $7 AND ST_YMax(t.{GEOM}) >= $5"
    )
