"""A process that builds parts of packages: `python -m fiberq_storage.postgis.builder`.

One order per line of standard input, a `Part` as JSON; one answer per line of standard output: what went wrong, or
null. It ends with its input, or when nothing was ordered for a while.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import traceback

from fiberq_core.errors import FiberqError
from fiberq_storage.postgis.meaning import translating
from fiberq_storage.postgis.parts import Part, build, part_of
from fiberq_storage.sqlite.connection import translating as translating_files

IDLE_S = 600
NICE = 5  # whoever waits for an answer of the server goes first
BROKEN = "A package could not be built; the server's log says why"


def main() -> None:
    """Work until there is no more."""
    os.nice(NICE)
    gc.disable()  # rows hold no cycles: looking for them took a twentieth of the time
    while order := _next():
        sys.stdout.write(f"{json.dumps(_done(part_of(order)))}\n")
        sys.stdout.flush()


def _next() -> str:
    signal.alarm(IDLE_S)  # ends the process
    order = sys.stdin.readline()
    signal.alarm(0)
    return order


def _done(part: Part) -> str | None:
    try:
        with translating(), translating_files():
            asyncio.run(build(part))
    except FiberqError as error:
        return str(error)
    except Exception:  # noqa: BLE001 (whatever it was, whoever ordered must hear of it)
        traceback.print_exc()
        return BROKEN
    return None


if __name__ == "__main__":
    main()
