"""The SQL on the page about PostGIS runs, and the page knows every role."""

import re
from pathlib import Path

import pytest

from fiberq_storage.postgis.roles import ROLES
from tests.postgis.cluster import run_psql
from tests.postgis.databases import migrate
from tests.postgis.originals import fill

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto-postgis.md"
BLOCK = re.compile(r"^```sql\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.postgis
async def test_the_sql_on_the_page_runs_and_finds_something(bare_dsn: str) -> None:
    await migrate(fill(bare_dsn))
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    prepared = (
        "UPDATE fiberq.ftth_stubovi SET materijal = 'Steel' WHERE id = 1; DELETE FROM fiberq.ftth_stubovi WHERE id = 3;"
    )

    assert 0 == run_psql(bare_dsn, prepared).returncode and len(blocks) >= 7
    for block in blocks:
        done = run_psql(bare_dsn, block)
        assert 0 == done.returncode, done.stderr
        assert block.startswith("UPDATE") or done.stdout.strip(), block


def test_the_page_names_every_role() -> None:
    text = PAGE.read_text("utf-8")

    assert all(f"| `{role}` |" in text and f"CREATE ROLE {role} NOLOGIN;" in text for role in ROLES)
