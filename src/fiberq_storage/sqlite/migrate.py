"""Bringing a store's file to the form that this version of FiberQ works with.

Numbered steps change the system's own tables; the tables of the layers follow the registry,
whatever the number, so that a registry that gained a layer or a column needs no step.
"""

from collections.abc import Callable, Mapping

import apsw

from fiberq_core.errors import StoreMismatch
from fiberq_core.registry.model import Kind
from fiberq_storage.sql import ident
from fiberq_storage.sqlite.connection import transaction
from fiberq_storage.sqlite.ddl import SYSTEM_TABLES, add_column, create_table, indexes
from fiberq_storage.sqlite.people import PEOPLE_TABLES
from fiberq_storage.sqlite.photos import PHOTO_TABLES
from fiberq_storage.sqlite.tables import TABLES, Table

Step = Callable[[apsw.Connection], None]

# json_type() of a value → the kinds of column in which it may stand as it is
FITS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("text",),
    Kind.INTEGER: ("integer",),
    Kind.REAL: ("integer", "real"),
    Kind.BOOLEAN: ("true", "false"),
    Kind.DATE: (),
    Kind.DATETIME: (),
    Kind.JSON: ("text",),
    Kind.UUID: (),
}


def _first(db: apsw.Connection) -> None:
    db.execute(SYSTEM_TABLES)


def _photos(db: apsw.Connection) -> None:
    db.execute(PHOTO_TABLES)


OTHER_FORM = "The store was brought to another form while the server was running. Restart the server"


def _people(db: apsw.Connection) -> None:
    db.execute(PEOPLE_TABLES)


STEPS: tuple[Step, ...] = (_first, _photos, _people)


def migrate(db: apsw.Connection, steps: tuple[Step, ...] = STEPS) -> None:
    """Create or migrate the store, in one transaction. Raises: StoreMismatch for a newer one.

    A store that has its form already is only read, so that nobody who opens it waits for somebody who writes.
    """
    found = version(db)
    check_version(found, steps)
    with transaction(db, "IMMEDIATE" if found < len(steps) else "DEFERRED"):
        db.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY)")
        for number, step in list(enumerate(steps, 1))[version(db) :]:
            step(db)
            db.execute("INSERT INTO schema_version (version) VALUES (?)", (number,))
        for table in TABLES.values():
            follow_registry(db, table)


def check_version(found: int, steps: tuple[Step, ...] = STEPS) -> None:
    """Whether this FiberQ knows a store of version *found*. Raises: StoreMismatch."""
    if found > len(steps):
        raise StoreMismatch(
            "This data folder was written by a newer FiberQ"
            f" (store version {found}; this one knows {len(steps)})."
            " Install that version again, or restore a backup made with this one"
        )


def demand_current(db: apsw.Connection, steps: tuple[Step, ...] = STEPS) -> None:
    """Insist that the store has the form of this version. Raises: StoreMismatch."""
    if version(db) != len(steps):
        raise StoreMismatch(OTHER_FORM)


def version(db: apsw.Connection) -> int:
    """The number of the newest step that the store has seen; 0 for an empty file. Raises: StoreMismatch."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return 0
    if "schema_version" not in tables:
        raise StoreMismatch("The file fiberq.db in this data folder is not a FiberQ store. Use another data folder")
    found: int = db.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0]  # type: ignore[index]
    return found


def follow_registry(db: apsw.Connection, table: Table) -> None:
    """Create a layer's table, or add the columns that the registry gained since."""
    db.execute(create_table(table))
    there = {name for (_, name, *_) in db.execute(f"PRAGMA table_info({table.name})")}
    for column in table.columns:
        if column not in there:
            db.execute(add_column(table, column))
            _adopt(db, table, column)
    for statement in indexes(table):
        db.execute(statement)


def _adopt(db: apsw.Connection, table: Table, column: str) -> None:
    """Move what rows carried under a new column's name as unregistered data, where it fits the type."""
    path = '$."' + column.replace('"', '\\"') + '"'
    fits = FITS[table.columns[column]]
    db.execute(
        f"UPDATE {table.name} SET {ident(column)} = json_extract(extra, ?1),"
        " extra = nullif(json_remove(extra, ?1), '{}')"
        " WHERE extra IS NOT NULL AND json_type(extra, ?1) IN (SELECT value FROM json_each(?2))",
        (path, "[" + ",".join(f'"{name}"' for name in fits) + "]"),
    )
    db.execute("DELETE FROM extra_columns WHERE layer = ? AND name = ?", (table.layer.name, column))
