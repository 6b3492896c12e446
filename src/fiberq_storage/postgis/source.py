"""PostGIS as a source of packages: one snapshot of the database, streamed into SQLite."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from fiberq_core.errors import NotFound
from fiberq_core.geopackage import PLACEHOLDER, PackageLayer
from fiberq_core.issues import issue
from fiberq_core.registry.special import SYNC_ISSUES
from fiberq_core.rows import Key, Stored, Value
from fiberq_core.sent import Provenance
from fiberq_storage.files.source import Delta, Look
from fiberq_storage.gpkg.writer import PackageWriter
from fiberq_storage.packaging import issue_record, layers_with, waiting_item
from fiberq_storage.postgis import feed
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.filling import rows_sql, with_extra
from fiberq_storage.postgis.rows import at
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.store import PostgisStore
from fiberq_storage.postgis.tables import TABLES
from fiberq_storage.sql import literal

BATCH = 500  # rows that travel together: measured, see docs/decisions
Write = Callable[[str, Sequence[Any]], Awaitable[None]]


class PostgisSource:
    """`files.source.PackageSource` on a PostGIS store."""

    def __init__(self, store: PostgisStore) -> None:
        self._store = store

    async def look(self, project_id: int, revision: int | None) -> Look:
        """The project at *revision*, or as it is now. Raises: NotFound."""
        async with self._store.snapshot(project_id) as (session, scope):
            project = scope.project
            wanted = project.revision if revision is None else revision
            if not 0 <= wanted <= project.revision:
                raise NotFound("The project has no such revision")
            made = (await session.run(_revision, scope, wanted)).get(wanted)
        return Look(project.uuid, wanted, made.at if made else project.created_at)

    async def build(self, project_id: int, look: Look, path: Path) -> int:
        """Write the whole package to *path*; the offset of its export id. Raises: NotFound, StoreUnavailable."""
        async with self._store.snapshot(project_id) as (session, scope):
            layers = await session.run(layers_at, scope, look.revision)
            provenance = Provenance(PLACEHOLDER, look.project, look.revision)
            writer = await asyncio.to_thread(PackageWriter, str(path), layers, provenance=provenance, at=look.made_at)
            with closing(writer.connection):
                await session.run(_fill, scope, look.revision, writer)
                return (await asyncio.to_thread(writer.finish)).export_id_at

    async def delta(self, *_: int) -> Delta | None:
        """How the package of *since* becomes that of *until*: not known yet, so every package is built whole."""
        return None


async def layers_at(_: Connection, scope: Scope, revision: int) -> Sequence[PackageLayer]:
    """The tables of a package of the project at *revision*."""
    sql = "SELECT layer, name, type FROM extra_columns WHERE project_id = $1 AND since <= $2 ORDER BY since, name"
    extra = await scope.db.fetch(sql, scope.project.id, revision)
    parts = (f"SELECT {literal(name)}, {_last_fid(name)}" for name in TABLES)
    last = dict(await scope.db.fetch(" UNION ALL ".join(parts)))
    return layers_with(extra, last)


def _last_fid(layer: str) -> str:
    """The highest number that rows of a layer ever got, in any project."""
    return f"coalesce(pg_sequence_last_value({literal(TABLES[layer].layer.table + '_fid_seq')}), 0)"


async def _revision(_: Connection, scope: Scope, number: int) -> Any:
    return await feed.revisions(scope, [number])


async def _fill(_: Connection, scope: Scope, revision: int, writer: PackageWriter) -> None:
    """Stream all rows; while SQLite takes one batch, the next one comes."""
    loop = asyncio.get_running_loop()
    for name in TABLES:
        layer, pending = writer.layers[name], None
        complete = with_extra(layer)
        async for batch in _batches(scope, rows_sql(layer), revision):
            records = list(map(complete, batch)) if complete else batch
            if pending:
                await pending
            pending = loop.run_in_executor(None, writer.fill, name, records)
        if pending:
            await pending
    issues = await _issues(scope, revision, writer.layers[SYNC_ISSUES.name])
    await loop.run_in_executor(None, writer.fill, SYNC_ISSUES.name, issues)


async def _batches(scope: Scope, sql: str, revision: int) -> Any:
    cursor = await scope.db.cursor(sql, scope.project.id, revision)
    while batch := await cursor.fetch(BATCH):
        yield batch


async def _issues(scope: Scope, revision: int, layer: PackageLayer) -> Sequence[tuple[Value | None, ...]]:
    """What was open in the inbox, placed where its row was."""
    sql = (
        "SELECT id, opened, item::text FROM inbox WHERE project_id = $1 AND opened <= $2"
        " AND (closed IS NULL OR closed > $2) ORDER BY id"
    )
    found = await scope.db.fetch(sql, scope.project.id, revision)
    waiting = [(number, opened, waiting_item(text)) for number, opened, text in found]
    keys = [Key(item.layer, item.uuid) for *_, item in waiting if item.layer and item.uuid]
    rows = {key: stored for (key, _), stored in (await at(scope, [(key, revision) for key in keys])).items()}
    records = []
    for number, opened, item in waiting:
        row = issue(item, rows.get(Key(item.layer or "", item.uuid or "")))
        stored = Stored(Key(SYNC_ISSUES.name, item.item_id), row, number, number, opened)
        records.append(issue_record(layer, stored, scope.project.id, item))
    return records
