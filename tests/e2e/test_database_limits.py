"""The database takes nothing more: it is read-only, a standby, full, or somebody holds what is needed."""

import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.outages import served, told_to_retry, village
from tests.e2e.psql_session import session
from tests.e2e.serverprocess import Server
from tests.postgis.cluster import SYSTEM_USER, Cluster, psql, running
from tests.postgis.databases import Databases, prepared

pytestmark = [pytest.mark.postgis, pytest.mark.slow]

DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
CREWS = 6
MEGABYTES = 40  # of the small disk; an empty store takes half of it


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of these tests alone."""
    with running() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def own(cluster: Cluster) -> Iterator[Databases]:
    """Databases in it."""
    with prepared(cluster.dsn()) as databases:
        yield databases


@pytest.fixture(scope="module")
def dsn(own: Databases) -> str:
    """A database that the server of most tests works on."""
    return own.create()


@pytest.fixture(scope="module")
def server(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits a second where somebody else writes."""
    with served(tmp_path_factory.mktemp("server"), dsn, DB_LOCK_TIMEOUT="1") as server:
        yield server


def test_read_only_for_a_while(server, dsn, tmp_path):
    """As an administrator makes it for a backup: who reads is served, who writes is told to come again."""
    place = village(server, tmp_path)
    first, second = place.work("A"), place.work("B")
    assert 200 == place.send(first)[0]
    read_only(dsn, "on")
    before = server.revision(place.project)
    told_to_retry(server, "POST", f"/api/sync/upload?project_id={place.project}", second.body)
    told_to_retry(server, "POST", "/api/projects", b'{"name": "Town"}')
    assert 200 == server.ask("GET", "/health")[0]
    assert (before, {"P": 1, "A": 50}) == (server.revision(place.project), place.poles())
    assert first.answers[0] == place.send(first)  # what was told once is told again

    read_only(dsn, "off")

    assert place.retried(second)


def read_only(dsn: str, state: str) -> None:
    """Have all transactions from now on be read-only, or no more; who is connected comes anew."""
    name = psql(dsn, "SELECT current_database()")
    psql(
        dsn,
        "SET default_transaction_read_only = off;"
        f"ALTER DATABASE {name} SET default_transaction_read_only = {state};"
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )


def test_a_standby_that_becomes_the_primary(cluster, own, tmp_path):
    """A server may be started on a standby: it serves who reads, and who writes as soon as the standby is promoted."""
    dsn = own.create()
    with served(tmp_path, dsn) as server:
        place = village(server, tmp_path)
        work = place.work("A")
    cluster.stop()
    (cluster.folder / "data" / "standby.signal").touch()
    shutil.chown(cluster.folder / "data" / "standby.signal", SYSTEM_USER)
    cluster.start()
    assert "t" == psql(dsn, "SELECT pg_is_in_recovery()")
    with again(server):
        assert {"P": 1} == place.poles()
        told_to_retry(server, "POST", f"/api/sync/upload?project_id={place.project}", work.body)

        psql(cluster.dsn(), "SELECT pg_promote()")

        assert place.retried(work) and {"P": 1, "A": 50} == place.poles()


@contextmanager
def again(server: Server) -> Iterator[Server]:
    """The same server, started again."""
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture
def small_disk(cluster: Cluster) -> Iterator[Path]:
    """A folder with little room, for the database's system user."""
    folder = cluster.folder / "small"
    folder.mkdir()
    owner = pwd.getpwnam(SYSTEM_USER).pw_uid
    mount = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,uid={owner},mode=700", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only who may mount can make a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_is_full(own, small_disk, tmp_path):
    """Nothing of an upload is there that did not fit; who reads is served; with room again, all goes on."""
    name = f"{own.name}_full"
    psql(own.server, f"CREATE TABLESPACE small LOCATION '{small_disk}'")
    psql(own.server, f"CREATE DATABASE {name} TEMPLATE {own.migrated} TABLESPACE small")
    dsn = own.at(name)
    try:
        with served(tmp_path, dsn) as server:
            place = village(server, tmp_path)
            work = place.work("A", rows=2000)
            (ballast := small_disk / "ballast").write_bytes(b"x" * (shutil.disk_usage(small_disk).free - 100_000))
            for _ in range(2):
                told_to_retry(server, "POST", f"/api/sync/upload?project_id={place.project}", work.body)
            assert {"P": 1} == place.poles() and 1 == server.revision(place.project)
            assert "disk is full" in server.log.read_text()

            ballast.unlink()

            assert place.retried(work)
    finally:
        own.drop(dsn)
        psql(own.server, "DROP TABLESPACE small")


def test_somebody_holds_the_project(server, dsn, tmp_path):
    """A psql session leaves its transaction open: who writes waits a while, and is told who it is and for how long."""
    place, other = village(server, tmp_path), village(server, tmp_path)
    work = place.work("A")
    with session(dsn, "psql of Jelena") as jelena:
        jelena(f"BEGIN; UPDATE fiberq.ftth_stubovi SET materijal = 'wood' WHERE project_id = {place.project};")
        said = told_to_retry(server, "POST", f"/api/sync/upload?project_id={place.project}", work.body)
        assert "busy" == said["code"]
        assert re.fullmatch(r"the database user postgres in psql of Jelena, for \d+ seconds", said["holder"])
        assert {"P": 1} == place.poles() and 200 == other.send(other.work("B"))[0]
        jelena("COMMIT;")

    assert place.retried(work)


def test_somebody_holds_rows(server, dsn, tmp_path):
    """The same where only rows are held: the server gives way a few times, then says so."""
    place = village(server, tmp_path)
    work = place.work("A")
    with session(dsn, "psql of Jelena") as jelena:
        jelena(f"BEGIN; SELECT FROM fiberq.ftth_stubovi WHERE project_id = {place.project} FOR UPDATE;")
        said = told_to_retry(server, "POST", f"/api/sync/upload?project_id={place.project}", work.body)
        assert "gave-way" == said["code"] and "psql of Jelena" in said["holder"]
        jelena("ROLLBACK;")

    assert place.retried(work)


def test_an_editor_in_the_opposite_order(server, dsn, tmp_path):
    """Somebody locks rows that uploads change too, and then wants the project: nobody is thrown out, all comes in."""
    place = village(server, tmp_path)
    rows = f"fiberq.ftth_stubovi WHERE project_id = {place.project} AND naziv LIKE 'Q%'"
    psql(
        dsn,
        "INSERT INTO fiberq.ftth_stubovi (project_id, naziv, visina, geom)"
        f" SELECT {place.project}, 'Q' || n, 0, 'SRID=4326;POINT(21 44)' FROM generate_series(0, {CREWS - 1}) n",
    )
    works, edits = [place.work(f"W{n}", changed=f"Q{n}") for n in range(CREWS)], 0
    with session(dsn, "psql of Jelena") as jelena:
        jelena(f"BEGIN; SELECT FROM {rows} FOR UPDATE;")
        sending = place.sending(*works)
        while any(thread.is_alive() for thread in sending):
            jelena(
                f"SELECT pg_sleep(0.3); UPDATE {rows.replace(' WHERE', ' SET visina = visina + 1 WHERE')}; COMMIT;"
                f"SELECT pg_sleep(0.2); BEGIN; SELECT FROM {rows} FOR UPDATE;"
            )
            edits += 1
        jelena("ROLLBACK;")

    refusals = {said["code"] for work in works for status, said in work.answers if status != 200}
    assert edits > 1 and refusals <= {"gave-way", "busy"}
    assert place.is_whole(*works) and place.retried(*works)
    assert {str(edits)} == set(psql(dsn, f"SELECT visina::int FROM {rows}").split())
    assert 2 + edits + len(works) == server.revision(place.project)
    assert "0" == psql(dsn, DEADLOCKS)
