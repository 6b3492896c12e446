"""The one place where the server writes rows: a change set becomes the project's next revision.

Everything is set-based, one statement per layer and operation, and every statement proves by its
count that it found what the plan was made from. History and places are written by the triggers
(see `triggers`), which everybody's changes pass.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import evolve

from fiberq_core.changes import Op, Write
from fiberq_core.errors import Conflict
from fiberq_core.ports import Applied, Changeset
from fiberq_core.rows import Key, Row, Stored
from fiberq_storage.columns import DECLARED, MOVED
from fiberq_storage.postgis import inbox
from fiberq_storage.postgis.audit import note
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.tables import TABLES, Table
from fiberq_storage.sql import ident, idents, literal

SYSTEM = {"id": "bigint", "project_id": "bigint", "fiberq_uuid": "text", "fid": "bigint", "fiberq_rev": "bigint"}
ORDER = (Op.DELETE, Op.UPDATE, Op.INSERT)  # places are given up before they are taken


async def apply(scope: Scope, changeset: Changeset) -> tuple[Scope, Applied]:
    """Write everything under the next revision. Gives the scope as it is then. Raises: Conflict."""
    if changeset.empty:
        return scope, Applied(scope.project.revision, {})
    scope = await _next_revision(scope, changeset)
    rows = await _write_rows(scope, changeset.writes)
    await inbox.add(scope, changeset.new_items, scope.project.revision)
    await inbox.decide(scope, changeset.decided_items, scope.project.revision)
    await _write_extra_columns(scope, changeset)
    for what, detail in changeset.audited:
        await note(scope.db, scope.project.id, (changeset.author, changeset.at), what, detail)
    # whoever broke one is told here, not at the commit
    await scope.db.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return scope, Applied(scope.project.revision, rows)


async def _next_revision(scope: Scope, changeset: Changeset) -> Scope:
    author, source = changeset.author, changeset.source.value
    sql = (
        "SELECT set_config('fiberq.server', 'on', true),"
        " take_revision($1::bigint, $2::text, $3::text, $4::text::timestamptz, $5::text, $6::text)"
    )
    made = (author.sub, author.name, changeset.at, source, changeset.sync_id)
    record = await scope.db.fetchrow(sql, scope.project.id, *made)
    if record is None or record[1] != scope.project.revision + 1:
        raise Conflict(MOVED)
    return evolve(scope, project=evolve(scope.project, revision=record[1]))


async def _write_rows(scope: Scope, writes: Sequence[Write]) -> dict[Key, Stored]:
    groups: dict[tuple[Op, str], list[Write]] = defaultdict(list)
    for write in writes:
        groups[write.op, write.key.layer].append(write)
    done: dict[Key, Stored] = {}
    for op in ORDER:
        for layer, table in TABLES.items():
            if group := groups.get((op, layer)):
                done |= {stored.key: stored for stored in await WRITERS[op](scope, table, group)}
    return done


async def _insert(scope: Scope, table: Table, writes: Sequence[Write]) -> Sequence[Stored]:
    done = await _numbered(scope, table, writes)
    said: set[str] = set().union(*(table.written(None, stored.row) for stored in done))
    columns = tuple(sorted(said | {c for c in table.columns if _has_default(table, c)}))
    types = [*SYSTEM.values(), *map(table.parameter, columns)]
    values = ", ".join(["id, project_id, fiberq_uuid::uuid, fid, fiberq_rev", *_values(table, columns)])
    sql = (
        f"INSERT INTO {table.name} ({idents((*SYSTEM, *columns))}) SELECT {values}"
        f" FROM unnest({_arrays(types)}) AS w ({idents((*SYSTEM, *columns))})"
    )
    project = scope.project
    records = (
        (s.id, project.id, s.key.uuid, s.fid, project.revision, *(table.value(s.row, c) for c in columns)) for s in done
    )
    await _exactly(scope, sql, records, len(types), len(done))
    return done


async def _update(scope: Scope, table: Table, writes: Sequence[Write]) -> Sequence[Stored]:
    """Update the columns that any of the rows changes: mostly few of many, and not the geometry."""
    pairs = [(write.before, write.after) for write in writes if write.before and write.after]
    columns = tuple(sorted(set().union(*(table.written(before.row, after) for before, after in pairs))))
    types = ["text", "bigint", *map(table.parameter, columns)]
    fields = [f"{ident(c)} = {value}" for c, value in zip(columns, _values(table, columns), strict=True)]
    last = len(types)
    sql = (
        f"UPDATE {table.name} t SET {', '.join([f'fiberq_rev = ${last + 2}', *fields])}"
        f" FROM unnest({_arrays(types)}) AS w ({idents(('fiberq_uuid', 'was', *columns))})"
        f" WHERE t.project_id = ${last + 1} AND t.fiberq_uuid = w.fiberq_uuid::uuid AND t.fiberq_rev = w.was"
    )
    records = ((b.key.uuid, b.rev, *(table.value(a, c) for c in columns)) for b, a in pairs)
    revision = scope.project.revision
    await _exactly(scope, sql, records, last, len(writes), scope.project.id, revision)
    return [evolve(before, row=after, rev=revision) for before, after in pairs]


async def _delete(scope: Scope, table: Table, writes: Sequence[Write]) -> Sequence[Stored]:
    sql = (
        f"DELETE FROM {table.name} t USING unnest($1::text[], $2::bigint[]) AS w (fiberq_uuid, was)"
        " WHERE t.project_id = $3 AND t.fiberq_uuid = w.fiberq_uuid::uuid AND t.fiberq_rev = w.was"
    )
    done = [write.before for write in writes if write.before]
    await _exactly(scope, sql, ((s.key.uuid, s.rev) for s in done), 2, len(writes), scope.project.id)
    return done


WRITERS = {Op.INSERT: _insert, Op.UPDATE: _update, Op.DELETE: _delete}


async def _numbered(scope: Scope, table: Table, writes: Sequence[Write]) -> Sequence[Stored]:
    """New rows with their numbers: the next ones, or their old ones for rows that come back."""
    new = sum(write.earlier is None for write in writes)
    name = table.layer.table
    sql = (
        f"SELECT nextval({literal(f'{name}_id_seq')}), nextval({literal(f'{name}_fid_seq')})"
        " FROM generate_series(1, $1)"
    )
    fresh = iter(await scope.db.fetch(sql, new))
    done = []
    for write in writes:
        id_, fid = (write.earlier.id, write.earlier.fid) if write.earlier else next(fresh)
        done.append(Stored(write.key, write.after or Row(), id_, fid, scope.project.revision))
    return done


async def _write_extra_columns(scope: Scope, changeset: Changeset) -> None:
    """Know the unregistered columns: as the file declared them, else by the first value that came (S20)."""
    found = dict(changeset.extra_types)
    for write in changeset.writes:
        if write.after is not None:
            for name, value in TABLES[write.key.layer].unregistered(write.after).items():
                found.setdefault((write.key.layer, name), DECLARED[type(value)])
    sql = (
        "INSERT INTO extra_columns (project_id, layer, name, type, since) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING"
    )
    since = scope.project.revision
    if found:
        records = [(scope.project.id, layer, name, kind, since) for (layer, name), kind in found.items()]
        await scope.db.executemany(sql, records)


async def _exactly(
    scope: Scope, sql: str, records: Iterable[tuple[Any, ...]], width: int, count: int, *more: object
) -> None:
    """Run *sql* with *records*, *width* values each, as columns; it must change *count* rows. Raises: Conflict."""
    columns: Sequence[Sequence[Any]] = list(zip(*records, strict=True)) or [()] * width
    done = await scope.db.execute(sql, *columns, *more)
    if int(done.rsplit(" ", 1)[1]) != count:
        raise Conflict(MOVED)


def _arrays(types: Sequence[str]) -> str:
    return ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))


def _values(table: Table, columns: Sequence[str]) -> Sequence[str]:
    return [table.received(column, f"w.{ident(column)}") for column in columns]


def _has_default(table: Table, name: str) -> bool:
    """Whether the database would fill the column in; the server says what it wants there, if only NULL."""
    column = table.layer.column(name)
    return column is not None and column.default is not None
