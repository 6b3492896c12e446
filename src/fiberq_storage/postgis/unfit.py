"""What of the original server's rows cannot stand under our rules goes to the inbox, as sync.md has it.

A value that does not fit its column waits by itself and the row stands without it (S21, S23, S46). A row
that cannot stand without what it lacks (S26), or whose place a row with a lower number has (S42), waits
as a whole. Nothing is put right silently, and nothing is lost.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from fiberq_core import fibre
from fiberq_core.changes import Change
from fiberq_core.inbox import Author, ItemKind
from fiberq_core.planning import Held
from fiberq_core.registry.model import GEOMETRY, Column
from fiberq_core.rows import Key, Row, Stored
from fiberq_core.values import Canonical, canonical
from fiberq_core.words import Words
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.staging import Stage
from fiberq_storage.postgis.tables import GEOM, TABLES, Table
from fiberq_storage.sql import ident

MANY = 50  # values of one column and project that wait one by one; more wait as one item (S46)
NOTHING = Row()
MERCATOR = 20_037_508.35  # metres: half the width of the world in EPSG:3857
METRES = "it holds no degrees; read as metres of EPSG:3857 it lies where this item shows it"
PLACED = (fibre.TRAYS, fibre.SPLICES, fibre.PATCHES)


@frozen
class Waiting:
    """Something that waits in a project, by whoever had touched the row last."""

    project: int
    author: Author | None
    held: Held


async def unknown_terms(db: Connection, made: Stage) -> Sequence[Waiting]:
    """Bring the columns that the system works by to its own terms; other values wait."""
    waiting: list[Waiting] = []
    for column in made.table.layer.columns:
        if column.vocabulary is None or not column.vocabulary.closed:
            continue
        name = ident(column.name)
        for (typed,) in await db.fetch(f"SELECT DISTINCT {name} FROM {made.name} WHERE {name} IS NOT NULL"):
            fitted = canonical(column, typed)
            if not isinstance(fitted, Canonical) and typed:
                waiting += await _misfits(db, made, column, typed, fitted.reason)
            code = fitted.value if isinstance(fitted, Canonical) else None
            if code != typed:
                await db.execute(f"UPDATE {made.name} SET {name} = $1 WHERE {name} = $2", code, typed)
    return waiting


async def _misfits(db: Connection, made: Stage, column: Column, typed: str, reason: str) -> Sequence[Waiting]:
    sql = f"SELECT project_id, fiberq_uuid::text, author FROM {made.name} WHERE {ident(column.name)} = $1 ORDER BY id"
    misfits = [_Misfit(project, uuid, author, typed, None) for project, uuid, author in await db.fetch(sql, typed)]
    return list(_items(made, column.name, reason, misfits))


async def broken_checks(db: Connection, made: Stage) -> Sequence[Waiting]:
    """Take out the values that our table would refuse; they wait."""
    waiting: list[Waiting] = []
    for column, words, rule in await _checks(db, made.table):
        name = ident(column)
        typed, place = (f"ST_AsText({GEOM})", _as_metres()) if column == GEOM else (f"{name}::text", "NULL::bytea")
        sql = (
            f"SELECT project_id, fiberq_uuid::text, author, {typed}, {place} FROM {made.name}"
            f" WHERE {name} IS NOT NULL AND NOT ({rule}) ORDER BY id"
        )
        misfits = [_Misfit(*record) for record in await db.fetch(sql)]
        waiting += _items(made, GEOMETRY if column == GEOM else column, words, misfits)
        await db.execute(f"UPDATE {made.name} SET {name} = NULL WHERE {name} IS NOT NULL AND NOT ({rule})")
    return waiting


async def incomplete(db: Connection, made: Stage) -> Sequence[Waiting]:
    """Take out the rows that cannot stand without what they lack; they wait."""
    columns = {column.name: column.labels.en for column in made.table.layer.columns}
    lacking = {ident(column): columns.get(column, column) for column, _, _ in await _checks(db, made.table, needed=True)}
    if not lacking:
        return ()
    rows = await _taken_out(db, made, " OR ".join(f"{name} IS NULL" for name in lacking))
    what = f"{made.table.layer.labels.en}: a row cannot stand without {', '.join(lacking.values())}"
    return [_whole(stored, project, author, ItemKind.REJECTED, what) for stored, project, author in rows]


async def displaced(db: Connection, made: Stage) -> Sequence[Waiting]:
    """Take out the rows whose place a row with a lower id has; they wait."""
    layer = made.table.layer.name
    if layer not in PLACED:
        return ()
    _, owner, number = fibre.PLACES[layer]
    place = f"project_id, {ident(owner)}, {ident(number)}"
    later = (
        f"SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY {place} ORDER BY id) AS turn FROM {made.name}"
        f" WHERE {ident(owner)} IS NOT NULL) ranked WHERE turn > 1"
    )
    rows = await _taken_out(db, made, f"id IN ({later})")
    words = await _words(db, [stored for stored, _, _ in rows])
    return [_whole(s, project, author, ItemKind.CLASH, _taken(layer, s, words)) for s, project, author in rows]


@frozen
class _Misfit:
    """A value that does not fit: where, by whom, as it was typed, and what it might be (WKB) if it is a place."""

    project: int
    uuid: str
    author: str | None
    typed: str
    place: bytes | None


def _items(made: Stage, field: str, words: str, misfits: Iterable[_Misfit]) -> Iterable[Waiting]:
    """Each by itself; where a project has very many in one column, as one."""
    projects: dict[int, list[_Misfit]] = defaultdict(list)
    for misfit in misfits:
        projects[misfit.project].append(misfit)
    for project, found in projects.items():
        if len(found) > MANY:
            yield Waiting(project, None, _together(made, field, words, found))
            continue
        for one in found:
            reason = f"“{one.typed}” was left out: {METRES if one.place else words}"
            held = Held(ItemKind.REJECTED, (_change(made, field, one),), reason, field=field, raw=one.typed)
            yield Waiting(project, _author(one.author), held)


def _together(made: Stage, field: str, words: str, found: Sequence[_Misfit]) -> Held:
    reason = f"{len(found)} values of {field} were left out: {METRES if all(m.place for m in found) else words}"
    raw = {misfit.uuid: misfit.typed for misfit in found}
    changes = tuple(_change(made, field, misfit) for misfit in found)
    return Held(ItemKind.REJECTED, changes, reason, field=field, raw=raw, layer=made.table.layer.name)


def _change(made: Stage, field: str, misfit: _Misfit) -> Change:
    """What taking the item would do: put the geometry where it might belong; anything else never became a value."""
    sent = Row({field: misfit.place}) if misfit.place else NOTHING
    return Change(Key(made.table.layer.name, misfit.uuid), NOTHING, sent)


def _whole(stored: Stored, project: int, author: str | None, kind: ItemKind, reason: str) -> Waiting:
    raw = {"id": stored.id, **{n: v for n, v in stored.row.values.items() if not isinstance(v, bytes)}}
    return Waiting(project, _author(author), Held(kind, (Change(stored.key, None, stored.row),), reason, raw=raw))


def _author(sub: str | None) -> Author | None:
    return Author(sub) if sub else None


def _as_metres() -> str:
    """The place in degrees that a geometry means if its numbers are metres of EPSG:3857; NULL where they cannot be."""
    box = f"ST_XMin({GEOM}), ST_YMin({GEOM}), -ST_XMax({GEOM}), -ST_YMax({GEOM})"
    degrees = f"abs(ST_XMin({GEOM})) <= 180 AND abs(ST_YMin({GEOM})) <= 90"
    moved = f"ST_AsBinary(ST_Transform(ST_SetSRID({GEOM}, 3857), 4326), 'NDR')"
    return f"CASE WHEN least({box}) >= -{MERCATOR} AND NOT ({degrees}) THEN {moved} END"


async def _checks(db: Connection, table: Table, *, needed: bool = False) -> Sequence[tuple[str, str, str]]:
    """What the table demands of single columns: column, words, rule. *needed*: only that there is something."""
    sql = (
        "SELECT attname, conname, pg_get_expr(conbin, conrelid) FROM pg_constraint"
        " JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]"
        " WHERE conrelid = $1::text::regclass AND contype = 'c' AND cardinality(conkey) = 1 ORDER BY conname"
    )
    found: Sequence[Any] = await db.fetch(sql, table.name)
    return [tuple(record) for record in found if (record[2] == f"({record[0]} IS NOT NULL)") is needed]


async def _taken_out(db: Connection, made: Stage, which: str) -> Sequence[tuple[Stored, int, str | None]]:
    """Rows as they would have been stored, with project and author; they are no longer among those to be inserted."""
    sql = f"SELECT project_id, author, {made.table.selection('s')} FROM {made.name} s WHERE {which} ORDER BY id"
    found = [(made.table.stored(record[2:]), record[0], record[1]) for record in map(tuple, await db.fetch(sql))]
    await db.execute(f"DELETE FROM {made.name} s WHERE {which}")
    return found


async def _words(db: Connection, rows: Sequence[Stored]) -> Words:
    """Names for what the rows are in, and for what that is in."""
    known: dict[Key, Row] = {}
    wanted = _owners((stored.key.layer, stored.row) for stored in rows)
    while wanted:
        found = [stored for layer in ("Splice_closures", fibre.TRAYS, "Elements") for stored in await _rows(db, layer, wanted)]
        known |= {stored.key: stored.row for stored in found}
        wanted = _owners((stored.key.layer, stored.row) for stored in found)
    return Words(known)


async def _rows(db: Connection, layer: str, uuids: Sequence[str]) -> Sequence[Stored]:
    table = TABLES[layer]
    sql = f"SELECT {table.selection('t')} FROM {table.name} t WHERE fiberq_uuid = ANY($1::text[]::uuid[])"
    return [table.stored(tuple(record)) for record in await db.fetch(sql, uuids)]


def _owners(rows: Iterable[tuple[str, Row]]) -> list[str]:
    places = (fibre.place_of(layer, row) for layer, row in rows)
    return sorted({place.owner for place in places if place})


def _taken(layer: str, stored: Stored, words: Words) -> str:
    place = fibre.place_of(layer, stored.row)
    return f"{words.claim(place.claim)} is already taken, by a row with a lower number" if place else ""


def counted(waiting: Sequence[Waiting]) -> Mapping[int, int]:
    """How many things wait, by project."""
    count: dict[int, int] = defaultdict(int)
    for one in waiting:
        count[one.project] += 1
    return count
