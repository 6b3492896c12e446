"""Make one package of several that hold different layers.

SQLite copies the rows of a table into an empty one of the same form without looking at them, so this costs little
beside writing them once. The same goes for the tables that a spatial index is kept in.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

import apsw

from fiberq_storage.gpkg import description
from fiberq_storage.sql import ident, marks

SETTINGS = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -8192")
DESCRIPTIONS = ("gpkg_contents", "gpkg_geometry_columns", "gpkg_ogr_contents", "gpkg_extensions")
VIRTUAL = "sql LIKE 'CREATE VIRTUAL TABLE%'"


def join(path: Path, others: Iterable[Path], layers: Sequence[str]) -> int:
    """Take the layers of the packages *others* into the one at *path*; the offset of its export id.

    *layers*: all there are, in the order in which they are listed. The file is not yet on the disk when this returns.
    Raises: apsw.Error.
    """
    with closing(apsw.Connection(str(path))) as db:
        for setting in SETTINGS:
            db.execute(f"PRAGMA {setting}").fetchall()
        for other in others:
            db.execute("ATTACH ? AS other", (str(other),))
            db.execute("BEGIN")
            _take(db, layers)
            db.execute("COMMIT")
            db.execute("DETACH other")
        page = description.note_page(db)
    return description.closed(path, page)


def _take(db: apsw.Connection, layers: Sequence[str]) -> None:
    """Take all that the other package has and this one has not."""
    virtual, triggers = _new(db, VIRTUAL), _new(db, "type = 'trigger'")
    for _, sql in virtual:
        db.execute(sql)  # makes the tables that the index is kept in, too
    tables = [name for name, _ in _new(db, "type = 'table'")]
    for _, sql in _new(db, "type = 'table'"):
        db.execute(sql)
    kept_in = [f"{name}_{part}" for name, _ in virtual for part in ("node", "rowid", "parent")]
    for name in [*tables, *kept_in]:
        db.execute(f"DELETE FROM main.{ident(name)}")
        db.execute(f"INSERT INTO main.{ident(name)} SELECT * FROM other.{ident(name)}")
    if db.execute("SELECT 1 FROM other.sqlite_schema WHERE name = 'sqlite_sequence'").fetchone():
        db.execute("DELETE FROM main.sqlite_sequence WHERE name IN (SELECT name FROM other.sqlite_sequence)")
        db.execute("INSERT INTO main.sqlite_sequence SELECT * FROM other.sqlite_sequence")
    for table in DESCRIPTIONS:
        _describe(db, table, layers)
    for _, sql in triggers:
        db.execute(sql)


def _new(db: apsw.Connection, which: str) -> list[tuple[str, str]]:
    sql = (
        f"SELECT name, sql FROM other.sqlite_schema WHERE {which} AND name NOT IN (SELECT name FROM main.sqlite_schema)"
    )
    return [(str(name), str(sql)) for name, sql in db.execute(sql)]


def _describe(db: apsw.Connection, table: str, layers: Sequence[str]) -> None:
    """List what both packages list, in the order of *layers*; what is about no layer comes first."""
    found = db.execute(f"SELECT * FROM main.{table} UNION SELECT * FROM other.{table}").fetchall()
    found.sort(key=lambda row: layers.index(str(row[0])) if row[0] in layers else -1)
    db.execute(f"DELETE FROM main.{table}")
    for row in found:
        db.execute(f"INSERT INTO main.{table} VALUES ({marks(len(row))})", row)
