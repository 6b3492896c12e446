"""The stores that are measured, and projects in them."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from attrs import frozen

from bench.dataset import writes
from fiberq_aiohttp.wiring import new_uuid, now
from fiberq_core.changes import Source, Write
from fiberq_core.inbox import Author
from fiberq_core.policy import EVERYONE, Role
from fiberq_core.ports import Changeset, Member
from fiberq_core.rows import Key, Stored
from fiberq_storage import postgis, sqlite

BY = Author("bench", "Bench")
BATCH = 20_000  # rows in one transaction while filling
Store = sqlite.SqliteStore | postgis.PostgisStore


@frozen
class Place:
    """A store: its name in the table, its folder, and its database; the embedded store has none."""

    name: str
    folder: Path
    database: str | None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The store, beside a server that may be running on it."""
        if self.database is None:
            async with await sqlite.open_store(self.data) as embedded:
                yield embedded
        else:
            async with await postgis.open_store(postgis.Settings(self.database)) as store:
                yield store

    def fill(self, size: int, projects: int = 1) -> list[int]:
        """New projects with about *size* features each, of which everybody is a member."""
        return asyncio.run(self._fill(size, projects))

    def change(self, project: int, keys: list[Key], text: str) -> None:
        """Write *text* into the notes of some rows, as somebody at a desk would."""
        asyncio.run(self._change(project, keys, text))

    async def _fill(self, size: int, projects: int) -> list[int]:
        self.data.mkdir(exist_ok=True)
        made = []
        async with self.store() as store:
            for _ in range(projects):
                project = await store.create_project("Bench", "", uuid=new_uuid(), by=BY, at=now(), owner_role=None)
                await store.set_member(project.id, Member(EVERYONE, Role.ENGINEER), by=BY, at=now())
                for batch in batches(writes(size)):
                    await apply(store, project.id, batch)
                made.append(project.id)
        return made

    async def _change(self, project: int, keys: list[Key], text: str) -> None:
        async with self.store() as store:
            async with store.reading(project) as reader:
                rows = (await reader.rows(keys)).values()
            await apply(store, project, edits(rows, text))


def edits(rows: Iterable[Stored], text: str) -> tuple[Write, ...]:
    """*rows* with other notes."""
    return tuple(Write(row.key, row, row.row.with_values({"napomena": text})) for row in rows)


def batches(rows: Iterator[Write]) -> Iterator[tuple[Write, ...]]:
    """*rows*, so many at a time."""
    while batch := tuple(islice(rows, BATCH)):
        yield batch


async def apply(store: Store, project: int, written: tuple[Write, ...]) -> None:
    """One transaction."""
    async with store.unit(project) as unit:
        await unit.apply(Changeset(BY, now(), Source.REST, writes=written))
