"""The tables of the embedded store. Those of the layers are derived from the registry."""

from collections.abc import Iterator

from fiberq_core.photos import PHOTO_LAYERS, PHOTO_PATH
from fiberq_core.registry.model import Kind
from fiberq_storage.columns import sought_by
from fiberq_storage.sql import ident
from fiberq_storage.sqlite.tables import GEOM, Table

SQL_TYPE = {
    Kind.TEXT: "TEXT",
    Kind.INTEGER: "INTEGER",
    Kind.REAL: "REAL",
    Kind.BOOLEAN: "INTEGER",
    Kind.DATE: "TEXT",
    Kind.DATETIME: "TEXT",
    Kind.JSON: "TEXT",
    Kind.UUID: "TEXT",
}

# Every table leads its keys with project_id. `history` holds only versions that were replaced or
# deleted: such a version was current in [rev, until). See docs/decisions/0001-embedded-store.md.
SYSTEM_TABLES = """
CREATE TABLE projects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'planning',
    conflict_policy TEXT NOT NULL DEFAULT 'hold',
    created_at TEXT NOT NULL,
    created_by_sub TEXT
);
CREATE TABLE members (
    project_id INTEGER NOT NULL REFERENCES projects,
    sub TEXT NOT NULL,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (project_id, sub)
) WITHOUT ROWID;
CREATE INDEX members_sub ON members (sub, project_id);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects,
    at TEXT NOT NULL,
    by_sub TEXT NOT NULL,
    by_name TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_project ON audit (project_id, id);
CREATE TABLE revisions (
    project_id INTEGER NOT NULL REFERENCES projects,
    revision INTEGER NOT NULL,
    author_sub TEXT NOT NULL,
    author_name TEXT NOT NULL,
    at TEXT NOT NULL,
    source TEXT NOT NULL,
    sync_id TEXT,
    PRIMARY KEY (project_id, revision)
) WITHOUT ROWID;
CREATE TABLE counters (
    project_id INTEGER NOT NULL REFERENCES projects,
    layer TEXT NOT NULL,
    last_fid INTEGER NOT NULL,
    PRIMARY KEY (project_id, layer)
) WITHOUT ROWID;
CREATE TABLE history (
    project_id INTEGER NOT NULL REFERENCES projects,
    uuid TEXT NOT NULL,
    layer TEXT NOT NULL,
    rev INTEGER NOT NULL,
    until INTEGER NOT NULL CHECK (until > rev),
    ended_by TEXT NOT NULL CHECK (ended_by IN ('update', 'delete')),
    id INTEGER NOT NULL,
    fid INTEGER NOT NULL,
    vals TEXT NOT NULL,
    geom BLOB,
    UNIQUE (project_id, uuid, layer, rev)
);
CREATE INDEX history_rev ON history (project_id, rev, layer, id);
CREATE INDEX history_until ON history (project_id, until, layer, id);
CREATE TABLE claims (
    project_id INTEGER NOT NULL REFERENCES projects,
    claim TEXT NOT NULL,
    layer TEXT NOT NULL,
    uuid TEXT NOT NULL,
    PRIMARY KEY (project_id, claim)
) WITHOUT ROWID;
CREATE TABLE extra_columns (
    project_id INTEGER NOT NULL REFERENCES projects,
    layer TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (project_id, layer, name)
) WITHOUT ROWID;
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects,
    item_id TEXT NOT NULL,
    opened INTEGER NOT NULL,
    closed INTEGER,
    sync_id TEXT,
    item TEXT NOT NULL,
    UNIQUE (project_id, item_id)
);
CREATE INDEX inbox_open ON inbox (project_id, id) WHERE closed IS NULL;
CREATE INDEX inbox_project ON inbox (project_id, id);
CREATE TABLE uploads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects,
    sync_id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    export_id TEXT,
    copy TEXT NOT NULL,
    parent TEXT,
    author_sub TEXT NOT NULL,
    author_name TEXT NOT NULL,
    at TEXT NOT NULL,
    revision INTEGER NOT NULL,
    writes INTEGER NOT NULL,
    receipt TEXT NOT NULL
);
CREATE INDEX uploads_digest ON uploads (project_id, digest);
CREATE INDEX uploads_export ON uploads (project_id, export_id);
CREATE TABLE upload_rows (
    upload INTEGER NOT NULL REFERENCES uploads,
    layer TEXT NOT NULL,
    uuid TEXT NOT NULL,
    source TEXT NOT NULL,
    fid INTEGER,
    row TEXT NOT NULL
);
CREATE INDEX upload_rows_upload ON upload_rows (upload);
CREATE TABLE exports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    export_id TEXT NOT NULL UNIQUE,
    project_id INTEGER NOT NULL REFERENCES projects,
    revision INTEGER NOT NULL,
    by_sub TEXT NOT NULL,
    by_name TEXT NOT NULL,
    at TEXT NOT NULL
);
CREATE INDEX exports_project ON exports (project_id, id);
CREATE TABLE answers (
    project_id INTEGER NOT NULL REFERENCES projects,
    key TEXT NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (project_id, key)
) WITHOUT ROWID;
"""


def create_table(table: Table) -> str:
    """The table of a layer."""
    columns = [
        "id INTEGER PRIMARY KEY AUTOINCREMENT",
        "project_id INTEGER NOT NULL REFERENCES projects",
        "fiberq_uuid TEXT NOT NULL",
        "fid INTEGER NOT NULL",
        "fiberq_rev INTEGER NOT NULL",
        "extra TEXT",
        *([f"{GEOM} BLOB"] if table.layer.spatial else []),
        *(f"{ident(name)} {SQL_TYPE[kind]}" for name, kind in table.columns.items()),
        "UNIQUE (project_id, fiberq_uuid)",
        "UNIQUE (project_id, fid)",
    ]
    return f"CREATE TABLE IF NOT EXISTS {table.name} ({', '.join(columns)})"


def add_column(table: Table, column: str) -> str:
    """Adds a column that the registry gained."""
    return f"ALTER TABLE {table.name} ADD COLUMN {ident(column)} {SQL_TYPE[table.columns[column]]}"


def indexes(table: Table) -> Iterator[str]:
    """The indexes of a layer's table: by revision, by each reference, by owner and state, by number, by photo, by place.

    The spatial index has the project as a third dimension, so that a search stays inside it.
    """
    prefix = table.layer.table
    yield f"CREATE INDEX IF NOT EXISTS {ident(prefix + '_rev')} ON {table.name} (project_id, fiberq_rev)"
    for sought in sought_by(table.layer):
        name, column = ident(f"{prefix}_{sought}"), ident(sought)
        yield (f"CREATE INDEX IF NOT EXISTS {name} ON {table.name} (project_id, {column}) WHERE {column} IS NOT NULL")
    if table.layer.by_number:
        yield f"CREATE INDEX IF NOT EXISTS {ident(prefix + '_number')} ON {table.name} (project_id, id)"
    if table.layer in PHOTO_LAYERS:
        name = ident(f"{prefix}_{PHOTO_PATH}")
        yield f"CREATE INDEX IF NOT EXISTS {name} ON {table.name} (project_id, {ident(PHOTO_PATH)})"
    if table.index:
        yield (
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {table.index}"
            " USING rtree (id, west, east, south, north, first_project, last_project)"
        )
