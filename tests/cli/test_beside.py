"""Commands while somebody else writes to the store."""

from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest

from fiberq_aiohttp.cli.exits import Exit
from tests.cli.running import Terminal


@pytest.fixture
def writer(village: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[apsw.Connection]:
    """Somebody in a long transaction, and not much patience with them.

    With the library that the store uses: two libraries in one process do not see each other's locks.
    """
    monkeypatch.setattr("fiberq_storage.sqlite.connection.BUSY_MS", 50)
    with closing(apsw.Connection(str(village.data / "fiberq.db"))) as db:
        db.execute("BEGIN IMMEDIATE")
        yield db


def test_reading_does_not_wait(village: Terminal, writer: apsw.Connection) -> None:
    assert ["Selo"] == [project["name"] for project in village.get("project", "list")]
    assert [] == village.get("inbox", "list")["items"]


def test_writing_gives_up_in_words(village: Terminal, writer: apsw.Connection) -> None:
    """And works as soon as the other is done."""
    said = village("project", "archive", "1")

    assert (Exit.BUSY, "") == (said.code, said.out) and "try again" in said.err
    writer.execute("COMMIT")
    assert Exit.OK == village("project", "archive", "1").code
