"""From settings to the real outside. The only module that knows which store there is."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from attrs import frozen

from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.settings import Database, Settings
from fiberq_core.changes import Change
from fiberq_core.errors import FiberqError
from fiberq_core.ports import Project
from fiberq_storage import backup, inspection, moving, postgis, sqlite
from fiberq_storage.files.bringing import Volumes
from fiberq_storage.files.keeping import Limits
from fiberq_storage.files.packages import FilePackages
from fiberq_storage.files.source import PackageSource
from fiberq_storage.files.uploads import FileUploads
from fiberq_storage.files.volumes import Folder
from fiberq_storage.holdings import StoreHoldings
from fiberq_storage.photos.bucket import PhotoBucket, s3
from fiberq_storage.photos.carrying import BucketVolume
from fiberq_storage.photos.folder import PhotoFolder
from fiberq_storage.photos.place import Place
from fiberq_storage.photos.volume import Photos
from fiberq_storage.postgis import inspecting
from fiberq_storage.postgis.source import PostgisSource
from fiberq_storage.postgis.store import PostgisStore
from fiberq_storage.sqlite.connection import FILE, lock_folder
from fiberq_storage.sqlite.source import SqliteSource
from fiberq_storage.sqlite.store import SqliteStore

DEMO_SEED: Final = 7
UPLOADS: Final = "uploads"  # as sent, in the data folder
ARRIVAL: Final = 60.0  # seconds that a server waits at its start for a database that starts at the same time
HOUSEKEEPING: Final = 3_600.0  # seconds between two looks at what need no longer be kept

log = logging.getLogger("fiberq")


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Ports]:
    """The store that the settings name and its files, for as long as the block lasts.

    Raises: StoreUnavailable, StoreMismatch, Busy.
    """
    async with _outside(settings) as outside:
        yield outside.ports()


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Ports]:
    """As `opened`, for a server: alone on its data folder if the store is there, and tidying up as time goes by."""
    with nullcontext() if settings.database else lock_folder(settings.data):
        async with _outside(settings, patience=ARRIVAL) as outside:
            log.info("store open in %s", "PostgreSQL" if settings.database else settings.data)
            keeping = asyncio.create_task(_keep_house(outside))
            try:
                yield outside.ports()
            finally:
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping


def has_store(settings: Settings) -> bool:
    """Whether there is a store already; a database is one, since it is not made by a mistyped name."""
    return settings.database is not None or (settings.data / FILE).exists()


def now() -> str:
    """UTC, ISO 8601 with milliseconds and Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_uuid() -> str:
    """A fresh random UUID."""
    return str(uuid4())


@frozen
class _Outside:
    """A store and its files, and what only their keeper knows of them."""

    store: SqliteStore | PostgisStore
    packages: FilePackages
    uploads: FileUploads
    photos: Photos
    holdings: StoreHoldings

    def ports(self) -> Ports:
        """What flows see of it."""
        return Ports(self.store, self.packages, self.uploads, self.photos, self.holdings, now, new_uuid)

    async def prune(self) -> None:
        """Remove old exports and raw uploads, except uploads that something in an inbox refers to; photos without a row.

        Raises: StoreUnavailable.
        """
        await self.uploads.prune(except_for=await self.store.digests_waiting())
        await self.packages.prune()
        await self.photos.sweep(self.store)


@asynccontextmanager
async def _outside(settings: Settings, patience: float = 0.0) -> AsyncIterator[_Outside]:
    async with _store(settings, patience) as (store, source):
        limits = Limits(days=settings.keep_exports_days, size=settings.keep_exports)
        packages = FilePackages(source, settings.gpkg_dir, limits=limits)
        photos = Photos(_photo_place(settings), settings.data / "thumbnails")
        uploads = FileUploads(settings.data / UPLOADS, keep_days=settings.keep_uploads_days)
        try:
            place = database_settings(settings.database) if settings.database else settings.data
            purged = settings.data / "purged"
            holdings = StoreHoldings(store, place, photos, uploads, settings.gpkg_dir, purged)
            yield _Outside(store, packages, uploads, photos, holdings)
        finally:
            await photos.close()
            await packages.close()


@asynccontextmanager
async def _store(
    settings: Settings, patience: float
) -> AsyncIterator[tuple[SqliteStore | PostgisStore, PackageSource]]:
    if settings.database is None:
        async with await sqlite.open_store(settings.data) as embedded:
            yield embedded, SqliteSource(embedded)
        return
    async with (
        await postgis.open_store(database_settings(settings.database), patience) as store,
        PostgisSource(store) as source,
    ):
        yield store, source


def _photo_place(settings: Settings) -> Place:
    """The folder of the photos, or their bucket. Raises: StoreUnavailable."""
    return PhotoBucket(s3(settings.photo_bucket)) if settings.photo_bucket else PhotoFolder(settings.photos_dir)


def database_settings(database: Database) -> postgis.Settings:
    """What the store is told of its database."""
    return postgis.Settings(
        database.url,
        schema=database.schema,
        smallest=database.pool_min,
        largest=database.pool_max,
        statement=float(database.statement_timeout),
        project_lock=float(database.lock_timeout),
        pgbouncer=database.pgbouncer,
    )


async def _keep_house(outside: _Outside) -> None:
    """Remove what is older than the settings say. What fails, in whatever way, is tried again the next time."""
    while True:
        try:
            await outside.prune()
        except FiberqError as broken:
            log.warning("old files not removed: %s", broken)
        except Exception:
            log.exception("old files not removed")
        await asyncio.sleep(HOUSEKEEPING)


def is_served(settings: Settings) -> bool:
    """Whether a server runs on the data folder and lets no other one beside it."""
    return settings.database is None and inspection.is_served(settings.data)


def inspect(settings: Settings) -> inspection.StoreFacts:
    """A look at the store that changes nothing; blocks, for long where it is large."""
    return inspection.inspect(settings.data)


DatabaseFacts = inspecting.DatabaseFacts


def inspect_database(database: Database) -> DatabaseFacts | str:
    """A look at the database that changes nothing, or why there is none; blocks."""
    return asyncio.run(inspecting.inspect(database_settings(database), time.time))


def library_versions() -> Mapping[str, str]:
    """The libraries that read and write files."""
    return inspection.library_versions()


def back_up(settings: Settings, target: Path) -> backup.Kept:
    """Copy the store and all files to the new folder *target*; blocks, and needs no event loop around it.

    Raises: Conflict, NotFound, Busy, StoreMismatch, StoreUnavailable.
    """
    if settings.database:
        return moving.back_up(database_settings(settings.database), target, _kept_volumes(settings), at=now())
    return backup.backup(settings.data, target, _kept_volumes(settings), at=now())


def restore(settings: Settings, source: Path) -> backup.Kept:
    """Fill the empty store and volumes from a backup of either store; blocks, and needs no event loop around it.

    Raises: Conflict, Invalid, Busy, StoreMismatch, StoreUnavailable.
    """
    volumes = _kept_volumes(settings)
    if settings.database:
        return moving.restore(source, database_settings(settings.database), volumes, beside=settings.data)
    return backup.restore(source, settings.data, volumes)


async def move(source: Settings, target: Settings) -> moving.Moved:
    """Take the whole store that *source* names into the empty one of *target*. Errors as `moving.move` has them."""
    return await moving.move(_place(source), _place(target))


def _place(settings: Settings) -> moving.Place:
    database = settings.database
    return moving.Place(database_settings(database) if database else settings.data, _kept_volumes(settings))


def demo_village(project: Project, *, crew: str, engineer: str) -> tuple[Change, ...]:
    """What the demo project is filled with. *crew* and *engineer* are the subjects whose work its orders are."""
    from fiberq_storage.demo import village

    return village(DEMO_SEED, project=project.uuid, crew=crew, engineer=engineer)


def _kept_volumes(settings: Settings) -> Volumes:
    """The files that cannot be made again, by the names that they have in a backup. Raises: StoreUnavailable."""
    bucket = settings.photo_bucket
    photos = BucketVolume(s3(bucket), bucket) if bucket else Folder(settings.photos_dir)
    return {"photos": photos, UPLOADS: Folder(settings.data / UPLOADS)}
