"""Two servers on one database and one folder behind nginx: restarts cost a retry at most, never a day's work."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from attrs import frozen

from tests.e2e.crews import Crew, poles_by_name
from tests.e2e.nginx import Proxy, nginx
from tests.e2e.provider import KEYS, Provider, provider
from tests.e2e.serverprocess import Server, leftovers

pytestmark = [pytest.mark.postgis, pytest.mark.nginx, pytest.mark.slow]

CREWS, UPLOADS, ROWS = 5, 12, 200


@frozen
class Site:
    """What an operator runs, and the provider that people sign in at."""

    provider: Provider
    servers: tuple[Server, Server]
    proxy: Proxy


@pytest.fixture
def site(dsn: str, tmp_path: Path) -> Iterator[Site]:
    """Two running servers on one database, with one folder, behind nginx."""
    env = {"DATABASE_URL": dsn}
    with provider() as signing:
        first, second = (Server(tmp_path / "data", tmp_path / f"{n}.log", env, provider=signing) for n in (1, 2))
        try:
            first.start()
            second.start()
            (tmp_path / "nginx").mkdir()
            with nginx(tmp_path / "nginx", (first.port, second.port), signing) as proxy:
                yield Site(signing, (first, second), proxy)
        finally:
            first.kill()
            second.kill()


def work(site: Site, folder: Path, restart: Callable[[Server], None]) -> tuple[int, list[Crew], int]:
    """Crews send their work while the second server is restarted again and again: project, crews, restarts."""
    project = site.proxy.create_project()
    crews = [Crew(site.proxy, f"crew{n}", project, folder) for n in range(CREWS)]
    restarts = 0
    with ThreadPoolExecutor(CREWS) as pool:
        days = [pool.submit(crew.day, UPLOADS, ROWS) for crew in crews]
        while not all(day.done() for day in days):
            restart(site.servers[1])
            restarts += 1
    for day in days:
        day.result()
    return project, crews, restarts


def die(server: Server, chance: random.Random) -> None:
    """As a machine that dies, a moment after somebody has begun to send it something."""
    until = time.monotonic() + 3
    while not server.is_receiving() and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.05))
    server.kill()
    server.start()


def deploy(server: Server, chance: random.Random) -> None:
    """As an administrator does it."""
    time.sleep(chance.uniform(0.1, 0.6))
    server.stop()
    server.start()


def test_a_server_that_dies_again_and_again_costs_retries_only(site, tmp_path):
    """Every upload that crews make is there once, whole, whatever became of the server that took it."""
    project, crews, restarts = work(site, tmp_path, partial(die, chance=random.Random(2)))

    told = [upload for crew in crews for upload in crew.told]
    assert dict.fromkeys((upload.name for upload in told), ROWS) == poles_by_name(site.proxy, project)
    assert CREWS * UPLOADS == len(told) == site.proxy.revision(project)
    assert all(ROWS == upload.receipt["inserted"] for upload in told)
    assert all(upload.receipt == crews[0].send(upload.content) for upload in told), "a retry has another receipt"
    assert [] == leftovers(site.servers[0].data)
    assert any(crew.trouble for crew in crews), "nobody noticed anything, so nothing was tried"
    assert site.provider.asked.count(KEYS) <= restarts + 2


def test_an_orderly_restart_is_not_noticed(site, tmp_path):
    """A server that is told to stop finishes what it has begun, and takes nothing new: no crew sees an error."""
    project, crews, restarts = work(site, tmp_path, partial(deploy, chance=random.Random(3)))

    assert {} == {status: count for crew in crews for status, count in crew.trouble.items()}
    assert CREWS * UPLOADS == site.proxy.revision(project) == len(poles_by_name(site.proxy, project))
    assert restarts >= 2
