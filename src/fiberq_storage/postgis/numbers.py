"""Rows by the numbers that people and old clients know them by, in whatever project they are."""

from collections.abc import Iterator
from typing import Any

from fiberq_core.errors import NotFound
from fiberq_core.ports import Page, Sought
from fiberq_core.registry import UUID
from fiberq_core.registry.model import Kind
from fiberq_core.rows import Key, Stored
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.rows import table_of
from fiberq_storage.postgis.scope import uuids_of
from fiberq_storage.postgis.tables import SENT_AS, SQL_TYPE, Table
from fiberq_storage.sql import ident

EVERY_ROW = {"fid": Kind.INTEGER, UUID: Kind.UUID}  # what rows of every layer can be asked by
FIRST, LAST = -(2**63) + 1, 2**63 - 1  # beyond every number


async def numbered(db: Connection, layer: str, number: int) -> tuple[int, Key]:
    """Project and key of the current row of *layer* with this number. Raises: NotFound."""
    sql = f"SELECT project_id, fiberq_uuid::text FROM {table_of(layer).name} WHERE id = $1"
    found = await db.fetchrow(sql, number)
    if found is None:
        raise NotFound("There is no such row")
    return found[0], Key(layer, found[1])


async def sought(db: Connection, wanted: Sought, limit: int, cursor: str | None) -> Page[tuple[int, Stored]]:
    """Current rows of several projects, in the order of their numbers. Raises: NotFound, Invalid.

    Each project is asked for its first few, by its own index of numbers (see `ddl.indexes`).
    """
    table = table_of(wanted.layer)
    made = list(_conditions(table, wanted, cursor))
    conditions = " AND ".join(text.format(f"${n}") for n, (text, _) in enumerate(made, 3))
    order = "" if wanted.newest_first else "DESC"
    one = f"SELECT {table.selection('t')} FROM {table.name} t WHERE t.project_id = p.id AND {conditions}"
    sql = (
        f"SELECT p.id, t.* FROM unnest($1::bigint[]) p (id) CROSS JOIN LATERAL ({one} ORDER BY -t.id {order} LIMIT $2) t"
        f" ORDER BY -t.id {order} LIMIT $2"
    )
    records: Any = await db.fetch(sql, list(wanted.projects), limit + 1, *(parameter for _, parameter in made))
    records, limit = light(records, limit)
    found = [(project, table.stored(record)) for project, *record in records]
    return page(found, limit, lambda one: cursor_text(one[1].id))


def _conditions(table: Table, wanted: Sought, cursor: str | None) -> Iterator[tuple[str, Any]]:
    """What a row must fulfil, each with its one parameter. Raises: Invalid."""
    after = cursor_parts(cursor, [int])[0] if cursor else LAST if wanted.newest_first else FIRST
    yield f"-t.id {'>' if wanted.newest_first else '<'} -({{}}::bigint)", after
    for column, values in wanted.any_of.items():
        kind = EVERY_ROW.get(column) or table.columns[column]
        known = uuids_of(map(str, values)) if kind is Kind.UUID else list(values)
        yield f"t.{ident(column)} = ANY({{}}::{SENT_AS[kind]}[]::{SQL_TYPE[kind]}[])", known
    for column, span in wanted.spans.items():
        for end, sign in zip(span, (">=", "<="), strict=True):
            if end is not None:
                yield f"t.{ident(column)} {sign} {{}}::text::{SQL_TYPE[table.columns[column]]}", end
