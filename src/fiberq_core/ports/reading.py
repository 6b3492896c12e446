"""Reading one project."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from fiberq_core.inbox import Item
from fiberq_core.ports.photos import PhotoReader
from fiberq_core.ports.values import EarlierUpload, Page, Project, Revision, Sync, Version
from fiberq_core.rows import Key, Stored


class Reader(PhotoReader, Protocol):
    """One project in one consistent snapshot."""

    @property
    def project(self) -> Project:
        """The project, at the snapshot's revision."""
        ...

    async def rows(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """The current rows among *keys*."""
        ...

    async def locate(self, uuids: Collection[str]) -> Mapping[str, Stored]:
        """For each uuid that the project knows or ever knew, in any layer, its newest version (for a deleted row, its last)."""
        ...

    async def versions(self, wanted: Mapping[Key, int]) -> Mapping[Key, Stored]:
        """Each key's version that was current at the wanted revision; keys that were not there then are left out."""
        ...

    async def history(self, key: Key) -> Sequence[Version]:
        """All versions of a row, newest first; deletions are versions too."""
        ...

    async def written_at(self, revision: int) -> Sequence[Version]:
        """All that the transaction of *revision* did to rows."""
        ...

    async def referring(self, keys: Collection[Key]) -> Sequence[Stored]:
        """The current rows that refer to any of *keys*, through any reference of the registry."""
        ...

    async def claimants(self, claims: Collection[str]) -> Mapping[str, Key]:
        """Who holds each of *claims* (see `fibre.claims_of`); free ones are left out."""
        ...

    async def appeared_since(self, layer: str, revision: int) -> Sequence[Stored]:
        """The current rows of *layer* that were not there at *revision*."""
        ...

    async def revisions(self, numbers: Collection[int]) -> Mapping[int, Revision]:
        """Who made these revisions, when and how."""
        ...

    async def changes(self, since: int, limit: int, cursor: str | None) -> Page[Version]:
        """What happened to rows after revision *since*, oldest first."""
        ...

    async def features(
        self, layer: str, bbox: tuple[float, float, float, float] | None, limit: int, cursor: str | None
    ) -> Page[Stored]:
        """The current rows of *layer*, by fid. *bbox* is west, south, east, north in degrees."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """The number of current rows per layer."""
        ...

    async def extent(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north of all current rows, in degrees; None where nothing has a place."""
        ...

    async def cable_length(self) -> float:
        """Metres of all cables as they are drawn, on the ellipsoid."""
        ...

    async def extra_columns(self) -> Mapping[str, Mapping[str, str]]:
        """Unregistered columns by layer: name → type as the first file declared it."""
        ...

    async def items(self, state: str | None, limit: int, cursor: str | None) -> Page[Item]:
        """Inbox items, oldest first; *state* is open, decided or None for both."""
        ...

    async def item(self, item_id: str) -> Item:
        """One inbox item. Raises: NotFound."""
        ...

    async def known_items(self, item_ids: Collection[str]) -> frozenset[str]:
        """Those of *item_ids* that are in the inbox already, open or decided."""
        ...

    async def syncs(self, limit: int) -> Sequence[Sync]:
        """The most recent exchanges, newest first."""
        ...

    async def receipt_of_digest(self, digest: str) -> Mapping[str, object] | None:
        """The receipt of an upload of exactly these bytes, if there was one."""
        ...

    async def uploads_of(self, export_id: str) -> Sequence[EarlierUpload]:
        """The uploads that came from this export, oldest first."""
        ...

    async def keyed_answer(self, key: str) -> Mapping[str, object] | None:
        """What was answered to the request with this idempotency key, if it was here before."""
        ...
