"""One writing transaction on one project."""

from collections.abc import Mapping

from fiberq_core.ports import Applied, Changeset, Upload
from fiberq_storage.postgis import apply, statistics, synclog
from fiberq_storage.postgis.connection import Session
from fiberq_storage.postgis.reader import PostgisReader
from fiberq_storage.postgis.scope import Scope


class PostgisUnit(PostgisReader):
    """`ports.Unit`: a reader that also writes; its store commits or rolls back."""

    def __init__(self, session: Session, scope: Scope) -> None:
        super().__init__(session, scope)
        self._changeset: Changeset | None = None
        self.grown: Mapping[str, int] = {}  # tables that got many rows, and how many

    async def apply(self, changeset: Changeset) -> Applied:
        """Write rows, history and inbox under the next revision; each call takes one. Raises: Conflict, StoreUnavailable."""
        self._changeset = changeset
        self._scope, applied = await self._ask(apply.apply, changeset)
        self.grown = {**self.grown, **statistics.grown(changeset.writes)}
        return applied

    async def save_upload(self, upload: Upload, revision: int) -> None:
        """Remember an upload, by the author and at the time of the last change set that was applied."""
        if self._changeset is None:
            raise RuntimeError("an upload is saved after its change set was applied")
        await self._ask(synclog.save_upload, upload, revision, self._changeset)

    async def save_answer(self, key: str, answer: Mapping[str, object]) -> None:
        """Remember the answer to an idempotency key. Raises: Conflict if there is one."""
        await self._ask(synclog.save_answer, key, answer)
