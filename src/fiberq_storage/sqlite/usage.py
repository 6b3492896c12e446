"""What each project takes in the store's file, and which files belong to it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apsw

from fiberq_core.ports import UNDO, Holding
from fiberq_storage.sql import ident, literal
from fiberq_storage.sqlite.tables import GEOM, TABLES, Table

PHOTOS = "SELECT project_id, count(*), coalesce(sum(size), 0) FROM photo_files GROUP BY project_id"
HISTORY = (
    "SELECT project_id, count(*), sum(length(CAST(vals AS BLOB)) + coalesce(length(geom), 0)) FROM history"
    " GROUP BY project_id"
)


def holdings(db: apsw.Connection) -> Mapping[str, Mapping[int, Holding]]:
    """Rows, history and photos of each project; bytes are those of the values."""
    rows: dict[int, Holding] = {}
    for project, held in _rows(db):
        before = rows.get(project, Holding())
        rows[project] = Holding(before.count + held.count, before.size + held.size)
    return {"rows": rows, "history": dict(_held(db, HISTORY)), "photos": dict(_held(db, PHOTOS))}


def _rows(db: apsw.Connection) -> Iterator[tuple[int, Holding]]:
    for table in TABLES.values():
        size = " + ".join(f"coalesce(length(CAST({ident(name)} AS BLOB)), 0)" for name in _columns(table))
        yield from _held(db, f"SELECT project_id, count(*), sum({size}) FROM {table.name} GROUP BY project_id")


def _columns(table: Table) -> Sequence[str]:
    return ["fiberq_uuid", "extra", *([GEOM] if table.layer.spatial else []), *table.columns]


def _held(db: apsw.Connection, sql: str) -> Iterator[tuple[int, Holding]]:
    found: Any = db.execute(sql)
    for project, count, size in found:
        yield project, Holding(count, int(size))


def files(db: apsw.Connection, project_id: int | None) -> Sequence[tuple[int, str, str]]:
    """Project, kind (photos, uploads) and name or digest of every file of a project, or of all. An undo has no file."""
    sql = (
        "SELECT project_id, 'photos', name FROM photo_files WHERE ?1 IS NULL OR project_id = ?1 UNION"
        " SELECT project_id, 'uploads', digest FROM uploads"
        f" WHERE (?1 IS NULL OR project_id = ?1) AND digest NOT LIKE {literal(f'{UNDO}%')}"
    )
    found: Any = db.execute(sql, (project_id,)).fetchall()
    return list(found)
