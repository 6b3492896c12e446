"""Building one package file from the embedded store. Blocks; runs in a thread of its own."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw

from fiberq_core.errors import NotFound
from fiberq_core.geopackage import PLACEHOLDER, package_layer
from fiberq_core.ports import Package
from fiberq_core.registry import LAYERS
from fiberq_core.sent import Provenance
from fiberq_storage.files.disk import beside
from fiberq_storage.gpkg.schema import create_table
from fiberq_storage.gpkg.writer import PackageWriter, Written
from fiberq_storage.sqlite import projects
from fiberq_storage.sqlite.connection import begin, connect, translating
from fiberq_storage.sqlite.filling import Snapshot, attach, layers_at
from fiberq_storage.sqlite.scope import Scope

NOTE = ".json"  # beside each package: what is known of it


def form() -> str:
    """A digest of how packages look; one that looked otherwise is made again."""
    tables = (create_table(package_layer(layer, {})) for layer in LAYERS)
    return hashlib.sha256("\n".join(tables).encode()).hexdigest()


def build(store: Path, project_id: int, revision: int, target: Path) -> Package:
    """Write the package of a project at *revision* to *target*. Raises: NotFound, StoreUnavailable."""
    with translating(), closing(connect(store, writing=False)) as source, beside(target) as unfinished:
        scope = _look(source, project_id)
        if not 0 <= revision <= scope.project.revision:
            raise NotFound("The project has no such revision")
        written = _write(scope, store, revision, unfinished)
        package = Package(str(target), written.export_id_at, revision, unfinished.stat().st_size)
        with beside(note_of(target)) as note:
            facts = {"id_offset": package.id_offset, "size": package.size, "form": form()}
            note.write_text(json.dumps({**facts, "made_at": _made_at(scope, revision)}))
    return package


def known(target: Path, revision: int, made_at: str) -> Package | None:
    """The package that is kept at *target*; None where there is none that this store would make now.

    *made_at*: when the store made the revision. A store that was restored from a backup counts its
    revisions again, and must not find what it exported in its former life.
    """
    try:
        note = json.loads(note_of(target).read_text())
        size = target.stat().st_size
        same = (note["form"], note["size"], note["made_at"]) == (form(), size, made_at)
        return Package(str(target), note["id_offset"], revision, size) if same else None
    except (OSError, ValueError, KeyError, TypeError):  # gone, half written, or of another FiberQ
        return None


def note_of(target: Path) -> Path:
    """The note beside a package."""
    return target.with_suffix(NOTE)


def _write(scope: Scope, store: Path, revision: int, path: Path) -> Written:
    layers = layers_at(scope, revision)
    provenance = Provenance(PLACEHOLDER, scope.project.uuid, revision)
    with PackageWriter(str(path), layers, provenance=provenance, at=_made_at(scope, revision)) as writer:
        attach(writer.connection, store)
        with _one_view(writer.connection, scope) as seen:
            Snapshot(seen, writer.connection, revision).fill(writer.layers)
        writer.connection.execute("DETACH store")
        return writer.finish()


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


def _made_at(scope: Scope, revision: int) -> str:
    """When the revision was made, so that a package that is made again says the same."""
    sql = "SELECT at FROM revisions WHERE project_id = ? AND revision = ?"
    found = scope.db.execute(sql, (scope.project.id, revision)).fetchone()
    return str(found[0]) if found else scope.project.created_at
