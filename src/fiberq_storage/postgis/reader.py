"""A project in one consistent snapshot. Every question runs on the database's own loop."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from fiberq_core.inbox import Item
from fiberq_core.ports import EarlierUpload, Page, Project, Revision, Sync, Version
from fiberq_core.rows import Key, Stored
from fiberq_storage.postgis import feed, inbox, rows, synclog
from fiberq_storage.postgis.connection import Connection, Session
from fiberq_storage.postgis.rows import Box
from fiberq_storage.postgis.scope import Scope

P = ParamSpec("P")
T = TypeVar("T")
Extents = dict[int, tuple[int, Box | None]]  # by project: the revision and its box, which takes a second to find


class PostgisReader:
    """`ports.Reader`: answers from one open transaction."""

    def __init__(self, session: Session, scope: Scope, extents: Extents | None = None) -> None:
        """Read *scope* in *session*; *extents* are remembered across readers of what is committed."""
        self._session, self._scope = session, scope
        self._extents: Extents = {} if extents is None else extents

    @property
    def project(self) -> Project:
        """The project, at the snapshot's revision."""
        return self._scope.project

    async def rows(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """The current rows among *keys*."""
        return await self._ask(rows.rows, keys)

    async def locate(self, uuids: Collection[str]) -> Mapping[str, Stored]:
        """The newest version of each uuid that was ever here."""
        return await self._ask(rows.locate, uuids)

    async def versions(self, wanted: Mapping[Key, int]) -> Mapping[Key, Stored]:
        """Each key's version at the wanted revision."""
        return await self._ask(rows.versions, wanted)

    async def history(self, key: Key) -> Sequence[Version]:
        """All versions of a row, newest first."""
        return await self._ask(feed.history, key)

    async def written_at(self, revision: int) -> Sequence[Version]:
        """All that the transaction of *revision* did to rows."""
        return await self._ask(feed.written_at, revision)

    async def referring(self, keys: Collection[Key]) -> Sequence[Stored]:
        """The current rows that refer to any of *keys*."""
        return await self._ask(rows.referring, keys)

    async def claimants(self, claims: Collection[str]) -> Mapping[str, Key]:
        """Who holds each of *claims*."""
        return await self._ask(rows.claimants, claims)

    async def appeared_since(self, layer: str, revision: int) -> Sequence[Stored]:
        """The current rows of *layer* that were not there at *revision*. Raises: NotFound."""
        return await self._ask(rows.appeared_since, layer, revision)

    async def revisions(self, numbers: Collection[int]) -> Mapping[int, Revision]:
        """Who made these revisions, when and how."""
        return await self._ask(feed.revisions, numbers)

    async def changes(self, since: int, limit: int, cursor: str | None) -> Page[Version]:
        """What happened to rows after revision *since*, oldest first. Raises: Invalid."""
        return await self._ask(feed.changes, since, limit, cursor)

    async def features(self, layer: str, bbox: Box | None, limit: int, cursor: str | None) -> Page[Stored]:
        """The current rows of *layer*, by fid. Raises: NotFound, Invalid."""
        return await self._ask(rows.features, layer, bbox, limit, cursor)

    async def counts(self) -> Mapping[str, int]:
        """The number of current rows per layer."""
        return await self._ask(rows.counts)

    async def extent(self) -> Box | None:
        """The box around all current rows; None where nothing has a place."""
        project = self.project
        known = self._extents.get(project.id)
        if known is None or known[0] != project.revision:
            known = self._extents[project.id] = project.revision, await self._ask(rows.extent)
        return known[1]

    async def extra_columns(self) -> Mapping[str, Mapping[str, str]]:
        """Unregistered columns by layer: name → type."""
        return await self._ask(rows.extra_columns)

    async def items(self, state: str | None, limit: int, cursor: str | None) -> Page[Item]:
        """Inbox items, oldest first. Raises: Invalid."""
        return await self._ask(inbox.items, state, limit, cursor)

    async def item(self, item_id: str) -> Item:
        """One inbox item. Raises: NotFound."""
        return await self._ask(inbox.item, item_id)

    async def known_items(self, item_ids: Collection[str]) -> frozenset[str]:
        """Those of *item_ids* that are in the inbox already, open or decided."""
        return await self._ask(inbox.known_items, item_ids)

    async def syncs(self, limit: int) -> Sequence[Sync]:
        """The most recent exchanges, newest first."""
        return await self._ask(synclog.syncs, limit)

    async def receipt_of_digest(self, digest: str) -> Mapping[str, object] | None:
        """The receipt of an upload of exactly these bytes."""
        return await self._ask(synclog.receipt_of_digest, digest)

    async def uploads_of(self, export_id: str) -> Sequence[EarlierUpload]:
        """The uploads that came from this export, oldest first."""
        return await self._ask(synclog.uploads_of, export_id)

    async def keyed_answer(self, key: str) -> Mapping[str, object] | None:
        """What was answered to the request with this idempotency key."""
        return await self._ask(synclog.keyed_answer, key)

    async def _ask(
        self, function: Callable[Concatenate[Scope, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async def work(_: Connection) -> T:
            return await function(self._scope, *args, **kwargs)

        return await self._session.run(work)
