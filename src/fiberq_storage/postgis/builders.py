"""The processes that build parts of packages. They start when they are first needed, and stay for a while."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence

from fiberq_core.errors import StoreUnavailable
from fiberq_storage.postgis.parts import Part, text_of

MOST = 4
DIED = "A package could not be built: the process that did it has died. Try again"


class Builders:
    """At most *count* processes at a time. Lives on one event loop."""

    def __init__(self, count: int | None = None) -> None:
        self.count = count or min(MOST, len(os.sched_getaffinity(0)))
        self._free = asyncio.Semaphore(self.count)
        self._idle: list[Process] = []

    async def build(self, parts: Sequence[Part]) -> None:
        """Build *parts*, all at once as far as there are processes. Raises: StoreUnavailable."""
        done = await asyncio.gather(*map(self._build, parts), return_exceptions=True)
        for failure in done:
            if failure is not None:
                raise failure

    async def close(self) -> None:
        """Let the processes end; what they are at, they finish."""
        idle, self._idle = self._idle, []
        for process in idle:
            await _end(process)

    async def _build(self, part: Part) -> None:
        async with self._free:
            process = await self._process()
            answer = await _ask(process, text_of(part))
            if answer is None:
                await _end(process)
                raise StoreUnavailable(DIED)
            self._idle.append(process)
        if said := json.loads(answer):
            raise StoreUnavailable(said)

    async def _process(self) -> Process:
        """One that waits for work, else a new one."""
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
            await _end(process)
        program, env = ("-m", "fiberq_storage.postgis.builder"), {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        return await asyncio.create_subprocess_exec(sys.executable, *program, stdin=PIPE, stdout=PIPE, env=env)


async def _ask(process: Process, order: str) -> bytes | None:
    """What a process answers; None if it died."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a builder is spoken to through pipes")
    try:
        process.stdin.write(order.encode() + b"\n")
        await process.stdin.drain()
        return await process.stdout.readline() or None
    except OSError:
        return None


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
