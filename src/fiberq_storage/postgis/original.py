"""What the original server's database looks like, how it is recognised, and how its tables are put aside.

They go, whole, into a schema of their own (`<schema>_original`): there everything remains as it was, also
what has no place in ours. `adopting` copies from there.
"""

from collections.abc import Mapping

from attrs import frozen

from fiberq_core.errors import StoreMismatch
from fiberq_core.registry import LAYER
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.sql import ident

PROJECTS, MEMBERS = "projects", "project_users"
OTHERS = ("fiber_paths", "sync_log")  # have no place in ours
LATER = (MEMBERS, "user_logins", "project_activity_log")  # only later revisions have them

_ON_CABLE = "distance_m IS NULL AND segments_hit IS NULL AND vreme IS NULL"
_SLACK = f"({_ON_CABLE} AND (duzina_m IS NOT NULL OR coalesce(tip, '') || coalesce(lokacija, '') || coalesce(strana, '') <> ''))"
_TRANSITION = "(tip ~* 'prela[zž]|transition|прелаз')"


@frozen
class Origin:
    """Where a layer's rows come from: a table of the original server, which of its rows, and their place."""

    layer: str
    table: str
    rows: str = "true"  # SQL over the original's columns
    geometry: str = "geom"


def _same(layer: str) -> Origin:
    return Origin(layer, LAYER[layer].table)


# Parents come before what refers to them. Two tables held two kinds of thing: what a row says decides.
ORIGINS: tuple[Origin, ...] = (
    *map(_same, ("OKNA", "Stubovi", "Trasa")),
    Origin("PE cevi", "ftth_cevi", f"{_TRANSITION} IS NOT TRUE"),
    Origin("Prelazne_cevi", "ftth_cevi", f"{_TRANSITION} IS TRUE"),
    *map(_same, ("Kablovi_podzemni", "Kablovi_vazdusni", "Nastavci", "Elements")),
    Origin("Prekid vlakna", "ftth_spojevi", f"NOT {_SLACK}"),
    Origin("Opticke_rezerve", "ftth_spojevi", _SLACK),
    *map(_same, ("Splice_closures", "fiber_splice_trays", "fiber_splices", "fiber_patch_connections")),
    Origin("Work_orders", "work_orders", geometry="area_geom"),
    *map(_same, ("work_order_items", "SMR_reports", "field_photos")),
)
ORIGIN: Mapping[str, Origin] = {origin.layer: origin for origin in ORIGINS}
KNOWN = (PROJECTS, *dict.fromkeys(origin.table for origin in ORIGINS), *OTHERS)


def archive(schema: str) -> str:
    """The schema, quoted, in which the original's tables are kept."""
    return ident(f"{schema}_original")


async def set_aside(db: Connection, schema: str) -> bool:
    """Make room in *schema*, which is not ours yet. Whether the original's tables were in it. Raises: StoreMismatch."""
    found = await tables_in(db, schema)
    if not found:
        return False
    if not {PROJECTS, *(origin.table for origin in ORIGINS)} & found:
        raise StoreMismatch(
            f"The schema {schema} holds tables that are not FiberQ's ({_some(found)})."
            " Name another schema in DB_SCHEMA, or another database"
        )
    if missing := [name for name in KNOWN if name not in found]:
        raise StoreMismatch(
            f"The schema {schema} looks like the original server's, but has no {_some(set(missing))}."
            " Nothing was changed. Restore a whole database, or name another schema in DB_SCHEMA"
        )
    await _move(db, schema, [name for name in (*KNOWN, *LATER) if name in found])
    return True


async def tables_in(db: Connection, schema: str) -> frozenset[str]:
    """The tables and views of a schema, without those of extensions."""
    sql = (
        "SELECT relname FROM pg_class c WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)"
        " AND relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')"
    )
    return frozenset(record[0] for record in await db.fetch(sql, schema))


async def _move(db: Connection, schema: str, names: list[str]) -> None:
    """Tables go with their indexes, sequences and references; all at once, so nobody writes to half of them."""
    if await tables_in(db, f"{schema}_original"):
        raise StoreMismatch(
            f"The schema {schema}_original, where the original server's tables are to be kept, is not empty."
            " Rename it first"
        )
    qualified = [f"{ident(schema)}.{ident(name)}" for name in names]
    await db.execute(f"CREATE SCHEMA IF NOT EXISTS {archive(schema)}")
    await db.execute(f"LOCK TABLE {', '.join(qualified)} IN ACCESS EXCLUSIVE MODE")
    for name in qualified:
        await db.execute(f"ALTER TABLE {name} SET SCHEMA {archive(schema)}")


def _some(names: frozenset[str] | set[str]) -> str:
    """Names for a sentence."""
    shown = sorted(names)[:5]
    return ", ".join([*shown, "…"] if len(names) > len(shown) else shown)
