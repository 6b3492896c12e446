"""`ports.Holdings`: what a server holds of its projects, in its store and in its folders, and how a project goes."""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen

from fiberq_core.errors import NotFound
from fiberq_core.inbox import Author
from fiberq_core.photos import shelf
from fiberq_core.ports import Holding, PhotoVolume, Project, Purged, Usage
from fiberq_storage.files.disk import PART, disk_errors
from fiberq_storage.files.uploads import FILES, FileUploads
from fiberq_storage.moving.purging import Farewell, purge
from fiberq_storage.postgis.connection import Settings
from fiberq_storage.store import AnsweringStore

NOTHING = Holding()


@frozen
class StoreHoldings:
    """The store at *place*, and its files. *packages*: exports, in a folder for each project; *folder*: of purged ones."""

    store: AnsweringStore
    place: Path | Settings
    photos: PhotoVolume
    uploads: FileUploads
    packages: Path
    folder: Path

    async def usage(self) -> Sequence[Usage]:
        """What each project takes. Raises: StoreUnavailable."""
        held = await self.store.read(self.store.answers.usage.holdings)
        sent = await self._files(None, "uploads")
        projects = await self.store.projects(member=None, archived=True)
        return await asyncio.to_thread(lambda: [self._usage(project, held, sent[project.id]) for project in projects])

    async def purge(self, project: Project, *, by: Author, at: str) -> Purged:
        """Write a backup of an archived project, then remove everything of it. Raises: see `ports.Holdings`."""
        name = f"{project.id}-{project.uuid}-{at.replace(':', '').replace('.', '')}"
        detail = {"project": project.id, "uuid": project.uuid, "name": project.name}
        with disk_errors():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with TemporaryDirectory(suffix=PART, dir=self.folder) as there:
                files = await self._bring(project.id, Path(there, "files"))
                target = self.folder / name
                farewell = Farewell(project.id, target, Path(there, "store"), files, by, at, detail)
                records, kept = await asyncio.to_thread(purge, self.place, farewell)
            await asyncio.to_thread(shutil.rmtree, self.packages / project.uuid, ignore_errors=True)
        return Purged(name, {table: count for table, count in records.items() if count}, kept)

    async def _files(self, project_id: int | None, kind: str) -> Mapping[int, Sequence[str]]:
        """The names of the files of one kind, by project."""
        found: dict[int, list[str]] = defaultdict(list)
        files: Sequence[tuple[int, str, str]] = await self.store.read(self.store.answers.usage.files, project_id)
        for project, of, name in files:
            if of == kind:
                found[project].append(name)
        return found

    async def _bring(self, project_id: int, there: Path) -> Mapping[str, Path]:
        """Copies of the project's photos and raw uploads; what is no longer kept is left out."""
        folders = {"photos": there / "photos", "uploads": there / "uploads"}
        for folder in folders.values():
            folder.mkdir(parents=True)
        for name in (await self._files(project_id, "photos"))[project_id]:
            await self._bring_photo(name, folders["photos"])
        for digest in (await self._files(project_id, "uploads"))[project_id]:
            await asyncio.to_thread(self._bring_upload, digest, folders["uploads"])
        return folders

    async def _bring_photo(self, name: str, folder: Path) -> None:
        target = folder / shelf(name)
        try:
            pieces = self.photos.pieces(name)
            first = await anext(pieces, b"")
        except NotFound:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            file.write(first)
            async for piece in pieces:
                await asyncio.to_thread(file.write, piece)

    def _bring_upload(self, digest: str, folder: Path) -> None:
        kept = FileUploads(folder)
        for kind in FILES:
            source = Path(f"{self.uploads.path(digest)}{kind}")
            if source.exists():
                target = Path(f"{kept.path(digest)}{kind}")
                target.parent.mkdir(exist_ok=True)
                shutil.copy2(source, target)

    def _usage(self, project: Project, held: Mapping[str, Mapping[int, Holding]], digests: Iterable[str]) -> Usage:
        sent = [Path(f"{self.uploads.path(digest)}{kind}") for digest in set(digests) for kind in FILES]
        packages = [path for path in (self.packages / project.uuid).glob("*") if path.is_file()]
        rows, history, photos = (held[kind].get(project.id, NOTHING) for kind in ("rows", "history", "photos"))
        return Usage(project.id, rows, history, photos, _sizes(sent), _sizes(packages))


def _sizes(paths: Iterable[Path]) -> Holding:
    sizes = []
    for path in paths:
        try:
            sizes.append(path.stat().st_size)
        except OSError:
            continue  # pruned, or never there
    return Holding(len(sizes), sum(sizes))
