"""Rows by the numbers that old clients know them by, whatever project they are in."""

from collections.abc import Mapping

import pytest
from attrs import evolve

from fiberq_core.errors import Invalid, NotFound
from fiberq_core.ports import Project, Sought, Store
from fiberq_core.registry import DATA_LAYERS, LAYER
from fiberq_core.registry.model import Column, Kind
from fiberq_core.rows import Key, Stored, Value
from tests.contracts.builders import a_project, commit, gone, key, new, uuid

ORDERS, ITEMS, REPORTS = "Work_orders", "work_order_items", "SMR_reports"


PARENTS: Mapping[int, tuple[str, Mapping[str, Value]]] = {
    50: (ORDERS, {"title": "W", "order_type": "repair"}),
    51: ("Splice_closures", {}),
    52: ("fiber_splice_trays", {"tray_number": 7, "closure_uuid": uuid(51)}),
}


def _any(column: Column) -> Value:
    """Some value that the column can hold."""
    text = column.vocabulary.terms[0].code if column.vocabulary else "1"
    return 1 if column.kind is Kind.INTEGER else text


@pytest.fixture
async def orders(store: Store, project: Project) -> tuple[Project, Project, Mapping[int, Stored]]:
    """Two projects with orders, made in turns; each order by the number of its uuid."""
    other = await a_project(store, 901, "Grad")
    made: dict[int, Stored] = {}
    for n in range(6):
        home = (project, other)[n % 2]
        state, who = ("created", "assigned")[n // 3], ("vuk", "mila")[n // 4]
        write = new(n, ORDERS, title=f"W-{n}", order_type="repair", status=state, assigned_to_sub=who)
        made[n] = (await commit(store, home, [write])).rows[key(n, ORDERS)]
    return project, other, made


@pytest.mark.parametrize("layer", [layer.name for layer in DATA_LAYERS if layer.by_number])
async def test_a_row_is_found_by_its_number(store: Store, project: Project, layer: str) -> None:
    """Project and key, in every layer whose rows old clients know by number; a deleted row is not there."""
    await commit(store, project, [new(n, parent, **values) for n, (parent, values) in PARENTS.items()])
    parents = {r.column: uuid(n) for r in LAYER[layer].references for n, (p, _) in PARENTS.items() if p in r.targets}
    values = {c.name: _any(c) for c in LAYER[layer].columns if c.required} | {
        r.column: parents[r.column] for r in LAYER[layer].references if r.required
    }
    stored = (await commit(store, project, [new(1, layer, **values)])).rows[key(1, layer)]

    assert (project.id, key(1, layer)) == await store.numbered(layer, stored.id)
    await commit(store, project, [gone(stored)])
    with pytest.raises(NotFound):
        await store.numbered(layer, stored.id)


async def test_numbers_that_nothing_has(store: Store, orders) -> None:
    """A number that is another layer's, or nobody's, finds nothing."""
    _, _, made = orders
    for layer, number in ((ITEMS, made[0].id), (ORDERS, 999), (ORDERS, 0), (ORDERS, 10**18), ("nothing", 1)):
        with pytest.raises(NotFound):
            await store.numbered(layer, number)


async def every(store: Store, wanted: Sought, limit: int) -> list[tuple[int, Key]]:
    """What is sought, page by page."""
    found: list[tuple[int, Key]] = []
    cursor = None
    while True:
        page = await store.sought(wanted, limit, cursor)
        assert len(page.items) <= limit
        found += [(project, stored.key) for project, stored in page.items]
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_rows_of_several_projects(store: Store, orders, limit: int) -> None:
    """Pages of any size give every row of these projects once, newest or oldest first, and nothing of others."""
    project, other, made = orders
    both = Sought(ORDERS, (project.id, other.id))
    there = [((project, other)[n % 2].id, made[n].key) for n in range(6)]

    assert there[::-1] == await every(store, both, limit)
    assert there == await every(store, evolve(both, newest_first=False), limit)
    assert there[::2] == await every(store, Sought(ORDERS, (project.id,), newest_first=False), limit)
    assert [] == await every(store, Sought(ORDERS, ()), limit)


async def test_rows_come_as_they_are(store: Store, orders) -> None:
    """A row that is sought is the row that is stored."""
    project, _, made = orders
    page = await store.sought(Sought(ORDERS, (project.id,)), 9, None)

    assert [(project.id, made[n]) for n in (4, 2, 0)] == list(page.items)


@pytest.mark.parametrize(
    "any_of, numbers",
    [
        ({"status": ("created",)}, [0, 1, 2]),
        ({"status": ("created", "assigned")}, [0, 1, 2, 3, 4, 5]),
        ({"status": ("assigned",), "assigned_to_sub": ("vuk",)}, [3]),
        ({"assigned_to_sub": ("nobody",)}, []),
        ({"assigned_to_sub": ()}, []),
    ],
)
async def test_by_what_a_column_holds(store: Store, orders, any_of, numbers) -> None:
    """Each column holds one of the values that are named for it."""
    project, other, _ = orders
    found = await every(store, Sought(ORDERS, (project.id, other.id), any_of, newest_first=False), 2)

    assert [key(n, ORDERS) for n in numbers] == [k for _, k in found]


async def test_by_parent(store: Store, orders) -> None:
    """The parts of a row, by its uuid; what is no uuid has none."""
    project, _, made = orders
    items = [new(10 + n, ITEMS, item_type="other", work_order_uuid=made[n % 2 * 2].key.uuid) for n in range(4)]
    await commit(store, project, items)

    async def parts(parent: str) -> list[int]:
        wanted = Sought(ITEMS, (project.id,), {"work_order_uuid": (parent,)}, newest_first=False)
        return [stored.id for _, stored in (await store.sought(wanted, 9, None)).items]

    numbers = await parts(made[0].key.uuid), await parts(made[2].key.uuid)
    assert (2, 2, 4) == (len(numbers[0]), len(numbers[1]), len({*numbers[0], *numbers[1]}))
    assert [] == await parts("no uuid") == await parts(made[5].key.uuid)


async def test_by_fid_and_by_uuid(store: Store, orders) -> None:
    """Rows of any layer are found by their number in packages, in each project, and by their identity."""
    project, other, made = orders
    both = (project.id, other.id)
    fid = made[2].fid
    same = [k for n, k in ((n, made[n].key) for n in range(6)) if made[n].fid == fid]

    assert same == [k for _, k in await every(store, Sought(ORDERS, both, {"fid": (fid,)}, newest_first=False), 9)]
    by_uuid = Sought(ORDERS, both, {"fiberq_uuid": (made[3].key.uuid, made[0].key.uuid, "no uuid")})
    assert [(other.id, made[3].key), (project.id, made[0].key)] == await every(store, by_uuid, 1)


@pytest.mark.parametrize(
    "span, days",
    [
        (("2026-05-02", "2026-05-03"), [2, 3]),
        (("2026-05-03", None), [3, 4]),
        ((None, "2026-05-01"), [1]),
        ((None, None), [1, 2, 3, 4, 5]),
        (("2026-05-04", "2026-05-02"), []),
    ],
)
async def test_by_date(store: Store, project: Project, span, days) -> None:
    """Both ends of a span count; a row without a date lies in the open one only."""
    dated = [new(n, REPORTS, report_date=f"2026-05-0{n}") for n in range(1, 5)]
    await commit(store, project, [*dated, new(5, REPORTS)])
    found = await every(store, Sought(REPORTS, (project.id,), spans={"report_date": span}, newest_first=False), 9)

    assert [key(n, REPORTS) for n in days] == [k for _, k in found]


@pytest.mark.parametrize("cursor", ["x", "5b5d", "5b2231225d", b"[99999999999999999999]".hex()])
async def test_a_cursor_of_another_list(store: Store, project: Project, cursor: str) -> None:
    """A cursor that this list did not give is refused."""
    with pytest.raises(Invalid):
        await store.sought(Sought(ORDERS, (project.id,)), 1, cursor)
