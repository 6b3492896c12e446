"""A large package is built in parts, each with some of its layers, at the same time, in processes of their own.

Decoding rows and giving them to SQLite is Python's work, of which one process can do one piece at a time; and the
server has other things to do meanwhile. All parts read one snapshot of the database.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
from attrs import asdict, frozen

from fiberq_core.geopackage import PLACEHOLDER, PackageLayer
from fiberq_core.registry.model import Shape
from fiberq_core.sent import Provenance
from fiberq_storage.files.source import Look
from fiberq_storage.gpkg.writer import PackageWriter
from fiberq_storage.postgis import projects
from fiberq_storage.postgis.filling import Snapshot
from fiberq_storage.postgis.line import Line
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.streaming import fill

GEOMETRY_WEIGHT = 10  # values that a line or an area takes as long as


@frozen
class Part:
    """Some layers of the package of a project at *look*, where they go, and how their rows are reached.

    *beginning*: SQL that begins a transaction in the snapshot of all parts.
    """

    dsn: str
    pgbouncer: bool
    beginning: str
    project_id: int
    look: Look
    layers: Sequence[str]
    path: str


def text_of(part: Part) -> str:
    """A part as JSON, in one line."""
    return json.dumps(asdict(part))


def part_of(text: str) -> Part:
    """A part from what `text_of` made."""
    document = json.loads(text)
    return Part(**{**document, "look": Look(**document["look"])})


async def build(part: Part) -> None:
    """Write a package with the layers of *part*, not seen onto the disk. Blocks while SQLite writes.

    Raises: NotFound, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, apsw.Error.
    """
    cache = {"statement_cache_size": 0} if part.pgbouncer else {}
    connection = await asyncpg.connect(part.dsn, connection_class=Line, **cache)
    try:
        await connection.execute(part.beginning)
        scope = Scope(connection, await projects.get(connection, part.project_id))
        snapshot = Snapshot(scope, part.look.revision)
        layers = [layer for layer in await snapshot.layers() if layer.name in part.layers]
        provenance = Provenance(PLACEHOLDER, part.look.project, part.look.revision)
        with PackageWriter(part.path, layers, provenance=provenance, at=part.look.made_at) as writer:
            await fill(snapshot, writer)
            writer.finish(durable=False)
    finally:
        await connection.close()


def shares(layers: Sequence[PackageLayer], rows: Mapping[str, int], count: int) -> list[list[str]]:
    """Which layers go into which of *count* parts, so that all take about as long; *rows*: how many a layer has."""
    work = {layer.name: rows.get(layer.name, 0) * _weight(layer) for layer in layers}
    parts: list[list[str]] = [[] for _ in range(count)]
    for name in sorted(work, key=work.__getitem__, reverse=True):
        min(parts, key=lambda part: sum(map(work.__getitem__, part))).append(name)
    return parts


def _weight(layer: PackageLayer) -> int:
    return len(layer.names) + (0 if layer.shape in (Shape.NONE, Shape.POINT) else GEOMETRY_WEIGHT)


def paths(path: Path, count: int) -> list[Path]:
    """Where the parts of the package at *path* are written; the first of them becomes the package."""
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, count))]
