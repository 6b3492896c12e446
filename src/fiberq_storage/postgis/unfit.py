"""What of the original server's rows cannot stand under our rules goes to the inbox, as sync.md has it.

A value that does not fit its column waits by itself and the row stands without it (S21, S23, S46). A row
that cannot stand without what it lacks (S26), or whose place a row with a lower number has (S42), waits
as a whole. Nothing is put right silently, and nothing is lost.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
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
from fiberq_storage.sql import ident, literal

MANY = 50  # values of one column and project that wait one by one; more wait as one item (S46)
NOTHING = Row()
MERCATOR = 20_037_508.35  # metres: half the width of the world in EPSG:3857
NEAR = 10_000  # metres around 0, 0 that are rather taken for mistyped degrees
METRES = "these are no degrees; read as metres of EPSG:3857 they are the place that this item shows"
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
                waiting += await _misfits(db, made, column, typed, f"{fitted.reason}; it was left out")
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
        waiting += _items(
            made, GEOMETRY if column == GEOM else column, f"this breaks the rule “{words}”; it was left out", misfits
        )
        await db.execute(f"UPDATE {made.name} SET {name} = NULL WHERE {name} IS NOT NULL AND NOT ({rule})")
    return waiting


async def incomplete(db: Connection, made: Stage) -> Sequence[Waiting]:
    """Hold the rows that cannot stand without what they lack."""
    needed = [column for column, _, _ in await _checks(db, made.table, needed=True)]
    if not needed:
        return ()
    rows = await _hold(db, made, " OR ".join(f"{ident(name)} IS NULL" for name in needed))
    return [one.waits(ItemKind.REJECTED, _lacking(made, one.stored, needed)) for one in rows]


def _lacking(made: Stage, stored: Stored, needed: Sequence[str]) -> str:
    layer = made.table.layer
    missing = [layer.column(name) for name in needed if stored.row.get(name) is None]
    names = ", ".join(column.labels.en for column in missing if column)
    return f"{layer.labels.en}: a row cannot stand without {names}"


async def displaced(db: Connection, made: Stage) -> Sequence[Waiting]:
    """Hold the rows whose place a row with a lower id has."""
    layer = made.table.layer.name
    if layer not in PLACED:
        return ()
    _, owner, number = fibre.PLACES[layer]
    place = f"project_id, {ident(owner)}, {ident(number)}"
    later = (
        f"SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY {place} ORDER BY id) AS turn FROM {made.name}"
        f" WHERE NOT held AND {ident(owner)} IS NOT NULL) ranked WHERE turn > 1"
    )
    rows = await _hold(db, made, f"id IN ({later})")
    words = await _words(db, [one.stored for one in rows])
    return [one.waits(ItemKind.CLASH, _taken(layer, one.stored, words)) for one in rows]


@frozen
class _Row:
    """A row that is held, as it would have been stored. *typed* is the original's, without its geometry."""

    stored: Stored
    project: int
    author: str | None
    typed: object

    def waits(self, kind: ItemKind, reason: str) -> Waiting:
        """The whole row in the inbox."""
        held = Held(kind, (Change(self.stored.key, None, self.stored.row),), reason, raw=self.typed)
        return Waiting(self.project, _author(self.author), held)


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
            reason = METRES if one.place else words
            held = Held(ItemKind.REJECTED, (_change(made, field, one),), reason, field=field, raw=one.typed)
            yield Waiting(project, _author(one.author), held)


def _together(made: Stage, field: str, words: str, found: Sequence[_Misfit]) -> Held:
    reason = f"{len(found)} rows: {METRES if all(m.place for m in found) else words}"
    raw = {misfit.uuid: misfit.typed for misfit in found}
    changes = tuple(_change(made, field, misfit) for misfit in found)
    return Held(ItemKind.REJECTED, changes, reason, field=field, raw=raw, layer=made.table.layer.name)


def _change(made: Stage, field: str, misfit: _Misfit) -> Change:
    """What taking the item would do: put the geometry where it might belong; anything else never became a value."""
    sent = Row({field: misfit.place}) if misfit.place else NOTHING
    return Change(Key(made.table.layer.name, misfit.uuid), NOTHING, sent)


def _author(sub: str | None) -> Author | None:
    return Author(sub) if sub else None


def _as_metres() -> str:
    """The place in degrees that a geometry means if its numbers are metres of EPSG:3857; NULL where they cannot be."""
    box = f"ST_XMin({GEOM}), ST_YMin({GEOM}), -ST_XMax({GEOM}), -ST_YMax({GEOM})"
    far = f"greatest(abs(ST_XMin({GEOM})), abs(ST_YMin({GEOM}))) > {NEAR}"
    moved = f"ST_AsBinary(ST_Transform(ST_SetSRID({GEOM}, 3857), 4326), 'NDR')"
    return f"CASE WHEN least({box}) >= -{MERCATOR} AND {far} THEN {moved} END"


async def _checks(db: Connection, table: Table, *, needed: bool = False) -> Sequence[tuple[str, str, str]]:
    """What the table demands of single columns: column, words, rule. *needed*: only that there is something."""
    sql = (
        "SELECT attname, conname, pg_get_expr(conbin, conrelid) FROM pg_constraint"
        " JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]"
        " WHERE conrelid = $1::text::regclass AND contype = 'c' AND cardinality(conkey) = 1 ORDER BY conname"
    )
    found: Sequence[Any] = await db.fetch(sql, table.name)
    return [tuple(record) for record in found if (record[2] == f"({record[0]} IS NOT NULL)") is needed]


async def _hold(db: Connection, made: Stage, which: str) -> Sequence[_Row]:
    """Mark rows as held."""
    typed = (
        f"SELECT id AS original, (to_jsonb(o) - {literal(made.origin.geometry)})::text AS typed FROM {made.source} o"
    )
    sql = (
        f"SELECT s.project_id, s.author, typed, {made.table.selection('s')} FROM {made.name} s"
        f" JOIN ({typed}) t ON original = id WHERE {which} ORDER BY id"
    )
    found = [
        _Row(made.table.stored(row[3:]), row[0], row[1], json.loads(row[2])) for row in map(tuple, await db.fetch(sql))
    ]
    await db.execute(f"UPDATE {made.name} s SET held = true WHERE {which}")
    return found


async def _words(db: Connection, rows: Sequence[Stored]) -> Words:
    """Names for what the rows are in, and for what that is in."""
    known: dict[Key, Row] = {}
    wanted = _owners((stored.key.layer, stored.row) for stored in rows)
    while wanted:
        found = [
            stored
            for layer in ("Splice_closures", fibre.TRAYS, "Elements")
            for stored in await _rows(db, layer, wanted)
        ]
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


def without_held(waiting: Sequence[Waiting]) -> Sequence[Waiting]:
    """Leave out values of rows that wait as a whole: their items say all that was typed."""
    whole = {change.key for one in waiting for change in one.held.changes if change.base is None}
    return [one for one in waiting if not {c.key for c in one.held.changes if c.base is not None} & whole]
