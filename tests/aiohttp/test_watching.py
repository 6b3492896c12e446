"""Readiness and figures: what whoever watches over the server gets to see, and who that is."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, web
from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp import readiness
from fiberq_aiohttp.addresses import is_near
from fiberq_aiohttp.bearer import bearer_for
from fiberq_aiohttp.keys import BEARER, PORTS, READINESS, SPOOL
from fiberq_aiohttp.metrics import KEPT, Inbox
from fiberq_core.errors import KeysUnavailable, StoreMismatch, StoreUnavailable
from tests.aiohttp.serving import Caller, Client, an_app, token, until
from tests.aiohttp.test_sync import edited, sent

BEHIND_A_PROXY = {"X-Forwarded-For": "203.0.113.9"}


async def figures(caller: Caller) -> dict[str, float]:
    """What `/metrics` says, by name and labels."""
    answer = await caller("GET", "/metrics")
    assert 200 == answer.status
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@asynccontextmanager
async def running(tmp_path: Path, database: str | None = None, **settings: object) -> AsyncIterator[Caller]:
    """Somebody without a token at a server with these settings."""
    async with TestClient(TestServer(an_app(tmp_path, database, **settings))) as client:
        yield Caller(client, None)


@pytest.mark.each_store
async def test_requests_are_counted_by_route(engineer: Caller, stranger: Caller) -> None:
    """Under the pattern of the route: no name or number that anybody asked for is in it."""
    project = await engineer.project()
    await engineer("GET", f"/api/projects/{project}/")
    await engineer("GET", "/api/projects/77")
    await stranger("GET", "/api/secret-name")
    await stranger("PROPFIND", "/health")
    found = await figures(stranger)

    assert 1 == found['fiberq_requests_total{method="GET",route="/api/projects/{project}",status="200"}']
    assert 1 == found['fiberq_requests_total{method="GET",route="/api/projects/{project}",status="404"}']
    assert 2 == found['fiberq_request_seconds_count{method="GET",route="/api/projects/{project}"}']
    assert 1 == found['fiberq_requests_total{method="GET",route="other",status="404"}']
    assert 1 == found['fiberq_requests_total{method="other",route="other",status="405"}']
    assert not [name for name in found if "secret" in name or "77" in name]


@pytest.mark.each_store
async def test_exchanges_are_counted_by_outcome(engineer: Caller, stranger: Caller, tmp_path: Path) -> None:
    """Downloads, uploads and undo; what was refused too; rows by what became of them."""
    project = await engineer.project()
    pole = await engineer.pole(project, naziv="S-1")
    data = await edited(engineer, project, tmp_path, naziv="device")
    path = f"/api/projects/{project}/features/Stubovi/{pole['id']}"
    match = {"If-Match": f'"{pole["properties"]["fiberq_rev"]}"'}
    await engineer("PATCH", path, json={"properties": {"naziv": "office"}}, headers=match)
    rehearsed = await engineer("POST", f"/api/sync/upload?project_id={project}&dry_run=1", data=data)
    await sent(engineer, project, data)
    await sent(engineer, project, b"no package")
    found = await figures(stranger)
    syncs = {m[1]: int(v) for n, v in found.items() if (m := re.match(r"fiberq_syncs_total{(.+)}", n))}

    assert 200 == rehearsed.status
    assert {
        'kind="download",outcome="done"': 1,
        'kind="upload",outcome="rehearsed"': 1,
        'kind="upload",outcome="waiting"': 1,
        'kind="upload",outcome="refused"': 1,
    } == syncs
    assert 1 == found['fiberq_sync_rows_total{outcome="conflicts"}']
    assert 1 == found["fiberq_inbox_open_items"]


class ProductionServer(TestServer):
    """Its handlers hear of a lost connection when they read or write, as in production, and are not cancelled."""

    async def _make_runner(self, **kwargs: Any) -> web.BaseRunner:
        return web.AppRunner(self.app, **{**kwargs, "handler_cancellation": False})


@pytest.fixture
async def as_in_production(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of such a server."""
    async with TestClient(ProductionServer(an_app(tmp_path))) as client:
        yield client


async def test_a_phone_that_loses_its_signal_is_no_alarm(
    as_in_production: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A sender that vanishes is counted as that, and not as a fault of the server's: nothing is logged as an error."""
    client = as_in_production
    engineer, stranger = Caller(client, token("engineer", sub="2")), Caller(client, None)
    project = await engineer.project()
    assert client.app is not None
    spool = client.app[SPOOL]
    _, writer = await asyncio.open_connection(client.host, client.port)
    head = f"POST /api/sync/upload?project_id={project} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n"
    writer.write(f"{head}Authorization: Bearer {engineer.token}\r\n\r\n".encode() + b"x" * 2_000_000)
    await until(lambda: any(spool.iterdir()))
    writer.transport.abort()
    found: dict[str, float] = {}
    async with asyncio.timeout(5):
        while 'fiberq_syncs_total{kind="upload",outcome="failed"}' not in found:
            found = await figures(stranger)

    assert 1 == found['fiberq_requests_total{method="POST",route="/api/sync/upload",status="499"}']
    assert not [name for name in found if 'status="5' in name]
    assert [] == [record.message for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_download_that_breaks_off_is_not_done(
    engineer: Caller, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever got half a file is not counted among those who have it."""
    project = await engineer.project()

    async def broken(*_: object) -> int:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(asyncio.get_running_loop(), "sendfile", broken)
        with pytest.raises(ClientError):
            await engineer("GET", f"/api/sync/download/{project}")
    found = await figures(stranger)

    assert 1 == found['fiberq_syncs_total{kind="download",outcome="failed"}']
    assert 'fiberq_syncs_total{kind="download",outcome="done"}' not in found


@pytest.mark.each_store
async def test_state_of_the_server(engineer: Caller, stranger: Caller, database: str | None) -> None:
    """Keys, loop, build, and the pool where there is one."""
    await engineer("GET", "/api/auth/me")
    found = await figures(stranger)
    pool = {name: value for name, value in found.items() if "pool" in name}

    assert 0 <= found["fiberq_signing_keys_age_seconds"] < 60
    assert "fiberq_loop_lag_seconds_count" in found
    assert any(name.startswith("fiberq_build_info{") for name in found)
    assert found["process_resident_memory_bytes"] > 0
    assert bool(database) == bool(pool)
    if pool:
        used, opened, most = (pool[f'fiberq_pool_connections{{state="{s}"}}'] for s in ("used", "open", "most"))
        assert 0 <= used <= opened <= most


async def test_two_servers_in_one_process_count_apart(tmp_path: Path) -> None:
    """No figure is global."""
    async with running(tmp_path / "a") as one, running(tmp_path / "b") as other:
        await one("GET", "/health")

        assert 'fiberq_requests_total{method="GET",route="/health",status="200"}' in await figures(one)
        assert 'fiberq_requests_total{method="GET",route="/health",status="200"}' not in await figures(other)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_figures_are_not_for_the_world(stranger: Caller, header: str) -> None:
    """Whoever comes through a proxy needs a token, and one of an administrator."""
    refused = await stranger("GET", "/metrics", headers={header: "203.0.113.9"})

    assert (401, False) == (refused.status, b"fiberq_" in refused.body)


async def test_figures_with_a_token(stranger: Caller, admin: Caller, engineer: Caller) -> None:
    """Watching over the server is an administrator's right."""
    answers = [await who("GET", "/metrics", headers=BEHIND_A_PROXY) for who in (admin, engineer)]

    assert [200, 403] == [answer.status for answer in answers]


async def test_setting_of_the_figures(tmp_path: Path) -> None:
    """Off: for nobody. By token: for nobody without one, from wherever."""
    async with running(tmp_path / "off", metrics="off") as off, running(tmp_path / "token", metrics="token") as guarded:
        admin = token("admin")
        found = [await Caller(at.client, who)("GET", "/metrics") for at in (off, guarded) for who in (None, admin)]

    assert [404, 404, 401, 200] == [answer.status for answer in found]


@pytest.mark.parametrize(
    "address, near", [("127.0.0.1", True), ("::1", True), ("10.1.2.3", True), ("192.168.0.9", True), ("172.18.0.2", True), ("8.8.8.8", False), ("", False), ("unix", False)]
)  # fmt: skip
def test_near_addresses(address: str, near: bool) -> None:
    """This machine and private networks; whatever is no address is not near."""
    assert near == is_near(address)


async def test_inbox_is_asked_for_now_and_then() -> None:
    """However often somebody looks, the store is asked once in a while; one that cannot say leaves no old number."""
    now, asked = [100.0], []

    class Store:
        async def open_items(self) -> int:
            asked.append(now[0])
            if len(asked) > 1:
                raise StoreUnavailable("gone")
            return 3

    inbox = Inbox(lambda: now[0])
    for pause in (0.0, KEPT - 1):
        now[0] += pause
        await inbox.look(Store())  # type: ignore[arg-type]
    size = inbox.size
    now[0] += 1
    await inbox.look(Store())  # type: ignore[arg-type]

    assert ([100.0, 100.0 + KEPT], 3) == (asked, size)
    assert inbox.size != inbox.size


@pytest.mark.each_store
async def test_ready(stranger: Caller) -> None:
    """All that is needed is there; the keys are fetched if nobody has signed in yet."""
    answer = await stranger("GET", "/ready")

    assert (200, {"ready": True, "reasons": []}) == (answer.status, answer.json)


@pytest.mark.each_store
@pytest.mark.parametrize(
    "error, reason", [(StoreUnavailable("/srv/x"), readiness.STORE), (StoreMismatch("v9"), readiness.FORM)]
)
async def test_not_ready_without_its_store(
    stranger: Caller, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    """A store that is gone or of another form is a reason, in words that name neither folder nor host."""
    app = stranger.client.app
    assert app is not None

    async def check(*_: object) -> None:
        raise error

    monkeypatch.setattr(type(app[PORTS].store), "check", check)
    answer = await stranger("GET", "/ready")

    assert (503, {"ready": False, "reasons": [reason]}) == (answer.status, answer.json)


async def test_not_ready_without_keys(tmp_path: Path) -> None:
    """While the provider has never answered nobody can sign in; once it does, the server is ready."""
    now, there = [1000.0], [False]

    async with running(tmp_path) as caller:
        app = caller.client.app
        assert app is not None
        before = app[BEARER]

        async def fetch(url: str) -> object:
            if not there[0]:
                raise KeysUnavailable(url)
            return await before.fetch(url)

        bearer = bearer_for(before.verifier.rules, fetch)
        bearer.clock = app[READINESS].clock = lambda: now[0]
        app[READINESS].have_keys = bearer.have_keys
        answers = [await caller("GET", "/ready")]
        there[0], now[0] = True, now[0] + 60
        answers.append(await caller("GET", "/ready"))

    assert [(503, [readiness.KEYS]), (200, [])] == [(a.status, a.json["reasons"]) for a in answers]


async def test_not_ready_without_room(stranger: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is all but full."""
    monkeypatch.setattr(readiness, "TOO_LITTLE", 1 << 62)
    answer = await stranger("GET", "/ready")

    assert (503, [readiness.DISK]) == (answer.status, answer.json["reasons"])


async def test_a_crowd_that_asks_asks_the_store_once(stranger: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer stands for a second."""
    app = stranger.client.app
    assert app is not None
    asked: list[int] = []
    check: Callable[..., object] = type(app[PORTS].store).check

    async def counted(*given: object) -> None:
        asked.append(1)
        await check(*given)  # type: ignore[misc]

    monkeypatch.setattr(type(app[PORTS].store), "check", counted)
    app[READINESS].clock = lambda: 5.0
    for _ in range(5):
        await stranger("GET", "/ready")

    assert [1] == asked
