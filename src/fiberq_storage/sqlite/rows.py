"""Current rows, and rows as they were."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from fiberq_core.errors import NotFound
from fiberq_core.fibre.lengths import line_length
from fiberq_core.ports import Page
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.registry.shared import CABLES
from fiberq_core.rows import Key, Row, Stored
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.reader import Box
from fiberq_storage.rowjson import values_of
from fiberq_storage.sql import ident, literal
from fiberq_storage.sqlite.blobs import unpack
from fiberq_storage.sqlite.scope import Scope, array, by_layer
from fiberq_storage.sqlite.tables import GEOM, TABLES, Table

At = tuple[Key, int]  # a row at a revision
PAST = "h.layer, h.uuid, h.id, h.fid, h.rev, h.vals, h.geom"
JOIN_PAST = "JOIN history h ON h.project_id = ?2 AND h.uuid = w.value ->> 0 AND h.layer = w.value ->> 1"


def past(record: Sequence[Any]) -> Stored:
    """The replaced version in a record of `PAST`."""
    layer, uuid, id_, fid, rev, vals, geom = record
    values = values_of(vals)
    if geom is not None:
        values[GEOMETRY] = unpack(geom)
    return Stored(Key(layer, uuid), Row(values), id_, fid, rev)


def rows(scope: Scope, keys: Collection[Key]) -> Mapping[Key, Stored]:
    """The current rows among *keys*."""
    found: dict[Key, Stored] = {}
    for layer, uuids in by_layer(keys).items():
        found |= {stored.key: stored for stored in _with_uuids(scope, TABLES[layer], uuids)}
    return found


def locate(scope: Scope, uuids: Collection[str]) -> Mapping[str, Stored]:
    """The newest version of each uuid, in whatever layer."""
    found: dict[str, Stored] = {}
    for table in TABLES.values():
        found |= {stored.key.uuid: stored for stored in _with_uuids(scope, table, uuids)}
    sql = (
        f"SELECT {PAST} FROM json_each(?1) w CROSS JOIN history h ON h.project_id = ?2 AND h.uuid = w.value"
        " ORDER BY h.until"
    )
    gone = array(uuid for uuid in uuids if uuid not in found)
    found |= {stored.key.uuid: stored for stored in map(past, scope.db.execute(sql, (gone, scope.project.id)))}
    return found


def versions(scope: Scope, wanted: Mapping[Key, int]) -> Mapping[Key, Stored]:
    """Each key's version at the wanted revision."""
    return {key: stored for (key, _), stored in at(scope, wanted.items()).items()}


def at(scope: Scope, wanted: Iterable[At]) -> Mapping[At, Stored]:
    """Rows at revisions, where they were there then. A row may be asked for at several."""
    asked = {(key.uuid, key.layer, rev) for key, rev in wanted if key.layer in TABLES}
    everything = array(asked)
    sql = (
        f"SELECT w.value ->> 2, {PAST} FROM json_each(?1) w CROSS {JOIN_PAST}"
        " AND h.rev <= w.value ->> 2 AND h.until > w.value ->> 2"
    )
    records = scope.db.execute(sql, (everything, scope.project.id))
    found = {(stored.key, rev): stored for rev, stored in ((rev, past(rest)) for rev, *rest in records)}
    for layer in {layer for _, layer, _ in asked}:
        mine = array((uuid, rev) for uuid, its_layer, rev in asked if its_layer == layer)
        found |= _current_at(scope, TABLES[layer], mine)
    return found


def referring(scope: Scope, keys: Collection[Key]) -> Sequence[Stored]:
    """The current rows that refer to any of *keys*."""
    targets = by_layer(keys)
    found: dict[Key, Stored] = {}
    for table in TABLES.values():
        for reference in table.layer.references:
            uuids = [uuid for target in reference.targets for uuid in targets.get(target, ())]
            if uuids:
                found |= {stored.key: stored for stored in _with(scope, table, reference.column, uuids)}
    return list(found.values())


def appeared_since(scope: Scope, layer: str, revision: int) -> Sequence[Stored]:
    """The current rows of *layer* that were not there at *revision*. Raises: NotFound."""
    table = table_of(layer)
    sql = (
        f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = ?1 AND t.fiberq_rev > ?2"
        f" AND NOT EXISTS (SELECT 1 FROM history h WHERE h.project_id = ?1 AND h.uuid = t.fiberq_uuid"
        f" AND h.layer = {literal(layer)} AND h.rev <= ?2 AND h.until > ?2) ORDER BY t.fid"
    )
    return [table.stored(found) for found in scope.db.execute(sql, (scope.project.id, revision))]


def features(scope: Scope, layer: str, bbox: Box | None, limit: int, cursor: str | None) -> Page[Stored]:
    """A page of the current rows of *layer*, by fid. Raises: NotFound, Invalid."""
    table = table_of(layer)
    after = cursor_parts(cursor, [int])[0] if cursor else 0
    place = _inside(table) if bbox is not None else ""
    sql = (
        f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = :project AND t.fid > :after"
        f" {place} ORDER BY t.fid LIMIT :limit"
    )
    parameters: dict[str, Any] = {"project": scope.project.id, "after": after, "limit": limit + 1}
    parameters |= zip(("west", "south", "east", "north"), bbox or (), strict=False)
    records, limit = light(scope.db.execute(sql, parameters), limit)
    return page([table.stored(record) for record in records], limit, lambda stored: cursor_text(stored.fid))


def counts(scope: Scope) -> Mapping[str, int]:
    """The number of current rows per layer."""
    parts = (
        f"SELECT {literal(name)}, count(*) FROM {table.name} WHERE project_id = ?1" for name, table in TABLES.items()
    )
    return {str(name): int(count) for name, count in scope.db.execute(" UNION ALL ".join(parts), (scope.project.id,))}


def extent(scope: Scope) -> Box | None:
    """The box of all current rows, from the spatial indexes: it holds every row, and is larger by rounding at most."""
    parts = (
        f"SELECT min(west) w, min(south) s, max(east) e, max(north) n FROM {table.index}"
        " WHERE first_project = ?1 AND last_project = ?1"
        for table in TABLES.values()
        if table.index
    )
    sql = f"SELECT min(w), min(s), max(e), max(n) FROM ({' UNION ALL '.join(parts)})"
    found = scope.db.execute(sql, (scope.project.id,)).fetchone()
    return None if found is None or found[0] is None else (found[0], found[1], found[2], found[3])


def cable_length(scope: Scope) -> float:
    """Metres of all cables as they are drawn, on the ellipsoid."""
    metres = 0.0
    for name in CABLES:
        table = TABLES[name]
        sql = f"SELECT {GEOM} FROM {table.name} WHERE project_id = ? AND {GEOM} IS NOT NULL"
        found: Any = scope.db.execute(sql, (scope.project.id,))
        metres += sum(line_length(unpack(blob)) for (blob,) in found)
    return metres


def extra_columns(scope: Scope) -> Mapping[str, Mapping[str, str]]:
    """Unregistered columns by layer: name → type."""
    found: dict[str, dict[str, str]] = {}
    sql = "SELECT layer, name, type FROM extra_columns WHERE project_id = ? ORDER BY layer, since, name"
    for layer, name, declared in scope.db.execute(sql, (scope.project.id,)):
        found.setdefault(str(layer), {})[str(name)] = str(declared)
    return found


def claimants(scope: Scope, claims: Collection[str]) -> Mapping[str, Key]:
    """Who holds each of *claims*."""
    sql = (
        "SELECT c.claim, c.layer, c.uuid FROM json_each(?1) w CROSS JOIN claims c"
        " ON c.project_id = ?2 AND c.claim = w.value"
    )
    found = scope.db.execute(sql, (array(claims), scope.project.id))
    return {str(claim): Key(str(layer), str(uuid)) for claim, layer, uuid in found}


def table_of(layer: str) -> Table:
    """The table of a layer by name. Raises: NotFound."""
    if layer not in TABLES:
        raise NotFound("There is no such layer")
    return TABLES[layer]


def _with_uuids(scope: Scope, table: Table, uuids: Collection[str]) -> Iterable[Stored]:
    return _with(scope, table, "fiberq_uuid", uuids)


def _with(scope: Scope, table: Table, column: str, values: Collection[str]) -> Iterable[Stored]:
    sql = _with_sql(table.layer.name, column)
    return map(table.stored, scope.db.execute(sql, (array(values), scope.project.id)))


@cache
def _with_sql(layer: str, column: str) -> str:
    """The rows of a layer with any of (values, project) in a column."""
    table = TABLES[layer]
    return (
        f"SELECT {table.selection('t')} FROM json_each(?1) w CROSS JOIN {table.name} t"
        f" ON t.project_id = ?2 AND t.{ident(column)} = w.value"
    )


def _current_at(scope: Scope, table: Table, wanted: str) -> Mapping[At, Stored]:
    records = scope.db.execute(_current_at_sql(table.layer.name), (wanted, scope.project.id))
    return {(stored.key, rev): stored for rev, stored in ((rev, table.stored(rest)) for rev, *rest in records)}


@cache
def _current_at_sql(layer: str) -> str:
    """The rows of a layer that are still as they were at revisions: (uuids with revisions, project)."""
    table = TABLES[layer]
    return (
        f"SELECT w.value ->> 1, {table.selection('t')} FROM json_each(?1) w CROSS JOIN {table.name} t"
        " ON t.project_id = ?2 AND t.fiberq_uuid = w.value ->> 0 AND t.fiberq_rev <= w.value ->> 1"
    )


def _inside(table: Table) -> str:
    """The condition that a row's envelope touches the box: roughly by the index, then exactly."""
    if not table.index:
        return "AND 0"
    return (
        f"AND t.id IN (SELECT id FROM {table.index} WHERE first_project = :project AND last_project = :project"
        " AND west <= :east AND east >= :west AND south <= :north AND north >= :south)"
        " AND fq_touches(t.geom, :west, :south, :east, :north)"
    )
