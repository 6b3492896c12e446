"""The database goes away and comes back: answers say so within seconds, nothing is half-done, the server heals by itself."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fiberq_aiohttp.cli.exits import Exit
from tests.e2e.outages import eventually, hears, served, standing_still, told_to_retry, village
from tests.e2e.serverprocess import Server
from tests.postgis.cluster import Cluster, psql, running
from tests.postgis.databases import Databases, prepared

pytestmark = [pytest.mark.postgis, pytest.mark.slow]


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


def test_stopped_and_started_again(cluster, own, tmp_path):
    """Every request is told to come again; uploads that were under way are wholly there or not; then all is as before."""
    dsn = own.create()
    with served(tmp_path, dsn) as server:
        place = village(server, tmp_path)
        assert eventually(lambda: hears(place, dsn))
        place = village(server, tmp_path)
        works = [place.work(name, rows=300) for name in "ABC"]
        sending = place.sending(*works)
        time.sleep(0.15)
        cluster.stop()
        for thread in sending:
            thread.join(60)

        assert {work.answers[0][0] for work in works} <= {200, 503}
        assert (503, {"status": "unavailable", "db": False}) == server.ask("GET", "/health")
        told_to_retry(server, "GET", f"/api/projects/{place.project}")
        told_to_retry(server, "GET", f"/api/sync/download/{place.project}")
        told_to_retry(server, "POST", f"/api/sync/upload?project_id={place.project}", works[0].body)
        told_to_retry(server, "POST", "/api/projects", b'{"name": "Town"}')

        cluster.start()

        assert 200 == server.ask("GET", "/health")[0]
        assert place.is_whole(*works) and place.retried(*works)
        assert eventually(lambda: hears(place, dsn))


def test_standing_still(cluster, own, tmp_path):
    """A database that neither answers nor hangs up keeps nobody waiting for long, and loses nothing."""
    with served(tmp_path, own.create(), DB_POOL_MIN="6") as server:
        place = village(server, tmp_path)
        works = [place.work(name, rows=300) for name in "AB"]
        sending = place.sending(*works)
        time.sleep(0.1)
        with standing_still(cluster), ThreadPoolExecutor(1) as beside:
            told = beside.submit(told_to_retry, server, "GET", f"/api/projects/{place.project}")
            assert 503 == server.ask("GET", "/health")[0]
            told.result()
        for thread in sending:
            thread.join(60)

        assert {work.answers[0][0] for work in works} <= {200, 503}
        assert eventually(lambda: 200 == server.ask("GET", "/health")[0])
        assert place.is_whole(*works) and place.retried(*works)
        assert "Traceback" not in server.log.read_text()


def test_servers_that_start_first(cluster, own, tmp_path):
    """As after a power cut, when all services start at once: they wait, say so, and can be stopped."""
    env = {"DATABASE_URL": own.create()}
    cluster.stop()
    servers = patient, _ = [Server(tmp_path / name, tmp_path / f"{name}.txt", env) for name in ("a", "b")]
    _, ended = [server.launch() for server in servers]
    try:
        assert eventually(lambda: all("waiting for it" in server.log.read_text() for server in servers))
        ended.terminate()
        assert 0 == ended.wait(15) and not answers(patient)
        cluster.start()
        assert eventually(lambda: answers(patient), 60)
        for server in servers:
            assert not [word for word in ("Traceback", "never retrieved") if word in server.log.read_text()]
    finally:
        for server in servers:
            server.kill()


def answers(server: Server) -> bool:
    """Whether the server is up."""
    try:
        return bool(200 == server.ask("GET", "/health")[0])
    except OSError:
        return False


def test_what_waiting_would_not_help(own, tmp_path):
    """The server ends at once, and says what to look at, without the address."""
    code, said = refused(tmp_path, own.at(own.migrated).replace("postgres:", "postgres:tulip", 1))

    assert Exit.STORE == code and "this user or password" in said and "fiberq doctor" in said
    assert "tulip" not in said and "Traceback" not in said


def refused(folder: Path, dsn: str) -> tuple[int, str]:
    """How a server that must not start ends, and what it says."""
    server = Server(folder / "data", folder / "log.txt", {"DATABASE_URL": dsn})
    code = server.launch().wait(30)
    return code, server.log.read_text()


def test_a_store_of_a_newer_version(own, tmp_path):
    """It is left alone, and the words say what to run."""
    dsn = own.create()
    psql(dsn, "INSERT INTO fiberq.schema_version VALUES (99, 'newer')")
    code, said = refused(tmp_path, dsn)

    assert Exit.STORE == code and "Traceback" not in said
    assert "written by a newer FiberQ (store version 99;" in said and "Install that version again" in said
    assert "99" == psql(dsn, "SELECT max(version) FROM fiberq.schema_version")


def test_a_store_of_another_form(own, tmp_path):
    """What an earlier FiberQ made becomes what this one works with, with all that is in it, before anybody is answered."""
    dsn = own.create()
    psql(
        dsn,
        "INSERT INTO fiberq.projects (name) VALUES ('Village');"
        "INSERT INTO fiberq.ftth_okna (project_id, naziv) VALUES (1, 'M-1');"
        "ALTER TABLE fiberq.ftth_okna DROP COLUMN napomena;"
        "ALTER TABLE fiberq_history.ftth_okna_history DROP COLUMN napomena;"
        "DROP TRIGGER fiberq_update ON fiberq.ftth_okna;"
        "UPDATE fiberq.schema_version SET form = 'of an earlier FiberQ'",
    )
    with served(tmp_path, dsn):
        psql(dsn, "UPDATE fiberq.ftth_okna SET napomena = 'new' WHERE naziv = 'M-1'")

    assert "M-1|new|2" == psql(dsn, "SELECT naziv, napomena, fiberq_rev FROM fiberq.ftth_okna")
    assert "1|2" == psql(dsn, "SELECT fiberq_rev, until FROM fiberq_history.ftth_okna_history")
