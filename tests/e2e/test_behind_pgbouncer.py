"""Two servers behind PgBouncer in transaction mode, where nothing lasts on a connection longer than a transaction."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.outages import Village, served, village
from tests.e2e.serverprocess import Server
from tests.postgis.bouncer import bouncing
from tests.postgis.cluster import psql
from tests.postgis.databases import Databases

pytestmark = [pytest.mark.postgis, pytest.mark.pgbouncer, pytest.mark.slow]

LISTENERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'"
LARGE = 26_000  # rows from which on a package is built in parts, by other processes


@pytest.fixture(scope="module")
def dsn(databases: Databases) -> Iterator[str]:
    """A database of these tests."""
    made = databases.create()
    yield made
    databases.drop(made)


@pytest.fixture(scope="module")
def servers(dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two servers on one database, with a folder each."""
    with bouncing(dsn) as through, ExitStack() as running:
        folders = [tmp_path_factory.mktemp(name) / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        one, two = (running.enter_context(served(f, through, DB_PGBOUNCER="yes", DB_POOL_MIN="4")) for f in folders)
        yield one, two


def test_a_day_of_two_servers(servers, dsn, tmp_path):
    """Uploads at both, at the same time; each repeats to one effect, and both servers give the same features."""
    one = village(servers[0], tmp_path)
    places = [one, Village(servers[1], one.project, tmp_path)]
    for day in range(3):
        works = [place.work(f"{day}-{n}") for n, place in enumerate(places)]
        for thread in [t for place, work in zip(places, works, strict=True) for t in place.sending(work)]:
            thread.join(60)
        assert [200, 200] == [work.answers[0][0] for work in works], [work.answers for work in works]
        for place, work in zip(
            reversed(places), works, strict=True
        ):  # the other server knows what was sent to this one
            assert work.answers[0] == place.send(work)

    assert {"P": 1, **{f"{day}-{n}": 50 for day in range(3) for n in range(2)}} == places[0].poles()
    assert places[0].poles() == places[1].poles()
    assert "0" == psql(dsn, LISTENERS)
    assert not any("Traceback" in server.log.read_text() for server in servers)


def test_nothing_is_remembered_where_nothing_is_heard(servers):
    """Whom one server takes out is out at the other at once."""
    elena, vuk = servers[0].token(), servers[1].token("field_worker", "vuk")
    _, project = servers[0].ask("POST", "/api/projects", b'{"name": "Village"}', token=elena)
    path = f"/api/projects/{project['id']}"
    for _ in range(3):
        assert 404 == servers[1].ask("GET", path, token=vuk)[0]
        servers[0].ask("POST", f"{path}/members", b'{"sub": "vuk", "role": "field_worker"}', token=elena)
        assert 200 == servers[1].ask("GET", path, token=vuk)[0]
        servers[0].ask("DELETE", f"{path}/members/vuk", token=elena)


def test_a_large_package_is_built_in_parts(servers, dsn, tmp_path):
    """Several connections see one snapshot through PgBouncer as well."""
    one = village(servers[0], tmp_path)
    psql(
        dsn,
        f"INSERT INTO fiberq.ftth_stubovi (project_id, naziv, geom) SELECT {one.project}, 'Q', 'SRID=4326;POINT(21 44)'"
        f" FROM generate_series(1, {LARGE})",
    )
    work = one.work("A")

    assert 200 == one.send(work)[0]
    assert {"P": 1, "Q": LARGE, "A": 50} == one.poles()
