"""Who writes past the server is held to the room that there is, as `fiberq_core.room` holds everybody else to it."""

import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from fiberq_core.fibre import SPLICES, TRAYS, limits
from fiberq_core.registry.shared import CABLES
from fiberq_core.rows import Row
from fiberq_storage.postgis.rooms import beyond_sql, room_sql
from fiberq_storage.postgis.tables import TABLES

pytestmark = pytest.mark.postgis

PATH = {"search_path": "fiberq, fiberq_history, public"}
WHOLE = (None, -1, 0, 1, 6, 12, 24, 1153)
SPACES = " \t\n\v\f\r"
ROWS: dict[str, dict[str, tuple[Any, ...]]] = {
    limits.CLOSURES: {"tray_count": WHOLE},
    TRAYS: {
        "capacity": WHOLE,
        "tray_type": (None, "", "12F", " 24f ", f"{SPACES}6{SPACES}F{SPACES}", "F", "0F", "1234F", "12 FF", "x12F",
                      "\u0661F", "\xa012F", "12F\n6F"),
    },
    limits.ELEMENTS: {"kapacitet": WHOLE, "tip": (None, "Splitter", "splitter", "ODF")},
    CABLES[0]: {
        "total_fibers": (None, -1, 0, 48),
        "broj_vlakana": WHOLE,
        "broj_cevcica": (None, -1, 0, 1, 2),
        "tip_kabla": (None, "", "TOSM 4x6", "4 X\t6", "4×6", "0x6", "1234x6", "4x1234", "\u0664x6", "4\xa0x 6", "a 2x3 4x5"),
    },
}  # fmt: skip
NUMBERS = (-1, 0, 1, 2, 6, 12, 13, 1152, 1153)


def rows_of(layer: str) -> Iterator[dict[str, Any]]:
    """Rows with every combination of values."""
    columns = ROWS[layer]
    for values in itertools.product(*columns.values()):
        yield dict(zip(columns, values, strict=True))


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Any]:
    """Somebody at a database with a project, in which there is a small network."""
    connection = await asyncpg.connect(dsn, server_settings=PATH)
    await connection.execute(NETWORK)
    yield connection
    await connection.close()


NETWORK = """
INSERT INTO projects (name) VALUES ('Village');
INSERT INTO ftth_kablovi_podzemni (project_id, fiberq_uuid, naziv, broj_vlakana, geom) VALUES
    (1, '00000000-0000-0000-0000-0000000000c1', 'K-1', 24, 'SRID=4326;LINESTRING (1 2, 3 4)'),
    (1, '00000000-0000-0000-0000-0000000000c2', 'K-2', NULL, 'SRID=4326;LINESTRING (1 2, 3 4)');
INSERT INTO ftth_elements (project_id, fiberq_uuid, naziv, tip, kapacitet, geom) VALUES
    (1, '00000000-0000-0000-0000-0000000000e1', 'ODF-1', 'ODF', 24, 'SRID=4326;POINT (1 2)');
INSERT INTO fiber_splice_closures (project_id, fiberq_uuid, naziv, tray_count, max_splices, geom) VALUES
    (1, '00000000-0000-0000-0000-0000000000a1', 'N-4', 3, 4, 'SRID=4326;POINT (1 2)'),
    (1, '00000000-0000-0000-0000-0000000000a2', 'N-5', NULL, NULL, 'SRID=4326;POINT (1 2)');
INSERT INTO fiber_splice_trays (project_id, fiberq_uuid, closure_uuid, tray_number, tray_type) VALUES
    (1, '00000000-0000-0000-0000-0000000000b1', '00000000-0000-0000-0000-0000000000a1', 1, '12F'),
    (1, '00000000-0000-0000-0000-0000000000b2', '00000000-0000-0000-0000-0000000000a1', 2, NULL),
    (1, '00000000-0000-0000-0000-0000000000b3', '00000000-0000-0000-0000-0000000000a2', 3, NULL);
"""


@pytest.mark.parametrize("layer", ROWS)
async def test_the_database_and_the_core_count_alike(db: Any, layer: str) -> None:
    """Room, and what is beyond it, of rows with every combination of odd values."""
    columns = ROWS[layer]
    types = {"capacity": "bigint", "tray_type": "text", "tip": "text", "tip_kabla": "text"}
    arrays = ", ".join(f"${n}::{types.get(name, 'bigint')}[]" for n, name in enumerate(columns, 1))
    beyond = ", ".join(f"{beyond_sql(layer, 'r', str(number))}" for number in NUMBERS)
    rows = list(rows_of(layer))
    sql = f"SELECT {room_sql(layer, 'r')}, {beyond} FROM unnest({arrays}) WITH ORDINALITY r ({', '.join(columns)}, n) ORDER BY n"

    found = await db.fetch(sql, *([row[name] for row in rows] for name in columns))

    assert len(rows) == len(found)
    for row, (room, *misfits) in zip(rows, found, strict=True):
        stored = Row({name: value for name, value in row.items() if value is not None})
        assert limits.room(layer, stored) == room, row
        assert [not limits.fits(layer, stored, number) for number in NUMBERS] == misfits, row


def splice(number: int, tray: str = "b1", position: int | None = None, fibre: int | None = None) -> str:
    """SQL that adds a splice."""
    return (
        "INSERT INTO fiber_splices (project_id, fiberq_uuid, tray_uuid, position_in_tray, cable_a_uuid, fiber_a_number,"
        f" cable_a_end, cable_b_uuid, fiber_b_number, cable_b_end) VALUES (1, '{uuid(f'd{number}')}', '{uuid(tray)}',"
        f" {position or number}, '{uuid('c1')}', {fibre or number}, 'from', '{uuid('c2')}', {number}, 'from')"
    )


def patch(port: int, fibre: int = 1) -> str:
    """SQL that adds a patch."""
    return (
        "INSERT INTO fiber_patch_connections (project_id, element_uuid, port_number, fiber_cable_uuid, fiber_number, fiber_cable_end)"
        f" VALUES (1, '{uuid('e1')}', {port}, '{uuid('c1')}', {fibre}, 'to')"
    )


def uuid(name: str) -> str:
    """The uuid of a row of the network."""
    return f"00000000-0000-0000-0000-{name:0>12}"


def tray(closure: str, number: int) -> str:
    """SQL that adds a tray."""
    return f"INSERT INTO fiber_splice_trays (project_id, closure_uuid, tray_number) VALUES (1, '{uuid(closure)}', {number})"


REFUSED = {
    "tray": (tray("a1", 4), "has room for 3 trays, so it has no tray 4"),
    "position": (splice(1, position=13), "has room for 12 splices, so it has no position 13"),
    "port": (patch(25), "has room for 24 ports, so it has no port 25"),
    "fibre": (splice(1, fibre=25), "has room for 24 fibres, so it has no fibre 25"),
    "fibre at a port": (patch(1, 25), "has room for 24 fibres, so it has no fibre 25"),
    "fibre of an unknown cable": (splice(1153, position=1, fibre=1), "has room for 1152 fibres, so it has no fibre 1153"),
    "tray 0": (tray("a1", 0), "has no tray 0: they are counted from 1"),
    "many at once": (f"{splice(1)}; {splice(2)}; {splice(3)}; {splice(4, 'b2')}; {splice(5, 'b2')}", "has room for 4 splices"),
}  # fmt: skip


@pytest.mark.parametrize("sql, words", REFUSED.values(), ids=REFUSED)
async def test_what_there_is_no_room_for(db: Any, sql: str, words: str) -> None:
    """It is refused in words, and nothing of the transaction stays."""
    with pytest.raises(asyncpg.RestrictViolationError, match=words):
        await db.execute(sql)

    assert 0 == await db.fetchval("SELECT count(*) FROM fiber_splices") + await db.fetchval(
        "SELECT count(*) FROM fiber_patch_connections"
    )
    assert 3 == await db.fetchval("SELECT count(*) FROM fiber_splice_trays")


async def test_the_last_of_each_is_taken(db: Any) -> None:
    for sql in (tray("a1", 3), tray("a2", 99), splice(12), splice(24, "b2", 99), patch(24)):
        await db.execute(sql)

    assert 2 == await db.fetchval("SELECT count(*) FROM fiber_splices")


@pytest.fixture
async def full(db: Any) -> Any:
    """The same, its closure N-4 full, a port and the last fibre in use, and a tray with a splice in N-5."""
    for sql in (splice(1), splice(2), splice(12, fibre=24), splice(4, "b2"), splice(5, "b3"), patch(24), tray("a1", 3)):
        await db.execute(sql)
    return db


SHRUNK = {
    "trays": ("UPDATE fiber_splice_closures SET tray_count = 2", "still has tray 3 in use"),
    "splices": ("UPDATE fiber_splice_closures SET max_splices = 3 WHERE max_splices = 4", "has room for 3 splices"),
    "positions": ("UPDATE fiber_splice_trays SET capacity = 11 WHERE tray_number = 1", "still has position 12 in use"),
    "tray type": ("UPDATE fiber_splice_trays SET tray_type = '6F' WHERE tray_number = 1", "still has position 12 in use"),
    "ports": ("UPDATE ftth_elements SET kapacitet = 23", "still has port 24 in use"),
    "fibres": ("UPDATE ftth_kablovi_podzemni SET broj_vlakana = 12 WHERE naziv = 'K-1'", "still has fibre 24 in use"),
    "a tray that comes": (f"UPDATE fiber_splice_trays SET closure_uuid = '{uuid('a1')}', tray_number = 3 WHERE fiberq_uuid = '{uuid('b3')}'", "room for 4"),
    "a splice that comes": (f"UPDATE fiber_splices SET tray_uuid = '{uuid('b1')}' WHERE fiberq_uuid = '{uuid('d5')}'", "room for 4 splices"),
}  # fmt: skip


@pytest.mark.parametrize("sql, words", SHRUNK.values(), ids=SHRUNK)
async def test_room_that_is_in_use_is_not_taken_away(full: Any, sql: str, words: str) -> None:
    if sql.startswith("UPDATE fiber_splice_trays SET closure"):
        await full.execute("DELETE FROM fiber_splice_trays WHERE tray_number = 3 AND closure_uuid = $1", uuid("a1"))
    with pytest.raises(asyncpg.RestrictViolationError, match=words):
        await full.execute(sql)


async def test_a_full_closure_can_be_worked_in(full: Any) -> None:
    """From tray to tray, measured, emptied; and rows that never fitted can be edited in everything else."""
    async with full.transaction():
        await full.execute("SET LOCAL session_replication_role = replica")  # as of a server of old
        await full.execute("UPDATE fiber_splice_closures SET max_splices = 2, tray_count = 1 WHERE max_splices = 4")
        await full.execute("UPDATE fiber_splice_trays SET tray_type = '6F' WHERE tray_number = 1")
        await full.execute("UPDATE ftth_kablovi_podzemni SET broj_vlakana = 12 WHERE naziv = 'K-1'")

    for sql in (
        f"UPDATE fiber_splices SET tray_uuid = '{uuid('b1')}' WHERE tray_uuid = '{uuid('b2')}'",
        "UPDATE fiber_splices SET loss_db = 0.05",
        "UPDATE fiber_splice_trays SET tray_type = '7F' WHERE tray_number = 1",
        "UPDATE fiber_splice_closures SET naziv = 'N', max_splices = max_splices + 1",
        "UPDATE ftth_kablovi_podzemni SET naziv = 'K'",
        f"DELETE FROM fiber_splices WHERE fiberq_uuid = '{uuid('d1')}'",
    ):
        await full.execute(sql)

    assert 4 == await full.fetchval(f"SELECT count(*) FROM {TABLES[SPLICES].name}")


async def test_only_what_others_write_is_looked_at_by_the_database(full: Any) -> None:
    """What the server writes, it has decided with all that it knows, and is not asked twice."""
    async with full.transaction():
        await full.execute("SET LOCAL fiberq.server = 'on'")
        taken = await full.fetchval("SELECT revision_taken(1)")
        await full.execute("UPDATE ftth_elements SET kapacitet = 1, fiberq_rev = $1", taken)

    assert 1 == await full.fetchval("SELECT kapacitet FROM ftth_elements")
