"""What a project holds and what happened in it: everything that is only read."""

import asyncio
from collections.abc import Mapping, Sequence

from fiberq_aiohttp.flows.access import NO_SYNC, reader_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Forbidden, Invalid, NotFound
from fiberq_core.policy import Actor
from fiberq_core.ports import Page, Sync, Version
from fiberq_core.registry import DATA_LAYERS
from fiberq_core.registry.model import Layer
from fiberq_core.registry.names import recognise
from fiberq_core.rows import Key, Stored
from fiberq_core.wire import change_json, feature_json, layer_json, version_json

Json = dict[str, object]
Box = tuple[float, float, float, float]

RECENT = 20  # syncs that the status lists


def layer_named(name: str) -> Layer:
    """The layer behind any name that it has anywhere. Raises: NotFound, naming those that exist."""
    found = recognise(name)
    if found is None or found.fixed or found.layer not in DATA_LAYERS:
        known = ", ".join(layer.name for layer in DATA_LAYERS)
        hint = f" ({found.layer.name} has it)" if found is not None and found.fixed else ""
        raise NotFound(f"There is no such layer{hint}; there are {known}")
    return found.layer


async def layers(ports: Ports, actor: Actor, project_id: int) -> Json:
    """Every layer, with its columns, the unregistered ones that this project has, and how many rows. Raises: NotFound."""
    await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        counts, extra, revision = await reader.counts(), await reader.extra_columns(), reader.project.revision
    shown = [layer_json(layer, extra.get(layer.name, {}), counts.get(layer.name, 0)) for layer in DATA_LAYERS]
    return {"revision": revision, "layers": shown}


async def features(
    ports: Ports, actor: Actor, project_id: int, layer: Layer, bbox: Box | None, limit: int, cursor: str | None
) -> Json:
    """A page of a layer as a GeoJSON FeatureCollection. Raises: NotFound, Invalid."""
    await reader_in(ports, actor, project_id)
    if bbox is not None and not layer.spatial:
        raise Invalid(f"{layer.name} has no places, so it cannot be asked by bbox")
    async with ports.store.reading(project_id) as reader:
        page, revision = await reader.features(layer.name, bbox, limit, cursor), reader.project.revision
    shown = await asyncio.to_thread(_features_json, page)
    return {"type": "FeatureCollection", "revision": revision, "features": shown, "next": page.next}


async def feature(ports: Ports, actor: Actor, project_id: int, layer: Layer, uuid: str) -> Json:
    """One feature. Raises: NotFound."""
    await reader_in(ports, actor, project_id)
    key = Key(layer.name, uuid)
    async with ports.store.reading(project_id) as reader:
        stored = (await reader.rows([key])).get(key)
    if stored is None:
        raise NotFound("There is no such feature in this layer")
    return await asyncio.to_thread(feature_json, stored)


async def history(ports: Ports, actor: Actor, project_id: int, layer: Layer, uuid: str) -> Json:
    """Every version of a row, newest first; also of a row that is deleted. Raises: NotFound."""
    await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        versions = await reader.history(Key(layer.name, uuid))
    if not versions:
        raise NotFound("There never was such a feature in this layer")
    return {"versions": await asyncio.to_thread(_versions_json, versions)}


async def changes(ports: Ports, actor: Actor, project_id: int, since: int, limit: int, cursor: str | None) -> Json:
    """What happened to rows after revision *since*, oldest first. Raises: NotFound, Invalid."""
    await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        page, revision = await reader.changes(since, limit, cursor), reader.project.revision
    return {"revision": revision, "changes": await asyncio.to_thread(_changes_json, page), "next": page.next}


async def receipt(ports: Ports, actor: Actor, sync_id: str) -> Mapping[str, object]:
    """The answer to an upload, again. Raises: NotFound."""
    try:
        project_id, _, answer, _ = await ports.store.find_receipt(sync_id)
        await reader_in(ports, actor, project_id)
    except (NotFound, Forbidden):
        raise NotFound(NO_SYNC) from None
    return answer


async def syncs(ports: Ports, actor: Actor, project_id: int) -> Sequence[Json]:
    """The most recent exchanges with devices, newest first. Raises: NotFound."""
    await reader_in(ports, actor, project_id)
    async with ports.store.reading(project_id) as reader:
        return [_sync_json(sync) for sync in await reader.syncs(RECENT)]


# Geometry of a page may be long: these run beside the event loop.
def _features_json(page: Page[Stored]) -> list[Json]:
    return [feature_json(stored) for stored in page.items]


def _changes_json(page: Page[Version]) -> list[Json]:
    return [change_json(version) for version in page.items]


def _versions_json(versions: Sequence[Version]) -> list[Json]:
    return [version_json(version) for version in versions]


def _sync_json(sync: Sync) -> Json:
    """One exchange, also under the names that old clients read. What a download held was not counted."""
    receipt = sync.receipt or {}
    return {
        "sync_id": sync.sync_id,
        "id": sync.sync_id,
        "sync_type": sync.kind,
        "user_sub": sync.by.sub,
        "user_name": sync.by.name,
        "started_at": sync.at,
        "completed_at": sync.at,
        "status": "ok",
        "export_id": sync.export_id,
        "revision": sync.revision,
        "features_uploaded": receipt.get("applied"),
        "features_downloaded": None,
        "conflicts_resolved": receipt.get("merged"),
        **{name: receipt.get(name) for name in ("applied", "merged", "conflicts", "held", "rejected")},
    }
