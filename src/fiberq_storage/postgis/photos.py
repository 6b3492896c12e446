"""Photos: which are here, under which paths of devices they came, and which rows still wait for theirs."""

from collections.abc import Collection, Mapping, Sequence

from fiberq_core.photos import LONGEST_PATH, PHOTO_LAYERS, PHOTO_PATH, KnownName, PhotoFile
from fiberq_core.ports import Page
from fiberq_core.rows import Stored
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.photorecords import FIELDS, photo_of, record_of
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.rows import table_of
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.tables import INSTANT, TABLES
from fiberq_storage.sql import ident, idents

PHOTO_TABLES = """
CREATE TABLE photo_files (
    project_id bigint NOT NULL REFERENCES projects,
    name text NOT NULL,
    size bigint NOT NULL,
    width bigint NOT NULL,
    height bigint NOT NULL,
    orientation bigint NOT NULL,
    taken_at timestamptz(3),
    longitude double precision,
    latitude double precision,
    whole boolean NOT NULL,
    file_name text NOT NULL,
    by_sub text NOT NULL,
    by_name text NOT NULL,
    at timestamptz(3) NOT NULL,
    PRIMARY KEY (project_id, name)
);
CREATE INDEX photo_files_name ON photo_files (name, project_id);
CREATE TABLE photo_names (
    project_id bigint NOT NULL REFERENCES projects,
    path text NOT NULL,
    name text NOT NULL,
    by_sub text NOT NULL,
    at timestamptz(3) NOT NULL,
    PRIMARY KEY (project_id, path),
    FOREIGN KEY (project_id, name) REFERENCES photo_files
);
"""
MOMENTS = ("taken_at", "at")
PATH = ident(PHOTO_PATH)


async def photo_files(scope: Scope, paths: Collection[str]) -> Mapping[str, PhotoFile]:
    """The photos that *paths* name, by name of ours or by path of a device."""
    sql = (
        f"SELECT f.name, {_fields('f.')} FROM photo_files f WHERE f.project_id = $1 AND f.name = ANY($2::text[])"
        f" UNION ALL SELECT n.path, {_fields('f.')} FROM photo_names n JOIN photo_files f"
        " ON f.project_id = n.project_id AND f.name = n.name WHERE n.project_id = $1 AND n.path = ANY($2::text[])"
    )
    found = await scope.db.fetch(sql, scope.project.id, list(paths))
    return {path: photo_of(record) for path, *record in found}


async def photo_rows(scope: Scope, path: str) -> Sequence[Stored]:
    """The current rows, of any layer, that name a photo by exactly this path."""
    found: list[Stored] = []
    for layer in PHOTO_LAYERS:
        table = TABLES[layer.name]
        sql = (
            f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = $1"
            f" AND left(t.{PATH}, {LONGEST_PATH}) = left($2, {LONGEST_PATH}) AND t.{PATH} = $2 ORDER BY t.id"
        )
        found += map(table.stored, await scope.db.fetch(sql, scope.project.id, path))
    return found


async def photo_name(scope: Scope, path: str) -> KnownName | None:
    """Which photo came under a path of a device."""
    sql = "SELECT path, name, by_sub FROM photo_names WHERE project_id = $1 AND path = $2"
    found = await scope.db.fetchrow(sql, scope.project.id, path)
    return None if found is None else KnownName(*found)


async def photos_awaited(scope: Scope, layer: str, limit: int, cursor: str | None) -> Page[Stored]:
    """The current rows of *layer* whose photo has not come, by fid. Raises: NotFound, Invalid."""
    table, after = table_of(layer), cursor_parts(cursor, [int])[0] if cursor else 0
    come = "SELECT FROM {0} c WHERE c.project_id = $1 AND c.{1} = t." + PATH
    sql = (
        f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = $1 AND t.fid > $2"
        f" AND t.{PATH} <> '' AND NOT EXISTS ({come.format('photo_files', 'name')})"
        f" AND NOT EXISTS ({come.format('photo_names', 'path')}) ORDER BY t.fid LIMIT $3"
    )
    records, limit = light(await scope.db.fetch(sql, scope.project.id, after, limit + 1), limit)
    return page([table.stored(record) for record in records], limit, lambda stored: cursor_text(stored.fid))


async def save_photo(scope: Scope, photo: PhotoFile) -> None:
    """Remember a photo; what is known of it already stays."""
    values = ", ".join(f"${n}::text::timestamptz" if f in MOMENTS else f"${n}" for n, f in enumerate(FIELDS, 2))
    sql = f"INSERT INTO photo_files (project_id, {idents(FIELDS)}) VALUES ($1, {values}) ON CONFLICT DO NOTHING"
    await scope.db.execute(sql, scope.project.id, *record_of(photo))


async def save_photo_name(scope: Scope, name: KnownName, at: str) -> None:
    """Remember under which path a photo came."""
    sql = (
        "INSERT INTO photo_names (project_id, path, name, by_sub, at) VALUES ($1, $2, $3, $4, $5::text::timestamptz)"
        " ON CONFLICT (project_id, path) DO UPDATE SET name = excluded.name, by_sub = excluded.by_sub, at = excluded.at"
    )
    await scope.db.execute(sql, scope.project.id, name.path, name.name, name.by, at)


async def photo_projects(db: Connection, name: str) -> Sequence[int]:
    """The projects that have a photo."""
    found = await db.fetch("SELECT project_id FROM photo_files WHERE name = $1 ORDER BY project_id", name)
    return [project for (project,) in found]


async def photos_known(db: Connection, names: Collection[str]) -> frozenset[str]:
    """Those of *names* that any project has."""
    sql = "SELECT DISTINCT name FROM photo_files WHERE name = ANY($1::text[])"
    return frozenset(name for (name,) in await db.fetch(sql, list(names)))


def _fields(prefix: str) -> str:
    """`FIELDS` in their canonical form."""
    return ", ".join(
        f"to_char({prefix}{ident(f)} AT TIME ZONE 'UTC', '{INSTANT}')" if f in MOMENTS else f"{prefix}{ident(f)}"
        for f in FIELDS
    )
