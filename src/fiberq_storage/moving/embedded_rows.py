"""Records in the tables of the embedded store, which keeps replaced and deleted versions as JSON."""

from collections.abc import Iterator, Mapping
from operator import itemgetter

import apsw

from fiberq_core.registry.model import Kind
from fiberq_storage.moving.parts import GEOM, Batch, Part, Record
from fiberq_storage.moving.records import Changes, changed, gathered, spread
from fiberq_storage.rowjson import values_of, values_text
from fiberq_storage.sql import ident, idents, literal, marks
from fiberq_storage.sqlite.blobs import box_of, pack, unpack
from fiberq_storage.sqlite.tables import TABLES

# Columns of rows of uploads that follow from where they stand here.
DERIVED = {
    "project_id": "(SELECT project_id FROM uploads WHERE id = upload)",
    "number": "row_number() OVER (PARTITION BY upload ORDER BY rowid)",
}
# Whose a record is, where it does not say so by `project_id`; the project is ?1.
OF_PROJECT = {"projects": "id = ?1", "upload_rows": "upload IN (SELECT id FROM uploads WHERE project_id = ?1)"}
FROM_BLOBS: Changes = {None: unpack, Kind.BOOLEAN: bool}
TO_BLOBS: Changes = {None: pack}

VERSION = ("project_id", "id", "fid", "rev", "uuid", "until", "ended_by", "vals", GEOM, "layer")
KEYS = 5  # of its first columns; in a record `extra`, the geometry and the layer's columns follow


def read(db: apsw.Connection, part: Part, project: int | None = None) -> Iterator[Record]:
    """All records of a part, or those of a *project*."""
    if part.past:
        return _past(db, part, project)
    derived = _derived(part)
    columns = ", ".join(derived.get(name) or ident(name) for name in part.columns)
    sql = f"SELECT {columns} FROM {ident(part.name)}"
    if project is None:
        return changed(part, FROM_BLOBS, db.execute(sql))
    return changed(part, FROM_BLOBS, db.execute(f"{sql} WHERE {whose(part)}", (project,)))


def whose(part: Part) -> str:
    """SQL for the records of a part that are of the project ?1."""
    return OF_PROJECT.get(part.name, "project_id = ?1")


def write(db: apsw.Connection, part: Part, batch: Batch) -> None:
    """Add records to a part."""
    if part.past:
        sql = f"INSERT INTO history ({idents(VERSION)}) VALUES ({marks(len(VERSION))})"
        db.executemany(sql, (_version(part, record) for record in batch))
        return
    derived = _derived(part)
    places = [place for place, name in enumerate(part.columns) if name not in derived]
    names = [name for name in part.columns if name not in derived]
    records = list(changed(part, TO_BLOBS, batch))
    sql = f"INSERT INTO {ident(part.name)} ({idents(names)}) VALUES ({marks(len(names))})"
    db.executemany(sql, (itemgetter(*places)(record) for record in records))
    _place(db, part, records)


def _derived(part: Part) -> Mapping[str, str]:
    return DERIVED if part.name == "upload_rows" else {}


def _past(db: apsw.Connection, part: Part, project: int | None) -> Iterator[Record]:
    """Versions of a layer. The index by revision names it, so others' versions are not read."""
    assert part.layer
    sql = (
        f"SELECT {idents(VERSION[:-1], 'h.')} FROM projects p CROSS JOIN history h INDEXED BY history_rev"
        f" ON h.project_id = p.id AND h.layer = {literal(part.layer.name)} WHERE ?1 IS NULL OR p.id = ?1"
    )
    columns = TABLES[part.layer.name].columns
    for *keys, until, ended_by, text, blob in db.execute(sql, (project,)):
        extra, own = spread(columns, values_of(text))
        geom = [blob and unpack(blob)] if part.layer.spatial else []
        yield (*keys, extra, *geom, *own, until, ended_by)


def _version(part: Part, record: Record) -> Record:
    """A record of a past part as one of `VERSION`."""
    assert part.layer
    *first, until, ended_by = record
    extra, *own = first[KEYS:]
    wkb = own.pop(0) if part.layer.spatial else None
    values = gathered(TABLES[part.layer.name].columns, extra, own)
    return (*first[:KEYS], until, ended_by, values_text(values), pack(wkb), part.layer.name)


def _place(db: apsw.Connection, part: Part, written: Batch) -> None:
    """Enter rows into the spatial index of their layer."""
    if GEOM not in part.columns or part.layer is None:
        return
    project, id_, geom = (list(part.columns).index(name) for name in ("project_id", "id", GEOM))
    boxes = ((record, box_of(record[geom])) for record in written)
    sql = (
        f"INSERT INTO {TABLES[part.layer.name].index} (id, west, east, south, north, first_project, last_project)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    db.executemany(sql, ((r[id_], b[0], b[2], b[1], b[3], r[project], r[project]) for r, b in boxes if b))
