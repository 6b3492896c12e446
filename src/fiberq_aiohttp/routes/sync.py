"""The main job over HTTP: a project goes out as a GeoPackage and comes back."""

import logging
from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.asking import flag, idempotency_key, project_in_path, project_in_query
from fiberq_aiohttp.caching import had, not_modified
from fiberq_aiohttp.flows import exporting, reading, sync
from fiberq_aiohttp.flows.access import admit
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS, SETTINGS
from fiberq_aiohttp.metrics import METRICS
from fiberq_aiohttp.openapi.common import EXCHANGE, RECEIPT
from fiberq_aiohttp.openapi.operation import FORM, IDEMPOTENCY_KEY, IF_NONE_MATCH, Answer, Parameter, documented, switch
from fiberq_aiohttp.openapi.shapes import FILE, TEXT, WHOLE, list_of, partial
from fiberq_aiohttp.receiving import received
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_aiohttp.sending import described, send
from fiberq_core.policy import Action

WHAT: Final = "the GeoPackage"
PACKAGE: Final = "application/geopackage+sqlite3"
OF_FILE: Final = ("ETag", "Accept-Ranges", "Content-Disposition")
OTHERS: Final = {
    206: Answer(FILE, PACKAGE, "The part that was asked for", (*OF_FILE, "Content-Range")),
}
RANGE: Final = Parameter("Range", "the part that is wanted", {**TEXT, "examples": ["bytes=0-99"]}, place="header")
UPLOAD: Final = {FORM: partial("file", file=FILE, wal=FILE), PACKAGE: FILE}
IN_PROJECT: Final = Parameter("project_id", "number of the project", {**WHOLE, "minimum": 1}, required=True)

log = logging.getLogger("fiberq.sync.merger")
SAID: Final = "upload %s to project %d: %s applied, %s conflicts, %s held, %s rejected"


@requires(Action.SYNC_PULL)
@documented(Answer(FILE, PACKAGE, "The file", OF_FILE), others=OTHERS, headers=(IF_NONE_MATCH, RANGE))
async def download(request: web.Request) -> web.StreamResponse:
    """A project as a GeoPackage: whole, a range of it, or 304. Only who takes it has it built."""
    ports = request.app[PORTS]
    with request.app[METRICS].exchange("download") as told:
        offered = await exporting.offer(ports, request[ACTOR], project_in_path(request))
        etag = had(request.headers, offered.tag)
        if etag is not None:
            told("unchanged")
            await exporting.remember(ports, offered)
            return not_modified(etag)
        if request.method == hdrs.METH_HEAD:
            told("asked")
            return described(offered)
        return await send(request, await exporting.take(ports, offered))


@requires(Action.SYNC_PUSH)
@documented(
    RECEIPT, bodies=UPLOAD, query=(IN_PROJECT, switch("dry_run", "1: only say what would happen")), problems=(404,)
)
async def upload(request: web.Request) -> web.StreamResponse:
    """Merge an edited GeoPackage. The receipt lists what became of every row; `?dry_run=1` only says what would."""
    with request.app[METRICS].exchange("upload") as told:
        receipt = await _merged(request, project_in_query(request), dry_run=flag(request, "dry_run"))
        told(request.app[METRICS].merged(receipt))
    return answer(receipt)


async def _merged(request: web.Request, project: int, *, dry_run: bool) -> Mapping[str, object]:
    ports, actor = request.app[PORTS], request[ACTOR]
    await admit(ports, actor, project, Action.SYNC_PUSH)
    async with received(request, request.app[SETTINGS].max_upload, WHAT) as file:
        receipt = await sync.upload(ports, actor, project, file.path, file.digest, dry_run=dry_run)
    counts = (receipt[count] for count in ("applied", "conflicts", "held", "rejected"))
    log.info(SAID, receipt["sync_id"], project, *counts)
    return receipt


@requires(Action.PROJECT_READ)
@documented(list_of(EXCHANGE), query=(IN_PROJECT,), problems=(404,))
async def status(request: web.Request) -> web.StreamResponse:
    """The most recent exchanges of a project."""
    return answer(await reading.syncs(request.app[PORTS], request[ACTOR], project_in_query(request)))


@requires(Action.PROJECT_READ)
@documented(RECEIPT)
async def receipt(request: web.Request) -> web.StreamResponse:
    """The receipt of an upload, again."""
    return answer(await reading.receipt(request.app[PORTS], request[ACTOR], request.match_info["sync_id"]))


@requires(Action.SYNC_UNDO)
@documented(RECEIPT, headers=(IDEMPOTENCY_KEY,))
async def undo(request: web.Request) -> web.StreamResponse:
    """Take an upload back, as a merge against today's data; the answer is a receipt of its own."""
    with request.app[METRICS].exchange("undo") as told:
        sync_id, key = request.match_info["sync_id"], idempotency_key(request)
        receipt = await sync.undo(request.app[PORTS], request[ACTOR], sync_id, idempotency_key=key)
        told(request.app[METRICS].merged(receipt))
    return answer(receipt)


ROUTES = spelled(
    web.get(r"/api/sync/download/{project:\d{1,18}}", download),
    web.post("/api/sync/upload", upload),
    web.get("/api/sync/status", status),
    web.get("/api/sync/receipts/{sync_id}", receipt),
    web.post("/api/sync/receipts/{sync_id}/undo", undo),
)
