"""Running the server: from settings to a port that answers, until somebody says stop."""

import asyncio
import errno
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

from aiohttp import web

from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.keys import PORTS
from fiberq_aiohttp.logs import AccessLogger, configure
from fiberq_aiohttp.settings import Settings
from fiberq_aiohttp.wiring import is_served, serving
from fiberq_core.errors import Busy, Fault, Invalid

COLLECT: Final = 3_600.0  # seconds between two looks of the garbage collector at everything
YOUNG: Final = 5_000  # objects since the last look, at which the collector looks at these; some milliseconds
NEVER: Final = 1_000_000
TURN: Final = 0.001  # seconds that a thread goes on while others wait for their turn
LINGER: Final = 0.5  # seconds from a connection to its request, as between nginx and us on a busy machine
GRACE: Final = 8.0  # seconds that requests get to end; container engines kill after ten
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger("fiberq")


async def serve(
    settings: Settings,
    prepare: Callable[[Ports], Awaitable[None]],
    ready: Callable[[], None],
    *,
    log_json: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM. *prepare* runs before the port is open, *ready* once it answers.

    Raises: Busy (another server on the folder), Invalid (the address), StoreUnavailable.
    """
    configure(settings.log_level, as_json=log_json)
    stopped = _stop_signal()
    if is_served(settings):  # before anything is written there
        raise Busy("Another FiberQ server is running on this data folder. Stop it first, or use another")
    runner = web.AppRunner(
        create_app(settings, partial(serving, settings)),
        access_log_class=AccessLogger,
        access_log=logging.getLogger("fiberq.access"),
        shutdown_timeout=GRACE,
    )
    try:
        if not await _set_up(runner, stopped):
            return
        await prepare(runner.app[PORTS])
        set_startup_aside()
        take_short_turns()
        await _listen(runner, settings)
        log.info("serving on %s port %d", settings.host, settings.port)
        ready()
        collecting = asyncio.create_task(_collect())
        await stopped.wait()
        collecting.cancel()
        log.info("stopping")
        await _hear_out(runner)
    finally:
        await runner.cleanup()


async def _set_up(runner: web.AppRunner, stopped: asyncio.Event) -> bool:
    """Open the store and all else; whether that was done before somebody said stop."""
    setup, stop = asyncio.ensure_future(runner.setup()), asyncio.ensure_future(stopped.wait())
    await asyncio.wait((setup, stop), return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if setup.done():
        await setup
        return True
    setup.cancel()
    await asyncio.wait((setup,))
    return False


async def _hear_out(runner: web.AppRunner) -> None:
    """Take no new connections, and let whoever has just made one say what it is for: aiohttp ends those that are silent."""
    for site in list(runner.sites):
        await site.stop()
    await asyncio.sleep(LINGER)


def set_startup_aside() -> None:
    """Keep the garbage collector from looking at what is no garbage, again and again: each time, every request waits.

    Modules and tables never become garbage. The rows of a large upload hold no cycles either, and looking through all
    of them took up to a fifth of a second, several times; so all there is is looked at only by `_collect`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, NEVER)


def take_short_turns() -> None:
    """Let the event loop have its turn soon while threads read files: it has a few words to say between any two steps.

    With Python's five milliseconds it waited longer for its turn than it worked.
    """
    sys.setswitchinterval(TURN)


async def _collect() -> None:
    """Look at everything from time to time: some garbage is never young."""
    while True:
        await asyncio.sleep(COLLECT)
        gc.collect()


async def _listen(runner: web.AppRunner, settings: Settings) -> None:
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
    except OSError as broken:
        if broken.errno == errno.EADDRINUSE:
            raise Busy(
                f"Port {settings.port} is taken by another program. Stop that, or choose another with --port"
            ) from None
        why = broken.strerror or str(broken)
        raise Invalid("The server cannot listen there", [Fault("--host, --port", why)]) from broken


def _stop_signal() -> asyncio.Event:
    """An event that the first signal sets; the second one ends the process as it always does."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        stopped.set()
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    for number in SIGNALS:
        with suppress(NotImplementedError, ValueError):  # an event loop in another thread has no signals
            loop.add_signal_handler(number, stop)
    return stopped
