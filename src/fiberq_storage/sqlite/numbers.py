"""Rows by the numbers that people and old clients know them by, in whatever project they are."""

from collections.abc import Iterator
from typing import Any

import apsw

from fiberq_core.errors import NotFound
from fiberq_core.ports import Page, Sought
from fiberq_core.rows import Key, Stored
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.sql import ident
from fiberq_storage.sqlite.rows import table_of
from fiberq_storage.sqlite.scope import array

FIRST, LAST = -(2**63), 2**63 - 1  # beyond every number


def numbered(db: apsw.Connection, layer: str, number: int) -> tuple[int, Key]:
    """Project and key of the current row of *layer* with this number. Raises: NotFound."""
    sql = f"SELECT project_id, fiberq_uuid FROM {table_of(layer).name} WHERE id = ?"
    found = db.execute(sql, (number,)).fetchone()
    if found is None:
        raise NotFound("There is no such row")
    project, uuid = found
    return int(str(project)), Key(layer, str(uuid))


def sought(db: apsw.Connection, wanted: Sought, limit: int, cursor: str | None) -> Page[tuple[int, Stored]]:
    """Current rows of several projects, in the order of their numbers. Raises: NotFound, Invalid."""
    table = table_of(wanted.layer)
    conditions, parameters = zip(*_conditions(wanted, cursor), strict=True)
    order = "DESC" if wanted.newest_first else ""
    sql = (
        f"SELECT t.project_id, {table.selection('t')} FROM json_each(?) p CROSS JOIN {table.name} t"
        f" ON t.project_id = p.value AND {' AND '.join(conditions)} ORDER BY t.id {order} LIMIT ?"
    )
    records, limit = light(db.execute(sql, (array(wanted.projects), *parameters, limit + 1)), limit)
    found = [(int(project), table.stored(record)) for project, *record in records]
    return page(found, limit, lambda one: cursor_text(one[1].id))


def _conditions(wanted: Sought, cursor: str | None) -> Iterator[tuple[str, Any]]:
    """What a row must fulfil, each with its one parameter. Raises: Invalid."""
    after = cursor_parts(cursor, [int])[0] if cursor else LAST if wanted.newest_first else FIRST
    yield f"t.id {'<' if wanted.newest_first else '>'} ?", after
    for column, values in wanted.any_of.items():
        yield f"t.{ident(column)} IN (SELECT value FROM json_each(?))", array(values)
    for column, span in wanted.spans.items():
        for end, sign in zip(span, (">=", "<="), strict=True):
            if end is not None:
                yield f"t.{ident(column)} {sign} ?", end
