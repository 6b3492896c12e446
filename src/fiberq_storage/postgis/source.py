"""PostGIS as a source of packages: one snapshot of the database, streamed into SQLite."""

import asyncio
from pathlib import Path

from fiberq_core.errors import NotFound
from fiberq_core.geopackage import PLACEHOLDER
from fiberq_core.sent import Provenance
from fiberq_storage.files.source import Delta, Look
from fiberq_storage.gpkg.writer import PackageWriter
from fiberq_storage.postgis.changed import Changes
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.filling import Snapshot
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.store import PostgisStore
from fiberq_storage.postgis.streaming import fill


class PostgisSource:
    """`files.source.PackageSource` on a PostGIS store."""

    def __init__(self, store: PostgisStore) -> None:
        self._store = store

    async def look(self, project_id: int, revision: int | None) -> Look:
        """The project at *revision*, or as it is now. Raises: NotFound, StoreUnavailable."""
        async with self._store.snapshot(project_id) as (session, scope):
            return await session.run(_look, scope, revision)

    async def build(self, project_id: int, look: Look, path: Path) -> int:
        """Write the whole package to *path*; the offset of its export id. Raises: NotFound, StoreUnavailable."""
        async with self._store.snapshot(project_id) as (session, scope):
            return await session.run(_build, Snapshot(scope, look.revision), look, path)

    async def delta(self, project_id: int, since: int, until: int, at_most: int) -> Delta | None:
        """How the package of *since* becomes that of *until*, in at most so many rows. Raises: NotFound, StoreUnavailable."""
        async with self._store.snapshot(project_id) as (session, scope):
            return await session.run(_delta, Changes(Snapshot(scope, until), since), at_most)


async def _look(_: Connection, scope: Scope, revision: int | None) -> Look:
    project = scope.project
    wanted = project.revision if revision is None else revision
    if not 0 <= wanted <= project.revision:
        raise NotFound("The project has no such revision")
    made = await Snapshot(scope, wanted).made([wanted])
    return Look(project.uuid, wanted, made[wanted][1] if wanted in made else project.created_at)


async def _build(_: Connection, snapshot: Snapshot, look: Look, path: Path) -> int:
    layers = await snapshot.layers()
    provenance = Provenance(PLACEHOLDER, look.project, look.revision)
    writer = await asyncio.to_thread(PackageWriter, str(path), layers, provenance=provenance, at=look.made_at)
    with writer:
        await fill(snapshot, writer)
        return (await asyncio.to_thread(writer.finish)).export_id_at


async def _delta(_: Connection, changes: Changes, at_most: int) -> Delta | None:
    return await changes.delta(at_most)
