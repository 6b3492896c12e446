"""A new FiberQ on an old store: whoever comes first brings it to the new form, once; whoever comes at the same moment waits."""

import gzip
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fiberq_storage.postgis import migrate as postgis
from fiberq_storage.sqlite import migrate as sqlite
from fiberq_storage.sqlite.connection import FILE
from tests.cli.running import start
from tests.e2e.provider import provider
from tests.e2e.serverprocess import Server
from tests.postgis.cluster import psql

FORMER = (
    Path(__file__).parent / "former"
)  # stores that the first version made: a project, two poles, one of them changed
SERVERS = 3


@pytest.fixture
def old_dsn(bare_dsn: str, tmp_path: Path) -> str:
    """A database that the first version left."""
    (dump := tmp_path / "dump.sql").write_bytes(gzip.decompress((FORMER / "postgis-1.sql.gz").read_bytes()))
    subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", bare_dsn, "-f", str(dump)],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert "1" == psql(bare_dsn, "SELECT max(version) FROM fiberq.schema_version")
    return bare_dsn


@pytest.fixture
def servers(old_dsn: str, tmp_path: Path) -> Iterator[list[Server]]:
    """Servers that were started at the same moment."""
    with provider() as signing:
        servers = [
            Server(tmp_path / "data", tmp_path / f"{n}.log", {"DATABASE_URL": old_dsn}, provider=signing)
            for n in range(SERVERS)
        ]
        try:
            with ThreadPoolExecutor(SERVERS) as at_once:
                list(at_once.map(Server.start, servers))
            yield servers
        finally:
            for server in servers:
                server.kill()


@pytest.mark.postgis
def test_replicas_that_start_at_once(old_dsn: str, servers: list[Server]) -> None:
    """Each step was taken once, the old project is there, and each server works."""
    steps = psql(old_dsn, "SELECT string_agg(version::text, ',' ORDER BY version) FROM fiberq.schema_version")

    assert ",".join(str(n + 1) for n in range(len(postgis.STEPS))) == steps
    assert [2, 3, 4] == sorted(server.create_project() for server in servers)
    poles = "SELECT string_agg(naziv || ' ' || visina, ',' ORDER BY id) FROM"
    assert "P-1 8,P-2 10" == psql(old_dsn, f"{poles} fiberq.ftth_stubovi")
    assert "P-2 9" == psql(old_dsn, f"{poles} fiberq_history.ftth_stubovi_history")
    assert all("Traceback" not in server.log.read_text() for server in servers)


def test_commands_on_an_old_folder_at_once(tmp_path: Path) -> None:
    """The same for a data folder, on which commands may work beside each other."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_bytes(gzip.decompress((FORMER / "embedded-1.db.gz").read_bytes()))

    running = [start("project", "list", "--json", data=tmp_path / "data") for _ in range(SERVERS)]
    said: list[Any] = [process.communicate(timeout=60) for process in running]

    assert [0] * SERVERS == [process.returncode for process in running], said
    assert ["Selo"] * SERVERS == [project["name"] for out, _ in said for project in json.loads(out)]
    with closing(sqlite3.connect(tmp_path / "data" / FILE)) as db:
        steps = [version for (version,) in db.execute("SELECT version FROM schema_version ORDER BY version")]
    assert list(range(1, len(sqlite.STEPS) + 1)) == steps


@pytest.mark.postgis
def test_the_password_may_go_by_itself(dsn: str, tmp_path: Path) -> None:
    """As compose.yaml gives it: PGPASSWORD, and none in the address."""
    head, _, rest = dsn.partition("://")
    user, password = rest.partition("@")[0].split(":")
    address = f"{head}://{user}@{rest.partition('@')[2]}"
    server = Server(tmp_path / "data", tmp_path / "log", {"DATABASE_URL": address, "PGPASSWORD": password})
    try:
        server.start()
        assert 2 == server.create_project()  # after the demonstration's
    finally:
        server.kill()
    assert password not in server.log.read_text() and os.environ.get("PGPASSWORD") is None
