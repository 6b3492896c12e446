"""PostGIS as a source of packages: one snapshot of the database, streamed into SQLite."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fiberq_core.errors import NotFound
from fiberq_core.geopackage import PLACEHOLDER, PackageLayer
from fiberq_core.sent import Provenance
from fiberq_storage.files.disk import settling, sync
from fiberq_storage.files.source import Delta, Look
from fiberq_storage.gpkg.joining import join
from fiberq_storage.gpkg.writer import PackageWriter
from fiberq_storage.postgis import projects
from fiberq_storage.postgis.builders import Builders
from fiberq_storage.postgis.changed import Changes
from fiberq_storage.postgis.connection import Connection, Session
from fiberq_storage.postgis.filling import Snapshot
from fiberq_storage.postgis.parts import Part, paths, shares
from fiberq_storage.postgis.rows import counts
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.store import READING, PostgisStore
from fiberq_storage.postgis.streaming import fill
from fiberq_storage.postgis.tables import INSTANT
from fiberq_storage.sqlite.connection import translating

# a project's uuid, its revision, and when the wanted revision, by default that one, was made: (project, revision)
LOOK = (
    f"SELECT p.uuid::text, p.revision, to_char(coalesce(r.at, p.created_at) AT TIME ZONE 'UTC', '{INSTANT}')"
    " FROM projects p LEFT JOIN revisions r ON r.project_id = p.id AND r.revision = coalesce($2::bigint, p.revision)"
    " WHERE p.id = $1"
)
SMALL = 25_000  # rows that are written here and now: to ask other processes would take as long


class PostgisSource:
    """`files.source.PackageSource` on a PostGIS store. Large packages are built by processes of its own."""

    def __init__(self, store: PostgisStore) -> None:
        self._store, self._database = store, store.database
        self._builders = Builders()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.run(self._builders.close)

    async def look(self, project_id: int, revision: int | None) -> Look:
        """The project at *revision*, or as it is now. Raises: NotFound, StoreUnavailable."""
        return await self._store.ask(_look, project_id, revision)

    async def build(self, project_id: int, look: Look, path: Path) -> int:
        """Write the whole package to *path*; the offset of its export id. Raises: NotFound, StoreUnavailable."""
        async with self._store.snapshot(project_id) as (session, scope):
            snapshot = Snapshot(scope, look.revision)
            rows = await session.run(_rows, scope)
            with translating():
                if sum(rows.values()) <= SMALL:
                    return await session.run(_build, snapshot, look, path)
                return await self._in_parts(session, snapshot, rows, look, path)

    async def delta(self, project_id: int, since: int, until: int, at_most: int) -> Delta | None:
        """How the package of *since* becomes that of *until*, in at most so many rows. Raises: NotFound, StoreUnavailable."""
        return await self._store.read(_delta, project_id, since, until, at_most)

    async def _in_parts(
        self, session: Session, snapshot: Snapshot, rows: Mapping[str, int], look: Look, path: Path
    ) -> int:
        layers = await session.run(_layers, snapshot)
        same = f"SET TRANSACTION SNAPSHOT '{await session.run(_shared)}'"
        settings, beginning = self._database.settings, f"{self._database.beginning(READING)}; {same}"
        files, names = paths(path, self._builders.count), shares(layers, rows, self._builders.count)
        parts = [
            Part(settings.dsn, settings.pgbouncer, beginning, snapshot.scope.project.id, look, mine, str(file))
            for mine, file in zip(names, files, strict=True)
        ]
        async with settling(path):
            await self._database.run(self._builders.build, parts)
            offset = await asyncio.to_thread(_join, files, [layer.name for layer in layers])
        await asyncio.to_thread(sync, path)
        return offset


async def _look(db: Connection, project_id: int, revision: int | None) -> Look:
    found = await db.fetchrow(LOOK, projects.lookable(project_id), revision and projects.lookable(revision))
    if found is None:
        raise NotFound("There is no such project")
    project, newest, made_at = found
    wanted = newest if revision is None else revision
    if not 0 <= wanted <= newest:
        raise NotFound("The project has no such revision")
    return Look(project, wanted, made_at)


async def _build(_: Connection, snapshot: Snapshot, look: Look, path: Path) -> int:
    layers = await snapshot.layers()
    provenance = Provenance(PLACEHOLDER, look.project, look.revision)
    writer = await asyncio.to_thread(PackageWriter, str(path), layers, provenance=provenance, at=look.made_at)
    with writer:
        await fill(snapshot, writer)
        return (await asyncio.to_thread(writer.finish)).export_id_at


async def _delta(db: Connection, project_id: int, since: int, until: int, at_most: int) -> Delta | None:
    scope = Scope(db, await projects.get(db, project_id))
    return await Changes(Snapshot(scope, until), since).delta(at_most)


async def _rows(_: Connection, scope: Scope) -> Mapping[str, int]:
    return await counts(scope)


async def _layers(_: Connection, snapshot: Snapshot) -> Sequence[PackageLayer]:
    return await snapshot.layers()


async def _shared(db: Connection) -> str:
    """The name by which other connections see the same snapshot as this one."""
    return str(await db.fetchval("SELECT pg_export_snapshot()"))


def _join(files: Sequence[Path], layers: Sequence[str]) -> int:
    offset = join(files[0], files[1:], layers)
    for other in files[1:]:
        other.unlink()
    return offset
