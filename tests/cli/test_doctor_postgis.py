"""`fiberq doctor`, `backup` and `restore` where the store lies in PostgreSQL."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from fiberq_aiohttp.cli.exits import Exit
from fiberq_storage.postgis import Settings, inspecting
from fiberq_storage.postgis.builders import MOST
from fiberq_storage.postgis.migrate import STEPS
from tests.cli.running import Terminal
from tests.postgis.bouncer import bouncing
from tests.postgis.cluster import BIN, free_port, psql, psql_says
from tests.postgis.databases import Databases

pytestmark = pytest.mark.postgis

SECRET = "tulip-9341"


def states(fq: Terminal, url: str, **env: str) -> Mapping[str, list[Any]]:
    """What the doctor says, by what it looked at."""
    said = fq("doctor", "--dev", "--json", DATABASE_URL=url, **env)
    assert (urlsplit(url).password or SECRET) not in said.out + said.err
    found = {f["what"]: [f["state"], f["found"], f["do"]] for f in said.json}
    assert (Exit.REFUSED if "wrong" in {state for state, _, _ in found.values()} else Exit.OK) == said.code
    assert all(do for state, _, do in found.values() if state != "ok")
    return found


@pytest.fixture
def somebody(databases: Databases) -> Iterator[Callable[..., str]]:
    """Makes a database user, perhaps with roles, and the address by which they come."""
    made = []

    def make(dsn: str, *roles: str, limit: int = -1) -> str:
        name = f"somebody_{time.monotonic_ns()}"
        psql(databases.server, f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}' CONNECTION LIMIT {limit}")
        made.append(name)
        for role in roles:
            psql(databases.server, f"GRANT {role} TO {name}")
        return with_user(dsn, name)

    yield make
    for name in made:
        psql(databases.server, f"DROP ROLE {name}")


def with_user(dsn: str, name: str, password: str = SECRET) -> str:
    """The address, for somebody else."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(netloc=f"{name}:{password}@{parts.hostname}:{parts.port}"))


def test_a_healthy_database(fq: Terminal, dsn: str, somebody) -> None:
    found = states(fq, somebody(dsn, "fiberq_server"))

    assert {"ok"} == {state for what, (state, _, _) in found.items() if what != "durability"}
    assert "PostgreSQL" in found["database"][1] and "PostGIS" in found["database"][1]
    assert found["store"][1].startswith(f"version {len(STEPS)}, 0 projects")
    assert "may not change tables" in found["database user"][1]


def test_the_doctor_changes_nothing(fq: Terminal, bare_dsn: str) -> None:
    found = states(fq, bare_dsn)

    assert ["ok", f"the schema fiberq has none yet; version {len(STEPS)} is made at the first start", ""] == found[
        "store"
    ]
    assert "0" == psql(bare_dsn, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'fiberq%'")


def test_a_superuser_is_more_than_a_server_needs(fq: Terminal, dsn: str) -> None:
    assert "note" == states(fq, dsn)["database user"][0]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda parts: {"netloc": f"127.0.0.1:{free_port()}"}, "nobody answers"),
        (lambda parts: {"netloc": "nowhere.invalid"}, "nobody answers"),
        (lambda parts: {"path": "/nothing_here"}, "no database of this name"),
        (lambda parts: {"netloc": parts.netloc.replace(parts.password, SECRET)}, "refuses this user or password"),
        (lambda parts: {"query": "sslmode=perhaps"}, "not understood"),
        (lambda parts: {"query": "sslmode=require"}, "hangs up"),
    ],
    ids=["port", "host", "database", "password", "mode", "no TLS"],
)
def test_why_it_cannot_be_reached(fq: Terminal, dsn: str, change, words: str) -> None:
    parts = urlsplit(dsn)
    found = states(fq, urlunsplit(parts._replace(**change(parts))))

    assert "wrong" == found["database"][0] and words in found["database"][1]


@pytest.mark.parametrize(
    "statement, what, state, words",
    [
        ("INSERT INTO fiberq.schema_version VALUES (99, '')", "store", "wrong", "version 99; this FiberQ knows"),
        ("UPDATE fiberq.schema_version SET form = 'older'", "store", "note", "the next start brings it"),
        ("ALTER TABLE fiberq.ftth_okna DISABLE TRIGGER fiberq_update", "triggers", "wrong", "ftth_okna: fiberq_update"),
        ("ALTER TABLE fiberq.ftth_okna ENABLE REPLICA TRIGGER fiberq_stamp", "triggers", "wrong", "ftth_okna"),
        ("DROP TRIGGER fiberq_delete ON fiberq.ftth_trase", "triggers", "wrong", "ftth_trase: fiberq_delete"),
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "database", "wrong", "read-only"),
    ],
    ids=["newer", "older", "disabled", "for replicas only", "dropped", "read-only"],
)
def test_what_is_amiss(fq: Terminal, dsn: str, statement: str, what: str, state: str, words: str) -> None:
    psql(dsn, statement.format(name=urlsplit(dsn).path[1:]))

    found = states(fq, dsn)[what]

    assert state == found[0] and words in found[1]


def test_rules_that_rows_from_before_may_break(fq: Terminal, dsn: str, somebody) -> None:
    """A rule that came when rows were there already is named until it is proven."""
    url, rule = somebody(dsn, "fiberq_server"), '"status is a known one"'
    assert ["ok", "all rows keep them", ""] == states(fq, url)["rules"]
    psql(
        dsn,
        f"ALTER TABLE fiberq.work_orders DROP CONSTRAINT {rule};"
        "INSERT INTO fiberq.projects (name) VALUES ('Village');"
        "INSERT INTO fiberq.work_orders (project_id, title, order_type, status) VALUES (1, 'T', 'repair', 'lost');"
        f"ALTER TABLE fiberq.work_orders ADD CONSTRAINT {rule} CHECK (status <> 'lost') NOT VALID",
    )

    found = states(fq, url)["rules"]

    assert "note" == found[0] and "work_orders: status is a known one" in found[1] and "VALIDATE" in found[2]
    assert psql_says(dsn, f"ALTER TABLE fiberq.work_orders VALIDATE CONSTRAINT {rule}") is None
    psql(dsn, f"DELETE FROM fiberq.work_orders; ALTER TABLE fiberq.work_orders VALIDATE CONSTRAINT {rule}")
    assert "ok" == states(fq, url)["rules"][0]


def test_every_trigger_of_a_layer_is_looked_at(dsn: str) -> None:
    sql = "SELECT DISTINCT tgname FROM pg_trigger WHERE tgrelid = 'fiberq.ftth_okna'::regclass AND NOT tgisinternal"

    assert set(inspecting.TRIGGERS) == set(psql(dsn, sql).split())


def test_a_user_without_rights(fq: Terminal, dsn: str, somebody) -> None:
    assert "may not even look" in states(fq, somebody(dsn))["database"][1]


def test_a_user_who_may_only_read(fq: Terminal, dsn: str, somebody) -> None:
    psql(dsn, "GRANT SELECT ON fiberq.schema_version TO fiberq_reader")
    found = states(fq, somebody(dsn, "fiberq_reader"))["database user"]

    assert "wrong" == found[0] and found[2].startswith('GRANT fiberq_server TO "somebody')


def test_a_server_that_may_not_bring_tables_to_their_form(fq: Terminal, dsn: str, somebody) -> None:
    psql(dsn, "UPDATE fiberq.schema_version SET form = 'older'")

    found = states(fq, somebody(dsn, "fiberq_server"))["store"]

    assert "wrong" == found[0] and "fiberq_owner" in found[2]


def test_a_user_who_may_make_no_tables(fq: Terminal, bare_dsn: str, somebody) -> None:
    assert "wrong" == states(fq, somebody(bare_dsn))["store"][0]


def test_fewer_connections_than_a_server_may_want(fq: Terminal, dsn: str, somebody) -> None:
    url = somebody(dsn, "fiberq_server", limit=2 * (2 + 1 + MOST))

    assert "note" == states(fq, url)["connections"][0]
    assert "room for 2" in states(fq, url, DB_POOL_MAX="2")["connections"][1]


def test_pgbouncer_that_is_not_there(fq: Terminal, dsn: str) -> None:
    found = states(fq, dsn, DB_PGBOUNCER="yes")["connections"]

    assert "note" == found[0] and "nothing stands between" in found[1]


@pytest.mark.pgbouncer
def test_pgbouncer_that_is_not_mentioned(fq: Terminal, dsn: str) -> None:
    with bouncing(dsn) as through:
        assert "note" == states(fq, through)["connections"][0]
        assert "ok" == states(fq, through, DB_PGBOUNCER="yes")["connections"][0]


async def test_clocks_that_differ(dsn: str) -> None:
    facts = await inspecting.inspect(Settings(dsn), lambda: time.time() - 100)

    assert not isinstance(facts, str)
    assert 95 < facts.clock_ahead < 105


def test_backup_and_restore(fq: Terminal, dsn: str, bare_dsn: str, tmp_path: Path) -> None:
    """By the same commands as without a database, into another one or into a folder; no password is said."""
    assert Exit.OK == fq("project", "create", "Selo", DATABASE_URL=dsn).code
    kept, folder = fq("backup", tmp_path / "kept", DATABASE_URL=dsn), Terminal(tmp_path / "folder")
    there = Terminal(tmp_path / "there")("restore", tmp_path / "kept", DATABASE_URL=bare_dsn)
    folder.ok("restore", tmp_path / "kept")

    assert (Exit.OK, Exit.OK) == (kept.code, there.code)
    assert "holds the store and 0 photos, 0 uploads" in kept.out and "The database and" in there.out
    assert all((urlsplit(address).password or SECRET) not in kept.out + there.out for address in (dsn, bare_dsn))
    assert ["Selo"] == [project["name"] for project in folder.get("project", "list")]
    assert "1 projects" in states(fq, bare_dsn)["store"][1]


def test_postgresqls_own_programs_make_one_too(
    fq: Terminal, dsn: str, bare_dsn: str, databases: Databases, tmp_path: Path
) -> None:
    """The dump comes back as a store in which history goes on."""
    assert Exit.OK == fq("project", "create", "Selo", DATABASE_URL=dsn).code
    psql(dsn, "INSERT INTO fiberq.ftth_okna (project_id, naziv, geom) SELECT 1, 'O-1', 'SRID=4326;POINT(21 44)'")
    dump, schemas = str(tmp_path / "fiberq.dump"), ["-n", "fiberq", "-n", "fiberq_history"]
    subprocess.run([str(BIN / "pg_dump"), "-Fc", *schemas, "-f", dump, "-d", dsn], check=True)

    subprocess.run([str(BIN / "pg_restore"), "-d", bare_dsn, dump], check=True)

    assert "1 projects" in states(fq, bare_dsn)["store"][1]
    psql(bare_dsn, "UPDATE fiberq.ftth_okna SET naziv = 'O-2'")
    assert "O-1|1|2" == psql(bare_dsn, "SELECT naziv, fiberq_rev, until FROM fiberq_history.ftth_okna_history")
