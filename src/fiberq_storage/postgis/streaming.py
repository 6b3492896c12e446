"""All rows of a package from PostGIS into SQLite, some at a time."""

import asyncio

from fiberq_core.geopackage import PackageLayer
from fiberq_core.registry.special import SYNC_ISSUES
from fiberq_storage.gpkg.writer import PackageWriter
from fiberq_storage.postgis.filling import Made, Snapshot, completing
from fiberq_storage.postgis.tables import TABLES
from fiberq_storage.postgis.waiting import issues, open_items

BATCH = 1000  # rows that travel together


async def fill(snapshot: Snapshot, writer: PackageWriter) -> None:
    """Fill the layers of *writer*. Blocks while SQLite takes rows; meanwhile the database makes the next ones."""
    made = await snapshot.made()
    for name, layer in writer.layers.items():
        if name == SYNC_ISSUES.name:
            writer.fill(name, await issues(snapshot, layer, await open_items(snapshot)))
        elif name in TABLES:
            for sql in snapshot.records_sql(layer):
                await _pour(snapshot, sql, layer, made, writer)


async def _pour(snapshot: Snapshot, sql: str, layer: PackageLayer, made: Made, writer: PackageWriter) -> None:
    complete = completing(layer, snapshot.scope.project.id, made)
    cursor = await snapshot.scope.db.cursor(sql, *snapshot.parameters)
    found = await cursor.fetch(BATCH)
    while found:
        coming = asyncio.ensure_future(cursor.fetch(BATCH))
        await asyncio.sleep(0)  # so that it is asked for now
        try:
            writer.fill(layer.name, map(complete, found))
        finally:
            found = await coming
