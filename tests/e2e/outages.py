"""A server on a PostgreSQL that the tests may stop, starve and lock; and what it must answer meanwhile."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.e2e.crews import edited
from tests.e2e.serverprocess import Server
from tests.postgis.cluster import Cluster, children, psql

SOON = 15.0  # seconds in which a refusal must come, on a busy machine
HEALED = 20.0  # seconds until a server hears again, after the database was away for long
RETRY = {"store-unavailable", "busy", "gave-way"}


@contextmanager
def served(folder: Path, dsn: str, **env: str) -> Iterator[Server]:
    """A server on a database, for as long as the block lasts."""
    server = Server(folder / "data", folder / "log.txt", {"DATABASE_URL": dsn, **env})
    try:
        yield server.start()
    finally:
        server.kill()


def told_to_retry(server: Server, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
    """The problem document of a request that must be refused soon, in words, with the time to come again."""
    began = time.monotonic()
    status, said, headers = server.exchange(method, path, body, token=server.token())
    assert (503, True) == (status, headers.get("Retry-After", "").isdigit()), str(said)[:500]
    assert headers["Content-Type"].startswith("application/problem+json")
    assert said["code"] in RETRY and said["request_id"] and not leaks(server, str(said))
    assert time.monotonic() - began < SOON
    return dict(said)


def leaks(server: Server, text: str) -> list[str]:
    """What no answer may say: of the database's address, its statements, or the machine."""
    url = server.env["DATABASE_URL"]
    secrets = (url, url.partition("@")[0].rpartition(":")[2], "SELECT", "UPDATE", str(server.data), "asyncpg")
    return [secret for secret in secrets if secret in text]


@define
class Work:
    """A file with new poles of one name, and what became of it."""

    name: str
    body: bytes
    rows: int
    answers: list[tuple[int, Any]] = field(factory=list)


@define
class Village:
    """A project on a server, and those who work in it."""

    server: Server
    project: int
    folder: Path

    def work(self, name: str, rows: int = 50, changed: str = "P") -> Work:
        """What somebody did in the field: *rows* new poles, and one *changed*; the file has just been downloaded."""
        path = f"/api/sync/download/{self.project}"
        status, content = self.server.ask("GET", path, token=self.server.token())
        assert 200 == status, content
        return Work(name, edited(content, self.folder / f"{name}.gpkg", name, rows, f"naziv = '{changed}'"), rows)

    def send(self, work: Work) -> tuple[int, Any]:
        """Upload it; the last answer."""
        work.answers.append(self.server.upload(self.project, work.body, self.server.token()))
        return work.answers[-1]

    def sending(self, *works: Work) -> Sequence[threading.Thread]:
        """Upload them, at the same time, and go on."""
        threads = [threading.Thread(target=self.send, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        return threads

    def poles(self) -> dict[str, int]:
        """How many poles there are of each name, without those that nobody sent."""
        counts: dict[str, int] = {}
        for feature in self.server.features(self.project):
            name = feature["properties"]["naziv"]
            counts[name] = counts.get(name, 0) + 1
        return counts

    def is_whole(self, *works: Work) -> bool:
        """Whether each is there with all that it brought, or not at all; what was acknowledged is there."""
        poles = self.poles()
        acknowledged = {work.name for work in works if 200 in [status for status, _ in work.answers]}
        return acknowledged <= poles.keys() and all(poles.get(work.name, 0) in (0, work.rows) for work in works)

    def retried(self, *works: Work) -> bool:
        """Whether a retry of each brings everything in, once."""
        receipts = [self.send(work) for work in works]
        again = [self.send(work) for work in works]
        poles = self.poles()
        return receipts == again and all(poles[work.name] == work.rows for work in works)


def village(server: Server, folder: Path) -> Village:
    """A new project with one pole."""
    made = Village(server, server.create_project(), folder)
    psql(
        server.env["DATABASE_URL"],
        f"INSERT INTO fiberq.ftth_stubovi (project_id, naziv, geom) VALUES ({made.project}, 'P', 'SRID=4326;POINT(21 44)')",
    )
    return made


def eventually(what: Callable[[], bool], seconds: float = HEALED) -> bool:
    """Whether something comes true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.05)
    return False


def hears(village: Village, dsn: str) -> bool:
    """Whether the server remembers who is a member, and forgets it when the database says so."""
    name, member = "vuk", village.server.token("field_worker", "vuk")
    alone = f"DELETE FROM fiberq.members WHERE project_id = {village.project}"
    psql(dsn, f"{alone}; INSERT INTO fiberq.members VALUES ({village.project}, '{name}', 'field_worker', 'Vuk')")

    def comes_in() -> bool:
        return bool(200 == village.server.ask("GET", f"/api/projects/{village.project}", token=member)[0])

    assert eventually(comes_in)
    psql(dsn, f"SET session_replication_role = replica; {alone}")  # nobody is told
    if not comes_in():
        return False  # nothing is remembered
    psql(dsn, f"""NOTIFY fiberq, '{{"project": {village.project}}}'""")
    return eventually(lambda: not comes_in())


@contextmanager
def standing_still(cluster: Cluster) -> Iterator[None]:
    """All of PostgreSQL stands still, as behind a network that loses everything; nobody is told."""
    assert cluster.process is not None
    everybody = (cluster.process.pid, *children(cluster.process.pid))
    for pid in everybody:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in everybody:
            os.kill(pid, signal.SIGCONT)
