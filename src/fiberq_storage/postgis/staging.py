"""One layer's rows of the original server, copied into a temporary table with our columns and types.

There they get a project, a uuid and references; what remains is inserted as it stands. Nothing here
decides what becomes of rows that do not fit: that is `unfit`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from fiberq_core.errors import StoreMismatch
from fiberq_core.registry.model import Kind, Reference
from fiberq_core.registry.names import column_of, layer_of_id
from fiberq_core.registry.system import MODIFIED_BY, SYSTEM_NAMES
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.original import ORIGIN, Origin, archive
from fiberq_storage.postgis.tables import GEOM, SQL_TYPE, TABLES, Table, canonical_sql
from fiberq_storage.sql import ident, idents, literal

SHORTEST = "{0}::text::double precision"  # 0.1 as real is 0.1, not 0.10000000149
INTEGERS = dict.fromkeys(("smallint", "integer", "bigint"), "{0}::bigint")
# kind of our column → type of the original's → how it becomes ours; whatever is text is taken as text shows it
CONVERSIONS: Mapping[Kind, Mapping[str, str]] = {
    Kind.TEXT: {"timestamp with time zone": canonical_sql(Kind.DATETIME, "{0}")},
    Kind.INTEGER: INTEGERS,
    Kind.REAL: {
        "real": SHORTEST,
        **dict.fromkeys(("double precision", "numeric", *INTEGERS), "{0}::double precision"),
    },
    Kind.BOOLEAN: {"boolean": "{0}"},
    Kind.DATE: {"date": "{0}"},
    Kind.DATETIME: {"timestamp with time zone": "{0}::timestamptz(3)"},
    Kind.JSON: {},
    Kind.UUID: {"uuid": "{0}"},
}
AS_TEXT = (Kind.TEXT, Kind.JSON)
# what a column that we do not know holds → how it is kept in `extra`, and the type that packages declare
EXTRA: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(INTEGERS, ("to_json({0})", "INTEGER")),
    "real": ("to_json(CASE WHEN abs({0}) < 'Infinity' THEN {0} END)", "REAL"),
    "double precision": ("to_json(CASE WHEN abs({0}) < 'Infinity' THEN {0} END)", "REAL"),
    "numeric": ("CASE WHEN abs({0}) < 1e15 THEN to_json({0}::double precision) ELSE to_json({0}::text) END", "REAL"),
    "boolean": ("to_json({0})", "BOOLEAN"),
    "bytea": ("json_build_object('$b', translate(encode({0}, 'base64'), E'\\n', ''))", "BLOB"),
}
OTHER_EXTRA = ("to_json({0}::text)", "TEXT")


def stage_of(table: Table) -> str:
    """The name, quoted, of a layer's stage."""
    return ident(f"adopting_{table.layer.table}")


@frozen
class Stage:
    """The copy of one layer's rows. *columns* are the original's, with their types.

    A row that is *held* waits in the inbox instead of being inserted; what refers to it can still learn its project.
    """

    table: Table
    origin: Origin
    columns: Mapping[str, str]
    source: str  # the original's table, qualified and quoted
    name: str = field(init=False)  # quoted
    sources: Mapping[str, str] = field(init=False)  # our column → the original's

    @name.default
    def _name(self) -> str:
        return stage_of(self.table)

    @sources.default
    def _sources(self) -> Mapping[str, str]:
        layer = self.table.layer
        found = {name: name for name in self.columns if name in self.table.columns}
        for name in self.columns:
            column = None if name in SYSTEM_NAMES or name in found else column_of(layer, name)
            if column is not None:
                found.setdefault(column.name, name)
        numbers = {r.local_fid: r.legacy_id for r in layer.references if r.local_fid and r.legacy_id in self.columns}
        return {**found, **{local: legacy for local, legacy in numbers.items() if legacy is not None}}

    @property
    def extra(self) -> tuple[str, ...]:
        """The original's columns that we do not have."""
        used = {*self.sources.values(), *SYSTEM_NAMES, self.origin.geometry}
        return tuple(name for name in self.columns if name not in used)

    @property
    def create_sql(self) -> str:
        """Copies the rows."""
        own = (f"{self._value(name, kind)} AS {ident(name)}" for name, kind in self.table.columns.items())
        place = (f"{ident(self.origin.geometry)}::geometry AS {GEOM}",) if self.table.layer.spatial else ()
        project = "project_id::bigint" if self.knows_project else "NULL::bigint"
        author = ident(MODIFIED_BY) if MODIFIED_BY in self.columns else "NULL::text"
        system = (
            f"id::bigint AS id, {project} AS project_id, NULL::uuid AS fiberq_uuid, id::bigint AS fid,"
            f" {author} AS author, false AS held"
        )
        select = ", ".join((system, f"1::bigint AS fiberq_rev, {self._extra()} AS extra", *place, *own))
        made = f"CREATE TEMPORARY TABLE {self.name} ON COMMIT DROP"
        return f"{made} AS SELECT {select} FROM {self.source} WHERE {self.origin.rows}"

    @property
    def knows_project(self) -> bool:
        """Whether the original's rows say which project they belong to."""
        return "project_id" in self.columns

    @property
    def insert_sql(self) -> str:
        """Inserts the rows that are not held, as they stand."""
        columns = idents(self.table.kept)
        return f"INSERT INTO {self.table.name} ({columns}) SELECT {columns} FROM {self.name} WHERE NOT held ORDER BY id"

    def extra_columns(self) -> Iterator[tuple[str, str]]:
        """Columns that we do not have, with the type that packages declare for them."""
        for name in self.extra:
            yield name, EXTRA.get(self.columns[name], OTHER_EXTRA)[1]

    def _value(self, name: str, kind: Kind) -> str:
        if name not in self.sources:
            return f"NULL::{SQL_TYPE[kind]}"
        source, type_ = self.sources[name], self.columns[self.sources[name]]
        template = CONVERSIONS[kind].get(type_) or ("{0}::text" if kind in AS_TEXT else None)
        if template is None:
            raise StoreMismatch(
                f"The column {source} of the original server's table {self.origin.table} is {type_}."
                f" Change its type to {' or '.join(CONVERSIONS[kind])} first"
            )
        return template.format(ident(source))

    def _extra(self) -> str:
        if not self.extra:
            return "NULL::json"
        pairs = (f"{literal(name)}, {self._extra_value(name)}" for name in self.extra)
        return f"nullif(json_strip_nulls(json_build_object({', '.join(pairs)}))::text, '{{}}')::json"

    def _extra_value(self, name: str) -> str:
        return EXTRA.get(self.columns[name], OTHER_EXTRA)[0].format(ident(name))


async def stage(db: Connection, schema: str, origin: Origin) -> Stage:
    """Copy a layer's rows. Raises: StoreMismatch where a column has a type that the original's never had."""
    sql = (
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
        " WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    source = f"{archive(schema)}.{ident(origin.table)}"
    made = Stage(TABLES[origin.layer], origin, dict(await db.fetch(sql, source)), source)
    await db.execute(made.create_sql)
    return made


async def inherit_project(db: Connection, made: Stage) -> None:
    """Give rows that name no project that of what they belong to, where the original kept it only there."""
    if made.knows_project:
        return
    for reference, target, names in await meanings(db, made):
        if target is not made.table:
            await db.execute(
                f"UPDATE {made.name} s SET project_id = t.project_id FROM {stage_of(target)} t WHERE s.project_id IS NULL"
                f" AND t.id = s.{ident(reference.local_fid or '')} AND {_named(reference, 1)}",
                list(names),
            )


async def identify(db: Connection, made: Stage) -> None:
    """Give each row a uuid that only depends on its project's, the original's table and its id."""
    digest = f"md5(p.uuid::text || {literal(f'/{made.origin.table}/')} || s.id)"
    uuid = f"overlay(overlay({digest} PLACING '8' FROM 13) PLACING '8' FROM 17)::uuid"  # version 8: our own making
    await db.execute(f"UPDATE {made.name} s SET fiberq_uuid = {uuid} FROM projects p WHERE p.id = s.project_id")


async def refer(db: Connection, made: Stage, *, to_itself: bool) -> None:
    """Put the uuid of every row that is referred to beside its number, which then goes.

    A number that means no row of the project stays, as it does in packages.
    """
    for reference, target, names in await meanings(db, made):
        if (target is made.table) is not to_itself:
            continue
        local = ident(reference.local_fid or "")
        layer = reference.local_layer and ident(reference.local_layer)
        kept = f"s.{layer} = ANY($2) OR coalesce(s.{layer}, '') = ''"
        renamed = f", {layer} = CASE WHEN {kept} THEN s.{layer} ELSE $3 END" if layer else ""
        own = [name for name in names if _layer_name(name) == target.layer.name]
        await db.execute(
            f"UPDATE {made.name} s SET {ident(reference.column)} = t.fiberq_uuid, {local} = NULL{renamed}"
            f" FROM {made.name if to_itself else target.name} t"
            f" WHERE {'NOT t.held AND ' if to_itself else ''}t.project_id = s.project_id AND t.id = s.{local} AND {_named(reference, 1)}",
            list(names),
            *((own, target.layer.name) if layer else ()),
        )


Meaning = tuple[Reference, Table, Sequence[str]]


async def meanings(db: Connection, made: Stage) -> Sequence[Meaning]:
    """What the numbers of a stage may mean: reference, table, and by which layer names it is meant."""
    found: list[Meaning] = []
    for reference in made.table.layer.references:
        names = await _layer_names(db, made, reference)
        for target in reference.targets:
            if target not in ORIGIN:
                continue
            same = {name for name, o in ORIGIN.items() if o.table == ORIGIN[target].table}
            found.append((reference, TABLES[target], [n for n in names if _layer_name(n) in same]))
    return found


async def _layer_names(db: Connection, made: Stage, reference: Reference) -> Sequence[str]:
    if reference.local_layer is None:
        return ()
    column = ident(reference.local_layer)
    found: Any = await db.fetch(f"SELECT DISTINCT {column} FROM {made.name} WHERE {column} IS NOT NULL")
    return [record[0] for record in found]


def _layer_name(text: str) -> str | None:
    """The layer that somebody's layer id or name means."""
    recognised = layer_of_id(text)
    return recognised.layer.name if recognised else None


def _named(reference: Reference, parameter: int) -> str:
    """Whether a row's layer name is among those of the parameter; where only one layer is possible, it may say nothing."""
    array = f"${parameter}::text[]"
    if reference.local_layer is None:
        return f"{array} IS NOT NULL"
    named = f"s.{ident(reference.local_layer)} = ANY({array})"
    return f"({named} OR coalesce(s.{ident(reference.local_layer)}, '') = '')" if len(reference.targets) == 1 else named
