"""Inbox, uploads, exports, answers, projects and members."""

import pytest
from attrs import evolve

from fiberq_core.changes import Change, Source
from fiberq_core.errors import Conflict, Invalid, NotFound
from fiberq_core.inbox import Decided, Decision, Item, ItemKind
from fiberq_core.policy import EVERYONE, Role
from fiberq_core.ports import Changeset, Member, Project, SentDelta, Store, Upload
from fiberq_core.rows import Row
from tests.contracts.builders import ANA, BOJAN, OKNA, T0, a_project, an_item, at, commit, key, new, point, uuid

WAITING = Item(
    "full",
    ItemKind.CONFLICT,
    OKNA,
    uuid(1),
    "broj_okna",
    "Two „values“",
    (
        Change(key(1), Row({"broj_okna": "a"}), Row({"geometry": point(1, 2), "x": b"\0\xff"})),
        Change(key(2), None, None),
    ),
    {"$b": "bm90IGJ5dGVz", "lone": "\ud800", "list": [1, None]},
    "sync",
    BOJAN,
    T0,
)


async def test_an_item_comes_back_as_it_was(store: Store, project: Project) -> None:
    """Changes with bytes and raw values of any shape survive."""
    await commit(store, project, items=[WAITING])

    async with store.reading(project.id) as reader:
        assert WAITING == await reader.item("full")
        assert {"full"} == await reader.known_items(["full", "other"])
        with pytest.raises(NotFound):
            await reader.item("other")


async def test_items_by_state_and_page(store: Store, project: Project) -> None:
    """Lists are by age, in pages; a decided item leaves the open ones and can be decided again."""
    items = [an_item(name) for name in "abcde"]
    await commit(store, project, items=items)
    kept = evolve(items[1], decided=Decided(Decision.KEEP_SERVER, BOJAN, T0, "no"))
    await commit(store, project, decided=[kept])
    taken = evolve(items[1], decided=Decided(Decision.TAKE_MINE, ANA, T0))
    assert 3 == (await commit(store, project, decided=[taken])).revision

    async with store.reading(project.id) as reader:
        first = await reader.items("open", 3, None)
        rest = await reader.items("open", 3, first.next)
        decided = await reader.items("decided", 9, None)
        everything = await reader.items(None, 9, None)

        with pytest.raises(Invalid):
            await reader.items("closed", 9, None)

    assert (["a", "c", "d"], ["e"], None) == (*([i.item_id for i in p.items] for p in (first, rest)), rest.next)
    assert (taken,) == decided.items
    assert 5 == len(everything.items)


async def test_an_item_that_is_not_there_cannot_be_decided(store: Store, project: Project) -> None:
    """Deciding it changes nothing."""
    with pytest.raises(NotFound):
        await commit(store, project, [new(1)], decided=[an_item("x")])
    assert 1 == (await commit(store, project, [new(1)])).revision


async def test_uploads_are_remembered(store: Store, project: Project) -> None:
    """By digest, by sync id and by export, with what they sent, oldest first; also those that changed nothing."""
    deltas = (SentDelta(key(1), "OKNA", 4, Row({"x": b"\1"})), SentDelta(key(2), "OKNA", None, None))
    for number, name in enumerate(("s1", "s2")):
        parent = "s1" if number else None
        async with store.unit(project.id) as unit:
            await unit.apply(Changeset(BOJAN, at(number), Source.UPLOAD, name))
            await unit.save_upload(Upload(name, name * 32, "e", "copy", parent, {"n": name, "ž": [1]}, deltas), 0)

    async with store.reading(project.id) as reader:
        first, second = await reader.uploads_of("e")
        assert (deltas, "copy", None, BOJAN, at(0), 0) == (
            first.deltas, first.copy, first.parent, first.author, first.at, first.revision
        )  # fmt: skip
        assert ("s2", "s1") == (second.sync_id, second.parent)
        assert {"n": "s2", "ž": [1]} == await reader.receipt_of_digest("s2" * 32)
        assert () == tuple(await reader.uploads_of("f"))
    assert (project.id, BOJAN, {"n": "s1", "ž": [1]}, 0) == await store.find_receipt("s1")
    with pytest.raises(NotFound):
        await store.find_receipt("s3")


async def test_syncs_newest_first(store: Store, project: Project) -> None:
    """Uploads and downloads stand in one list; a download that is taken again is recent again."""
    await store.save_export("e1", project.id, 0, by=ANA, at=at(1))
    async with store.unit(project.id) as unit:
        await unit.apply(Changeset(BOJAN, at(2), Source.UPLOAD, "s1"))
        await unit.save_upload(Upload("s1", "d" * 64, None, "c", None, {"a": 1}), 0)
    await store.save_export("e2", project.id, 0, by=BOJAN, at=at(3))
    await store.save_export("e1", project.id, 0, by=ANA, at=at(4))

    async with store.reading(project.id) as reader:
        found = await reader.syncs(9)
        assert ["e1"] == [sync.sync_id for sync in await reader.syncs(1)]

    assert [("e1", "download"), ("e2", "download"), ("s1", "upload")] == [(s.sync_id, s.kind) for s in found]
    assert [None, None, {"a": 1}] == [sync.receipt for sync in found]
    assert (project.id, 0, ANA) == await store.find_export("e1")
    assert await store.find_export("e3") is None


async def test_an_answer_is_given_once(store: Store, project: Project) -> None:
    """An idempotency key belongs to its first answer."""
    async with store.unit(project.id) as unit:
        await unit.save_answer("k", {"a": 1})
        assert {"a": 1} == await unit.keyed_answer("k")
    with pytest.raises(Conflict):
        async with store.unit(project.id) as unit:
            await unit.save_answer("k", {"a": 2})

    async with store.reading(project.id) as reader:
        assert {"a": 1} == await reader.keyed_answer("k")
        assert await reader.keyed_answer("l") is None


async def test_projects_and_their_members(store: Store) -> None:
    """A list shows one's own projects and everybody's; archived ones only where asked for."""
    mine = await store.create_project("A", "d", uuid=uuid(1), by=ANA, at=T0, owner_role=Role.ENGINEER)
    ours = await a_project(store, 2, "B")
    await a_project(store, 3, "C")
    await store.set_member(ours.id, Member(EVERYONE, Role.FIELD_WORKER), by=ANA, at=T0)

    assert [mine, ours] == await store.projects(member="ana")
    assert [ours] == await store.projects(member="bojan")
    assert 3 == len(await store.projects(member=None))
    assert [Member("ana", Role.ENGINEER, "Ana")] == await store.members(mine.id)
    gone = await store.update_project(mine.id, {"status": "archived", "name": "A2"}, by=ANA, at=T0)
    assert (gone.archived, "A2", "d") == (True, gone.name, gone.description)
    assert [ours] == await store.projects(member="ana")
    assert [gone, ours] == await store.projects(member="ana", archived=True)


async def test_membership_changes(store: Store, project: Project) -> None:
    """A role is changed in place; somebody who is not there cannot be removed."""
    for role in (Role.FIELD_WORKER, Role.ENGINEER):
        await store.set_member(project.id, Member("b", role, "B"), by=ANA, at=T0)
    assert [Member("b", Role.ENGINEER, "B")] == await store.members(project.id)

    await store.remove_member(project.id, "b", by=ANA, at=T0)

    assert [] == await store.members(project.id)
    with pytest.raises(NotFound):
        await store.remove_member(project.id, "b", by=ANA, at=T0)


async def test_wrong_requests_on_projects(store: Store, project: Project) -> None:
    """Unknown projects, unknown fields and a uuid that is taken are refused, and change nothing."""
    for wrong in (
        store.project(99),
        store.members(99),
        store.update_project(99, {"name": "x"}, by=ANA, at=T0),
        store.set_member(99, Member("a", Role.ADMIN), by=ANA, at=T0),
    ):
        with pytest.raises(NotFound):
            await wrong
    with pytest.raises(Invalid):
        await store.update_project(project.id, {"name": "y", "revision = 9, name": "x"}, by=ANA, at=T0)
    with pytest.raises(Conflict):
        await a_project(store, 900)
    with pytest.raises(Invalid):
        await a_project(store, 901, "\ud800")
    for far in (2**63, -(2**80)):
        with pytest.raises(NotFound):
            await store.project(far)
    assert project == await store.project(project.id)
