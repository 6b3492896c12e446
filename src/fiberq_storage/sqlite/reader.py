"""A project in one transaction of the embedded store: every question runs on the connection's own thread."""

from typing import Any, TypeVar

import apsw

from fiberq_storage.reader import Answers, Function, Measured, StoreReader, StoreUnit
from fiberq_storage.sqlite import apply, audit, feed, inbox, numbers, people, photos, projects, rows, synclog, usage
from fiberq_storage.sqlite.connection import Lane
from fiberq_storage.sqlite.scope import Scope

T = TypeVar("T")
ANSWERS = Answers(apply, audit, feed, inbox, numbers, people, photos, projects, rows, synclog, usage)


class SqliteReader(StoreReader):
    """`ports.Reader` on a lane."""

    answers = ANSWERS

    def __init__(self, lane: Lane, scope: Scope, measured: Measured | None = None) -> None:
        super().__init__(scope, measured)
        self._lane = lane

    async def _ask(self, function: Function[T], *args: Any) -> T:
        def work(_: apsw.Connection) -> Any:
            return function(self._scope, *args)

        found: T = await self._lane.run(work)
        return found


class SqliteUnit(SqliteReader, StoreUnit):
    """`ports.Unit` on a lane."""
