"""The tables of the layers follow the registry: a layer or a column that it gained needs no numbered step."""

from collections.abc import Mapping

from fiberq_core.registry.model import Kind
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.ddl import add_column, create_history, create_table, indexes
from fiberq_storage.postgis.tables import SQL_TYPE, Table
from fiberq_storage.sql import ident, literal

# What a value under a new column's name must look like as JSON to stand in it as it is; other values stay where they are.
FITS: Mapping[Kind, str] = {
    Kind.TEXT: r'"%"',
    Kind.JSON: r'"%"',
    Kind.INTEGER: r"-?[0-9]{1,18}",
    Kind.REAL: r"-?[0-9]+(.[0-9]+)?([eE][+-]?[0-9]{1,2})?",
    Kind.BOOLEAN: r"true|false",
}


async def follow_registry(db: Connection, schema: str, table: Table) -> bool:
    """Create a layer's tables, or add the columns that the registry gained since. Whether they are new."""
    there = await _columns(db, table.name)
    if not there:
        for statement in (create_table(table), *create_history(table, f"{schema}_history"), *indexes(table)):
            await db.execute(statement)
        return True
    before = await _columns(db, table.past)
    for name, known, past in ((table.name, there, False), (table.past, before, True)):
        for column in table.columns:
            if column not in known:
                await db.execute(add_column(table, column, past=past))
                await _fill(db, table, name, column)
    for statement in indexes(table):
        await db.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))
    return False


async def _columns(db: Connection, name: str) -> frozenset[str]:
    sql = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
    return frozenset(record[0] for record in await db.fetch(sql, name))


async def _fill(db: Connection, table: Table, name: str, column: str) -> None:
    """Move what rows carried under a new column's name as unregistered data, where it fits the type.

    That is no edit: nobody's row says anything else than before.
    """
    kind = table.columns[column]
    if kind not in FITS:
        return
    await db.execute(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    await db.execute(
        f"UPDATE {name} SET {ident(column)} = (extra ->> $1)::{SQL_TYPE[kind]}, extra = (SELECT"
        " json_object_agg(key, value) FROM json_each(extra) WHERE key <> $1)"
        f" WHERE (extra -> $1)::text SIMILAR TO {literal(FITS[kind])}",
        column,
    )
    await db.execute(f"ALTER TABLE {name} ENABLE TRIGGER USER")
    await db.execute("DELETE FROM extra_columns WHERE layer = $1 AND name = $2", table.layer.name, column)
