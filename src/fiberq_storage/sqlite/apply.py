"""The one place where rows are written: a change set becomes the project's next revision.

Everything is set-based, one statement per layer and operation, and every statement proves by its
count that it found what the plan was made from.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import apsw
from attrs import evolve

from fiberq_core.changes import Op, Write
from fiberq_core.errors import Conflict
from fiberq_core.fibre import claiming_columns, claims_of
from fiberq_core.ports import Applied, Changeset
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, Stored, differing
from fiberq_storage.columns import DECLARED, MOVED
from fiberq_storage.rowjson import values_text
from fiberq_storage.sqlite import inbox
from fiberq_storage.sqlite.audit import note
from fiberq_storage.sqlite.blobs import box_of, pack
from fiberq_storage.sqlite.scope import Scope
from fiberq_storage.sqlite.tables import GEOM, TABLES, Table, version


def apply(scope: Scope, changeset: Changeset) -> tuple[Scope, Applied]:
    """Write everything under the next revision. Gives the scope as it is then. Raises: Conflict, apsw.Error."""
    if changeset.empty:
        return scope, Applied(scope.project.revision, {})
    scope = _next_revision(scope, changeset)
    revision = scope.project.revision
    rows = _write_rows(scope, changeset.writes)
    _write_claims(scope, changeset.writes)
    inbox.add(scope, changeset.new_items, revision)
    inbox.decide(scope, changeset.decided_items, revision)
    _write_extra_columns(scope, changeset)
    for what, detail in changeset.audited:
        note(scope.db, scope.project.id, (changeset.author, changeset.at), what, detail)
    return scope, Applied(revision, rows)


def _next_revision(scope: Scope, changeset: Changeset) -> Scope:
    project = evolve(scope.project, revision=scope.project.revision + 1)
    sql = "UPDATE projects SET revision = ? WHERE id = ? AND revision = ?"
    scope.db.execute(sql, (project.revision, project.id, scope.project.revision))
    if scope.db.changes() != 1:
        raise Conflict(MOVED)
    sql = (
        "INSERT INTO revisions (project_id, revision, author_sub, author_name, at, source, sync_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    author, source = changeset.author, changeset.source.value
    made = (project.id, project.revision, author.sub, author.name, changeset.at, source, changeset.sync_id)
    scope.db.execute(sql, made)
    return evolve(scope, project=project)


def _write_rows(scope: Scope, writes: Sequence[Write]) -> dict[Key, Stored]:
    groups: dict[tuple[str, Op], list[Write]] = defaultdict(list)
    for write in writes:
        groups[write.key.layer, write.op].append(write)
    rows: dict[Key, Stored] = {}
    for (layer, op), group in groups.items():
        done = WRITERS[op](scope, TABLES[layer], group)
        rows |= {stored.key: stored for stored in done}
    return rows


def _insert(scope: Scope, table: Table, writes: Sequence[Write]) -> Sequence[Stored]:
    done = _numbered(scope, table, writes)
    project, revision = scope.project.id, scope.project.revision
    records = ((s.id, project, s.key.uuid, s.fid, revision, *table.record(s.row, table.written)) for s in done)
    _exactly(scope.db, table.insert_sql, records, len(done))
    _place(scope, table, done)
    return done


def _update(scope: Scope, table: Table, writes: Sequence[Write]) -> Sequence[Stored]:
    """Write only the columns that change: one statement for all rows in which the same ones do."""
    _remember(scope, table, writes, Op.UPDATE)
    groups: dict[frozenset[str], list[tuple[Stored, Row]]] = defaultdict(list)
    for write in writes:
        if write.before and write.after:
            groups[differing(write.before.row, write.after)].append((write.before, write.after))
    project, revision = scope.project.id, scope.project.revision
    done: list[Stored] = []
    for fields, group in groups.items():
        names = table.written_for(fields)
        records = ((revision, *table.record(after, names), *version(project, before)) for before, after in group)
        _exactly(scope.db, table.update_sql(names), records, len(group))
        rows = [Stored(before.key, after, before.id, before.fid, revision) for before, after in group]
        if GEOM in names:
            _unplace(scope, table, [row.id for row in rows])
            _place(scope, table, rows)
        done += rows
    return done


def _delete(scope: Scope, table: Table, writes: Sequence[Write]) -> Sequence[Stored]:
    _remember(scope, table, writes, Op.DELETE)
    done = [write.before for write in writes if write.before]
    records = (version(scope.project.id, stored) for stored in done)
    _exactly(scope.db, table.delete_sql, records, len(writes))
    _unplace(scope, table, [stored.id for stored in done])
    return done


WRITERS = {Op.INSERT: _insert, Op.UPDATE: _update, Op.DELETE: _delete}


def _numbered(scope: Scope, table: Table, writes: Sequence[Write]) -> Sequence[Stored]:
    """New rows with their numbers: the next ones, or their old ones for rows that come back."""
    layer, project = table.layer, scope.project.id
    found = scope.db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (layer.table,)).fetchone()
    last_id: Any = found[0] if found else 0
    sql = "SELECT last_fid FROM counters WHERE project_id = ? AND layer = ?"
    found = scope.db.execute(sql, (project, layer.name)).fetchone()
    last_fid: Any = found[0] if found else 0
    done = []
    for write in writes:
        if write.earlier is None:
            last_id, last_fid = last_id + 1, last_fid + 1
        id_, fid = (write.earlier.id, write.earlier.fid) if write.earlier else (last_id, last_fid)
        done.append(Stored(write.key, write.after or Row(), id_, fid, scope.project.revision))
    sql = "INSERT OR REPLACE INTO counters (project_id, layer, last_fid) VALUES (?, ?, ?)"
    scope.db.execute(sql, (project, layer.name, last_fid))
    return done


def _remember(scope: Scope, table: Table, writes: Sequence[Write], op: Op) -> None:
    """Put the versions that are about to be replaced or deleted into history."""
    project, until, name = scope.project.id, scope.project.revision, op.value
    old = [write.before for write in writes if write.before]
    records = ((until, name, _past_text(table, s.row), *version(project, s)) for s in old)
    _exactly(scope.db, table.remember_sql, records, len(writes))


def _past_text(table: Table, row: Row) -> str:
    """Values as history keeps them: without the geometry that stands beside them."""
    values = dict(row.values)
    if table.layer.spatial:
        values.pop(GEOMETRY, None)
    return values_text(values)


def _place(scope: Scope, table: Table, rows: Iterable[Stored]) -> None:
    """Enter rows into the spatial index."""
    if not table.index:
        return
    sql = (
        f"INSERT INTO {table.index} (id, west, east, south, north, first_project, last_project)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    project = scope.project.id
    boxes = ((stored.id, box_of(pack(stored.row.geometry))) for stored in rows)
    scope.db.executemany(sql, ((i, b[0], b[2], b[1], b[3], project, project) for i, b in boxes if b))


def _unplace(scope: Scope, table: Table, ids: Iterable[int]) -> None:
    """Take rows out of the spatial index."""
    if table.index:
        scope.db.executemany(f"DELETE FROM {table.index} WHERE id = ?", ((id_,) for id_ in ids))


def _write_claims(scope: Scope, writes: Sequence[Write]) -> None:
    """Give up the places that rows no longer take, then take the new ones: a place has one holder (S42)."""
    layers = {layer for layer in TABLES if claiming_columns(layer)}
    writes = [write for write in writes if write.key.layer in layers]
    old = [(c, w.key) for w in writes if w.before for c in claims_of(w.key.layer, w.before.row)]
    new = [(c, w.key) for w in writes if w.after for c in claims_of(w.key.layer, w.after)]
    sql = "DELETE FROM claims WHERE project_id = ? AND claim = ? AND layer = ? AND uuid = ?"
    scope.db.executemany(sql, ((scope.project.id, claim, key.layer, key.uuid) for claim, key in old))
    sql = "INSERT INTO claims (project_id, claim, layer, uuid) VALUES (?, ?, ?, ?)"
    scope.db.executemany(sql, ((scope.project.id, claim, key.layer, key.uuid) for claim, key in new))


def _write_extra_columns(scope: Scope, changeset: Changeset) -> None:
    """Know the unregistered columns: as the file declared them, else by the first value that came (S20)."""
    found = dict(changeset.extra_types)
    for write in changeset.writes:
        if write.after is not None:
            for name, value in TABLES[write.key.layer].unregistered(write.after).items():
                found.setdefault((write.key.layer, name), DECLARED[type(value)])
    sql = "INSERT OR IGNORE INTO extra_columns (project_id, layer, name, type, since) VALUES (?, ?, ?, ?, ?)"
    since = scope.project.revision
    scope.db.executemany(sql, [(scope.project.id, layer, name, kind, since) for (layer, name), kind in found.items()])


def _exactly(db: apsw.Connection, sql: str, records: Iterable[tuple[Any, ...]], count: int) -> None:
    """Run *sql* for each record; all together must change *count* rows. Raises: Conflict."""
    before = db.total_changes()
    db.executemany(sql, records)
    if db.total_changes() - before != count:
        raise Conflict(MOVED)
