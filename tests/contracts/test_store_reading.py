"""History is the base: every question about then and now is answered from it."""

import asyncio
from collections.abc import Sequence

import pytest

from fiberq_core.changes import Op, Source, Write
from fiberq_core.errors import Invalid, NotFound
from fiberq_core.ports import Changeset, Project, Reader, Store, Version
from fiberq_core.rows import Key, Row, Value
from tests.contracts.builders import (
    ANA,
    BOJAN,
    CABLES,
    OKNA,
    SLACKS,
    a_project,
    at,
    commit,
    edit,
    gone,
    key,
    line,
    new,
    point,
    uuid,
)

Life = Sequence[str | None]


async def live(store: Store, project: Project, number: int, *names: str | None) -> None:
    """Give one row a life: at each revision a name, None for being deleted."""
    for name in names:
        async with store.reading(project.id) as reader:
            now = (await reader.rows([key(number)])).get(key(number))
            earlier = (await reader.locate([uuid(number)])).get(uuid(number))
        after = None if name is None else Row({"broj_okna": name})
        await commit(store, project, [Write(key(number), now, after, None if now else earlier)])


def told(version: Version) -> tuple[int, str, object, object]:
    """A version in short: revision, what happened, the name then and before."""
    now, before = (side.get("broj_okna") if side else None for side in (version.row, version.before))
    return version.by.revision, version.op.value, now, before


LIFE = ("a", "b", None, "c", "d", None)
STORY = [
    (1, "insert", "a", None),
    (2, "update", "b", "a"),
    (3, "delete", None, "b"),
    (4, "insert", "c", None),
    (5, "update", "d", "c"),
    (6, "delete", None, "d"),
]


@pytest.mark.parametrize("length", range(1, 7))
async def test_history_tells_the_whole_life(store: Store, project: Project, length: int) -> None:
    """Each version says what happened and what it replaced, newest first; a deletion is a version too."""
    await live(store, project, 1, *LIFE[:length])

    async with store.reading(project.id) as reader:
        found = await reader.history(key(1))

    assert STORY[:length][::-1] == [told(version) for version in found]
    assert {1} == {version.fid for version in found} == {version.id for version in found}


async def test_rows_as_of_any_revision(store: Store, project: Project) -> None:
    """`versions` finds what was current at each revision, and nothing where the row was not there."""
    await commit(store, project, [new(2)])
    await live(store, project, 1, *LIFE)

    async with store.reading(project.id) as reader:
        found = [(await reader.versions({key(1): rev})).get(key(1)) for rev in range(9)]

    names = [stored and stored.row.get("broj_okna") for stored in found]
    assert [None, None, "a", "b", None, "c", "d", None, None] == names
    assert [2, 3, 5, 6] == [stored.rev for stored in found if stored]


async def test_locate_finds_rows_dead_or_alive(store: Store, project: Project) -> None:
    """A uuid is found in whatever layer; of a deleted row the last version."""
    await live(store, project, 1, "a", "b", None)
    await commit(store, project, [new(2, CABLES, naziv="K")])
    await live(store, project, 3, "x", None, "y")

    async with store.reading(project.id) as reader:
        found = await reader.locate([uuid(1), uuid(2), uuid(3), uuid(4)])

    assert {uuid(1): key(1), uuid(2): key(2, CABLES), uuid(3): key(3)} == {u: s.key for u, s in found.items()}
    assert ("b", "y") == tuple(found[uuid(n)].row.get("broj_okna") for n in (1, 3))


async def pages(reader: Reader, since: int, limit: int) -> list[Version]:
    """The whole change feed, page by page."""
    found: list[Version] = []
    cursor = None
    while True:
        page = await reader.changes(since, limit, cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
async def test_the_change_feed_misses_nothing(store: Store, project: Project, limit: int) -> None:
    """Pages of any size give every change once, oldest first, also where one transaction has many in many layers."""
    rows = dict((await commit(store, project, [*(new(n) for n in range(4)), new(4, CABLES), new(5, SLACKS)])).rows)
    cables = [new(n, CABLES) for n in range(6, 10)]
    writes = [edit(rows[key(1)], broj_okna="x"), gone(rows[key(2)]), gone(rows[key(4, CABLES)])]
    rows |= (await commit(store, project, writes)).rows
    rows |= (await commit(store, project, [*cables, edit(rows[key(0)], broj_okna="y")], by=BOJAN)).rows
    away = [gone(rows[write.key]) for write in cables]
    await commit(store, project, [*away, edit(rows[key(1)], broj_okna="z")], by=BOJAN)

    async with store.reading(project.id) as reader:
        everything = await pages(reader, 0, limit)
        later = await pages(reader, 1, limit)
        by_revision = [version for revision in (1, 2, 3, 4) for version in await reader.written_at(revision)]

    places = [(v.by.revision, v.key.layer, v.id) for v in everything]
    assert sorted(set(places)) == places
    assert everything == by_revision
    assert later == everything[6:]
    assert 19 == len(everything)
    ops = {(v.by.revision, v.key): v.op for v in later}
    assert (Op.UPDATE, Op.DELETE, Op.INSERT) == (ops[2, key(1)], ops[2, key(2)], ops[3, key(6, CABLES)])
    assert [ANA, BOJAN] == [v.by.author for v in (later[0], later[-1])]


async def test_a_page_is_not_disturbed_by_later_writes(store: Store, project: Project) -> None:
    """A cursor means a place in the order, so that changes between two pages neither hide nor repeat anything."""
    rows = (await commit(store, project, [new(n) for n in range(4)])).rows
    async with store.reading(project.id) as reader:
        first = await reader.changes(0, 2, None)
    await commit(store, project, [edit(rows[key(0)], broj_okna="x"), gone(rows[key(3)])])

    async with store.reading(project.id) as reader:
        rest = await reader.changes(0, 9, first.next)

    assert [key(0), key(1)] == [v.key for v in first.items]
    assert [(1, 2), (1, 3), (2, 0), (2, 3)] == [(v.by.revision, int(v.key.uuid[-1])) for v in rest.items]


@pytest.mark.parametrize(
    "cursor", ["x", "", "00", b"[1]".hex() * 2, b'["a"]'.hex(), b"[1,2,3]".hex(), f"[{10**30}]".encode().hex()]
)
async def test_foreign_cursors_are_refused(store: Store, project: Project, cursor: str) -> None:
    """A cursor that no list gave is a fault of the caller; an empty one means the beginning."""
    async with store.reading(project.id) as reader:
        for ask in (
            reader.changes(0, 9, cursor),
            reader.items(None, 9, cursor),
            reader.features(OKNA, None, 9, cursor),
        ):
            if not cursor:
                assert () == (await ask).items
                continue
            with pytest.raises(Invalid):
                await ask


async def test_features_by_page_and_place(store: Store, project: Project) -> None:
    """Features come by fid, in pages; a box selects exactly those whose envelope touches it."""
    places = [point(20 + n / 10, 43) for n in range(5)]
    await commit(store, project, [new(n, "Drawings", geometry=place) for n, place in enumerate(places)])
    await commit(
        store,
        project,
        [new(7, "Drawings", geometry=point(30, 50)), new(8, "Drawings", geometry=line(20.45, 43, 20.55, 44))],
    )
    await commit(store, project, [new(9, OKNA, geometry=point(20, 43.1))])

    async with store.reading(project.id) as reader:
        first = await reader.features("Drawings", None, 4, None)
        rest = await reader.features("Drawings", None, 4, first.next)
        whole = await reader.features("Drawings", None, 7, None)
        boxed = await reader.features("Drawings", (20.1, 43, 20.3, 43), 2, None)
        more = await reader.features("Drawings", (20.1, 43, 20.3, 43), 2, boxed.next)
        edge = await reader.features("Drawings", (20.3 + 1e-9, 42, 20.45 - 1e-9, 50), 9, None)
        below = await reader.features(OKNA, (0, 0, 90, 43.1 - 1e-9), 9, None)
        tables = await reader.features("fiber_splices", (0, 0, 90, 90), 9, None)

    assert [1, 2, 3, 4, 5, 6, 7] == [s.fid for s in (*first.items, *rest.items)]
    assert rest.next is None
    assert whole.next is None
    assert [2, 3, 4] == [s.fid for s in (*boxed.items, *more.items)]
    assert [5] == [s.fid for s in edge.items]
    assert () == below.items
    assert () == tables.items


async def test_the_extent_follows_the_rows(store: Store, project: Project) -> None:
    """The extent holds all rows, and shrinks and grows with them."""
    rows = (await commit(store, project, [new(1, geometry=point(20, 43)), new(2, geometry=point(25, 40)), new(3)])).rows

    async def extent() -> object:
        async with store.reading(project.id) as reader:
            return await reader.extent()

    assert (20, 40, 25, 43) == pytest.approx(await extent(), abs=1e-5)
    async with store.unit(project.id, rehearsal=True) as unit:
        await unit.apply(Changeset(ANA, at(2), Source.REST, writes=(new(4, geometry=point(50, 50)),)))
        assert (20, 40, 50, 50) == pytest.approx(await unit.extent(), abs=1e-5)
    assert (20, 40, 25, 43) == pytest.approx(await extent(), abs=1e-5)
    moved = (await commit(store, project, [edit(rows[key(2)], geometry=point(22, 42))])).rows[key(2)]
    assert (20, 42, 22, 43) == pytest.approx(await extent(), abs=1e-5)
    await commit(store, project, [gone(moved), edit(rows[key(1)], geometry=None)])
    assert await extent() is None


async def test_references_are_found_backwards(store: Store, project: Project) -> None:
    """Who refers to a row is found through every reference, for the right target layer only."""
    await commit(store, project, [new(1, CABLES), new(2, SLACKS, kabl_uuid=uuid(1)), new(3, SLACKS, kabl_uuid=uuid(9))])

    async with store.reading(project.id) as reader:
        found = await reader.referring([key(1, CABLES)])
        none = await reader.referring([key(1, OKNA)])

    assert [key(2, SLACKS)] == [stored.key for stored in found]
    assert [] == list(none)


async def test_appeared_since(store: Store, project: Project) -> None:
    """New rows and rows that came back count; rows that were only edited do not."""
    rows = (await commit(store, project, [new(1), new(2)])).rows
    await commit(store, project, [edit(rows[key(1)], broj_okna="x"), gone(rows[key(2)]), new(3)])
    await commit(store, project, [Write(key(2), None, Row({}), rows[key(2)])])

    async with store.reading(project.id) as reader:
        since = [[s.key for s in await reader.appeared_since(OKNA, rev)] for rev in range(4)]

    assert [[key(1), key(2), key(3)], [key(3)], [key(2)], []] == since


async def test_a_reader_sees_one_snapshot(store: Store, project: Project) -> None:
    """What is committed meanwhile does not show, in any answer."""
    rows = (await commit(store, project, [new(1, broj_okna="a")])).rows
    async with store.reading(project.id) as reader:
        await commit(store, project, [edit(rows[key(1)], broj_okna="b"), new(2)])

        assert 1 == reader.project.revision
        assert "a" == (await reader.rows([key(1)]))[key(1)].row.get("broj_okna")
        assert 1 == (await reader.counts())[OKNA]
        assert 1 == len(await reader.history(key(1)))


async def test_many_readers_at_once(store: Store, project: Project) -> None:
    """More readers than connections wait for their turn."""
    await commit(store, project, [new(1)])

    async def ask() -> int:
        async with store.reading(project.id) as reader:
            return len(await reader.rows([key(1)]))

    assert [1] * 30 == await asyncio.gather(*(ask() for _ in range(30)))


async def test_health_does_not_wait_for_readers(store: Store, project: Project) -> None:
    """A store whose readers are all busy is still alive."""
    done = asyncio.Event()

    async def hold() -> None:
        async with store.reading(project.id):
            await done.wait()

    holding = [asyncio.create_task(hold()) for _ in range(9)]
    await asyncio.sleep(0.05)
    assert await asyncio.wait_for(store.alive(), 5)
    done.set()
    await asyncio.gather(*holding)


async def test_unregistered_columns_are_known(store: Store, project: Project) -> None:
    """The type that the first file declared stays; where none did, the first value tells."""
    other = await a_project(store, 901)
    await commit(store, project, [new(1)], extra={(OKNA, "boja"): "TEXT(20)", (CABLES, "x"): "REAL"})
    values: dict[str, Value] = {"boja": 1, "a": "x", "b": 2.5, "c": True, "d": b"", "e": 7, "broj_okna": "1"}
    await commit(
        store,
        project,
        [new(2, OKNA, **values), new(3, CABLES, z=1.5)],
        extra={(OKNA, "boja"): "INTEGER", (OKNA, "a"): "TEXT(9)"},
    )

    async with store.reading(project.id) as reader, store.reading(other.id) as others:
        told = {"boja": "TEXT(20)", "a": "TEXT(9)", "b": "REAL", "c": "BOOLEAN", "d": "BLOB", "e": "INTEGER"}
        assert {OKNA: told, CABLES: {"x": "REAL", "z": "REAL"}} == await reader.extra_columns()
        assert {} == await others.extra_columns()


async def test_unknown_layers(store: Store, project: Project) -> None:
    """A layer that is not in the registry has no features, and its keys are nobody's."""
    async with store.reading(project.id) as reader:
        with pytest.raises(NotFound):
            await reader.features('x"; DROP TABLE projects; --', None, 9, None)
        assert {} == await reader.rows([Key("nothing", uuid(1))])
        assert {} == await reader.versions({Key("nothing", uuid(1)): 1})


async def test_the_length_of_cables(store: Store, project: Project) -> None:
    """Metres on the ground of both layers, as they are drawn now; nothing else that is long counts."""
    east = line(20.0, 44.0, 20.01, 44.0)
    drawn = [new(1, CABLES, geometry=east), new(2, "Kablovi_vazdusni", geometry=east), new(3, "PE cevi", geometry=east)]
    applied = await commit(store, project, drawn)
    async with store.reading(project.id) as reader:
        assert 2 * 802.06 == pytest.approx(await reader.cable_length(), abs=0.1)
    await commit(store, project, [gone(applied.rows[key(1, CABLES)])])
    async with store.reading(project.id) as reader:
        assert pytest.approx(await reader.cable_length(), abs=0.1) == 802.06
