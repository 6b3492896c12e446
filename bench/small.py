"""Small requests: on one worker, beside a bare aiohttp handler that gives the same answer; photos; and beside an export."""

import asyncio
import io
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from bench.asking import Asked, ask_all, ask_regularly, request
from bench.dataset import writes
from bench.figures import Cost, Line, Target, within
from bench.places import Place
from bench.serving import Server, free_port, program, running, served
from fiberq_core.rows import Key

FEATURES = 1_000  # of the project that is asked about
CONNECTIONS = 16
SENDERS, SIDE = 4, 1600  # of photos; pixels
PHOTO_OF = 50  # requests
GAP_S = 0.02  # between two small requests while an export runs
BARE = Target("≥ 0.6 × its speed", lambda mine, theirs: mine * 0.6 <= theirs)
P99_S = 0.1


def small(place: Place, rounds: int, requests: int) -> Iterator[Line]:
    """Requests, then photos; seconds are those from one answer to the next, so that a thousandth is a thousand a second."""
    (project,) = place.fill(FEATURES)
    with program(place) as server:
        for _ in range(rounds):
            yield from _requests(server, project, requests)
            yield Line("photo uploaded", place.name, 0, Cost(_photos(server, project, 1 + requests // PHOTO_OF)))


def beside_an_export(place: Place, size: int, rounds: int) -> Iterator[Line]:
    """Small requests while packages of *size* features are built whole."""
    (project,) = place.fill(size)
    with served(place) as server:
        for _ in range(rounds):
            shutil.rmtree(server.packages, ignore_errors=True)
            server.reset()
            cost = server.cost(asyncio.run(_exporting(server, project, size)).percentile(0.99))
            yield Line("small requests while an export is built (p99)", place.name, size, cost, target=within(P99_S))


def _requests(server: Server, project: int, requests: int) -> Iterator[Line]:
    for what, path in _paths(project, FEATURES).items():
        answer = server.place.folder / "answer"
        answer.write_bytes(server.client().text("GET", path))
        with bare(answer) as port:
            theirs = _each(port, request(port, "GET", "/"), requests)
            mine = _each(server.port, request(server.port, "GET", path, server.token()), requests)
        yield Line(what, server.place.name, 0, Cost(mine), "bare aiohttp", theirs, BARE)


def _paths(project: int, size: int) -> dict[str, str]:
    """Who I am, and a feature of a project of *size*."""
    key: Key = next(writes(size)).key
    return {
        "GET /api/auth/me": "/api/auth/me",
        "GET one feature": f"/api/projects/{project}/features/{key.layer}/{key.uuid}",
    }


def _each(port: int, sent: bytes, times: int) -> float:
    """Seconds from one answer to the next, once it is warm."""
    asyncio.run(ask_all(port, [sent] * (times // 5), CONNECTIONS))
    return asyncio.run(ask_all(port, [sent] * times, CONNECTIONS)).each


def _photos(server: Server, project: int, count: int) -> float:
    """Seconds from one photo to the next, each another one, while several devices send."""
    token, picture = server.token(), _picture()
    sent = [
        request(
            server.port, "PUT", f"/api/projects/{project}/photos?path=DCIM/{random.getrandbits(60)}.jpg", token,
            picture + random.randbytes(16), "image/jpeg",
        )
        for _ in range(count)
    ]  # fmt: skip
    return asyncio.run(ask_all(server.port, sent, SENDERS)).each


def _picture() -> bytes:
    """A JPEG as a phone makes them, of more than a megabyte."""
    noise = random.Random(1).randbytes(SIDE * SIDE * 9 // 4)
    file = io.BytesIO()
    Image.frombytes("RGB", (SIDE, SIDE * 3 // 4), noise).save(file, "JPEG", quality=60)
    return file.getvalue()


async def _exporting(server: Server, project: int, size: int) -> Asked:
    """Small requests, one after the other in steady time, until a download has ended."""
    done = asyncio.Event()

    async def export() -> None:
        try:
            await asyncio.to_thread(server.client().download, project, server.place.folder / "taken.gpkg")
        finally:
            done.set()

    asked = [request(server.port, "GET", path, server.token()) for path in _paths(project, size).values()]
    found, _ = await asyncio.gather(ask_regularly(server.port, asked, GAP_S, done), export())
    return found


@contextmanager
def bare(answer: Path) -> Iterator[int]:
    """The port of a bare server that gives this file, whatever is asked."""
    port = free_port()
    with running([sys.executable, "-m", "bench.bare", str(answer), str(port)], port, "/", {}):
        yield port
