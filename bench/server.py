"""The real server with two more addresses: reset and read what it has cost since.

`python -m bench.server DATA PORT`
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from fiberq_aiohttp.app import create_app
from fiberq_aiohttp.guard import public
from fiberq_aiohttp.serving import set_startup_aside, take_short_turns
from fiberq_aiohttp.settings import from_env
from fiberq_aiohttp.wiring import serving

TICK = 0.002  # seconds between two looks at the event loop


class Meter:
    """How long the event loop was kept from its work, at the longest."""

    worst = 0.0

    async def watch(self, _app: web.Application) -> AsyncIterator[None]:
        """Look at the loop for as long as the server runs."""
        task = asyncio.create_task(self._look())
        yield
        task.cancel()

    async def _look(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(TICK)
            self.worst = max(self.worst, loop.time() - before - TICK)

    @public
    async def reset(self, _request: web.Request) -> web.Response:
        """Begin anew."""
        for process in family():
            await asyncio.to_thread((process / "clear_refs").write_text, "5")
        self.worst = 0.0
        return web.json_response({})

    @public
    async def report(self, _request: web.Request) -> web.Response:
        """The longest stall in milliseconds, the peaks of resident memory in MB since the last reset, added up."""
        return web.json_response(
            {"stall_ms": self.worst * 1000, "peak_mb": resident("VmHWM"), "now_mb": resident("VmRSS")}
        )


def family() -> list[Path]:
    """This process and those that it started, in `/proc`."""
    me = Path("/proc/self").resolve()
    children = (me / "task").glob("*/children")
    return [me, *(Path("/proc") / pid for listed in children for pid in listed.read_text().split())]


def resident(what: str) -> float:
    """A line of the memory of these processes, in MB."""
    lines = [line for process in family() for line in (process / "status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def main() -> None:
    """Serve until stopped."""
    data, port = Path(sys.argv[1]), int(sys.argv[2])
    address = {name: os.environ[name] for name in ("DATABASE_URL",) if name in os.environ}
    settings = from_env({"MAX_UPLOAD_MB": "4096", **address}, dev=True, port=port, data=data)
    app, meter = create_app(settings, lambda: serving(settings)), Meter()
    app.cleanup_ctx.append(meter.watch)
    app.add_routes([web.get("/bench/reset", meter.reset), web.get("/bench/report", meter.report)])
    set_startup_aside()
    take_short_turns()
    web.run_app(app, host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
