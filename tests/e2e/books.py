"""What a store keeps beside the rows, read past the store itself: to be compared with what the rows say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import apsw
import asyncpg
from attrs import frozen

from fiberq_core.registry import DATA_LAYERS

Place = tuple[str, str, str]  # claim, layer, uuid


@frozen
class Kept:
    """*revisions* in order; those in which something *moved*; those of decisions; who holds which place, sorted."""

    revisions: list[int]
    moved: set[int]
    decided: set[int]
    places: list[Place]


class Books(Protocol):
    """The books of one project."""

    async def read(self) -> Kept:
        """What stands in them now."""
        ...


@frozen
class SqliteBooks:
    """Those of an embedded store."""

    file: Path
    project: int

    async def read(self) -> Kept:
        # not by the sqlite3 module: a second SQLite library in one process breaks the locks of the first
        connection = apsw.Connection(str(self.file), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            return self._read(connection)
        finally:
            connection.close()

    def _read(self, connection: apsw.Connection) -> Kept:
        def ask(query: str) -> list[Any]:
            return connection.execute(query, (self.project,)).fetchall()

        layers = (f'SELECT fiberq_rev FROM "{layer.table}"' for layer in DATA_LAYERS)
        return Kept(
            [n for (n,) in ask("SELECT revision FROM revisions WHERE project_id = ? ORDER BY revision")],
            {n for (n,) in ask(_moved("?1", "SELECT rev FROM history", "SELECT until FROM history", *layers))},
            {n for (n,) in ask("SELECT revision FROM revisions WHERE project_id = ? AND source = 'inbox'")},
            sorted(ask("SELECT claim, layer, uuid FROM claims WHERE project_id = ?")),
        )


@frozen
class PostgisBooks:
    """Those of a PostGIS store."""

    connection: "asyncpg.Connection[Any]"
    project: int

    async def read(self) -> Kept:
        async def ask(query: str) -> list[Any]:
            return [tuple(record) for record in await self.connection.fetch(query, self.project)]

        parts = []
        for table in (layer.table for layer in DATA_LAYERS):
            past = f'fiberq_history."{table}_history"'
            parts += [f"SELECT {column} FROM {past}" for column in ("fiberq_rev", "until")]
            parts += [f'SELECT fiberq_rev FROM fiberq."{table}"']
        return Kept(
            [n for (n,) in await ask("SELECT revision FROM revisions WHERE project_id = $1 ORDER BY revision")],
            {n for (n,) in await ask(_moved("$1", *parts))},
            {n for (n,) in await ask("SELECT revision FROM revisions WHERE project_id = $1 AND source = 'inbox'")},
            sorted(await ask("SELECT claim, layer, uuid::text FROM claims WHERE project_id = $1")),
        )


@asynccontextmanager
async def postgis_books(dsn: str, project: int) -> AsyncIterator[PostgisBooks]:
    """The books in a database, while the block lasts."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "fiberq"})
    try:
        yield PostgisBooks(connection, project)
    finally:
        await connection.close()


def _moved(project: str, *parts: str) -> str:
    """The revisions that any row, version or inbox item names; *project* is the parameter's mark."""
    inbox = ("SELECT opened FROM inbox", "SELECT closed FROM inbox")
    return " UNION ".join(f"{part} WHERE project_id = {project}" for part in (*parts, *inbox))
