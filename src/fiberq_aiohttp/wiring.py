"""From settings to the real outside. The only module that knows which store there is."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.settings import Settings
from fiberq_core.errors import FiberqError
from fiberq_storage.files.packages import FilePackages, Limits
from fiberq_storage.files.uploads import FileUploads
from fiberq_storage.sqlite.connection import lock_folder
from fiberq_storage.sqlite.store import SqliteStore, open_store

HOUSEKEEPING: Final = 3_600.0  # seconds between two looks at what need no longer be kept

log = logging.getLogger("fiberq")


@asynccontextmanager
async def open_ports(settings: Settings) -> AsyncIterator[Ports]:
    """The embedded store and its files, for as long as the block lasts.

    Raises: StoreUnavailable, StoreMismatch, Busy.
    """
    async with await open_store(settings.data) as store:
        limits = Limits(days=settings.keep_exports_days, size=settings.keep_exports)
        packages = FilePackages(store, settings.gpkg_dir, limits=limits)
        uploads = FileUploads(settings.data / "uploads", keep_days=settings.keep_uploads_days)
        yield Ports(store, packages, uploads, now, new_uuid)


@asynccontextmanager
async def serving_ports(settings: Settings) -> AsyncIterator[Ports]:
    """As `open_ports`, for a server: alone on its data folder, and tidying up as time goes by."""
    with lock_folder(settings.data):
        async with open_ports(settings) as ports:
            log.info("store open in %s", settings.data)
            keeping = asyncio.create_task(_keep_house(ports))
            try:
                yield ports
            finally:
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping


def now() -> str:
    """UTC, ISO 8601 with milliseconds and Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_uuid() -> str:
    """A fresh random UUID."""
    return str(uuid4())


async def _keep_house(ports: Ports) -> None:
    """Remove what is older than the settings say. What fails is tried again the next time."""
    while True:
        try:
            await prune(ports)
        except FiberqError as broken:
            log.warning("old files not removed: %s", broken)
        await asyncio.sleep(HOUSEKEEPING)


async def prune(ports: Ports) -> None:
    """Remove old exports and raw uploads, except uploads that something in an inbox refers to.

    Raises: StoreUnavailable.
    """
    if isinstance(ports.store, SqliteStore):
        await ports.uploads.prune(except_for=await ports.store.digests_waiting())
    if isinstance(ports.packages, FilePackages):
        await ports.packages.prune()
