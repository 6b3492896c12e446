"""What all stores answer of one project: which module knows, and nothing of how it is asked.

A store gives its modules (`Answers`) and says how one of their functions, of a scope, is run; the
contract suite holds each store's functions against the ports.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar, TypeVar

from attrs import define, field, frozen

from fiberq_core.inbox import Item
from fiberq_core.photos import KnownName, PhotoFile
from fiberq_core.ports import Applied, Changeset, EarlierUpload, Page, Project, Revision, Sync, Upload, Version
from fiberq_core.rows import Key, Stored

T = TypeVar("T")
Box = tuple[float, float, float, float]  # west, south, east, north, in degrees
Function = Callable[..., T | Awaitable[T]]


@define
class Measured:
    """What takes a second to find, by project: the revision that it is of, and what was found."""

    boxes: dict[int, tuple[int, Box | None]] = field(factory=dict)
    cables: dict[int, tuple[int, float]] = field(factory=dict)


@frozen
class Answers:
    """The modules of a store.

    The functions of `audit`, `numbers`, `people`, `projects` and `usage` take a connection, all others a scope first.
    """

    apply: ModuleType
    audit: ModuleType
    feed: ModuleType
    inbox: ModuleType
    numbers: ModuleType
    people: ModuleType
    photos: ModuleType
    projects: ModuleType
    rows: ModuleType
    synclog: ModuleType
    usage: ModuleType


class StoreReader(ABC):
    """`ports.Reader`: answers from one open transaction."""

    answers: ClassVar[Answers]

    def __init__(self, scope: Any, measured: Measured | None = None) -> None:
        """Read *scope*; what is *measured* is remembered across readers of what is committed."""
        self._scope = scope
        self._measured = measured or Measured()
        self._seen: dict[Key, Stored] = {}

    @abstractmethod
    async def _ask(self, function: Function[T], *args: Any) -> T:
        """*function* of the scope and *args*."""

    @property
    def project(self) -> Project:
        """The project, at the snapshot's revision."""
        project: Project = self._scope.project
        return project

    async def rows(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """The current rows among *keys*."""
        return await self._ask(self.answers.rows.rows, keys)

    async def locate(self, uuids: Collection[str]) -> Mapping[str, Stored]:
        """The newest version of each uuid that was ever here."""
        return await self._ask(self.answers.rows.locate, uuids)

    async def versions(self, wanted: Mapping[Key, int]) -> Mapping[Key, Stored]:
        """Each key's version at the wanted revision."""
        return await self._ask(self.answers.rows.versions, wanted)

    async def history(self, key: Key) -> Sequence[Version]:
        """All versions of a row, newest first."""
        return await self._ask(self.answers.feed.history, key)

    async def written_at(self, revision: int) -> Sequence[Version]:
        """All that the transaction of *revision* did to rows."""
        return await self._ask(self.answers.feed.written_at, revision)

    async def referring(self, keys: Collection[Key]) -> Sequence[Stored]:
        """The current rows that refer to any of *keys*."""
        return await self._ask(self.answers.rows.referring, keys)

    async def claimants(self, claims: Collection[str]) -> Mapping[str, Key]:
        """Who holds each of *claims*."""
        return await self._ask(self.answers.rows.claimants, claims)

    async def appeared_since(self, layer: str, revision: int) -> Sequence[Stored]:
        """The current rows of *layer* that were not there at *revision*. Raises: NotFound."""
        return await self._ask(self.answers.rows.appeared_since, layer, revision)

    async def revisions(self, numbers: Collection[int]) -> Mapping[int, Revision]:
        """Who made these revisions, when and how."""
        return await self._ask(self.answers.feed.revisions, numbers)

    async def changes(self, since: int, limit: int, cursor: str | None) -> Page[Version]:
        """What happened to rows after revision *since*, oldest first. Raises: Invalid."""
        return await self._ask(self.answers.feed.changes, since, limit, cursor)

    async def features(self, layer: str, bbox: Box | None, limit: int, cursor: str | None) -> Page[Stored]:
        """The current rows of *layer*, by fid. Raises: NotFound, Invalid."""
        return await self._ask(self.answers.rows.features, layer, bbox, limit, cursor)

    async def counts(self) -> Mapping[str, int]:
        """The number of current rows per layer."""
        return await self._ask(self.answers.rows.counts)

    async def extent(self) -> Box | None:
        """The box around all current rows; None where nothing has a place."""
        project, boxes = self.project, self._measured.boxes
        known = boxes.get(project.id)
        if known is None or known[0] != project.revision:
            known = boxes[project.id] = project.revision, await self._ask(self.answers.rows.extent)
        return known[1]

    async def cable_length(self) -> float:
        """Metres of all cables as they are drawn, on the ellipsoid."""
        project, cables = self.project, self._measured.cables
        known = cables.get(project.id)
        if known is None or known[0] != project.revision:
            known = cables[project.id] = project.revision, await self._ask(self.answers.rows.cable_length)
        return known[1]

    async def extra_columns(self) -> Mapping[str, Mapping[str, str]]:
        """Unregistered columns by layer: name → type."""
        return await self._ask(self.answers.rows.extra_columns)

    async def items(self, state: str | None, limit: int, cursor: str | None) -> Page[Item]:
        """Inbox items, oldest first. Raises: Invalid."""
        return await self._ask(self.answers.inbox.items, state, limit, cursor)

    async def item(self, item_id: str) -> Item:
        """One inbox item. Raises: NotFound."""
        return await self._ask(self.answers.inbox.item, item_id)

    async def known_items(self, item_ids: Collection[str]) -> frozenset[str]:
        """Those of *item_ids* that are in the inbox already, open or decided."""
        return await self._ask(self.answers.inbox.known_items, item_ids)

    async def syncs(self, limit: int) -> Sequence[Sync]:
        """The most recent exchanges, newest first."""
        return await self._ask(self.answers.synclog.syncs, limit)

    async def receipt_of_digest(self, digest: str) -> Mapping[str, object] | None:
        """The receipt of an upload of exactly these bytes."""
        return await self._ask(self.answers.synclog.receipt_of_digest, digest)

    async def uploads_of(self, export_id: str) -> Sequence[EarlierUpload]:
        """The uploads that came from this export, oldest first."""
        return await self._ask(self.answers.synclog.uploads_of, export_id)

    async def keyed_answer(self, key: str) -> Mapping[str, object] | None:
        """What was answered to the request with this idempotency key."""
        return await self._ask(self.answers.synclog.keyed_answer, key)

    async def photo_files(self, paths: Collection[str]) -> Mapping[str, PhotoFile]:
        """The photos that *paths* name."""
        return await self._ask(self.answers.photos.photo_files, paths)

    async def photo_rows(self, path: str) -> Sequence[Stored]:
        """The current rows that name a photo by exactly this path."""
        return await self._ask(self.answers.photos.photo_rows, path)

    async def photo_name(self, path: str) -> KnownName | None:
        """Which photo came under a path of a device."""
        return await self._ask(self.answers.photos.photo_name, path)

    async def photos_awaited(self, layer: str, limit: int, cursor: str | None) -> Page[Stored]:
        """The current rows of *layer* whose photo has not come, by fid. Raises: NotFound, Invalid."""
        return await self._ask(self.answers.photos.photos_awaited, layer, limit, cursor)


class StoreUnit(StoreReader):
    """`ports.Unit`: a reader that also writes; its store commits or rolls back."""

    _changeset: Changeset | None = None

    async def rows(self, keys: Collection[Key]) -> Mapping[Key, Stored]:
        """The current rows among *keys*. They stay as they are until `apply`: nobody else writes meanwhile."""
        unseen = [key for key in keys if key not in self._seen]
        if unseen:
            self._seen |= await super().rows(unseen)
        return {key: self._seen[key] for key in keys if key in self._seen}

    async def apply(self, changeset: Changeset) -> Applied:
        """Write rows, history and inbox under the next revision; each call takes one. Raises: Conflict, StoreUnavailable."""
        self._changeset, self._seen = changeset, {}
        done: tuple[Any, Applied] = await self._ask(self.answers.apply.apply, changeset)
        self._scope, applied = done
        return applied

    async def save_upload(self, upload: Upload, revision: int) -> None:
        """Remember an upload, by the author and at the time of the last change set that was applied."""
        if self._changeset is None:
            raise RuntimeError("an upload is saved after its change set was applied")
        await self._ask(self.answers.synclog.save_upload, upload, revision, self._changeset)

    async def save_answer(self, key: str, answer: Mapping[str, object]) -> None:
        """Remember the answer to an idempotency key. Raises: Conflict if there is one."""
        await self._ask(self.answers.synclog.save_answer, key, answer)

    async def save_photo(self, photo: PhotoFile) -> None:
        """Remember a photo that is in the volume; what is known of it already stays."""
        await self._ask(self.answers.photos.save_photo, photo)

    async def save_photo_name(self, name: KnownName, at: str) -> None:
        """Remember under which path a photo came."""
        await self._ask(self.answers.photos.save_photo_name, name, at)
