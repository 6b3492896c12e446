"""Photos come in: as rows of their own, or as what a row of a device waits for, in whatever order (S30).

The photo goes onto the disk first, and what is known of it into the store afterwards, with the row that names it, in
one transaction: so there is never a row of ours without its photo. A photo that nothing came to name is swept away
when it is a day old.
"""

from attrs import frozen

from fiberq_aiohttp.flows import writing
from fiberq_aiohttp.flows.access import actor_in, author_of, demand, writer_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.numbers import found
from fiberq_aiohttp.flows.once import once
from fiberq_core.changes import Change, Source
from fiberq_core.errors import Fault, Invalid, NotFound
from fiberq_core.identity import derived
from fiberq_core.photojson import Json, file_json, photo_json
from fiberq_core.photos import (
    LONGEST_PATH,
    PHOTO_PATH,
    Facts,
    KnownName,
    PhotoFile,
    demand_name,
    demand_record,
    demand_rows,
    media_in,
    name_of,
    place,
    related_layer,
    shown_name,
)
from fiberq_core.policy import Action, Actor
from fiberq_core.ports import Project, Reader, Unit
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.registry.work import PHOTOS
from fiberq_core.rows import Key, Row, Stored, present

NO_RECORD = "There is no such record, or you are not a member of its project"
NO_ROW = "There is no such record with a photo in this project"


@frozen
class Arrived:
    """A file that came: where it lies for now, its sha256, its size in bytes, what its sender calls it."""

    path: str
    digest: str
    size: int
    file_name: str


@frozen
class Note:
    """What a sender says of a photo. *place* is a geometry; None: where the photo says that it was taken."""

    caption: str | None = None
    place: bytes | None = None
    idempotency_key: str | None = None


async def record_numbered(ports: Ports, actor: Actor, related_type: str, number: int) -> tuple[int, Key]:
    """Project and key of the record that old clients know by its kind and number. Raises: Invalid, NotFound."""
    here = await found(ports, actor, related_layer(related_type).name, number, NO_RECORD)
    return here.project.id, here.key


async def admit(ports: Ports, actor: Actor, project_id: int, related: str | None) -> None:
    """Refuse early, before the photo is received, what `attach` would refuse. Raises: NotFound, Forbidden, Conflict."""
    _, actor = await writer_in(ports, actor, project_id)
    demand(actor, Action.PHOTO_WRITE, owner=actor.subject)
    if related is not None:
        async with ports.store.reading(project_id) as reader:
            await _record(reader, actor, related)


@writing.persistent
async def attach(
    ports: Ports, actor: Actor, project_id: int, related: str | None, arrived: Arrived, note: Note
) -> tuple[Json, bool]:
    """Keep a photo, with a row that says it shows *related* (a uuid; None: nothing in particular). Whether it is new.

    The same photo of the same record is one row, however often it comes.
    Raises: NotFound, Forbidden, Conflict, Invalid, BadPhoto, StoreUnavailable.
    """
    project, actor = await writer_in(ports, actor, project_id)
    photo = await _kept(ports, actor, arrived)
    wish = {"photo": photo.name, "related": related, "caption": note.caption, "place": (note.place or b"").hex()}
    known = await once(actor, PHOTOS.name, note.idempotency_key, wish)
    async with ports.store.unit(project_id) as unit:
        earlier = await known.earlier(unit)
        if earlier is not None:
            return dict(earlier), False
        record = await _record(unit, actor, related) if related is not None else None
        await unit.save_photo(photo)
        stored, new = await _row(ports, actor, unit, photo, record, note)
        answer = photo_json(project.id, stored, (await unit.photo_files([photo.name]))[photo.name])
        await known.remember(unit, answer)
        return answer, new


async def admit_path(ports: Ports, actor: Actor, project_id: int, path: str) -> None:
    """As `admit`, what `supply` would refuse. Raises: NotFound, Forbidden, Conflict."""
    _, actor = await writer_in(ports, actor, project_id)
    demand(actor, Action.PHOTO_WRITE, owner=actor.subject)
    async with ports.store.reading(project_id) as reader:
        demand_rows(actor, await reader.photo_rows(path))


@writing.persistent
async def supply(ports: Ports, actor: Actor, project_id: int, path: str, arrived: Arrived) -> Json:
    """Keep the photo that has *path* on a device, whether the row that names it is here already or comes later.

    Raises as `attach`.
    """
    _, actor = await writer_in(ports, actor, project_id)
    demand(actor, Action.PHOTO_WRITE, owner=actor.subject)
    photo = await _kept(ports, actor, arrived)
    async with ports.store.unit(project_id) as unit:
        rows = await unit.photo_rows(path)
        known = await unit.photo_name(path)
        demand_name(actor, rows, known, photo.name)
        await unit.save_photo(photo)
        if media_in(path) is None:
            await unit.save_photo_name(KnownName(path, photo.name, actor.subject), ports.now())
        elif path != photo.name:
            raise Invalid("This is another photo than the name says", [Fault("path", f"is not {photo.name}")])
        file = (await unit.photo_files([photo.name]))[photo.name]
        return {"path": path, "file": file_json(file), "photos": [photo_json(project_id, row, file) for row in rows]}


async def path_of(ports: Ports, actor: Actor, project_id: int, uuid: str) -> str:
    """By which path a row names its photo. Raises: NotFound."""
    await actor_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        stored = await current(reader, uuid)
    path = stored.row.get(PHOTO_PATH) if stored else None
    if not isinstance(path, str) or not 0 < len(path) <= LONGEST_PATH:
        raise NotFound(NO_ROW)
    return path


async def current(reader: Reader, uuid: str) -> Stored | None:
    """The row with a uuid, of whatever layer, as it is now."""
    located = (await reader.locate([uuid])).get(uuid)
    return (await reader.rows([located.key])).get(located.key) if located else None


async def _kept(ports: Ports, actor: Actor, arrived: Arrived) -> PhotoFile:
    """See the photo into the volume. Raises: BadPhoto, StoreUnavailable."""
    facts: Facts = await ports.photos.examine(arrived.path)
    name = name_of(arrived.digest, facts.media)
    await ports.photos.keep(arrived.path, name)
    return PhotoFile(name, facts, arrived.size, shown_name(arrived.file_name), author_of(actor), ports.now())


async def _record(reader: Reader, actor: Actor, uuid: str) -> Stored:
    """The record that a photo shows, if *actor* may say so. Raises: NotFound, Forbidden, Invalid."""
    located = (await reader.locate([uuid])).get(uuid)
    about = await writing.current(reader, [Change(located.key, None, None)]) if located else None
    stored = about.rows.get(located.key) if about and located else None
    if about is None or stored is None:
        raise NotFound(NO_RECORD)
    demand_record(actor, stored, about.owner(stored.key, stored.row))
    return stored


async def _row(
    ports: Ports, actor: Actor, unit: Unit, photo: PhotoFile, record: Stored | None, note: Note
) -> tuple[Stored, bool]:
    """The row of a photo of *record*: the one that there is, or a new one. Whether it is new."""
    key = await _key(ports, unit, unit.project, photo, record)
    there = (await unit.rows([key])).get(key)
    if there is not None:
        return there, False
    facts = photo.facts
    values = {
        "related_uuid": record.key.uuid if record else None,
        "related_type": record.key.layer if record else None,
        PHOTO_PATH: photo.name,
        "caption": note.caption or None,
        "taken_at": facts.taken_at or ports.now(),
        "taken_by_sub": actor.subject,
        GEOMETRY: note.place or place(facts.longitude, facts.latitude),
    }
    made = await writing.one(ports, actor, unit, [Change(key, None, Row(present(values)))], Source.REST)
    assert made is not None  # what was not written was refused
    return made, True


async def _key(ports: Ports, unit: Unit, project: Project, photo: PhotoFile, record: Stored | None) -> Key:
    """What names the row of a photo of *record*: what both are, so that a repeat finds it; unless it was deleted once."""
    uuid = derived("photo", project.uuid, record.key.uuid if record else "", photo.name)
    located = (await unit.locate([uuid])).get(uuid)
    key = Key(PHOTOS.name, uuid)
    if located is None or (await unit.rows([key])).get(key) is not None:
        return key
    return Key(PHOTOS.name, ports.new_uuid())
