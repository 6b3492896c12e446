"""Read a GeoPackage that a device sent: provenance, layers, and the rows that may have been edited.

The one reader for files of strangers (S39). Plain functions that block: run them in a thread.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache

from attrs import frozen

from fiberq_core.geopackage import GEOM, METADATA_URI, parse_provenance
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.sent import Provenance, RefusedLayer, SentFile, SentLayer
from fiberq_storage.crs import Declared, Reprojection, UnusableCrs, reprojection
from fiberq_storage.gpkg.catalogue import FileTable, quick_check, read_catalogue
from fiberq_storage.gpkg.connection import MAX_ROWS, Allowance, Untrusted, believing, open_untrusted
from fiberq_storage.gpkg.diff import Comparison, Found
from fiberq_storage.gpkg.parts import WHOLE, Parts, differing_parts
from fiberq_storage.gpkg.rows import OUTSIDE_CRS, Plan, RowReader, plan
from fiberq_storage.gpkg.select import Select
from fiberq_storage.gpkg.targets import find_targets
from fiberq_storage.sql import ident

SECONDS = 300.0
WORKERS = 2
_SMALL = 8 << 20  # bytes; below this a second thread costs more than it brings
_METADATA = "gpkg_metadata"
_COUNTS = "gpkg_ogr_contents"
_MAX_NOTES = 1_000  # rows of gpkg_metadata that are looked at

Outcome = SentLayer | RefusedLayer


@frozen
class _Job:
    """Everything that reading one table takes."""

    path: str
    base: str | None
    project: str
    plan: Plan
    declared: Declared | None
    parts: Parts
    received: int  # rows that were delivered
    allowance: Allowance


def read_provenance(path: str, *, seconds: float = SECONDS) -> Provenance | None:
    """Which export a file is; None where it does not say. Raises: BadPackage."""
    with open_untrusted(path, Allowance.of(seconds, MAX_ROWS)) as file, believing():
        return _provenance(file)


def read_package(
    path: str, base: str | None, extra: Mapping[str, Mapping[str, str]], *, seconds: float = SECONDS
) -> SentFile:
    """Everything in a file that may be an edit.

    *base* is the package that the file's export delivered, where there is one; *extra* are the
    unregistered columns that the project has, by layer. Raises: BadPackage, TooLarge.
    """
    allowance = Allowance.of(seconds, MAX_ROWS)
    with open_untrusted(path, allowance, base=base) as file, believing(), ThreadPoolExecutor(WORKERS) as threads:
        catalogue = read_catalogue(file)
        provenance = _provenance(file)
        plans = [plan(table, extra.get(table.recognised.layer.name, {})) for table in catalogue.tables]
        project = provenance.project if provenance else ""
        pool = threads if file.header.pages * file.header.page_bytes > _SMALL else None
        parts = _parts(file, path, base, {p.table.name for p in plans}, pool)
        received = _received(file) if base else {}
        jobs = [
            _Job(
                path,
                base,
                project,
                p,
                catalogue.references.get(_srs(p.table)),
                parts.get(p.table.name, WHOLE),
                received.get(p.table.name, 0),
                allowance,
            )
            for p in plans
        ]
        outcomes = _in_threads(jobs, pool) if pool else dict(_work(file, enumerate(jobs)))
        read = [outcomes[n] for n in range(len(jobs))]
        layers = tuple(o for o in read if isinstance(o, SentLayer))
        return SentFile(
            provenance=provenance,
            layers=layers,
            refused=tuple(o for o in read if isinstance(o, RefusedLayer)),
            targets=find_targets(file, plans, layers),
            unknown=catalogue.unknown,
            notes=file.notes,
            extra_types=_extra_types(plans),
            writes=file.header.writes,
        )


def _provenance(file: Untrusted) -> Provenance | None:
    query = "SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0 AND name = ?"
    if next(file.rows(query, (_METADATA,)), None) is None:
        return None
    file.tables.add(_METADATA)
    notes = f"SELECT metadata FROM main.{_METADATA} WHERE md_standard_uri = ? LIMIT {_MAX_NOTES}"
    found = [parse_provenance(text) for (text,) in file.rows(notes, (METADATA_URI,))]
    return next((p for p in found if p), None)


def _srs(table: FileTable) -> int:
    return -1 if table.srs_id is None else table.srs_id


def _parts(
    file: Untrusted, path: str, base: str | None, tables: Collection[str], pool: Executor | None
) -> dict[str, Parts]:
    """Where those of *tables* may differ that are built and placed as they were delivered."""
    if base is None or file.has_wal:
        return {}
    here, delivered = (_built(file, schema) for schema in ("main", "base"))
    same = {name: here[name][0] for name in tables if name in delivered and here.get(name) == delivered[name]}
    return differing_parts(path, base, same, file.allowance, pool.map if pool else map)


def _built(file: Untrusted, schema: str) -> dict[str, tuple[int, object]]:
    """Root page and SQL of every table."""
    rows = file.rows(f"SELECT name, rootpage, sql FROM {schema}.sqlite_schema WHERE type = 'table'")
    return {str(name): (root, sql) for name, root, sql in rows if isinstance(root, int) and root > 0}


def _received(file: Untrusted) -> dict[str, int]:
    """How many rows of every table were delivered."""
    file.tables.add(_COUNTS)
    rows = file.rows(f"SELECT table_name, feature_count FROM base.{_COUNTS}")
    return {str(name): count for name, count in rows if isinstance(count, int)}


def _in_threads(jobs: Sequence[_Job], pool: Executor) -> dict[int, Outcome]:
    """Read all tables. Each worker has one connection: to open a file costs as much as to read a small table."""
    waiting = enumerate(jobs)
    done = [pool.submit(_beside, waiting, jobs[0]) for _ in range(WORKERS if jobs else 0)]
    return {n: outcome for future in done for n, outcome in future.result()}


def _beside(waiting: Iterator[tuple[int, _Job]], any_job: _Job) -> list[tuple[int, Outcome]]:
    with open_untrusted(any_job.path, any_job.allowance, base=any_job.base) as file, believing():
        return list(_work(file, waiting))


def _work(file: Untrusted, waiting: Iterator[tuple[int, _Job]]) -> Iterator[tuple[int, Outcome]]:
    ways = cache(reprojection)  # of this thread alone: PROJ's are not to be shared
    for n, job in waiting:
        yield n, _read(file, job, ways)


def _read(file: Untrusted, job: _Job, ways: Callable[[Declared | None], Reprojection]) -> Outcome:
    table = job.plan.table
    if not job.parts.untouched:
        quick_check(file, table.name)
    file.tables.add(table.name.casefold())
    try:
        way = ways(job.declared) if table.geometry else Reprojection(None)
    except UnusableCrs as error:
        return _refused(file, table, str(error))
    base_columns = _base_columns(file, job) if job.base else {}
    reader = RowReader(job.plan, way)
    comparison = Comparison(file, Select(job.plan, base_columns), reader, job.project, job.parts, job.received)
    found = _how(job, base_columns, way)(comparison)
    placed = sum(1 for r in found.rows if r.row.geometry or any(b.field == GEOMETRY for b in r.bad))
    if reader.off_the_map > 1 and reader.off_the_map == placed and len(found.rows) == found.total:
        return _refused(file, table, OUTSIDE_CRS)
    return _layer(job.plan, found, reprojected=not way.identity)


def _how(job: _Job, base_columns: Mapping[str, str], way: Reprojection) -> Callable[[Comparison], Found]:
    """How the rows of a table are found."""
    if not base_columns:
        return Comparison.all_rows
    if job.plan.layer.natural_key:
        return Comparison.by_natural_key
    same_place = way.identity and bool(job.plan.table.geometry) == (GEOM in base_columns)
    return Comparison.changed_rows if same_place else Comparison.all_against_base


def _base_columns(file: Untrusted, job: _Job) -> dict[str, str]:
    """The columns of the delivered table by their names in lower case; where it is built the same, they are the file's."""
    table = job.plan.table
    if job.parts is WHOLE:
        names = [str(row[1]) for row in file.rows(f"PRAGMA base.table_xinfo({ident(table.name)})")]
    else:
        names = list(table.names)
    return {name.casefold(): name for name in names}


def _refused(file: Untrusted, table: FileTable, reason: str) -> RefusedLayer:
    ((count,),) = file.rows(f"SELECT count(*) FROM main.{ident(table.name)}")
    return RefusedLayer(table.recognised.layer.name, table.name, count if isinstance(count, int) else 0, reason)


def _layer(how: Plan, found: Found, *, reprojected: bool) -> SentLayer:
    return SentLayer(
        layer=how.layer.name,
        source=how.table.name,
        columns=how.names,
        rows=tuple(found.rows),
        duplicates=found.duplicates,
        delivered=found.delivered,
        gone=found.gone,
        received=found.received,
        total=found.total,
        reprojected=reprojected,
    )


def _extra_types(plans: Sequence[Plan]) -> dict[tuple[str, str], str]:
    return {(how.layer.name, f.name): f.source.declared for how in plans for f in how.fields if f.column is None}
