"""A store is opened before its database is there, or where it never will be."""

import asyncio
import socket
import time
from urllib.parse import urlsplit, urlunsplit

import pytest

from fiberq_core.errors import StoreUnavailable
from fiberq_storage.postgis import Settings, open_store
from fiberq_storage.postgis.line import ALIVE
from fiberq_storage.postgis.meaning import GONE, NO_DATABASE, REFUSED
from tests.postgis.cluster import free_port, psql, psql_says

pytestmark = pytest.mark.postgis


async def test_a_database_that_comes_late_is_waited_for(dsn: str) -> None:
    """What answers at the address is not there for the first moments."""
    parts, port = urlsplit(dsn), free_port()
    late = urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))
    opening = asyncio.create_task(open_store(Settings(late), patience=30.0))
    await asyncio.sleep(0.5)
    assert not opening.done()
    async with await asyncio.start_server(lambda r, w: relay(r, w, parts.port or 5432), "127.0.0.1", port):
        store = await opening
        assert await store.alive()
        await store.close()


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """Pass everything on to *port*, and back."""
    back, on = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(pour(reader, on), pour(back, writer))


async def pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what comes until there is no more."""
    while data := await source.read(1 << 16):
        target.write(data)
    target.close()


async def test_a_database_that_never_comes_is_waited_for_as_long_as_was_said() -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=GONE):
        await open_store(Settings(f"postgresql://u:p@127.0.0.1:{free_port()}/x"), patience=0.5)

    assert 0.5 <= time.monotonic() - began < 10


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda parts: {"path": "/nothing_here"}, NO_DATABASE),
        (lambda parts: {"netloc": parts.netloc.replace(parts.password, "tulip")}, REFUSED),
    ],
    ids=["database", "password"],
)
async def test_nobody_waits_for_what_only_a_person_can_put_right(dsn: str, change, words: str) -> None:
    parts = urlsplit(dsn)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match=words):
        await open_store(Settings(urlunsplit(parts._replace(**change(parts)))), patience=60.0)

    assert time.monotonic() - began < 30


async def test_a_line_that_has_died_is_noticed(dsn: str) -> None:
    """Where the machine at the other end is gone without a word, the system tells us."""
    async with await open_store(Settings(dsn)) as store:
        connection = await store.database.run(store.database.acquire)
        line: socket.socket = connection._transport.get_extra_info("socket")
        said = [line.getsockopt(level, option) for level, option, _ in ALIVE]
        await store.database.run(store.database.release, connection)

    assert [value for _, _, value in ALIVE] == said


async def test_a_socket_in_a_folder_will_do(dsn: str) -> None:
    """The database on this machine, without a network between."""
    folder = psql(dsn, "SHOW unix_socket_directories")
    parts = urlsplit(dsn)
    local = f"postgresql://{parts.username}@/{parts.path[1:]}?host={folder}&port={parts.port}"
    if psql_says(local, "SELECT 1") is None:
        pytest.skip("the database is not on this machine, or asks for a password there")
    async with await open_store(Settings(local)) as store:
        assert await store.alive()
