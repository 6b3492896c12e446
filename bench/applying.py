"""Writing changed rows with their history, beside writing the bare rows."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import asyncpg

from bench.figures import Cost, Line, share
from bench.places import BY, Place, Store, edits
from fiberq_aiohttp.wiring import now
from fiberq_core.changes import Source
from fiberq_core.ports import Changeset
from fiberq_core.rows import Stored
from fiberq_storage.postgis.tables import TABLES as POSTGIS
from fiberq_storage.sql import ident, idents, literal
from fiberq_storage.sqlite.blobs import pack
from fiberq_storage.sqlite.tables import TABLES as SQLITE

ROWS = 10_000
LAYER = "Kablovi_podzemni"  # lines, and more columns than any other layer
MOST = 2.0  # times as long as the bare rows


def applying(place: Place, project: int, size: int) -> Line:
    """Change 10,000 cables in one transaction."""
    return asyncio.run(_applying(place, project, size))


async def _applying(place: Place, project: int, size: int) -> Line:
    async with place.store() as store:
        rows = await _rows(store, project)
        changed = edits(rows, f"office {random.random()}")
        begun = time.perf_counter()
        async with store.unit(project) as unit:
            await unit.apply(Changeset(BY, now(), Source.REST, writes=changed))
        mine = time.perf_counter() - begun
    new = [Stored(w.key, w.after, w.before.id, w.before.fid, w.before.rev) for w in changed if w.after and w.before]
    if place.database:
        theirs = await _bare_postgis(place.database, project, new)
    else:
        theirs = await asyncio.to_thread(_bare_sqlite, place.data, project, new)
    what = f"applying {len(new):,} changed rows, with history"
    return Line(what, place.name, size, Cost(mine), "executemany", theirs, share(MOST))


async def _rows(store: Store, project: int) -> Sequence[Stored]:
    rows: list[Stored] = []
    cursor = None
    async with store.reading(project) as reader:
        while len(rows) < ROWS:
            page = await reader.features(LAYER, None, 1000, cursor)
            rows += page.items
            cursor = page.next
            if cursor is None:
                break
    return rows[:ROWS]


async def _bare_postgis(database: str, project: int, rows: Sequence[Stored]) -> float:
    """Seconds to update the same rows of a table of the same columns and indexes, without history, by `executemany`."""
    table = POSTGIS[LAYER]
    columns = [*table.columns, "geom"]
    values = (f"{ident(n)} = {table.received(n, f'${i}::{table.parameter(n)}')}" for i, n in enumerate(columns, 1))
    last = len(columns)
    sql = f"UPDATE bare SET {', '.join(values)} WHERE project_id = ${last + 1} AND fiberq_uuid = ${last + 2}"
    records = [(*(table.value(r.row, n) for n in columns), project, r.key.uuid) for r in rows]
    db = await asyncpg.connect(database, server_settings={"search_path": "fiberq, public"})
    try:
        await db.execute("DROP TABLE IF EXISTS bare")
        await db.execute(f"CREATE TABLE bare (LIKE {table.name} INCLUDING ALL)")
        await db.execute(f"INSERT INTO bare SELECT * FROM {table.name}")
        await db.execute("ANALYZE bare")
        begun = time.perf_counter()
        async with db.transaction():
            await db.executemany(sql, records)
        seconds = time.perf_counter() - begun
        await db.execute("DROP TABLE bare")
    finally:
        await db.close()
    return seconds


def _bare_sqlite(data: Path, project: int, rows: Sequence[Stored]) -> float:
    """The same in SQLite, in a file of its own with the store's settings; without the spatial index."""
    table = SQLITE[LAYER]
    columns = ("fiberq_rev", "geom", *table.columns)
    sql = f"UPDATE bare SET {', '.join(f'{ident(name)} = ?' for name in columns)} WHERE project_id = ? AND fiberq_uuid = ?"
    records = [(r.rev, pack(r.row.geometry), *map(r.row.get, table.columns), project, r.key.uuid) for r in rows]
    path = data / "bare.db"
    with closing(apsw.Connection(str(path))) as db:
        for setting in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"):
            db.execute(f"PRAGMA {setting}").fetchall()
        db.execute("ATTACH ? AS store", (str(data / "fiberq.db"),))
        _copy_table(db, table.name)
        db.execute("DETACH store")
        begun = time.perf_counter()
        with db:
            db.executemany(sql, records)
        seconds = time.perf_counter() - begun
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    return seconds


def _copy_table(db: apsw.Connection, name: str) -> None:
    """The table with its indexes, known as `bare`."""
    plain = name.strip('"')
    columns: Any = db.execute("SELECT name FROM store.pragma_table_info(?)", (plain,)).fetchall()
    names = [str(column) for (column,) in columns]
    db.execute(f"CREATE TABLE bare (id INTEGER PRIMARY KEY, {idents(n for n in names if n != 'id')})")
    db.execute(f"INSERT INTO bare ({idents(names)}) SELECT {idents(names)} FROM store.{name}")
    found = db.execute(f"SELECT name FROM store.sqlite_schema WHERE type = 'index' AND tbl_name = {literal(plain)}")
    for number, (index,) in enumerate(found.fetchall()):
        of: Any = db.execute("SELECT name FROM store.pragma_index_info(?)", (index,)).fetchall()
        db.execute(f"CREATE INDEX bare_{number} ON bare ({idents(str(column) for (column,) in of)})")
