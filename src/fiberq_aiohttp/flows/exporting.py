"""A project on its way to somebody's device."""

import hashlib

from attrs import frozen

from fiberq_aiohttp.flows.access import actor_in, author_of, demand
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.inbox import Author
from fiberq_core.policy import Action, Actor
from fiberq_core.ports import Edition, Package, Project


@frozen
class Offer:
    """What *to* would get of a project now. Nothing is built for it."""

    project: Project
    to: Author
    edition: Edition

    @property
    def export_id(self) -> str:
        """The id of what is offered."""
        return export_id(self.to.sub, self.project.uuid, self.edition.revision, self.edition.made_at)

    @property
    def tag(self) -> str:
        """Stands for its content, in whatever bytes."""
        return f"{self.edition.revision}-{self.export_id[:12]}"

    @property
    def etag(self) -> str:
        """Stands for its bytes; a weak one where nobody knows them yet."""
        package = self.edition.package
        return f'"{self.tag}-{package.making}"' if package else f'W/"{self.tag}"'

    @property
    def filename(self) -> str:
        """What it is to be called."""
        return f"fiberq_project_{self.project.id}.gpkg"


@frozen
class Download:
    """A package on its way to one person. *export_id* goes where `Package.id_offset` says."""

    package: Package
    export_id: str
    etag: str
    filename: str


def export_id(subject: str, project: str, revision: int, made_at: str) -> str:
    """The id of what one person gets of a project at a revision: 32 hex characters, always the same.

    *made_at* is when the revision was made: a store that was restored from a backup counts its revisions again.
    """
    said = "\x1f".join(("export", subject, project, str(revision), made_at))
    return hashlib.sha256(said.encode()).hexdigest()[:32]


async def offer(ports: Ports, actor: Actor, project_id: int) -> Offer:
    """What a download would give now. Raises: NotFound, Forbidden, StoreUnavailable."""
    project, actor = await actor_in(ports, actor, project_id)
    demand(actor, Action.SYNC_PULL)
    return Offer(project, author_of(actor), await ports.packages.edition(project_id))


async def take(ports: Ports, offered: Offer) -> Download:
    """What was offered, or what is newer by now. Raises: NotFound, StoreUnavailable."""
    package = offered.edition.package or await ports.packages.export(offered.project.id)
    taken = Offer(offered.project, offered.to, Edition(package.revision, package.made_at, package))
    await remember(ports, taken)
    return Download(package, taken.export_id, taken.etag, taken.filename)


async def remember(ports: Ports, offered: Offer) -> None:
    """Know the export when it comes back. Who has it already may take it again at little cost."""
    name, revision = offered.export_id, offered.edition.revision
    if await ports.store.find_export(name) is None:
        await ports.store.save_export(name, offered.project.id, revision, by=offered.to, at=ports.now())


async def download(ports: Ports, actor: Actor, project_id: int) -> Download:
    """The project as a GeoPackage. Raises: NotFound, Forbidden, StoreUnavailable."""
    return await take(ports, await offer(ports, actor, project_id))
