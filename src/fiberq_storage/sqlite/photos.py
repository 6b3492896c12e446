"""Photos: which are here, under which paths of devices they came, and which rows still wait for theirs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import apsw

from fiberq_core.photos import PHOTO_LAYERS, PHOTO_PATH, KnownName, PhotoFile
from fiberq_core.ports import Page
from fiberq_core.rows import Stored
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.photorecords import FIELDS, photo_of, record_of
from fiberq_storage.sql import ident, idents, marks
from fiberq_storage.sqlite.rows import table_of
from fiberq_storage.sqlite.scope import Scope, array
from fiberq_storage.sqlite.tables import TABLES

PHOTO_TABLES = """
CREATE TABLE photo_files (
    project_id INTEGER NOT NULL REFERENCES projects,
    name TEXT NOT NULL,
    size INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    orientation INTEGER NOT NULL,
    taken_at TEXT,
    longitude REAL,
    latitude REAL,
    whole INTEGER NOT NULL,
    file_name TEXT NOT NULL,
    by_sub TEXT NOT NULL,
    by_name TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (project_id, name)
) WITHOUT ROWID;
CREATE INDEX photo_files_name ON photo_files (name, project_id);
CREATE TABLE photo_names (
    project_id INTEGER NOT NULL REFERENCES projects,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    by_sub TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (project_id, path),
    FOREIGN KEY (project_id, name) REFERENCES photo_files
) WITHOUT ROWID;
"""
PATH = ident(PHOTO_PATH)


def photo_files(scope: Scope, paths: Collection[str]) -> Mapping[str, PhotoFile]:
    """The photos that *paths* name, by name of ours or by path of a device."""
    fields = idents(FIELDS, "f.")
    sql = (
        f"SELECT w.value, {fields} FROM json_each(?1) w CROSS JOIN photo_files f"
        " ON f.project_id = ?2 AND f.name = w.value"
        f" UNION ALL SELECT w.value, {fields} FROM json_each(?1) w CROSS JOIN photo_names n"
        " ON n.project_id = ?2 AND n.path = w.value CROSS JOIN photo_files f ON f.project_id = ?2 AND f.name = n.name"
    )
    found: Any = scope.db.execute(sql, (array(paths), scope.project.id))
    return {path: photo_of(record) for path, *record in found}


def photo_rows(scope: Scope, path: str) -> Sequence[Stored]:
    """The current rows, of any layer, that name a photo by exactly this path."""
    found: list[Stored] = []
    for layer in PHOTO_LAYERS:
        table = TABLES[layer.name]
        sql = f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = ? AND t.{PATH} = ? ORDER BY t.id"
        found += map(table.stored, scope.db.execute(sql, (scope.project.id, path)))
    return found


def photo_name(scope: Scope, path: str) -> KnownName | None:
    """Which photo came under a path of a device."""
    sql = "SELECT path, name, by_sub FROM photo_names WHERE project_id = ? AND path = ?"
    found: Any = scope.db.execute(sql, (scope.project.id, path)).fetchone()
    return found and KnownName(*found)


def photos_awaited(scope: Scope, layer: str, limit: int, cursor: str | None) -> Page[Stored]:
    """The current rows of *layer* whose photo has not come, by fid. Raises: NotFound, Invalid."""
    table, after = table_of(layer), cursor_parts(cursor, [int])[0] if cursor else 0
    come = "SELECT 1 FROM {0} c WHERE c.project_id = ?1 AND c.{1} = t." + PATH
    sql = (
        f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = ?1 AND t.fid > ?2"
        f" AND t.{PATH} <> '' AND NOT EXISTS ({come.format('photo_files', 'name')})"
        f" AND NOT EXISTS ({come.format('photo_names', 'path')}) ORDER BY t.fid LIMIT ?3"
    )
    records, limit = light(scope.db.execute(sql, (scope.project.id, after, limit + 1)), limit)
    return page([table.stored(record) for record in records], limit, lambda stored: cursor_text(stored.fid))


def save_photo(scope: Scope, photo: PhotoFile) -> None:
    """Remember a photo; what is known of it already stays."""
    sql = (
        f"INSERT INTO photo_files (project_id, {idents(FIELDS)}) VALUES ({marks(len(FIELDS) + 1)})"
        " ON CONFLICT (project_id, name) DO NOTHING"
    )
    scope.db.execute(sql, (scope.project.id, *record_of(photo)))


def save_photo_name(scope: Scope, name: KnownName, at: str) -> None:
    """Remember under which path a photo came."""
    sql = "INSERT OR REPLACE INTO photo_names (project_id, path, name, by_sub, at) VALUES (?, ?, ?, ?, ?)"
    scope.db.execute(sql, (scope.project.id, name.path, name.name, name.by, at))


def photo_projects(db: apsw.Connection, name: str) -> Sequence[int]:
    """The projects that have a photo."""
    found: Any = db.execute("SELECT project_id FROM photo_files WHERE name = ? ORDER BY project_id", (name,))
    return [project for (project,) in found]


def photos_known(db: apsw.Connection, names: Collection[str]) -> frozenset[str]:
    """Those of *names* that any project has."""
    sql = "SELECT f.name FROM json_each(?) w CROSS JOIN photo_files f ON f.name = w.value"
    return frozenset(str(name) for (name,) in db.execute(sql, (array(names),)))
