"""Photos in every store: which are here, under which paths they came, which rows still wait."""

import pytest
from attrs import evolve

from fiberq_core.changes import Write
from fiberq_core.errors import Invalid, NotFound
from fiberq_core.photos import HEIC, JPEG, Facts, KnownName, PhotoFile, name_of
from fiberq_core.ports import Project, Store
from fiberq_core.rows import Key, Row
from tests.contracts.builders import ANA, BOJAN, CLOSURES, SPLICES, T0, TRAYS, a_project, at, commit, new, uuid

PHOTOS = "field_photos"
FULL = PhotoFile(
    name_of("ab" * 32, HEIC),
    Facts(HEIC, 4000, 3000, 6, "2026-05-04T08:11:12.345Z", 21.26, -43.5, whole=False),
    2**33,
    "š „čudno“.heic",
    ANA,
    T0,
)
PLAIN = PhotoFile(name_of("00" * 32, JPEG), Facts(JPEG, 1, 1), 1, "", BOJAN, at(1))


def naming(number: int, path: str, layer: str = PHOTOS, **values: str | int) -> Write:
    """A new row that names a photo."""
    return Write(Key(layer, uuid(number)), None, Row({"photo_path": path, **values}))


def splicing(number: int, path: str) -> tuple[Write, ...]:
    """A new splice that names a photo, with what it lies in."""
    tray = new(91, TRAYS, closure_uuid=uuid(90), tray_number=1)
    splice = naming(number, path, SPLICES, tray_uuid=uuid(91), position_in_tray=1)
    return new(90, CLOSURES), tray, splice


async def save(store: Store, project: Project, *photos: PhotoFile, **names: PhotoFile) -> None:
    """Remember photos, and paths under which some came."""
    async with store.unit(project.id) as unit:
        for photo in (*photos, *names.values()):
            await unit.save_photo(photo)
        for path, photo in names.items():
            await unit.save_photo_name(KnownName(path, photo.name, photo.by.sub), T0)


async def test_photos_come_back_as_they_were(store: Store, project: Project) -> None:
    """By our name and by the path of a device; others are left out."""
    await save(store, project, PLAIN, path=FULL)

    async with store.reading(project.id) as reader:
        assert {FULL.name: FULL, "path": FULL} == await reader.photo_files([FULL.name, "path", "other", ""])
        assert {PLAIN.name: PLAIN} == await reader.photo_files([PLAIN.name])
        assert {} == await reader.photo_files([])
        assert KnownName("path", FULL.name, ANA.sub) == await reader.photo_name("path")
        assert await reader.photo_name(PLAIN.name) is None


async def test_what_is_known_of_a_photo_stays(store: Store, project: Project) -> None:
    """Whoever sends it again changes nothing, in this project."""
    other = await a_project(store, 901)
    again = evolve(FULL, by=BOJAN, at=at(9), file_name="again")
    await save(store, project, FULL)
    await save(store, project, again)
    await save(store, other, again)

    async with store.reading(project.id) as reader:
        assert {FULL.name: FULL} == await reader.photo_files([FULL.name])
    async with store.reading(other.id) as reader:
        assert {FULL.name: again} == await reader.photo_files([FULL.name])


async def test_a_path_may_get_another_photo(store: Store, project: Project) -> None:
    """The one that came before is still here by its name."""
    await save(store, project, path=FULL)
    await save(store, project, path=PLAIN)

    async with store.reading(project.id) as reader:
        assert KnownName("path", PLAIN.name, BOJAN.sub) == await reader.photo_name("path")
        assert {"path": PLAIN, FULL.name: FULL} == await reader.photo_files(["path", FULL.name])


async def test_what_is_rolled_back_is_not_there(store: Store, project: Project) -> None:
    async with store.unit(project.id, rehearsal=True) as unit:
        await unit.save_photo(FULL)
        await unit.save_photo_name(KnownName("path", FULL.name, "x"), T0)

    assert [] == await store.photo_projects(FULL.name)
    async with store.reading(project.id) as reader:
        assert {} == await reader.photo_files([FULL.name, "path"])


async def test_across_projects(store: Store, project: Project) -> None:
    """Who has a photo, and which photos nobody has."""
    other = await a_project(store, 901)
    await save(store, project, FULL, PLAIN)
    await save(store, other, FULL)

    assert [project.id, other.id] == await store.photo_projects(FULL.name)
    assert [project.id] == await store.photo_projects(PLAIN.name)
    assert [] == await store.photo_projects("'; DROP TABLE photo_files; --")
    assert {FULL.name, PLAIN.name} == await store.photos_known([FULL.name, "none", PLAIN.name])
    assert frozenset() == await store.photos_known([])


async def test_rows_by_what_they_name(store: Store, project: Project) -> None:
    """Exactly, in whatever layer, in this project; however long the path is."""
    long = "DCIM/" + "x" * 600
    rows = [naming(1, "a"), naming(2, "A"), naming(4, long), naming(5, long + "y"), *splicing(3, "a")]
    await commit(store, project, rows)
    await commit(store, await a_project(store, 901), [naming(7, "a")])

    async with store.reading(project.id) as reader:
        found = {path: [stored.key for stored in await reader.photo_rows(path)] for path in ("a", long, "b")}

    assert ({rows[0].key, rows[-1].key}, [rows[2].key], []) == (set(found["a"]), found[long], found["b"])


async def test_what_is_awaited(store: Store, project: Project) -> None:
    """Rows whose photo came under our name or under their path wait no more; nor do those that name none."""
    other = await a_project(store, 901)
    await commit(store, other, [naming(9, "elsewhere")])
    rows = [naming(n, path) for n, path in enumerate(("a", "b", FULL.name, "c", "", "d", PLAIN.name))]
    await commit(store, project, [*rows, *splicing(21, "z")])
    await save(store, project, FULL, b=FULL)
    await save(store, other, PLAIN, c=PLAIN)

    async with store.reading(project.id) as reader:
        first = await reader.photos_awaited(PHOTOS, 2, None)
        rest = await reader.photos_awaited(PHOTOS, 2, first.next)
        splices = await reader.photos_awaited(SPLICES, 5, None)
        with pytest.raises(Invalid):
            await reader.photos_awaited(PHOTOS, 2, "zz")
        with pytest.raises(NotFound):
            await reader.photos_awaited("members", 2, None)

    named = [[stored.row.get("photo_path") for stored in page.items] for page in (first, rest, splices)]
    assert [["a", "c"], ["d", PLAIN.name], ["z"]] == named
    assert (None, None) == (rest.next, splices.next)
