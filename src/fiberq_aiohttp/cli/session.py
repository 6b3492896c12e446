"""From a command to the flows: settings, ports, an event loop, all of them gone when the command ends."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.settings import Settings, from_env
from fiberq_core.errors import NotFound

T = TypeVar("T")


def local_settings(data: Path | None) -> Settings:
    """The settings of a command that signs nobody in. Raises: Invalid, with every fault."""
    return from_env(os.environ, dev=True, data=data)


def need_store(settings: Settings) -> Settings:
    """*settings*, if there is a store in their data folder: a mistyped folder must not become one. Raises: NotFound."""
    from fiberq_aiohttp import wiring

    if not wiring.has_store(settings):
        raise NotFound(f"There is no FiberQ data in the folder {settings.data}; --data says which folder it is")
    return settings


def at_work(data: Path | None, work: Callable[[Ports], Awaitable[T]], *, create: bool = False) -> T:
    """What *work* makes of the store in the data folder. Only with *create* may there be none before.

    Raises: Invalid (settings), NotFound (no data folder), StoreUnavailable, and what *work* raises.
    """
    from fiberq_aiohttp import wiring

    settings = local_settings(data)
    if not create:
        need_store(settings)

    async def run() -> T:
        async with wiring.opened(settings) as ports:
            return await work(ports)

    return asyncio.run(run())


def incoming(data: Path | None) -> Path:
    """Where files lie while they are read."""
    return local_settings(data).incoming
