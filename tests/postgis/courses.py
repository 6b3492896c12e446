"""The courses of work in which the store sends statements, as flows and devices cause them."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from attrs import frozen

from fiberq_core.changes import Source, Write
from fiberq_core.fibre import claims_of
from fiberq_core.people import Person
from fiberq_core.photos import PHOTO_LAYERS, KnownName
from fiberq_core.policy import Reach, Role
from fiberq_core.ports import AuditQuery, Changeset, Member, Reader, Sought, Upload
from fiberq_core.registry import DATA_LAYERS
from fiberq_core.rows import Key
from fiberq_core.tokens import Token
from fiberq_storage.postgis import PostgisStore
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.filling import Snapshot
from fiberq_storage.postgis.source import PostgisSource
from fiberq_storage.postgis.tables import TABLES
from tests.contracts.builders import ANA, BOJAN, T0, an_item, at, gone
from tests.postgis.network import UPLOADS, Filled, reworded

BOX = (22.7, 43.0, 22.8, 43.1)  # around all villages
SMALL = (22.736, 43.032, 22.737, 43.0325)  # what a phone shows
SOME = 40  # rows

Reading = Callable[[Reader, Filled], Awaitable[object]]
Working = Callable[[PostgisStore, Filled, Path], Awaitable[object]]


@frozen
class Course:
    """One thing that people do: what the database is asked for it, and what its plans mean."""

    what: str
    means: str
    work: Working


def _read(what: str, means: str, reading: Reading) -> Course:
    async def work(store: PostgisStore, filled: Filled, _: Path) -> None:
        async with store.reading(filled.project.id) as reader:
            await reading(reader, filled)

    return Course(what, means, work)


def _some(filled: Filled) -> Sequence[Key]:
    return list(filled.rows)[:: max(1, len(filled.rows) // SOME)]


async def _pages(reader: Reader, filled: Filled) -> None:
    for layer in DATA_LAYERS:
        await reader.features(layer.name, None, 20, None)


async def _places(reader: Reader, filled: Filled) -> None:
    for layer in DATA_LAYERS:
        if layer.spatial:
            await reader.features(layer.name, BOX, 20, None)
            await reader.features(layer.name, SMALL, 20, None)


async def _appeared(reader: Reader, filled: Filled) -> None:
    for layer in DATA_LAYERS:
        await reader.appeared_since(layer.name, reader.project.revision - 1)


async def _histories(reader: Reader, filled: Filled) -> None:
    for key in _some(filled):
        await reader.history(key)


async def _inbox(reader: Reader, filled: Filled) -> None:
    for state in (None, "open", "decided"):
        await reader.items(state, 20, None)
    await reader.item(f"{filled.upload(0)}-0")
    await reader.known_items([f"{filled.upload(0)}-{n}" for n in range(5)])


async def _claimants(reader: Reader, filled: Filled) -> None:
    claims = [claim for key in _some(filled) for claim in claims_of(key.layer, filled.rows[key].row)]
    await reader.claimants(claims)


async def _changes(reader: Reader, filled: Filled) -> None:
    page = await reader.changes(0, 50, None)
    await reader.changes(0, 50, page.next)
    await reader.changes(reader.project.revision - 1, 50, None)


async def _write(store: PostgisStore, filled: Filled, _: Path) -> None:
    """An upload: some rows edited, one that comes back, an item decided, another one new."""
    sync_id = f"new-{filled.project.id}"
    async with store.unit(filled.project.id) as unit:
        found = await unit.rows(_some(filled))
        earlier = (await unit.locate([filled.deleted.uuid]))[filled.deleted.uuid]
        writes = [Write(key, stored, reworded(stored, 99)) for key, stored in found.items()]
        back = Write(earlier.key, None, earlier.row, earlier)
        items = (an_item("new", "OKNA", 1),), (await unit.item(f"{filled.upload(0)}-0"),)
        made = Changeset(BOJAN, at(30), Source.UPLOAD, sync_id, (*writes, back), *items)
        done = await unit.apply(made)
        await unit.save_upload(Upload(sync_id, sync_id, filled.export, sync_id, None, {}), done.revision)
        await unit.save_answer(sync_id, {})


async def _delete(store: PostgisStore, filled: Filled, _: Path) -> None:
    """Rows of every layer go, children before what they refer to."""
    last = {key.layer: key for key in filled.rows if key != filled.deleted}
    async with store.unit(filled.project.id, rehearsal=True) as unit:
        found = await unit.rows(last.values())
        referring = await unit.referring(list(last.values()))
        writes = {stored.key: gone(stored) for stored in (*found.values(), *referring)}
        await unit.apply(Changeset(ANA, at(31), Source.REST, writes=tuple(writes.values())))


async def _package(store: PostgisStore, filled: Filled, folder: Path) -> None:
    source = PostgisSource(store)
    for revision in (None, 2):
        look = await source.look(filled.project.id, revision)
        await source.build(filled.project.id, look, folder / f"{filled.project.id}-{look.revision}.gpkg")
        async with store.snapshot(filled.project.id) as (session, scope):
            await session.run(_records, Snapshot(scope, look.revision))


async def _records(db: Connection, snapshot: Snapshot) -> None:
    """What `build` reads by cursors, at once: PostgreSQL reports no plan of a cursor that ends with its transaction."""
    for layer in await snapshot.layers():
        if layer.name in TABLES:
            for sql in snapshot.records_sql(layer):
                await db.fetch(sql, *snapshot.parameters)


async def _patch(store: PostgisStore, filled: Filled, _: Path) -> None:
    source, now = PostgisSource(store), filled.project.revision
    await source.delta(filled.project.id, now - 2, now, 10_000)
    await source.delta(filled.project.id, 2, 4, 10_000)


async def _exchange(store: PostgisStore, filled: Filled, _: Path) -> None:
    await store.find_receipt(filled.upload(0))
    await store.find_export(filled.export)
    await store.save_export(filled.export, filled.project.id, 1, by=BOJAN, at=T0)


async def _numbers(store: PostgisStore, filled: Filled, _: Path) -> None:
    one = {key.layer: stored.id for key, stored in filled.rows.items() if key != filled.deleted}
    for layer, number in one.items():
        await store.numbered(layer, number)


async def _sought(store: PostgisStore, filled: Filled, _: Path) -> None:
    here, day = (filled.project.id,), ("2026-01-01", None)
    order = next(key.uuid for key in filled.rows if key.layer == "Work_orders")
    await store.sought(Sought("Work_orders", here), 3, None)
    await store.sought(Sought("Work_orders", here, {"status": ("assigned",), "assigned_to_sub": ("ana",)}), 3, None)
    await store.sought(Sought("work_order_items", here, {"work_order_uuid": (order,)}, newest_first=False), 3, None)
    await store.sought(Sought("SMR_reports", here, spans={"report_date": day}), 3, None)
    await store.sought(Sought("Elements", here, {"fid": (1,)}), 3, None)
    await store.sought(Sought("Elements", here, {"fiberq_uuid": (order,)}), 3, None)


async def _photos(reader: Reader, filled: Filled) -> None:
    photos = [filled.photo(number) for number in range(5)]
    await reader.photo_files([photos[0].name, *(photo.file_name for photo in photos)])
    await reader.photo_rows(photos[0].file_name)
    await reader.photo_name(photos[0].file_name)


async def _awaited(reader: Reader, filled: Filled) -> None:
    for layer in PHOTO_LAYERS:
        await reader.photos_awaited(layer.name, 20, None)


async def _photo_comes(store: PostgisStore, filled: Filled, _: Path) -> None:
    photo = filled.photo(9999)
    async with store.unit(filled.project.id, rehearsal=True) as unit:
        await unit.save_photo(photo)
        await unit.save_photo_name(KnownName(filled.photo(0).file_name, photo.name, ANA.sub), T0)


async def _photo_owners(store: PostgisStore, filled: Filled, _: Path) -> None:
    names = [filled.photo(number).name for number in range(5)]
    await store.photo_projects(names[0])
    await store.photos_known(names)


async def _projects(store: PostgisStore, filled: Filled, _: Path) -> None:
    await store.projects(member=ANA.sub)
    await store.members(filled.project.id)
    await store.set_member(filled.project.id, Member("vera", Role.ENGINEER), by=ANA, at=T0)
    await store.remove_member(filled.project.id, "vera", by=ANA, at=T0)
    await store.update_project(filled.project.id, {"description": "x"}, by=ANA, at=T0)


async def _activity(store: PostgisStore, filled: Filled, _: Path) -> None:
    await store.activity(filled.project.id, None, 20)
    await store.last_upload(filled.project.id)
    await store.audit(AuditQuery(filled.project.id), 20, None)
    await store.audit(AuditQuery(filled.project.id, ANA.sub, "member.", T0, at(59)), 20, None)


async def _people(store: PostgisStore, filled: Filled, _: Path) -> None:
    sub, digest = f"p{filled.project.id}", f"{filled.project.id:064}"
    await store.saw(Person(sub, "P", "", frozenset({Role.ENGINEER}), T0, T0))
    await store.people(20, None)
    await store.known_people([sub])
    token = Token(f"t{sub}", sub, "x", Reach.SYNC, T0, at(59))
    await store.save_token(token, digest, by=ANA, most=9)
    await store.tokens(sub, 20, None)
    await store.token_behind(digest)
    await store.token_used(token.id, T0)
    await store.revoke_token(token.id, by=ANA, at=T0)
    await store.token(token.id)


async def _tidy(store: PostgisStore, filled: Filled, _: Path) -> None:
    assert await store.alive()
    await store.check()
    await store.open_items()
    assert store.connections() is not None
    await store.digests_waiting()


COURSES = (
    _read("Rows by their uuids", "One look per uuid in the key of the layer.", lambda r, f: r.rows(_some(f))),
    _read(
        "A uuid, in whatever layer, there or gone",
        "The table of identities says which layer; then as above, and in history for what is gone.",
        lambda r, f: r.locate([f.deleted.uuid, *(k.uuid for k in _some(f))]),
    ),
    _read(
        "The base of a device's rows",
        "Both places where a version can be are looked at by uuid; those of other times are passed over.",
        lambda r, f: r.versions(dict.fromkeys(_some(f), 2)),
    ),
    _read("What refers to rows", "Each reference has an index of its own.", lambda r, f: r.referring(_some(f))),
    _read("Who holds places", "Claims are the key.", _claimants),
    _read("What is new in a layer", "Rows written since, unless history has them from before.", _appeared),
    _read("A page of a layer", "Rows come in order of their numbers; nothing is sorted.", _pages),
    _read(
        "What lies in a box",
        "Planned anew for each box. The spatial index does not know projects: what others have on the same ground is"
        " found and dropped, or taken out by a second index. Around everything, the order of numbers is the better way.",
        _places,
    ),
    _read("Counts", "From the indexes alone where autovacuum has been.", lambda r, f: r.counts()),
    _read("The extent of a project", "All its rows, once per revision.", lambda r, f: r.extent()),
    _read("The length of cables", "All cables of the project, once per revision.", lambda r, f: r.cable_length()),
    _read("Unregistered columns", "A handful.", lambda r, f: r.extra_columns()),
    _read("The history of a row", "Versions by uuid.", _histories),
    _read(
        "What a revision did",
        "As the change feed, up to one revision.",
        lambda r, f: r.written_at(3),
    ),
    _read(
        "The change feed",
        "Three short looks per layer, each from the place where the last page ended: what is current, what was replaced,"
        " what was deleted. Each stops at a page's length.",
        _changes,
    ),
    _read("Who made revisions", "By number.", lambda r, f: r.revisions([2, 3])),
    _read("The inbox", "Open items have an index of their own, decided ones are as many as they are.", _inbox),
    _read("Recent exchanges", "The newest of each kind, from the end of the key.", lambda r, f: r.syncs(20)),
    _read("The same bytes before?", "By digest.", lambda r, f: r.receipt_of_digest(f.upload(UPLOADS - 1))),
    _read("Earlier uploads of an export", "By export, then the rows of each.", lambda r, f: r.uploads_of(f.export)),
    _read("The answer to an idempotency key", "By key.", lambda r, f: r.keyed_answer("key")),
    _read(
        "Photos by name and by path",
        "By the keys; rows that name one, by as much of the path as an index holds.",
        _photos,
    ),
    _read("Photos that are awaited", "Rows in order of their numbers; for each, whether its photo is there.", _awaited),
    Course("A photo comes", "By the keys.", _photo_comes),
    Course(
        "Who has a photo",
        "By name, which is a digest, in all projects: before it is shown, or swept away.",
        _photo_owners,
    ),
    Course("Recent activity and the audit", "From the end of the indexes by moment and by number.", _activity),
    Course("People and access tokens", "By the keys: subject, id, digest.", _people),
    Course("Receipts and exports by their ids", "The ids are unique everywhere.", _exchange),
    Course("A row by its number", "Numbers are unique in their table, whatever the project.", _numbers),
    Course(
        "Rows of several projects",
        "Project by project: in the order of their numbers, or by what is asked for and then sorted.",
        _sought,
    ),
    Course("Projects and members", "Small tables: a list of all projects reads all projects.", _projects),
    Course(
        "A package",
        "A layer in order of its numbers; local numbers of references by uuid. Of an earlier revision, history too.",
        _package,
    ),
    Course("A package from an earlier one", "What was written, replaced or deleted since, by revision.", _patch),
    Course("Deleting rows", "Foreign keys look for what refers to them by the index of the reference.", _delete),
    Course("Applying an upload", "Rows by uuid, one statement per layer; history from what the triggers see.", _write),
    Course(
        "What the server asks for itself",
        "Once an hour, or when figures are asked for: everything that is open, in all projects.",
        _tidy,
    ),
)
