"""A project in one transaction of PostGIS: every question runs on the database's own loop."""

from typing import Any, TypeVar

from fiberq_core.ports import Applied, Changeset
from fiberq_storage.postgis import (
    apply,
    audit,
    feed,
    inbox,
    numbers,
    people,
    photos,
    projects,
    rows,
    statistics,
    synclog,
    usage,
)
from fiberq_storage.postgis.connection import Connection, Session
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.reader import Answers, Function, Measured, StoreReader, StoreUnit

T = TypeVar("T")
ANSWERS = Answers(apply, audit, feed, inbox, numbers, people, photos, projects, rows, synclog, usage)


class PostgisReader(StoreReader):
    """`ports.Reader` in a session."""

    answers = ANSWERS

    def __init__(self, session: Session, scope: Scope, measured: Measured | None = None) -> None:
        super().__init__(scope, measured)
        self._session = session

    async def _ask(self, function: Function[T], *args: Any) -> T:
        async def work(_: Connection) -> Any:
            return await function(self._scope, *args)  # type: ignore[misc]  # those of this store are awaited

        found: T = await self._session.run(work)
        return found


class PostgisUnit(PostgisReader, StoreUnit):
    """`ports.Unit` in a session; *grown* says which tables got many rows, and how many."""

    def __init__(self, session: Session, scope: Scope) -> None:
        super().__init__(session, scope)
        self.grown: dict[str, int] = {}

    async def apply(self, changeset: Changeset) -> Applied:
        """Write rows, history and inbox under the next revision; each call takes one. Raises: Conflict, StoreUnavailable."""
        applied = await super().apply(changeset)
        self.grown |= statistics.grown(changeset.writes)
        return applied
