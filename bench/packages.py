"""Packages as a device changes them."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.dataset import SHARES
from fiberq_core.rows import Key

FUNCTIONS = ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")  # GDAL's, for the triggers


@contextmanager
def _copied(base: Path, copy: Path) -> Iterator[sqlite3.Connection]:
    shutil.copyfile(base, copy)
    with closing(sqlite3.connect(copy)) as file, file:
        for name in FUNCTIONS:
            file.create_function(name, 1, lambda _blob: 0)
        yield file


def touched(base: Path, copy: Path) -> None:
    """A copy whose bytes differ and whose rows do not, as if somebody had opened and closed it."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()) + str(time.time_ns())[-6:]
    with _copied(base, copy) as file:
        file.execute("UPDATE gpkg_contents SET last_change = ?", (moment,))


def edited(base: Path, copy: Path, one_in: int, remainder: int, text: str) -> int:
    """A copy with other notes in one row of so many; how many rows that are."""
    with _copied(base, copy) as file:
        sql = 'UPDATE "{}" SET napomena = ? WHERE fid % ? = ?'
        return sum(file.execute(sql.format(layer), (text, one_in, remainder)).rowcount for layer in SHARES)


def keys(package: Path, one_in: int, remainder: int) -> list[Key]:
    """One row of so many of a package."""
    with closing(sqlite3.connect(package)) as file:
        sql = 'SELECT fiberq_uuid FROM "{}" WHERE fid % ? = ?'
        return [
            Key(layer, uuid)
            for layer in SHARES
            for (uuid,) in file.execute(sql.format(layer), (one_in, remainder)).fetchall()
        ]


def notes(package: Path, text: str) -> int:
    """How many rows of a package have notes that begin so."""
    with closing(sqlite3.connect(package)) as file:
        sql = "SELECT count(*) FROM \"{}\" WHERE napomena LIKE ? || '%'"
        return sum(int(file.execute(sql.format(layer), (text,)).fetchone()[0]) for layer in SHARES)
