"""The spool by itself: slow senders, a full disk, what a killed process leaves, and that nothing ever stays."""

import asyncio
import fcntl
import gzip
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp import spool
from fiberq_aiohttp.incoming import sweep
from fiberq_aiohttp.problems import problems
from fiberq_aiohttp.spool import Spooled, spooled
from fiberq_core.errors import StoreUnavailable
from tests.aiohttp.serving import Caller, until

LIMIT = 3_000_000
FOLDER = web.AppKey("folder", Path)
SEEN = web.AppKey("seen", list)


async def receive(request: web.Request) -> web.Response:
    """Receive a file, look at it, and fail where the address says so."""
    async with spooled(request, request.app[FOLDER], LIMIT, stall=0.2) as file:
        request.app[SEEN].append((file, await asyncio.to_thread(Path(file.path).read_bytes)))
        if "fail" in request.query:
            raise RuntimeError("after it came")
        return web.json_response({"size": file.size})


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    """A server that only receives files."""
    app = web.Application(middlewares=[problems])
    app[FOLDER], app[SEEN] = tmp_path / "in", []
    sweep(app[FOLDER])
    app.router.add_post("/", receive)
    async with TestClient(TestServer(app)) as client:
        yield Caller(client, None)


def left(caller: Caller) -> list[Path]:
    """What lies in the folder."""
    assert caller.client.app is not None
    return list(caller.client.app[FOLDER].iterdir())


def seen(caller: Caller) -> list[tuple[Spooled, bytes]]:
    """What was received."""
    assert caller.client.app is not None
    return caller.client.app[SEEN]


async def pieces(*given: bytes, pause: float = 0) -> AsyncIterator[bytes]:
    """A body of unknown length, piece by piece."""
    for piece in given:
        await asyncio.sleep(pause)
        yield piece


@pytest.mark.parametrize("size", [0, 1, 1_048_575, 1_048_576, 1_048_577, LIMIT])
async def test_bytes_arrive_as_they_are(caller: Caller, size: int) -> None:
    """Whatever the size, the file is what was sent, and so is its digest."""
    body = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
    await caller("POST", "/", data=pieces(body[:size]))
    file, content = seen(caller)[0]

    assert (size, body[:size], hashlib.sha256(body[:size]).hexdigest(), False) == (
        file.size,
        content,
        file.digest,
        file.wal,
    )
    assert [] == left(caller)


async def test_failure_afterwards(caller: Caller) -> None:
    """What fails while the file is used leaves nothing behind."""
    assert 500 == (await caller("POST", "/?fail", data=b"x")).status
    assert [] == left(caller)


async def test_slow_sender(caller: Caller) -> None:
    """Who sends nothing for too long is given up; who is slow but sends is not."""
    slow = await caller("POST", "/", data=pieces(*[b"x"] * 6, pause=0.05))
    stalled = await caller("POST", "/", data=pieces(b"x", b"y", pause=0.5))

    assert (200, 408, "too-slow") == (slow.status, stalled.status, stalled.json["code"])
    assert [] == left(caller)


async def test_disk(caller: Caller, tmp_path: Path) -> None:
    """A disk that cannot be written is the server's fault, and its text stays here."""
    (tmp_path / "in").rmdir()
    answer = await caller("POST", "/", data=b"x")

    assert (503, "store-unavailable") == (answer.status, answer.json["code"])
    assert str(tmp_path).encode() not in answer.body


async def test_a_file_that_cannot_be_removed(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done with it is done, and answered so; what stays is swept away at the next start."""

    def stuck(_: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(spool, "remove", stuck)
    answer = await caller("POST", "/", data=b"x")
    assert caller.client.app is not None
    there = left(caller)
    sweep(caller.client.app[FOLDER])

    assert (200, 1, []) == (answer.status, len(there), left(caller))


async def test_compressed_bombs(caller: Caller) -> None:
    """The limit counts what unpacks, not what was sent."""
    body = gzip.compress(b"\0" * (LIMIT * 20))
    answer = await caller("POST", "/", data=body, headers={"Content-Encoding": "gzip"})

    assert 413 == answer.status
    assert [] == left(caller)


async def test_broken_chunks(caller: Caller) -> None:
    """A body that breaks the rules of HTTP half-way is given up, at the latest as one that nothing more comes of."""
    reader, writer = await asyncio.open_connection(caller.client.host, caller.client.port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    await until(lambda: bool(left(caller)))
    writer.write(b"zz\r\n")
    answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()

    assert answer.split()[1] in (b"400", b"408")
    assert [] == left(caller)


def test_sweep(tmp_path: Path) -> None:
    """What a killed process left is removed, with what SQLite put beside it; what is in use is not."""
    folder = tmp_path / "in"
    sweep(folder)
    for name in ("dead.gpkg", "dead.gpkg-wal", "orphan.gpkg-shm", "used.gpkg", "used.gpkg-wal"):
        (folder / name).touch()
    with (folder / "used.gpkg").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        sweep(folder)

    assert {"used.gpkg", "used.gpkg-wal"} == {path.name for path in folder.iterdir()}


def test_sweep_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A folder that cannot be made is said at start."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable):
        sweep(tmp_path / "file" / "in")
