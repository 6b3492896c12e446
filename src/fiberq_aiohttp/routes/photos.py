"""Photos: sent as the old clients send them or by path of a device, listed, and served to whoever may see them."""

from typing import Final

from aiohttp import web

from fiberq_aiohttp import asking
from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.asking import project_in_path, uuid_in_path
from fiberq_aiohttp.flows import photolists, photos
from fiberq_aiohttp.flows.photos import Arrived, Note
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, ADDRESSES, PORTS, SETTINGS
from fiberq_aiohttp.openapi import photos as shapes
from fiberq_aiohttp.openapi.operation import PAGED, Answer, documented
from fiberq_aiohttp.photoserving import SIDES, send
from fiberq_aiohttp.receiving import received
from fiberq_aiohttp.routes.projects import ONE
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_aiohttp.spool import Spooled
from fiberq_core.errors import Fault, Invalid
from fiberq_core.photojson import Json
from fiberq_core.photos import device_path, place
from fiberq_core.policy import Action

ALL: Final = f"{ONE}/photos"
CAPTION: Final = 2000  # characters
WHAT: Final = "the photo"


def vouched(request: web.Request) -> bool:
    """Whether the address itself shows that it may be looked at. Raises: Forbidden."""
    return request.app[ADDRESSES].vouch(request, request.match_info["name"])


@requires(Action.PHOTO_WRITE)
@documented(
    shapes.SENT,
    bodies=shapes.TAKEN,
    query=(shapes.RELATED_TYPE, shapes.RELATED_ID, *shapes.NOTE),
    headers=shapes.KEYED,
    problems=(404,),
)
async def upload(request: web.Request) -> web.StreamResponse:
    """A photo of the record that `related_type` and `related_id` name, as the FiberQ plugin sends it."""
    ports, actor = request.app[PORTS], request[ACTOR]
    note, related = _note(request), request.query.get("related_type", "")
    number = asking.whole(request, "related_id", None, 1, asking.LARGEST)
    project, key = await photos.record_numbered(ports, actor, related, number)
    await photos.admit(ports, actor, project, key.uuid)
    async with received(request, request.app[SETTINGS].max_photo, WHAT) as file:
        made, _ = await photos.attach(ports, actor, project, key.uuid, _arrived(file), note)
    return answer({"status": "ok", "filename": made["file"]["name"], **_addressed(request, made)})


@requires(Action.PHOTO_WRITE)
@documented(
    shapes.PHOTO,
    others={201: Answer(shapes.PHOTO, what="It is new")},
    bodies=shapes.TAKEN,
    query=(shapes.RELATED, *shapes.NOTE),
    headers=shapes.KEYED,
)
async def create(request: web.Request) -> web.StreamResponse:
    """A photo of the record that `related_uuid` names, if it does; the same photo of the same record is there once."""
    ports, actor, project = request.app[PORTS], request[ACTOR], project_in_path(request)
    note, related = _note(request), asking.uuid_in_query(request, "related_uuid")
    await photos.admit(ports, actor, project, related)
    async with received(request, request.app[SETTINGS].max_photo, WHAT) as file:
        made, new = await photos.attach(ports, actor, project, related, _arrived(file), note)
    return answer(_addressed(request, made), status=201 if new else 200)


@requires(Action.PHOTO_WRITE)
@documented(shapes.SUPPLIED, bodies=shapes.TAKEN, query=(shapes.OF_DEVICE,))
async def supply(request: web.Request) -> web.StreamResponse:
    """The photo that has `path` on a device, whether a row that names it is here already or comes later."""
    return await _supply(request, device_path(request.query.get("path", "")))


@requires(Action.PHOTO_WRITE)
@documented(shapes.SUPPLIED, bodies=shapes.TAKEN)
async def supply_row(request: web.Request) -> web.StreamResponse:
    """The photo that a row waits for."""
    ports, actor, project = request.app[PORTS], request[ACTOR], project_in_path(request)
    return await _supply(request, await photos.path_of(ports, actor, project, uuid_in_path(request)))


async def _supply(request: web.Request, path: str) -> web.StreamResponse:
    ports, actor, project = request.app[PORTS], request[ACTOR], project_in_path(request)
    await photos.admit_path(ports, actor, project, path)
    async with received(request, request.app[SETTINGS].max_photo, WHAT) as file:
        supplied = await photos.supply(ports, actor, project, path, _arrived(file))
    shown = [_addressed(request, photo) for photo in supplied["photos"]]
    return answer({"status": "ok", "filename": supplied["file"]["name"], **supplied, "photos": shown})


@requires(Action.PROJECT_READ)
@documented(shapes.PHOTOS_PAGE, query=shapes.LISTED)
async def listed(request: web.Request) -> web.StreamResponse:
    """The photos of a project, newest first, in pages; `?related_uuid=`: of one record."""
    ports, actor, project = request.app[PORTS], request[ACTOR], project_in_path(request)
    related, limit, cursor = (
        asking.uuid_in_query(request, "related_uuid"),
        asking.limit(request),
        asking.cursor(request),
    )
    found = await photolists.listed(ports, actor, project, related, limit, cursor)
    return answer({**found, "photos": [_addressed(request, photo) for photo in found["photos"]]})


@requires(Action.PROJECT_READ)
@documented(shapes.AWAITED_PAGE, query=PAGED)
async def awaited(request: web.Request) -> web.StreamResponse:
    """The photos that rows name and that have not come: which, from whom, since when; in pages."""
    ports, actor, project = request.app[PORTS], request[ACTOR], project_in_path(request)
    return answer(await photolists.awaited(ports, actor, project, asking.limit(request), asking.cursor(request)))


@requires(Action.PROJECT_READ)
@documented(shapes.PHOTO)
async def show(request: web.Request) -> web.StreamResponse:
    """One photo, or what is known of one that has not come."""
    ports, actor, project = request.app[PORTS], request[ACTOR], project_in_path(request)
    return answer(_addressed(request, await photolists.shown(ports, actor, project, uuid_in_path(request))))


@requires(Action.PROJECT_READ)
@documented(shapes.PICTURE, query=(shapes.SIZE,))
async def numbered(request: web.Request) -> web.StreamResponse:
    """The picture of the photo with this number; `?size=` a thumbnail."""
    number, side = int(request.match_info["photo"]), _side(request)
    return await send(request, await photolists.numbered(request.app[PORTS], request[ACTOR], number), side)


@requires(Action.PROJECT_READ, unless=vouched)
@documented(shapes.PICTURE, query=shapes.SIGNED)
async def picture(request: web.Request) -> web.StreamResponse:
    """The picture with this name, for members of its project or by its signed address; `?size=` a thumbnail."""
    name, side = request.match_info["name"], _side(request)
    return await send(request, await photolists.of_name(request.app[PORTS], request.get(ACTOR), name), side)


def _note(request: web.Request) -> Note:
    """What the query says of a photo. Raises: Invalid."""
    caption = asking.text_of(request.query, "caption", CAPTION, "")
    where = place(asking.number(request, "longitude"), asking.number(request, "latitude"))
    return Note(caption, where, asking.idempotency_key(request))


def _side(request: web.Request) -> int | None:
    """The size of the thumbnail that is asked for. Raises: Invalid."""
    return asking.whole(request, "size", None, 1, SIDES[-1]) if "size" in request.query else None


def _arrived(file: Spooled) -> Arrived:
    """What came, if it is one file. Raises: Invalid."""
    if file.wal:
        raise Invalid("The form has more than the photo", [Fault("wal", "Send the photo as the part named file")])
    return Arrived(file.path, file.digest, file.size, file.file_name)


def _addressed(request: web.Request, photo: Json) -> Json:
    return request.app[ADDRESSES].with_address(photo)


NUMBER = r"{photo:\d{1,18}}"
ROUTES = spelled(
    web.post("/api/photos/upload", upload),
    web.post("/api/work-orders/photos/upload", upload),
    web.get(f"/api/photos/{NUMBER}", numbered),
    web.get(f"/api/work-orders/photos/{NUMBER}", numbered),
    web.get(ALL, listed),
    web.post(ALL, create),
    web.put(ALL, supply),
    web.get(f"{ALL}/awaited", awaited),
    web.get(f"{ALL}/{{uuid}}", show),
    web.put(f"{ALL}/{{uuid}}/file", supply_row),
    web.get("/storage/photos/{name}", picture),
)
