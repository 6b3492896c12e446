"""Log lines: their shape, the request id in each, and nothing forged or secret in them."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp import logs

Client = TestClient[web.Request, web.Application]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was, afterwards."""
    root, loud = logging.getLogger(), {name: logging.getLogger(name).level for name in logs.LOUD}
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, was in loud.items():
        logging.getLogger(name).setLevel(was)


async def hello(_request: web.Request) -> web.Response:
    """A handler that logs."""
    logging.getLogger("fiberq.sync.exporter").info("exported %s", "x\n2026-01-01 [INFO] fiberq: forged")
    return web.Response(text="hello")


@pytest.fixture
async def client(aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    """A server whose lines are read here."""
    app = web.Application(middlewares=[logs.request_ids])
    app.on_response_prepare.append(logs.answer_with_request_id)
    app.router.add_get("/hello", hello)
    server = TestServer(app)
    await server.start_server(access_log_class=logs.AccessLogger, access_log=logging.getLogger("fiberq.access"))
    return await aiohttp_client(server)


async def lines_of(out: io.StringIO) -> list[str]:
    """The two lines of one request; the second is written after the answer has left."""
    for _ in range(200):
        if out.getvalue().count("\n") >= 2:
            break
        await asyncio.sleep(0.005)
    return out.getvalue().splitlines()


async def test_lines_for_people(client: Client) -> None:
    """Time, level, logger, message, request id; one line per event, and no query in the access log."""
    logs.configure("INFO", stream=(out := io.StringIO()))

    await client.get("/hello?token=secret", headers={"X-Request-ID": "r-1"})

    lines = await lines_of(out)
    stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[INFO\]"
    assert re.fullmatch(stamp + r" fiberq\.sync\.exporter: exported x\\n2026.* forged \[r-1\]", lines[0])
    assert re.fullmatch(stamp + r" fiberq\.access: GET /hello 200 \d+ bytes \d+ ms \[r-1\]", lines[1])
    assert 2 == len(lines)


async def test_lines_for_machines(client: Client) -> None:
    """The same as JSON."""
    logs.configure("INFO", as_json=True, stream=(out := io.StringIO()))

    answer = await client.get("/hello")

    events = [json.loads(line) for line in await lines_of(out)]
    assert ["fiberq.sync.exporter", "fiberq.access"] == [event["logger"] for event in events]
    assert {answer.headers["X-Request-ID"]} == {event["request_id"] for event in events}


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", "ключ"])
async def test_only_plain_ids_are_taken_over(client: Client, given: str) -> None:
    """An id from outside that is not a plain one is replaced by ours."""
    answer = await client.get("/hello", headers={"X-Request-ID": given})

    assert re.fullmatch("[0-9a-f]{12}", answer.headers["X-Request-ID"])


def test_levels_and_errors() -> None:
    """Below the level nothing is written; tracebacks are, in both shapes; other libraries stay quiet."""
    for as_json in (False, True):
        logs.configure("WARNING", as_json=as_json, stream=(out := io.StringIO()))
        logging.getLogger("fiberq").info("quiet")
        logging.getLogger("somebody.else").info("quiet")
        try:
            raise ValueError("boom")
        except ValueError:
            logging.getLogger("fiberq").exception("broke")

        assert "quiet" not in out.getvalue()
        assert "ValueError: boom" in out.getvalue()
        assert not as_json or 1 == len(out.getvalue().splitlines())
