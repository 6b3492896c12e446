"""The tables of PostGIS. Those of the layers are derived from the registry.

Constraints are named by what they say, since the name is what somebody at QGIS or psql is shown.
"""

from collections.abc import Iterator

from fiberq_core.photos import LONGEST_PATH, PHOTO_LAYERS, PHOTO_PATH
from fiberq_core.planning import ConflictPolicy
from fiberq_core.ports import STATUSES
from fiberq_core.registry import DATA_LAYERS
from fiberq_core.registry.model import Kind, Reference, Shape
from fiberq_storage.columns import sought_by
from fiberq_storage.postgis.tables import GEOM, SQL_TYPE, Table
from fiberq_storage.sql import ident, idents, literal

CONFLICT_POLICIES = tuple(policy.value for policy in ConflictPolicy)
AT_COMMIT = "DEFERRABLE INITIALLY DEFERRED"
LONGEST_NAME = 63  # bytes of an identifier

# Every table leads its keys with project_id, and no statement crosses projects. None has a key by its number alone:
# for "the oldest of a project" the planner would walk it, through everybody's rows.
SYSTEM_TABLES = f"""
CREATE TABLE projects (
    id bigserial PRIMARY KEY,
    uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    revision bigint NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'planning',
    conflict_policy text NOT NULL DEFAULT 'hold',
    created_at timestamptz(3) NOT NULL DEFAULT now(),
    created_by_sub text,
    CONSTRAINT "status is a known one" CHECK (status IN ({", ".join(map(literal, STATUSES))})),
    CONSTRAINT "conflict_policy is a known one" CHECK (conflict_policy IN ({", ".join(map(literal, CONFLICT_POLICIES))}))
);
CREATE TABLE members (
    project_id bigint NOT NULL REFERENCES projects,
    sub text NOT NULL,
    role text NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (project_id, sub)
);
CREATE INDEX members_sub ON members (sub, project_id);
CREATE TABLE audit (
    id bigserial,
    project_id bigint NOT NULL REFERENCES projects,
    at timestamptz(3) NOT NULL,
    by_sub text NOT NULL,
    by_name text NOT NULL,
    what text NOT NULL,
    detail json NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE TABLE revisions (
    project_id bigint NOT NULL REFERENCES projects,
    revision bigint NOT NULL,
    author_sub text NOT NULL,
    author_name text NOT NULL,
    at timestamptz(3) NOT NULL,
    source text NOT NULL,
    sync_id text,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (project_id, revision)
);
CREATE TABLE identities (
    project_id bigint NOT NULL REFERENCES projects,
    uuid uuid NOT NULL,
    layer text NOT NULL,
    PRIMARY KEY (project_id, uuid, layer)
);
CREATE TABLE claims (
    project_id bigint NOT NULL REFERENCES projects,
    claim text NOT NULL,
    layer text NOT NULL,
    uuid uuid NOT NULL,
    PRIMARY KEY (project_id, claim) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX claims_uuid ON claims (project_id, uuid);
CREATE TABLE extra_columns (
    project_id bigint NOT NULL REFERENCES projects,
    layer text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    since bigint NOT NULL,
    PRIMARY KEY (project_id, layer, name)
);
CREATE TABLE inbox (
    id bigserial,
    project_id bigint NOT NULL REFERENCES projects,
    item_id text NOT NULL,
    opened bigint NOT NULL,
    closed bigint,
    sync_id text,
    item json NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, item_id)
);
CREATE INDEX inbox_open ON inbox (project_id, id) WHERE closed IS NULL;
CREATE INDEX inbox_closed ON inbox (project_id, closed);
CREATE TABLE uploads (
    id bigserial,
    project_id bigint NOT NULL REFERENCES projects,
    sync_id text NOT NULL UNIQUE,
    digest text NOT NULL,
    export_id text,
    copy text NOT NULL,
    parent text,
    author_sub text NOT NULL,
    author_name text NOT NULL,
    at timestamptz(3) NOT NULL,
    revision bigint NOT NULL,
    writes bigint NOT NULL,
    receipt json NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE INDEX uploads_digest ON uploads (project_id, digest, id);
CREATE INDEX uploads_export ON uploads (project_id, export_id, id);
CREATE TABLE upload_rows (
    project_id bigint NOT NULL,
    upload bigint NOT NULL,
    number bigint NOT NULL,
    layer text NOT NULL,
    uuid text NOT NULL,
    source text NOT NULL,
    fid bigint,
    row json NOT NULL,
    PRIMARY KEY (project_id, upload, number),
    FOREIGN KEY (project_id, upload) REFERENCES uploads
);
CREATE TABLE exports (
    id bigserial,
    export_id text NOT NULL UNIQUE,
    project_id bigint NOT NULL REFERENCES projects,
    revision bigint NOT NULL,
    by_sub text NOT NULL,
    by_name text NOT NULL,
    at timestamptz(3) NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE TABLE answers (
    project_id bigint NOT NULL REFERENCES projects,
    key text NOT NULL,
    answer json NOT NULL,
    PRIMARY KEY (project_id, key)
);
"""

PLACED = f"{GEOM} is in EPSG:4326"
FAMILY = {
    Shape.POINT: ("POINT", "MULTIPOINT"),
    Shape.LINE: ("LINESTRING", "MULTILINESTRING"),
    Shape.POLYGON: ("POLYGON", "MULTIPOLYGON"),
}


def create_table(table: Table) -> str:
    """The table of a layer's current rows, without what it refers to."""
    columns = ["id bigserial PRIMARY KEY", "project_id bigint NOT NULL REFERENCES projects"]
    columns += ["fiberq_uuid uuid NOT NULL", "fid bigserial NOT NULL", "fiberq_rev bigint NOT NULL", "extra json"]
    columns += [f"{GEOM} geometry"] if table.layer.spatial else []
    columns += [f"{ident(name)} {SQL_TYPE[kind]}{_default(table, name)}" for name, kind in table.columns.items()]
    keys = ["UNIQUE (project_id, fiberq_uuid)", "UNIQUE (project_id, fid)"]
    return f"CREATE TABLE {table.name} ({', '.join([*columns, *keys])})"


def create_history(table: Table, schema: str) -> Iterator[str]:
    """The table of a layer's replaced and deleted versions, each current in [fiberq_rev, until); in *schema*."""
    geom = [f"{GEOM} geometry"] if table.layer.spatial else []
    own = [f"{ident(name)} {SQL_TYPE[kind]}" for name, kind in table.columns.items()]
    columns = ["id bigint NOT NULL", "project_id bigint NOT NULL", "fiberq_uuid uuid NOT NULL"]
    columns += ["fid bigint NOT NULL", "fiberq_rev bigint NOT NULL", "extra json", *geom, *own]
    columns += ["until bigint NOT NULL", "ended_by text NOT NULL"]
    rules = ["PRIMARY KEY (project_id, fiberq_uuid, fiberq_rev)", "CHECK (until > fiberq_rev)"]
    rules += ["CHECK (ended_by IN ('update', 'delete'))"]
    yield f"CREATE TABLE {ident(schema)}.{table.past} ({', '.join([*columns, *rules])})"
    for column in ("fiberq_rev", "until"):
        name = ident(f"{table.layer.table}_history_{column}")
        yield f"CREATE INDEX {name} ON {table.past} (project_id, {column}, id)"
    # the change feed tells of deletions apart; among a year's edits they are few
    name = ident(f"{table.layer.table}_history_deleted")
    yield f"CREATE INDEX {name} ON {table.past} (project_id, until, id) WHERE ended_by = 'delete'"


def add_column(table: Table, column: str, *, past: bool) -> str:
    """Adds a column that the registry gained."""
    name = table.past if past else table.name
    return f"ALTER TABLE {name} ADD COLUMN {ident(column)} {SQL_TYPE[table.columns[column]]}"


def indexes(table: Table) -> Iterator[str]:
    """The indexes of a layer's current rows: by revision, by each reference, by place, by owner and state, by number, by photo."""
    prefix = table.layer.table
    yield f"CREATE INDEX {ident(prefix + '_rev')} ON {table.name} (project_id, fiberq_rev, id)"
    if table.layer.spatial:
        yield f"CREATE INDEX {ident(prefix + '_geom')} ON {table.name} USING gist ({GEOM})"
    if table.layer.by_number:  # of -id: in the order of the id, the planner would walk through everybody's rows
        yield f"CREATE INDEX {ident(prefix + '_number')} ON {table.name} (project_id, (-id))"
    for column in sought_by(table.layer):
        name, quoted = ident(f"{prefix}_{column}"), ident(column)
        yield f"CREATE INDEX {name} ON {table.name} (project_id, {quoted}) WHERE {quoted} IS NOT NULL"
    if table.layer in PHOTO_LAYERS:  # of as much of the name as an entry of an index can hold
        name = ident(f"{prefix}_{PHOTO_PATH}")
        yield f"CREATE INDEX {name} ON {table.name} (project_id, left({ident(PHOTO_PATH)}, {LONGEST_PATH}))"


def constraints(table: Table) -> Iterator[tuple[str, str]]:
    """What the registry demands of a row: name and rule of each constraint."""
    for column in table.layer.columns:
        name = ident(column.name)
        if column.required:
            yield f"{column.name} must be filled in", f"CHECK ({name} IS NOT NULL)"
        if column.vocabulary and column.vocabulary.closed:
            codes = ", ".join(literal(term.code) for term in column.vocabulary.terms)
            yield f"{column.name} is a known one", f"CHECK ({name} IN ({codes}))"
    for column_name, kind in table.columns.items():
        if kind is Kind.REAL:
            finite = f"CHECK (abs({ident(column_name)}) < 'Infinity')"
            yield f"{column_name} is a number", finite
        if kind in (Kind.DATE, Kind.DATETIME):
            name = ident(column_name)
            yield (
                f"{column_name} is between the years 1 and 9999",
                f"CHECK ({name} >= '0001-01-01' AND {name} < '9999-12-31')",
            )
    for reference in table.layer.references:
        yield from _reference_rules(reference)
    yield from _geometry_rules(table)


def _reference_rules(reference: Reference) -> Iterator[tuple[str, str]]:
    column = ident(reference.column)
    if reference.required:
        yield f"{reference.column} must be filled in", f"CHECK ({column} IS NOT NULL)"
    if len(reference.targets) == 1:
        target = ident(_table_of(reference.targets[0]))
        yield (
            f"{reference.column} is a row of {_table_of(reference.targets[0])}",
            f"FOREIGN KEY (project_id, {column}) REFERENCES {target} (project_id, fiberq_uuid) {AT_COMMIT}",
        )


def _geometry_rules(table: Table) -> Iterator[tuple[str, str]]:
    layer = table.layer
    if not layer.spatial:
        return
    yield PLACED, f"CHECK (ST_SRID({GEOM}) = 4326)"
    if layer.shape in FAMILY:
        kinds = [kind + m for kind in FAMILY[layer.shape] for m in ("", "M")]
        rule = f"CHECK (GeometryType({GEOM}) IN ({', '.join(map(literal, kinds))}))"
        yield f"{GEOM} is a {layer.shape.value} or a Multi{layer.shape.value}", rule
    world = f"ST_XMin({GEOM}) >= -180 AND ST_XMax({GEOM}) <= 180 AND ST_YMin({GEOM}) >= -90 AND ST_YMax({GEOM}) <= 90"
    yield f"{GEOM} lies on the map, in degrees, and is not empty", f"CHECK (NOT ST_IsEmpty({GEOM}) AND {world})"
    if layer.geometry_required:
        yield f"{GEOM} must be drawn", f"CHECK ({GEOM} IS NOT NULL)"


def add_constraint(table: Table, name: str, rule: str, *, trusted: bool) -> str:
    """Adds a constraint; where the rows that are there are not *trusted*, it counts from now on.

    The reference system always counts for all rows: of one that does not, `geometry_columns` can make nothing, and
    with that view QGIS and GDAL lose the whole database.
    """
    known = name.encode()[:LONGEST_NAME].decode("utf-8", "ignore")
    late = "" if trusted or name == PLACED else " NOT VALID"
    return f"ALTER TABLE {table.name} ADD CONSTRAINT {ident(known)} {rule}{late}"


def _default(table: Table, name: str) -> str:
    """What the registry says of a new row that does not; only what is the same for everybody."""
    column = table.layer.column(name)
    if column is None or column.default is None:
        return ""
    if isinstance(column.default, bool | int | float):
        return f" DEFAULT {str(column.default).lower()}"
    return f" DEFAULT {literal(column.default)}"


def _table_of(layer: str) -> str:
    return next(known.table for known in DATA_LAYERS if known.name == layer)


def columns_list(table: Table, prefix: str = "") -> str:
    """The columns of a version as a list."""
    return idents(table.kept, prefix)
