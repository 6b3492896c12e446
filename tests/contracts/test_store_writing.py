"""One write path: a transaction becomes the next revision, or nothing at all."""

import asyncio
import struct

import pytest
from attrs import evolve

from fiberq_core.changes import Op, Source, Write
from fiberq_core.errors import Conflict, NotFound
from fiberq_core.ports import Changeset, Project, Store, Upload
from fiberq_core.registry import DATA_LAYERS, LAYER
from fiberq_core.registry.model import Kind, Layer, Shape
from fiberq_core.rows import Key, Row, Stored, Value
from tests.contracts.builders import (
    ANA,
    BOJAN,
    CABLES,
    CLOSURES,
    OKNA,
    SPLICES,
    TRAYS,
    a_project,
    an_item,
    at,
    commit,
    current,
    edit,
    gone,
    key,
    line,
    new,
    point,
    uuid,
)
from tests.contracts.conftest import ClosableStore, Opener

SAMPLE: dict[Kind, Value] = {
    Kind.TEXT: "Šaht ‘7’ \U0001f573; --",
    Kind.INTEGER: -(2**63),
    Kind.REAL: 0.1 + 0.2,
    Kind.BOOLEAN: False,
    Kind.DATE: "2026-05-04",
    Kind.DATETIME: "2026-05-04T08:00:00.123Z",
    Kind.JSON: '{"a": [1, "ж"]}',
    Kind.UUID: uuid(77),
}
PLACE = {
    Shape.POINT: point(20, 43),
    Shape.LINE: line(20, 43, 20.5, 43.5),
    Shape.POLYGON: bytes.fromhex("01030000000100000004000000") + struct.pack("<8d", 20, 43, 21, 43, 21, 44, 20, 43),
    Shape.ANY: line(20, 43, 20.5, 43.5),
}
EXTRA: dict[str, Value] = {"weird\"'; --": "x", "Ђ": b"\x00\xff", "n": 3, "f": 1e300, "geom": "a", "id": 5, "b": True}


def full_row(layer: Layer, number: int) -> Row:
    """A row with every registered column, some unregistered ones and a place; it refers to the rows of other layers."""
    numbers = {known.name: n for n, known in enumerate(DATA_LAYERS)}
    sample = {**SAMPLE, Kind.INTEGER: -(2**63) + number}  # so that no fibre is used twice
    values = {column.name: sample[column.kind] for column in layer.columns}
    values |= {
        c.name: c.vocabulary.terms["_b_" in c.name].code for c in layer.columns if c.vocabulary and c.vocabulary.closed
    }
    values |= {reference.column: uuid(numbers[reference.targets[0]]) for reference in layer.references}
    return Row({**EXTRA, **values, **({"geometry": PLACE[layer.shape]} if layer.spatial else {})})


async def test_every_layer_keeps_every_value(store: Store, project: Project) -> None:
    """What was written comes back equal, of the same types, in every layer, also columns that nobody knows."""
    rows = {Key(layer.name, uuid(n)): full_row(layer, n) for n, layer in enumerate(DATA_LAYERS)}
    applied = await commit(store, project, [Write(k, None, row) for k, row in rows.items()])

    async with store.reading(project.id) as reader:
        found = await reader.rows(rows)

    assert rows == {k: stored.row for k, stored in found.items()}
    assert applied.rows == found
    for k, row in rows.items():
        assert {n: type(v) for n, v in row.values.items()} == {n: type(v) for n, v in found[k].row.values.items()}


@pytest.mark.parametrize(
    "wkb",
    [
        point(20, 43),
        line(20, 43, 21, 44),
        bytes.fromhex("01e9030000") + b"\0" * 24,  # a point with Z
        bytes.fromhex("01b90b0000") + struct.pack("<4d", 20, 43, float("nan"), 7),  # with Z that is not known, and M
        bytes.fromhex("010400000001000000") + point(1, 2),  # a multipoint
        bytes.fromhex("010700000002000000") + point(1, 2) + line(20, 43, 21, 44),  # a collection
    ],
)
async def test_geometries_keep_their_bytes(store: Store, project: Project, wkb: bytes) -> None:
    """A canonical geometry of any kind comes back byte for byte, from current rows and from history."""
    applied = await commit(store, project, [new(1, "Drawings", geometry=wkb)])
    await commit(store, project, [edit(applied.rows[key(1, "Drawings")], geometry=point(1, 1))])

    async with store.reading(project.id) as reader:
        first = await reader.versions({key(1, "Drawings"): 1})
        second = await reader.rows([key(1, "Drawings")])

    assert wkb == first[key(1, "Drawings")].row.geometry
    assert point(1, 1) == second[key(1, "Drawings")].row.geometry


async def test_revisions_are_gapless(store: Store, project: Project) -> None:
    """Every transaction that changes something takes the next revision; one that changes nothing takes none."""
    taken = [
        (await commit(store, project, [new(1)])).revision,
        (await commit(store, project)).revision,
        (await commit(store, project, items=[an_item("i")])).revision,
        (await commit(store, project, [new(2)], by=BOJAN, second=9)).revision,
    ]

    async with store.reading(project.id) as reader:
        made = await reader.revisions(range(9))
        assert reader.project.revision == 3

    assert [1, 1, 2, 3] == taken
    assert [1, 2, 3] == sorted(made)
    assert (BOJAN, at(9), Source.REST) == (made[3].author, made[3].at, made[3].source)


async def test_two_writers_take_turns(store: Store, project: Project) -> None:
    """Transactions that begin at the same moment follow one another; none is lost."""
    await asyncio.gather(*(commit(store, project, [new(n)]) for n in range(12)))

    async with store.reading(project.id) as reader:
        counts, made = await reader.counts(), await reader.revisions(range(20))

    assert 12 == counts[OKNA] == len(made)


async def test_numbers_are_never_used_twice(store: Store, project: Project) -> None:
    """`id` and `fid` grow by insertion; a deleted row's numbers are not given to another, its own return takes them."""
    applied = await commit(store, project, [new(n) for n in range(3)])
    last = applied.rows[key(2)]
    assert (3, 3) == (last.id, last.fid)
    await commit(store, project, [gone(last)])
    fresh = (await commit(store, project, [new(3)])).rows[key(3)]
    assert fresh.id == fresh.fid == 4

    back = (await commit(store, project, [Write(key(2), None, Row({"broj_okna": "9"}), last)])).rows[key(2)]

    assert (last.id, last.fid) == (back.id, back.fid)
    assert [back] == await current(store, project, key(2))
    after = (await commit(store, project, [new(5)])).rows[key(5)]
    assert after.id == after.fid == 5


async def test_a_stale_write_is_refused_whole(store: Store, project: Project) -> None:
    """A write whose `before` is no longer current raises Conflict, and nothing of its transaction stays."""
    old = (await commit(store, project, [new(1, broj_okna="1")])).rows[key(1)]
    await commit(store, project, [edit(old, broj_okna="2")])

    never = evolve(old, rev=0)
    for stale in (edit(old, broj_okna="3"), gone(old), new(1), edit(never, broj_okna="3"), gone(never)):
        with pytest.raises(Conflict):
            await commit(store, project, [new(2), stale])

    one, two = await current(store, project, key(1), key(2))
    assert one is not None
    assert ("2", 2, None) == (one.row.get("broj_okna"), one.rev, two)


async def test_an_exception_leaves_nothing(store: Store, project: Project) -> None:
    """When the block of a unit raises, rows, inbox, uploads and the revision are as before."""
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
        async with store.unit(project.id) as unit:
            await unit.apply(Changeset(ANA, at(1), Source.UPLOAD, "s", (new(1),), (an_item("i"),)))
            await unit.save_upload(Upload("s", "d" * 64, None, "c", None, {}), 1)
            await unit.save_answer("k", {})
            raise ZeroDivisionError

    async with store.reading(project.id) as reader:
        assert reader.project.revision == 0
        assert {} == await reader.rows([key(1)])
        assert () == (await reader.items(None, 9, None)).items
        assert await reader.receipt_of_digest("d" * 64) is None
        assert await reader.keyed_answer("k") is None


async def test_what_was_read_before_is_read_anew_after_a_write(store: Store, project: Project) -> None:
    """Rows that a transaction has seen are not asked for again; those that it writes are what they are then."""
    await commit(store, project, [new(1, naziv="was"), new(2)])
    first, second, third = key(1), key(2), key(3)
    async with store.unit(project.id) as unit:
        before = await unit.rows([first, second, third])
        writes = (edit(before[first], naziv="is"), gone(before[second]), new(3))
        await unit.apply(Changeset(ANA, at(2), Source.REST, writes=writes))
        after = await unit.rows([first, second, third])

    assert {first, second} == before.keys()
    assert {first, third} == after.keys()
    assert "is" == after[first].row.get("naziv")


async def test_a_rehearsal_shows_and_takes_back(store: Store, project: Project) -> None:
    """A rehearsal sees its own effects, and afterwards there are none."""
    async with store.unit(project.id, rehearsal=True) as unit:
        applied = await unit.apply(Changeset(ANA, at(1), Source.REST, writes=(new(1),)))
        assert (1, 1) == (applied.revision, unit.project.revision)
        assert {key(1)} == (await unit.rows([key(1)])).keys()

    assert [None] == await current(store, project, key(1))
    assert 1 == (await commit(store, project, [new(1)])).revision


async def test_a_cancelled_unit_leaves_nothing_and_frees_the_store(store: Store, project: Project) -> None:
    """A caller that goes away in the middle of a transaction costs nobody else anything."""
    started = asyncio.Event()

    async def abandoned() -> None:
        async with store.unit(project.id) as unit:
            await unit.apply(Changeset(ANA, at(1), Source.REST, writes=(new(1),)))
            started.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(abandoned())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 1 == (await commit(store, project, [new(2)])).revision
    assert [None] == await current(store, project, key(1))


@pytest.mark.parametrize("delay", [0, 1, 2, 3, 5, 8])
async def test_cancelled_at_any_step(store: Store, project: Project, delay: int) -> None:
    """Wherever a unit is cancelled, it is wholly there or not at all, and the next one works."""
    task = asyncio.create_task(commit(store, project, [new(n) for n in range(50)]))
    for _ in range(delay):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    applied = await commit(store, project, [new(99)])

    async with store.reading(project.id) as reader:
        counts = await reader.counts()
    assert (applied.revision, counts[OKNA]) in ((1, 1), (2, 51))


async def test_places_have_one_holder(store: Store, project: Project) -> None:
    """Two rows cannot claim one place (S42); a place that is given up can be taken in the same transaction."""
    tray: dict[str, Value] = {"closure_uuid": uuid(50), "tray_number": 1}
    first = (await commit(store, project, [new(1, TRAYS, **tray), new(50, CLOSURES)])).rows[key(1, TRAYS)]
    with pytest.raises(Conflict):
        await commit(store, project, [new(2, TRAYS, **tray)])

    await commit(store, project, [new(2, TRAYS, **tray), edit(first, tray_number=2)])

    claim = f"tray|{uuid(50)}|"
    async with store.reading(project.id) as reader:
        held = await reader.claimants([claim + "1", claim + "2", claim + "3"])
    assert {claim + "1": key(2, TRAYS), claim + "2": key(1, TRAYS)} == held


async def test_a_deleted_row_gives_its_place_up(store: Store, project: Project) -> None:
    """The claims of a deleted row are free."""
    splice: dict[str, Value] = {"cable_a_uuid": uuid(60), "fiber_a_number": 7, "cable_a_end": "to"}
    splice |= {"tray_uuid": uuid(40), "position_in_tray": 1}
    tray = new(40, TRAYS, closure_uuid=uuid(50), tray_number=1)
    around = [tray, new(50, CLOSURES), new(60, CABLES)]
    row = (await commit(store, project, [new(1, SPLICES, **splice), *around])).rows[key(1, SPLICES)]
    await commit(store, project, [gone(row)])

    assert 3 == (await commit(store, project, [new(2, SPLICES, **splice)])).revision


async def test_projects_do_not_see_each_other(store: Store, project: Project) -> None:
    """The same uuids, places and items in two projects are different things."""
    other = await a_project(store, 901, "Grad")
    tray: dict[str, Value] = {"closure_uuid": uuid(50), "tray_number": 1}
    closure = new(50, CLOSURES)
    await commit(store, project, [closure, new(1, TRAYS, **tray), new(2, geometry=point(1, 2))], items=[an_item("i")])
    await commit(store, other, [closure, new(1, TRAYS, **tray)], items=[an_item("i")])

    async with store.reading(other.id) as reader:
        assert {key(1, TRAYS)} == (await reader.rows([key(1, TRAYS), key(2)])).keys()
        assert {uuid(1)} == (await reader.locate([uuid(1), uuid(2)])).keys()
        assert [1] == [v.by.revision for v in await reader.history(key(1, TRAYS))]
        assert () == tuple(await reader.history(key(2)))
        assert 2 == len((await reader.changes(0, 9, None)).items)
        assert 2 == sum((await reader.counts()).values())
        assert await reader.extent() is None
        assert () == (await reader.features(OKNA, (0, 0, 3, 3), 9, None)).items
        assert 1 == len((await reader.items(None, 9, None)).items)


@pytest.mark.parametrize("opening", ["reading", "unit"])
async def test_unknown_projects(store: Store, opening: str) -> None:
    """A project that does not exist raises NotFound, and the store goes on."""
    for _ in range(9):
        with pytest.raises(NotFound):
            async with getattr(store, opening)(4711):
                pass
    assert await store.alive()


async def test_everything_is_there_after_a_restart(store: ClosableStore, reopen: Opener, project: Project) -> None:
    """What was answered stays: rows, numbers, history, revision."""
    row = (await commit(store, project, [new(1, CABLES, naziv="K-1", geometry=line(1, 2, 3, 4))])).rows[key(1, CABLES)]
    await commit(store, project, [edit(row, naziv="K-2")])
    await store.close()

    again = await reopen()

    async with again.reading(project.id) as reader:
        assert 2 == reader.project.revision
        assert [Op.UPDATE, Op.INSERT] == [v.op for v in await reader.history(key(1, CABLES))]
    assert 2 == (await commit(again, project, [new(2, CABLES)])).rows[key(2, CABLES)].fid


async def test_two_stores_on_one_folder(store: Store, reopen: Opener, project: Project) -> None:
    """The command line may write beside a running server; each sees what the other has committed."""
    beside = await reopen()
    await commit(beside, project, [new(1)])
    await commit(store, project, [new(2)])

    for either in (store, beside):
        found = await current(either, project, key(1), key(2))
        assert all(isinstance(stored, Stored) for stored in found)
    assert 3 == (await commit(beside, project, [new(3)])).revision


async def test_two_stores_take_turns(store: Store, reopen: Opener, project: Project) -> None:
    """A transaction keeps others out from its beginning, also those of another process: what it has read stays true."""
    beside = await reopen()
    async with store.unit(project.id) as unit:
        other = asyncio.create_task(commit(beside, project, [new(2)]))
        await asyncio.sleep(0.1)
        assert not other.done()
        applied = await unit.apply(Changeset(ANA, at(1), Source.REST, writes=(new(1),)))

    assert (1, 2) == (applied.revision, (await other).revision)


def test_the_samples_cover_every_kind() -> None:
    """Every kind of column is written and read above."""
    assert set(Kind) == set(SAMPLE)
    assert LAYER[OKNA].spatial


CHANGES: dict[str, dict[str, Value | None]] = {
    "one column": {"napomena": "x"},
    "a column cleared": {"broj_okna": None},
    "the place": {"geometry": point(21, 44)},
    "the place cleared": {"geometry": None},
    "an unregistered column": {"boja": "crvena"},
    "an unregistered column cleared": {"boja": None},
    "a new unregistered one": {"sjaj": 3},
    "some of each": {"napomena": "x", "broj_okna": None, "geometry": point(21, 44), "boja": None, "sjaj": 3},
}


async def test_what_an_update_does_not_change_stays(store: Store, project: Project) -> None:
    """Rows of one change set may change in different columns; each reads as it was written, and was what it was."""
    first = Row({"broj_okna": "7", "vrsta_okna": "armirano", "boja": "plava", "geometry": point(20, 43)})
    keys = [key(number) for number in range(1, len(CHANGES) + 1)]
    await commit(store, project, [Write(one, None, first) for one in keys])
    before = [stored for stored in await current(store, project, *keys) if stored]
    await commit(store, project, [edit(one, **change) for one, change in zip(before, CHANGES.values(), strict=True)])

    after = [stored.row for stored in await current(store, project, *keys) if stored]
    assert [first.with_values(change) for change in CHANGES.values()] == after
    async with store.reading(project.id) as reader:
        pasts = [(await reader.history(one))[1].row for one in keys]
    assert [first] * len(CHANGES) == pasts
