"""Records in the tables of PostGIS: selected in their canonical form, copied in PostgreSQL's binary one."""

import re
import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg

from fiberq_core.errors import Invalid
from fiberq_core.registry.model import Kind
from fiberq_storage.moving.parts import GEOM, Batch, Form, Part, Record
from fiberq_storage.moving.records import gathered, spread
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.tables import TABLES, canonical_sql
from fiberq_storage.sql import ident

WGS84 = 4326
HAS_SRID = 0x20000000  # in the type of a geometry; what PostGIS takes besides ISO WKB
MISFITS = ("22", "23")  # classes of SQLSTATE: values that cannot be stored, rules that are broken
DAY_0, MOMENT_0, MICROSECOND = date(2000, 1, 1), datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
KEYS = 5  # of a record of a layer's part; `extra`, the geometry and the layer's columns follow


def located(wkb: bytes) -> bytes:
    """A canonical geometry as PostGIS receives it, with its reference system."""
    (kind,) = struct.unpack_from("<I", wkb, 1)
    return wkb[:1] + struct.pack("<2I", kind | HAS_SRID, WGS84) + wkb[5:]


def days(text: str) -> tuple[int]:
    """A date as PostgreSQL counts it; asyncpg takes the first and the last day of the calendar for infinity."""
    return ((date.fromisoformat(text) - DAY_0).days,)


def microseconds(text: str) -> tuple[int]:
    """A moment as PostgreSQL counts it."""
    return ((datetime.fromisoformat(text) - MOMENT_0) // MICROSECOND,)


async def prepare(db: Connection) -> None:
    """Let this connection take records as they are."""
    sql = "SELECT nspname FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE t.oid = 'geometry'::regtype"
    schema = await db.fetchval(sql)
    await db.set_type_codec("geometry", schema=schema, encoder=located, decoder=bytes, format="binary")
    for name, encoder in (("date", days), ("timestamptz", microseconds)):
        await db.set_type_codec(name, schema="pg_catalog", encoder=encoder, decoder=tuple, format="tuple")


def selection(part: Part, project: int | None = None) -> str:
    """The SQL that reads a part, or what it has of a *project*."""
    columns = ", ".join(_canonical(name, form) for name, form in part.columns.items())
    order = " ORDER BY project_id, upload, number" if part.name == "upload_rows" else ""
    key = "id" if part.name == "projects" else "project_id"
    whose = "" if project is None else f" WHERE {key} = {int(project)}"
    return f"SELECT {columns} FROM {ident(part.name)}{whose}{order}"


def received(part: Part, batch: Batch) -> Batch:
    """Records of `selection`."""
    return list(_plainly(part, batch) if part.past else map(tuple, batch))


async def write(db: Connection, part: Part, batch: Batch) -> None:
    """Add records to a part. Raises: Invalid where a record breaks a rule of the database."""
    try:
        await db.copy_records_to_table(part.name, records=batch, columns=list(part.columns))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise misfit(error, part.name) from error


def misfit(error: Exception, table: str) -> Exception:
    """*error* as what somebody can act on, where a record is to blame for it."""
    state = str(getattr(error, "sqlstate", None) or "")
    if not isinstance(error, ValueError) and state[:2] not in MISFITS:
        return error
    rule = getattr(error, "constraint_name", None) or getattr(error, "message", None) or str(error)
    return Invalid(f"A record of {table} cannot stand in the database: {rule}{_which(error)}. Nothing was moved")


def _which(error: Exception) -> str:
    """The record that the database speaks of, by its id or its keys."""
    detail = str(getattr(error, "detail", None) or "")
    if row := re.match(r"Failing row contains \((\d+),", detail):
        return f" (id {row[1]})"
    return f" ({detail.rstrip('.')})" if detail.startswith("Key ") else ""


def _canonical(name: str, form: Form) -> str:
    quoted = ident(name)
    if form is None:
        return f"ST_AsBinary({quoted}, 'NDR')"
    if form is Kind.REAL:
        return f"{quoted} + 0"  # -0 is 0
    return canonical_sql(form, quoted)


def _plainly(part: Part, batch: Batch) -> Iterator[Record]:
    """Versions, with what stands in `extra` under the names of columns put where it belongs."""
    assert part.layer
    columns = TABLES[part.layer.name].columns
    first = KEYS + 1 + (GEOM in part.columns)
    for record in batch:
        values: tuple[Any, ...] = tuple(record)
        if values[KEYS] is not None:
            extra, own = spread(columns, gathered(columns, values[KEYS], values[first:-2]))
            values = (*values[:KEYS], extra, *values[KEYS + 1 : first], *own, *values[-2:])
        yield values
