"""The PostgreSQL of the tests: fresh databases, and a server that dies and comes back as real ones do."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgis.cluster import DURABLE, Cluster, children, psql, psql_says, running

pytestmark = pytest.mark.postgis

TABLE = "CREATE TABLE poles (id int)"


@pytest.fixture(scope="module")
def durable() -> Iterator[Cluster]:
    """A server with PostgreSQL's own settings."""
    with running(DURABLE) as cluster:
        yield cluster


def test_each_database_is_new_and_has_an_empty_store(databases, dsn):
    psql(dsn, TABLE)
    other = databases.create()

    assert "f" == psql(other, "SELECT to_regclass('poles') IS NOT NULL")
    assert psql(other, "SELECT postgis_version()").startswith("3.")
    assert "0" == psql(other, "SELECT count(*) FROM fiberq.projects")

    databases.drop(other)

    assert psql_says(other, "SELECT 1") is None


def test_a_bare_database_has_postgis_alone(bare_dsn):
    assert psql(bare_dsn, "SELECT postgis_version()").startswith("3.")
    assert "f" == psql(bare_dsn, "SELECT to_regnamespace('fiberq') IS NOT NULL")


def test_what_was_committed_survives_kill_9(durable):
    psql(durable.dsn(), f"{TABLE}; INSERT INTO poles VALUES (1)")
    durable.kill()

    assert psql_says(durable.dsn(), "SELECT 1") is None

    durable.start()

    assert "1" == psql(durable.dsn(), "SELECT id FROM poles")
    assert "on" == psql(durable.dsn(), "SHOW fsync")


def test_it_stops_and_starts_with_other_settings(durable):
    durable.stop()
    durable.start(default_transaction_read_only="on")

    assert psql_says(durable.dsn(), "CREATE TABLE closures (id int)") is None

    durable.stop()
    durable.start()

    assert psql_says(durable.dsn(), "CREATE TABLE closures (id int)") is not None


def test_nothing_is_left_of_it():
    with running() as cluster:
        assert cluster.process is not None
        processes = [cluster.process.pid, *children(cluster.process.pid)]

    assert not cluster.folder.exists()
    assert [] == [pid for pid in processes if Path(f"/proc/{pid}").exists()]


@pytest.mark.skipif(os.geteuid() != 0, reason="asks whether root's tests give up their rights")
def test_it_does_not_run_as_root():
    with running() as cluster:
        assert cluster.process is not None
        assert 0 != Path(f"/proc/{cluster.process.pid}").stat().st_uid
