"""Layers and features, one by one: for programs, maps and forms. A write here is never held: it is answered."""

from urllib.parse import quote

from aiohttp import web

from fiberq_aiohttp import asking
from fiberq_aiohttp.answering import GEOJSON, answer, done, feature
from fiberq_aiohttp.asking import json_object, layer_in_path, project_in_path, uuid_in_path
from fiberq_aiohttp.caching import if_match
from fiberq_aiohttp.flows import features, reading
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.common import LAYER as LAYER_SHAPE
from fiberq_aiohttp.openapi.common import VERSION
from fiberq_aiohttp.openapi.features import FEATURE as FEATURE_SHAPE
from fiberq_aiohttp.openapi.features import FEATURE_PATCH, FEATURES, NEW_FEATURE
from fiberq_aiohttp.openapi.operation import (
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    PAGED,
    Answer,
    Parameter,
    documented,
)
from fiberq_aiohttp.openapi.shapes import WHOLE, list_of, partial, record
from fiberq_aiohttp.routes.projects import ONE
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.policy import Action

LAYER = f"{ONE}/features/{{layer}}"
FEATURE = f"{LAYER}/{{uuid}}"
ONE_FEATURE = Answer(FEATURE_SHAPE, GEOJSON, headers=("ETag",))
MADE = Answer(FEATURE_SHAPE, GEOJSON, headers=("ETag", "Location"))
BBOX = Parameter("bbox", "west,south,east,north in degrees", {"type": "string", "examples": ["22.7,43.0,22.8,43.1"]})


@requires(Action.PROJECT_READ)
@documented(record(revision=WHOLE, layers=list_of(LAYER_SHAPE)))
async def layers(request: web.Request) -> web.StreamResponse:
    """The registry of a project: its layers, their columns and how many rows there are."""
    return answer(await reading.layers(request.app[PORTS], request[ACTOR], project_in_path(request)))


@requires(Action.PROJECT_READ)
@documented(Answer(FEATURES, GEOJSON), query=(BBOX, *PAGED))
async def listed(request: web.Request) -> web.StreamResponse:
    """The features of a layer, in pages; `?bbox=west,south,east,north`."""
    ports, actor, project, layer = request.app[PORTS], request[ACTOR], project_in_path(request), layer_in_path(request)
    box, limit, cursor = asking.bbox(request), asking.limit(request), asking.cursor(request)
    return answer(await reading.features(ports, actor, project, layer, box, limit, cursor), content_type=GEOJSON)


@requires(Action.PROJECT_READ)
@documented(ONE_FEATURE, headers=(IF_NONE_MATCH,))
async def show(request: web.Request) -> web.StreamResponse:
    """One feature."""
    ports, actor, project, layer = request.app[PORTS], request[ACTOR], project_in_path(request), layer_in_path(request)
    return feature(request, await reading.feature(ports, actor, project, layer, uuid_in_path(request)))


@requires(Action.PROJECT_READ)
@documented(record(versions=list_of(VERSION)))
async def history(request: web.Request) -> web.StreamResponse:
    """Every version of a feature."""
    ports, actor, project, layer = request.app[PORTS], request[ACTOR], project_in_path(request), layer_in_path(request)
    return answer(await reading.history(ports, actor, project, layer, uuid_in_path(request)))


@requires(Action.NETWORK_WRITE)
@documented(MADE, status=201, body=NEW_FEATURE, headers=(IDEMPOTENCY_KEY,))
async def create(request: web.Request) -> web.StreamResponse:
    """A new feature; a repeat with the same `Idempotency-Key` has no second effect."""
    ports, actor, project, layer = request.app[PORTS], request[ACTOR], project_in_path(request), layer_in_path(request)
    body, key = await json_object(request), asking.idempotency_key(request)
    made = await features.create(ports, actor, project, layer, body, idempotency_key=key)
    place = f"/api/projects/{project}/features/{quote(layer.name)}/{quote(str(made['id']), safe='')}"
    return feature(request, made, status=201, location=place)


@requires(Action.NETWORK_WRITE)
@documented(ONE_FEATURE, body=NEW_FEATURE, headers=(IF_MATCH,))
async def replace(request: web.Request) -> web.StreamResponse:
    """Put a whole feature in the place of the one that `If-Match` names."""
    ports, actor, project, layer = request.app[PORTS], request[ACTOR], project_in_path(request), layer_in_path(request)
    match, uuid, body = if_match(request.headers), uuid_in_path(request), await json_object(request)
    return feature(request, await features.edit(ports, actor, project, layer, uuid, body, match, whole=True))


@requires(Action.NETWORK_WRITE)
@documented(ONE_FEATURE, body=FEATURE_PATCH, headers=(IF_MATCH,))
async def patch(request: web.Request) -> web.StreamResponse:
    """Change some columns, or the geometry, of the feature that `If-Match` names."""
    ports, actor, project, layer = request.app[PORTS], request[ACTOR], project_in_path(request), layer_in_path(request)
    match, uuid, body = if_match(request.headers), uuid_in_path(request), await json_object(request)
    return feature(request, await features.edit(ports, actor, project, layer, uuid, body, match, whole=False))


@requires(Action.NETWORK_DELETE)
@documented(headers=(IF_MATCH,))
async def delete(request: web.Request) -> web.StreamResponse:
    """Delete the feature that `If-Match` names; its history stays."""
    ports, actor, project, layer = request.app[PORTS], request[ACTOR], project_in_path(request), layer_in_path(request)
    await features.delete(ports, actor, project, layer, uuid_in_path(request), if_match(request.headers))
    return done()


@requires(Action.NETWORK_WRITE)
@documented(ONE_FEATURE, body=partial(revision={**WHOLE, "minimum": 0}), body_needed=False, headers=(IDEMPOTENCY_KEY,))
async def restore(request: web.Request) -> web.StreamResponse:
    """Make an older version current again, or bring a deleted feature back."""
    ports, actor, project, layer = request.app[PORTS], request[ACTOR], project_in_path(request), layer_in_path(request)
    revision, uuid = asking.revision_of(await json_object(request, optional=True)), uuid_in_path(request)
    key = asking.idempotency_key(request)
    restored = await features.restore(ports, actor, project, layer, uuid, revision, idempotency_key=key)
    return feature(request, restored)


ROUTES = spelled(
    web.get(f"{ONE}/layers", layers),
    web.get(LAYER, listed),
    web.post(LAYER, create),
    web.get(FEATURE, show),
    web.put(FEATURE, replace),
    web.patch(FEATURE, patch),
    web.delete(FEATURE, delete),
    web.get(f"{FEATURE}/history", history),
    web.post(f"{FEATURE}/restore", restore),
)
