"""A database in use: several projects on the same ground, with history, uploads and an inbox."""

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from fiberq_core.changes import Source, Write
from fiberq_core.inbox import Decided, Decision
from fiberq_core.photos import JPEG, Facts, KnownName, PhotoFile
from fiberq_core.policy import Role
from fiberq_core.ports import Changeset, Project, SentDelta, Unit, Upload
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import Kind
from fiberq_core.rows import Key, Row, Stored
from fiberq_storage.demo import village
from fiberq_storage.postgis import PostgisStore
from tests.contracts.builders import ANA, BOJAN, T0, an_item, at, gone, uuid
from tests.postgis.cluster import psql

UPLOADS = 5
SHARE = 20  # one row in so many is changed by each upload
ITEMS = 10  # that each upload leaves in the inbox
PHOTOS = 200


@frozen
class Filled:
    """A project, and the rows that it had at revision 1. Its export and uploads are named by its id."""

    project: Project
    rows: Mapping[Key, Stored]
    deleted: Key

    @property
    def export(self) -> str:
        """The export that the uploads came from."""
        return f"export-{self.project.id}"

    def upload(self, turn: int) -> str:
        """The sync_id, and the digest, of an upload."""
        return f"upload-{self.project.id}-{turn}"

    def photo(self, number: int) -> PhotoFile:
        """A photo of the project."""
        name = f"{self.project.id:032x}{number:032x}.jpg"
        return PhotoFile(name, Facts(JPEG, 4000, 3000), 4_000_000, f"{number}.jpg", ANA, T0)


async def fill(store: PostgisStore, *, projects: int, villages: int) -> Sequence[Filled]:
    """Projects of so many villages, some 320 rows each."""
    sheets = [village(seed) for seed in range(villages)]
    new = [Write(change.key, None, change.sent) for sheet in sheets for change in sheet]
    return [await _project(store, number, new) for number in range(projects)]


def analyse(dsn: str) -> None:
    """Let the planner know what is there."""
    psql(dsn, "VACUUM ANALYZE")


async def _project(store: PostgisStore, number: int, new: Sequence[Write]) -> Filled:
    project = await store.create_project(
        f"Selo {number}", "", uuid=uuid(9000 + number), by=ANA, at=T0, owner_role=Role.ENGINEER
    )
    async with store.unit(project.id) as unit:
        done = await unit.apply(Changeset(ANA, T0, Source.REST, writes=tuple(new)))
    deleted = next(key for key in done.rows if key.layer == "Prekid vlakna")
    filled = Filled(project, done.rows, deleted)
    await store.save_export(filled.export, project.id, 1, by=BOJAN, at=T0)
    for turn in range(UPLOADS):
        async with store.unit(project.id) as unit:
            await _upload(unit, filled, turn)
    async with store.unit(project.id) as unit:
        found = await unit.rows([deleted])
        await unit.apply(Changeset(ANA, at(9), Source.REST, writes=tuple(map(gone, found.values()))))
        await unit.save_answer("key", {"done": True})
        for photo in map(filled.photo, range(PHOTOS)):
            await unit.save_photo(photo)
            await unit.save_photo_name(KnownName(photo.file_name, photo.name, ANA.sub), T0)
    return evolve(filled, project=await store.project(project.id))


async def _upload(unit: Unit, filled: Filled, turn: int) -> None:
    found = await unit.rows(list(filled.rows)[turn::SHARE])
    writes = [Write(key, stored, reworded(stored, turn)) for key, stored in found.items()]
    sync_id = filled.upload(turn)
    items = [an_item(f"{sync_id}-{n}", next(iter(found)).layer, n) for n in range(ITEMS)]
    answered = Decided(Decision.DISMISS, ANA, at(turn))
    items = [evolve(item, sync_id=sync_id, decided=answered if n % 2 else None) for n, item in enumerate(items)]
    made = Changeset(BOJAN, at(turn), Source.UPLOAD, sync_id, tuple(writes), tuple(items))
    done = await unit.apply(made)
    sent = tuple(SentDelta(w.key, w.key.layer, 1, w.after) for w in writes)
    await unit.save_upload(Upload(sync_id, sync_id, filled.export, sync_id, None, {}, sent), done.revision)


def reworded(stored: Stored, turn: int) -> Row:
    """The row with another text in it, where its layer has any."""
    free = [c.name for c in LAYER[stored.key.layer].columns if c.kind is Kind.TEXT and c.vocabulary is None]
    return stored.row.with_values({free[-1]: f"after {turn}"} if free else {})
