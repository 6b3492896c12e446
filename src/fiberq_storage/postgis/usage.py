"""What each project takes in the database, and which files belong to it."""

from collections.abc import Mapping, Sequence

from fiberq_core.ports import UNDO, Holding
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.tables import TABLES
from fiberq_storage.sql import literal

PHOTOS = "SELECT project_id, count(*), coalesce(sum(size), 0)::bigint FROM photo_files GROUP BY project_id"


async def holdings(db: Connection) -> Mapping[str, Mapping[int, Holding]]:
    """Rows, history and photos of each project; bytes are those of the values, as the database keeps them."""
    return {
        "rows": await _held(db, " UNION ALL ".join(_size(table.name) for table in TABLES.values())),
        "history": await _held(db, " UNION ALL ".join(_size(table.past) for table in TABLES.values())),
        "photos": await _held(db, PHOTOS),
    }


def _size(table: str) -> str:
    return f"SELECT project_id, count(*), sum(pg_column_size(t.*))::bigint FROM {table} t GROUP BY project_id"


async def _held(db: Connection, sql: str) -> Mapping[int, Holding]:
    total = (
        f"SELECT project_id, sum(count)::bigint, sum(size)::bigint FROM ({sql}) s (project_id, count, size) GROUP BY 1"
    )
    return {project: Holding(count, size) for project, count, size in await db.fetch(total)}


async def files(db: Connection, project_id: int | None) -> Sequence[tuple[int, str, str]]:
    """Project, kind (photos, uploads) and name or digest of every file of a project, or of all. An undo has no file."""
    sql = (
        "SELECT project_id, 'photos', name FROM photo_files WHERE $1::bigint IS NULL OR project_id = $1 UNION"
        " SELECT project_id, 'uploads', digest FROM uploads"
        f" WHERE ($1::bigint IS NULL OR project_id = $1) AND digest NOT LIKE {literal(f'{UNDO}%')}"
    )
    return [(project, kind, name) for project, kind, name in await db.fetch(sql, project_id)]
