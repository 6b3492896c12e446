"""The embedded store as one end of a move: one transaction on its file."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from itertools import islice
from pathlib import Path

import apsw

from fiberq_core.errors import Conflict, NotFound, StoreMismatch
from fiberq_storage.moving import embedded_rows
from fiberq_storage.moving.parts import COUNTED, PARTS, TAKEN, UNKNOWN, Batch, Numbers, Part
from fiberq_storage.sql import ident, literal
from fiberq_storage.sqlite.connection import FILE, connect, lock_folder, transaction, translating
from fiberq_storage.sqlite.migrate import STEPS, version
from fiberq_storage.sqlite.store import open_store
from fiberq_storage.sqlite.tables import TABLES

OLDER = "The store in the data folder was not yet brought to this version. Start the server of this FiberQ on it once"
OCCUPIED = "There are projects or access tokens in the data folder already. Move into an empty one"


class Embedded:
    """`parts.End` on the store's file, or on one *project* of it."""

    def __init__(self, db: apsw.Connection, project: int | None = None) -> None:
        self._db, self._project = db, project

    async def read(self, part: Part) -> AsyncIterator[Batch]:
        """All records of a part, some at a time."""
        records = embedded_rows.read(self._db, part, self._project)
        while True:
            with translating():
                batch = list(islice(records, part.batch))
            if not batch:
                return
            yield batch
            await asyncio.sleep(0)  # so that somebody can stop it

    async def write(self, part: Part, batch: Batch) -> None:
        """Add records."""
        with translating():
            embedded_rows.write(self._db, part, batch)

    async def numbers(self) -> Numbers:
        """What was given last."""
        known = {*COUNTED, *(table.layer.table for table in TABLES.values())}
        with translating():
            ids = {
                str(name): int(str(last)) for name, last in self._db.execute("SELECT name, seq FROM sqlite_sequence")
            }
            sql = "SELECT layer, max(last_fid) FROM counters GROUP BY layer"
            fids = {str(layer): int(str(last)) for layer, last in self._db.execute(sql)}
        return Numbers({name: last for name, last in ids.items() if name in known and last}, fids)

    async def complete(self, numbers: Numbers) -> None:
        """Make the counters. Fids count by project here, and each that was given is that of a version."""
        with translating():
            for name, last in numbers.ids.items():
                self._db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
                self._db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, last))
            for layer, table in TABLES.items():
                self._db.execute(
                    f"INSERT INTO counters (project_id, layer, last_fid) SELECT project_id, {literal(layer)}, max(fid)"
                    f" FROM (SELECT project_id, fid FROM {table.name} UNION ALL SELECT project_id, fid FROM history"
                    f" WHERE layer = {literal(layer)}) GROUP BY project_id"
                )


@asynccontextmanager
async def source(data: Path) -> AsyncIterator[Embedded]:
    """The store in *data*; nobody else writes to it meanwhile.

    Raises: NotFound, Busy (a server or a command works on it), StoreMismatch, StoreUnavailable.
    """
    if not (data / FILE).exists():
        raise NotFound(f"There is no FiberQ data in the folder {data}")
    with lock_folder(data), translating(), closing(connect(data / FILE, writing=True)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            _must_be_known(db)
            yield Embedded(db)
        finally:
            db.execute("ROLLBACK")


@asynccontextmanager
async def target(data: Path) -> AsyncIterator[Embedded]:
    """An empty store in *data*, made where there is none. What is written stays if the block ends without an error.

    Raises: Conflict (it is not empty), Busy, StoreMismatch, StoreUnavailable.
    """
    with lock_folder(data):
        await (await open_store(data)).close()
        with translating(), closing(connect(data / FILE, writing=True)) as db, transaction(db):
            if db.execute(TAKEN).fetchone():
                raise Conflict(OCCUPIED)
            db.execute("DELETE FROM people")  # who only looked whether the new server is there
            yield Embedded(db)


def _must_be_known(db: apsw.Connection) -> None:
    """Look whether this FiberQ knows everything that is in the file. Raises: StoreMismatch."""
    there = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    known = version(db) == len(STEPS) and {table.layer.table for table in TABLES.values()} <= there
    for table in TABLES.values():
        columns = {str(name) for _, name, *_ in db.execute(f"PRAGMA table_info({table.name})")}
        known = known and table.columns.keys() <= columns
    if not known:
        raise StoreMismatch(OLDER)
    for unknown in _unknown(db):
        raise StoreMismatch(UNKNOWN.format(unknown))


def _unknown(db: apsw.Connection) -> Iterator[str]:
    """What is in the file without a place in our parts: a later FiberQ's layers and columns."""
    layers = {str(layer) for (layer,) in db.execute("SELECT layer FROM counters UNION SELECT layer FROM history")}
    yield from (f"the layer {layer}" for layer in sorted(layers - TABLES.keys()))
    for part in PARTS:
        if part.layer and not part.past:
            there = [str(name) for _, name, *_ in db.execute(f"PRAGMA table_info({ident(part.name)})")]
            if others := [place for place, name in enumerate(there) if name not in part.columns]:
                rows = db.execute(f"SELECT * FROM {ident(part.name)}")
                filled = {place for row in rows for place in others if row[place] is not None}
                yield from (f"the column {there[place]} of {part.name}" for place in sorted(filled))
