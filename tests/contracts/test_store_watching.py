"""What a store says of itself: whether it can be worked with, what waits in it, its connections."""

import os
from pathlib import Path

import pytest

from fiberq_core.errors import StoreMismatch, StoreUnavailable
from fiberq_core.ports import Store
from fiberq_storage.sqlite.connection import FILE
from fiberq_storage.sqlite.store import open_store


async def test_a_store_that_is_well(store: Store) -> None:
    """It passes its own check, and nothing waits in an empty one."""
    await store.check()

    assert 0 == await store.open_items()


async def test_a_store_of_another_form(tmp_path: Path) -> None:
    """A file that another version has migrated meanwhile is not worked with."""
    async with await open_store(tmp_path) as store:
        await store.write(lambda db: db.execute("INSERT INTO schema_version (version) VALUES (99)"))
        with pytest.raises(StoreMismatch):
            await store.check()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write whatever it likes")
async def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    async with await open_store(tmp_path) as store:
        (tmp_path / FILE).chmod(0o400)
        with pytest.raises(StoreUnavailable):
            await store.check()
