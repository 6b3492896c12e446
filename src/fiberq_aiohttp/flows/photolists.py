"""Photos go out: the lists of a project, what it still waits for, and the photo that an address or a number means."""

from contextlib import suppress

from fiberq_aiohttp.flows.access import demand, reader_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.numbers import found
from fiberq_aiohttp.flows.photos import NO_ROW, current
from fiberq_core.errors import Fault, Forbidden, Invalid, NotFound
from fiberq_core.photojson import Json, awaited_json, photo_json
from fiberq_core.photos import PHOTO_LAYERS, PHOTO_PATH, PhotoFile, media_in
from fiberq_core.policy import Action, Actor
from fiberq_core.ports import Page, Reader, Sought, Version
from fiberq_core.registry.work import PHOTOS
from fiberq_core.rows import Stored

NO_PHOTO = "There is no such photo, or you are not a member of its project"
NOT_COME = "The photo has not come yet"


async def listed(
    ports: Ports, actor: Actor, project_id: int, related: str | None, limit: int, cursor: str | None
) -> Json:
    """The photos of a project, or of its record *related*, newest first. Raises: NotFound, Forbidden, Invalid."""
    await reader_in(ports, actor, project_id)
    sought = Sought(PHOTOS.name, (project_id,), {} if related is None else {"related_uuid": (related,)})
    page = await ports.store.sought(sought, limit, cursor)
    rows = [stored for _, stored in page.items]
    async with ports.store.reading(project_id) as reader:
        return {"photos": await _shown(reader, rows), "next": page.next}


async def shown(ports: Ports, actor: Actor, project_id: int, uuid: str) -> Json:
    """One row that names a photo. Raises: NotFound, Forbidden."""
    await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        stored = await current(reader, uuid)
        if stored is None or not stored.row.get(PHOTO_PATH):
            raise NotFound(NO_ROW)
        return (await _shown(reader, [stored]))[0]


async def awaited(ports: Ports, actor: Actor, project_id: int, limit: int, cursor: str | None) -> Json:
    """The rows whose photos have not come, with who named them first and when. Raises: NotFound, Forbidden, Invalid."""
    await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        page = await _awaited(reader, limit, cursor)
        rows = [awaited_json(project_id, stored, await _named(reader, stored)) for stored in page.items]
    return {"awaited": rows, "next": page.next}


async def of_name(ports: Ports, actor: Actor | None, name: str) -> PhotoFile:
    """The photo with a name of ours, in any project of *actor* (None: whose right was shown otherwise). Raises: NotFound."""
    known = await ports.store.photo_projects(name) if media_in(name) else ()
    for project_id in known:
        with suppress(NotFound, Forbidden):
            if actor is not None:
                await reader_in(ports, actor, project_id)
            async with ports.store.reading(project_id) as reader:
                return (await reader.photo_files([name]))[name]
    raise NotFound(NO_PHOTO)


async def numbered(ports: Ports, actor: Actor, number: int) -> PhotoFile:
    """The photo of the row that old clients know by *number*. Raises: NotFound, Forbidden."""
    here = await found(ports, actor, PHOTOS.name, number, NO_PHOTO)
    demand(here.actor, Action.PROJECT_READ)
    async with ports.store.reading(here.project.id) as reader:
        stored = (await reader.rows([here.key])).get(here.key)
        path = str(stored.row.get(PHOTO_PATH)) if stored else ""
        file = (await reader.photo_files([path])).get(path)
    if file is None:
        raise NotFound(NOT_COME if stored else NO_PHOTO)
    return file


async def _shown(reader: Reader, rows: list[Stored]) -> list[Json]:
    paths = [str(stored.row.get(PHOTO_PATH)) for stored in rows]
    files = await reader.photo_files(paths)
    return [photo_json(reader.project.id, row, files.get(path)) for row, path in zip(rows, paths, strict=True)]


async def _awaited(reader: Reader, limit: int, cursor: str | None) -> Page[Stored]:
    """A page through all layers, one after the other. Raises: Invalid."""
    number, _, inside = (cursor or "0:").partition(":")
    if not number.isascii() or not number.isdigit() or len(number) > 3:
        raise Invalid("The cursor is not one that this list gave", [Fault("cursor", "Begin again without it")])
    rows: list[Stored] = []
    for place, layer in list(enumerate(PHOTO_LAYERS))[int(number) :]:
        if len(rows) == limit:
            return Page(tuple(rows), f"{place}:")
        page = await reader.photos_awaited(layer.name, limit - len(rows), inside or None)
        rows, inside = [*rows, *page.items], ""
        if page.next:
            return Page(tuple(rows), f"{place}:{page.next}")
    return Page(tuple(rows))


async def _named(reader: Reader, stored: Stored) -> Version:
    """The version of a row that first named the photo which it names now."""
    path, first = stored.row.get(PHOTO_PATH), None
    for version in await reader.history(stored.key):
        if version.row is None or version.row.get(PHOTO_PATH) != path:
            break
        first = version
    assert first is not None  # the row as it is now
    return first
