"""The embedded store as a source of packages: built in a thread, by SQLite itself."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from fiberq_core.errors import NotFound
from fiberq_core.geopackage import PLACEHOLDER
from fiberq_core.sent import Provenance
from fiberq_storage.files.source import Delta, Look
from fiberq_storage.gpkg.writer import PackageWriter
from fiberq_storage.sqlite import projects
from fiberq_storage.sqlite.changed import Changes
from fiberq_storage.sqlite.connection import begin, connect, translating
from fiberq_storage.sqlite.filling import Snapshot, attach, layers_at
from fiberq_storage.sqlite.scope import Scope
from fiberq_storage.sqlite.store import SqliteStore


class SqliteSource:
    """`files.source.PackageSource` on the embedded store."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    async def look(self, project_id: int, revision: int | None) -> Look:
        """The project at *revision*, or as it is now. Raises: NotFound."""
        async with self._store.reading(project_id) as reader:
            project = reader.project
            wanted = project.revision if revision is None else revision
            if not 0 <= wanted <= project.revision:
                raise NotFound("The project has no such revision")
            made = (await reader.revisions([wanted])).get(wanted)
        return Look(project.uuid, wanted, made.at if made else project.created_at)

    async def build(self, project_id: int, look: Look, path: Path) -> int:
        """Write the whole package to *path*; the offset of its export id. Raises: NotFound, StoreUnavailable."""
        return await asyncio.to_thread(_build, self._store.path, project_id, look, path)

    async def delta(self, project_id: int, since: int, until: int, at_most: int) -> Delta | None:
        """How the package of *since* becomes that of *until*, in at most so many rows. Raises: NotFound."""
        return await asyncio.to_thread(_delta, self._store.path, project_id, since, until, at_most)


def _build(store: Path, project_id: int, look: Look, path: Path) -> int:
    with translating(), closing(connect(store, writing=False)) as source:
        scope = _look(source, project_id)
        layers = layers_at(scope, look.revision)
        provenance = Provenance(PLACEHOLDER, look.project, look.revision)
        with PackageWriter(str(path), layers, provenance=provenance, at=look.made_at) as writer:
            attach(writer.connection, store)
            with _one_view(writer.connection, scope) as seen:
                Snapshot(seen, writer.connection, look.revision).fill(writer.layers)
            writer.connection.execute("DETACH store")
            return writer.finish().export_id_at


def _delta(store: Path, project_id: int, since: int, until: int, at_most: int) -> Delta | None:
    with translating(), closing(apsw.Connection(":memory:")) as memory:
        attach(memory, store)
        scope = _look(memory, project_id)
        return Changes(Snapshot(scope, memory, until), since).delta(at_most)


@contextmanager
def _one_view(package: apsw.Connection, scope: Scope) -> Iterator[Scope]:
    """Transactions on both connections that see the project at the same revision."""
    project_id = scope.project.id
    while True:
        begin(package, "DEFERRED")
        (seen,) = package.execute("SELECT revision FROM store.projects WHERE id = ?", (project_id,)).fetchall()
        scope = _look(scope.db, project_id)
        if seen == (scope.project.revision,):
            break
    yield scope
    package.execute("COMMIT")


def _look(db: apsw.Connection, project_id: int) -> Scope:
    begin(db, "DEFERRED")
    return Scope(db, projects.get(db, project_id))
