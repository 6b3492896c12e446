"""A database of the original server is taken over: rows, ids, values, and what years of use left behind."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fiberq_core.fibre import claims_of
from fiberq_core.registry.names import column_of
from fiberq_core.rows import Key
from fiberq_storage.postgis import Settings, open_store
from fiberq_storage.postgis.original import ORIGIN, ORIGINS
from fiberq_storage.postgis.tables import TABLES
from tests.postgis.cluster import psql
from tests.postgis.originals import NOBODYS, TOWN, VILLAGE, fill

pytestmark = pytest.mark.postgis

SYSTEM = {"id", "project_id", "_modified_by_sub", "_modified_at"}


async def waiting(db: Any) -> list[dict[str, Any]]:
    """The inbox items, with the project of each."""
    found = await db.fetch("SELECT project_id, item FROM inbox ORDER BY id")
    return [
        {"project": project, **json.loads(item), "raw": json.loads(json.loads(item)["raw"])} for project, item in found
    ]


async def originals(db: Any, origin: Any) -> dict[int, dict[str, Any]]:
    """The rows that a layer had, as the original server kept them, by id; geometry as EWKB."""
    found = await db.fetch(f'SELECT * FROM fiberq_original."{origin.table}" WHERE {origin.rows}')
    return {record["id"]: dict(record) for record in found}


async def ours(db: Any, layer: str) -> dict[int, dict[str, Any]]:
    """The rows that a layer has, by id."""
    return {record["id"]: dict(record) for record in await db.fetch(f"SELECT * FROM {TABLES[layer].name}")}


def same(value: Any, old: Any) -> bool:
    """Whether a value still says what it said: single precision by its shortest decimals, instants to the millisecond."""
    if isinstance(old, float):
        return f"{old:.7g}" == f"{float(value):.7g}"
    if isinstance(old, datetime):
        instant = old.astimezone(UTC)
        cut = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
        return bool(value == (cut if isinstance(value, datetime) else f"{cut:%Y-%m-%dT%H:%M:%S}.000Z"))
    return bool(value == old or str(value) == str(old))


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.layer)
async def test_every_row_stands_with_its_id_or_waits_whole(db, origin):
    """No row is lost, whatever it breaks: it is in our table under its id, or all of it is in the inbox."""
    old, new = await originals(db, origin), await ours(db, origin.layer)
    held = [i for i in await waiting(db) if i["layer"] == origin.layer and i["field"] is None]

    assert old and old.keys() == new.keys() | {item["raw"]["id"] for item in held}
    assert not new.keys() & {item["raw"]["id"] for item in held}
    assert all(row["fid"] == id_ and row["fiberq_rev"] == 1 for id_, row in new.items())
    for item in held:
        typed = {name: value for name, value in old[item["raw"]["id"]].items() if name != origin.geometry}
        assert typed.keys() == item["raw"].keys()


@pytest.mark.parametrize("origin", ORIGINS, ids=lambda origin: origin.layer)
async def test_every_value_is_kept(db, origin):
    """Each value is in its column, in `extra`, behind a reference, or in the inbox as it was typed."""
    layer = TABLES[origin.layer].layer
    old, new = await originals(db, origin), await ours(db, origin.layer)
    typed = {(i["uuid"], i["field"]): i["raw"] for i in await waiting(db)}
    numbers = {r.local_fid: r for r in layer.references} | {r.legacy_id: r for r in layer.references}
    for id_, row in new.items():
        extra = json.loads(row["extra"] or "{}")
        for name, value in old[id_].items():
            if value is None or name in SYSTEM or name == origin.geometry:
                continue
            column = column_of(layer, name)
            reference = numbers.get(name)
            own = column.name if column else reference.local_fid if reference else name
            now = row[own] if own in row and row[own] is not None else extra.get(name)
            if now is None:
                now = typed.get((str(row["fiberq_uuid"]), own))
            if now is None and reference is not None:
                now = await number_of(db, reference, row)
            vocabulary = column.vocabulary if column else None
            term = vocabulary.term(value) if vocabulary and vocabulary.closed else None
            assert same(now, value) or (term is not None and now in spellings(term.code)), (name, value, now)


def spellings(term: str) -> set[str]:
    """A term, or the layers that shared a table with the one that it names."""
    return {term} | {o.layer for o in ORIGINS if term in ORIGIN and o.table == ORIGIN[term].table}


async def number_of(db: Any, reference: Any, row: dict[str, Any]) -> int | None:
    """The id of the row that a reference names."""
    for target in reference.targets:
        sql = f"SELECT id FROM {TABLES[target].name} WHERE project_id = $1 AND fiberq_uuid = $2"
        found = await db.fetchval(sql, row["project_id"], row[reference.column])
        if found is not None:
            return int(found)
    return None


@pytest.mark.parametrize(
    "origin", [o for o in ORIGINS if TABLES[o.layer].layer.spatial], ids=lambda origin: origin.layer
)
async def test_every_place_is_kept(db, origin):
    """Geometries are where they were, bit for bit; those that are on no map wait."""
    sql = (
        f"SELECT n.fiberq_uuid::text FROM {TABLES[origin.layer].name} n JOIN fiberq_original.{origin.table} o USING (id)"
        f" WHERE n.geom::bytea IS DISTINCT FROM o.{origin.geometry}::geometry::bytea"
    )
    moved = {record[0] for record in await db.fetch(sql)}

    assert moved == {i["uuid"] for i in await waiting(db) if i["layer"] == origin.layer and i["field"] == "geometry"}


async def test_single_precision_becomes_what_it_showed(db):
    values = (
        "SELECT visina FROM ftth_stubovi WHERE id = 2 UNION ALL SELECT duzina_m FROM ftth_kablovi_podzemni WHERE id = 1"
    )

    assert [0.1, 202.8503] == [record[0] for record in await db.fetch(values)]
    assert 212.8503 == await db.fetchval("SELECT total_len_m FROM ftth_kablovi_podzemni WHERE id = 1")


async def test_two_kinds_in_one_table_are_told_apart_by_what_they_say(db):
    async def ids(table):
        return [record[0] for record in await db.fetch(f"SELECT id FROM {table} ORDER BY id")]

    assert ([1, 4, 5, 6], [2, 3]) == (await ids("ftth_spojevi"), await ids("ftth_rezerve"))
    assert ([1, 4], [2, 3]) == (await ids("ftth_cevi"), await ids("ftth_prelazne_cevi"))
    assert '{"naziv":"R-3"}' == await db.fetchval("SELECT extra FROM ftth_rezerve WHERE id = 3")
    assert {"duzina_m": 12} == json.loads(await db.fetchval("SELECT extra FROM ftth_spojevi WHERE id = 4"))


async def test_numbers_become_references_inside_their_project(db):
    """A number that means a row of the project is that row's uuid; any other stays a number, and points nowhere."""
    named = await db.fetchrow(
        "SELECT k.id, m.id AS muf, c.muf_fid FROM fiber_splices s JOIN ftth_kablovi_podzemni k ON k.fiberq_uuid = s.cable_a_uuid"
        " JOIN fiber_splice_trays t ON t.fiberq_uuid = s.tray_uuid"
        " JOIN fiber_splice_closures c ON c.fiberq_uuid = t.closure_uuid JOIN ftth_mufovi m ON m.fiberq_uuid = c.muf_uuid"
        " WHERE s.id = 1"
    )
    gone = await db.fetchrow(
        "SELECT cable_a_uuid, cable_a_fid, cable_b_uuid, cable_b_fid FROM fiber_splices WHERE id = 4"
    )
    elsewhere = await db.fetchrow("SELECT muf_uuid, muf_fid FROM fiber_splice_closures WHERE id = 3")
    jumpers = await db.fetch("SELECT connected_to_uuid, connected_to_fid FROM fiber_patch_connections ORDER BY id")

    assert (1, 1, None) == tuple(named)
    assert (None, 99, None, 2) == tuple(gone)
    assert (None, 3) == tuple(elsewhere)
    patch = await db.fetchval("SELECT fiberq_uuid FROM fiber_patch_connections WHERE id = 1")
    assert [(None, None), (patch, None), (None, 3), (None, None), (None, None)] == [tuple(j) for j in jumpers]


async def test_a_photo_knows_what_it_shows(db):
    sql = "SELECT id, related_type, related_uuid IS NOT NULL, related_fid FROM field_photos ORDER BY id"

    assert [
        (1, "fiber_splices", True, None),
        (2, "Work_orders", True, None),
        (3, None, False, 5),
        (4, "Stubovi", True, None),
        (5, "fiber_splices", False, 3),
        (6, "Opticke_rezerve", True, None),
    ] == [tuple(record) for record in await db.fetch(sql)]


async def test_children_belong_to_the_project_of_what_they_are_part_of(db, adopted_store):
    nobodys = next(p.id for p in await adopted_store.projects(member=None) if p.name == NOBODYS)

    async def by_project(table):
        found = await db.fetch(f"SELECT project_id, array_agg(id ORDER BY id) FROM {table} GROUP BY 1")
        return dict(found)

    assert {VILLAGE: [1, 2, 3], nobodys: [4]} == await by_project("fiber_splice_trays")
    assert {VILLAGE: [1, 2, 4], nobodys: [5]} == await by_project("fiber_splices")
    assert {VILLAGE: [1, 2, 4], TOWN: [5], nobodys: [6]} == await by_project("fiber_patch_connections")
    assert {VILLAGE: [1, 2, 3]} == await by_project("work_order_items")
    assert {VILLAGE: [1], nobodys: [2]} == await by_project("smr_reports")
    assert {VILLAGE: [1, 2, 5, 6], TOWN: [4], nobodys: [3]} == await by_project("field_photos")
    assert {VILLAGE: [1, 2, 3, 4], TOWN: [9], nobodys: [8]} == await by_project("ftth_stubovi")


async def test_of_two_in_one_place_the_first_stays_and_the_second_waits(db, adopted_store):
    """S42: the place's holder is the row with the lower id; the other waits whole, by who had touched it last."""
    clashes = {(i["layer"], i["raw"]["id"]): i for i in await waiting(db) if i["kind"] == "clash"}
    splice, patch = clashes["fiber_splices", 3], clashes["fiber_patch_connections", 3]
    [held] = splice["changes"]
    async with adopted_store.reading(VILLAGE) as reader:
        rows = await reader.rows([Key("fiber_splices", uuid) for uuid in await uuids(db, "fiber_splices")])
        claims = [claim for key, stored in rows.items() for claim in claims_of(key.layer, stored.row)]
        claimants = await reader.claimants(claims)

    assert {("fiber_splices", 3), ("fiber_patch_connections", 3)} == clashes.keys()
    assert "port 2 of element ODF-1 is already taken, by a row with a lower number" == patch["reason"]
    assert splice["reason"].startswith("position 2 in tray 1 of splice closure ") and "filip" == splice["author"]["sub"]
    assert (None, "drugi na istom mestu", 0.3) == (held["base"], held["sent"]["notes"], held["sent"]["loss_db"])
    assert claims and claimants.keys() == set(claims) and all(rows[key] for key in claimants.values())


async def uuids(db: Any, table: str) -> list[str]:
    """The rows of a table."""
    return [
        str(record[0]) for record in await db.fetch(f"SELECT fiberq_uuid FROM {table} WHERE project_id = {VILLAGE}")
    ]


async def test_what_waits_says_what_was_typed_and_why(db):
    values = {(i["layer"], i["field"]): i for i in await waiting(db) if i["field"]}
    place = values["Stubovi", "geometry"]

    assert {
        ("Stubovi", "geometry"): "POINT(2343000 5467000)",
        ("Stubovi", "visina"): "NaN",
        ("Kablovi_vazdusni", "duzina_m"): "Infinity",
        ("Nastavci", "geometry"): "POINT EMPTY",
        ("fiber_splices", "status"): "done",
        ("Work_orders", "due_date"): "20260-01-01",
        ("field_photos", "related_type"): "drvo",
    } == {name: item["raw"] for name, item in values.items()}
    assert "these are no degrees" in place["reason"] and "geometry" in place["changes"][0]["sent"]
    assert "this breaks the rule “visina is a number”; it was left out" == values["Stubovi", "visina"]["reason"]
    assert (
        "“done” is not one of planned, spliced, tested, faulty; it was left out"
        == values["fiber_splices", "status"]["reason"]
    )


async def test_very_many_misfits_of_one_kind_wait_as_one(bare_dsn):
    """S46: a layer in metres is one item, that puts all of it right."""
    fill(bare_dsn)
    psql(
        bare_dsn,
        "INSERT INTO fiberq.ftth_okna (naziv, project_id, geom) SELECT 'M-' || n, 2,"
        " ST_SetSRID(ST_MakePoint(2343000 + n, 5467000), 4326) FROM generate_series(1, 60) n",
    )
    async with await open_store(Settings(bare_dsn)) as store, store.reading(TOWN) as reader:
        items = [item for item in (await reader.items("open", 100, None)).items if item.layer == "OKNA"]

        assert [60] == [len(item.changes) for item in items]
        assert 61 == (await reader.counts())["OKNA"]


async def test_unknown_columns_stay_with_the_row(adopted_store):
    async with adopted_store.reading(VILLAGE) as reader:
        page = await reader.features("Stubovi", None, 10, None)
        declared = await reader.extra_columns()

    own = {name: page.items[0].row.get(name) for name in ("inventarni_broj", "nosivost", "pregledan")}
    assert {"inventarni_broj": "INV-1", "nosivost": 12.5, "pregledan": "2026-01-31"} == own
    assert {"inventarni_broj": "TEXT", "nosivost": "REAL", "pregledan": "TEXT"} == declared["Stubovi"]
