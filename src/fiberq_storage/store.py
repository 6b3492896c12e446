"""What all stores do beside their transactions: which module knows, and nothing of how it is asked."""

from collections.abc import Collection, Mapping, Sequence

from fiberq_core.inbox import Author
from fiberq_core.policy import Role
from fiberq_core.ports import Connections, Member, Page, Project, Sought
from fiberq_core.rows import Key, Stored
from fiberq_storage.peoplestore import PeopleStore
from fiberq_storage.reader import Measured


class AnsweringStore(PeopleStore):
    """`ports.Store` without `reading`, `unit` and `alive`."""

    def __init__(self) -> None:
        self._measured = Measured()

    async def create_project(
        self, name: str, description: str, *, uuid: str, by: Author, at: str, owner_role: Role | None
    ) -> Project:
        """Create a project; *by* becomes a member with *owner_role* where one is given. Raises: Conflict."""
        create = self.answers.projects.create
        return await self.write(create, name, description, uuid, by=by, at=at, owner_role=owner_role)

    async def projects(self, *, member: str | None, archived: bool = False) -> Sequence[Project]:
        """Projects of which *member* (or everyone) is a member; None: all. Archived ones only where asked for."""
        return await self.read(self.answers.projects.listed, member, archived=archived)

    async def project(self, project_id: int) -> Project:
        """One project. Raises: NotFound."""
        return await self.ask(self.answers.projects.get, project_id)

    async def update_project(self, project_id: int, changes: Mapping[str, str], *, by: Author, at: str) -> Project:
        """Change name, description, status or conflict_policy. Raises: NotFound, Invalid."""
        return await self.write(self.answers.projects.update, project_id, changes, by, at)

    async def members(self, project_id: int, *, anew: bool = False) -> Sequence[Member]:  # noqa: ARG002 (of stores that remember)
        """Who belongs to a project. Raises: NotFound."""
        return await self.read(self.answers.projects.members, project_id)

    async def set_member(self, project_id: int, member: Member, *, by: Author, at: str) -> None:
        """Add somebody or change their role. Raises: NotFound."""
        await self.write(self.answers.projects.set_member, project_id, member, by, at)

    async def remove_member(self, project_id: int, sub: str, *, by: Author, at: str) -> None:
        """Take somebody out. Raises: NotFound."""
        await self.write(self.answers.projects.remove_member, project_id, sub, by, at)

    async def find_receipt(self, sync_id: str) -> tuple[int, Author, Mapping[str, object], int]:
        """Project, author, receipt and revision of an upload. Raises: NotFound."""
        return await self.ask(self.answers.synclog.find_receipt, sync_id)

    async def save_export(self, export_id: str, project_id: int, revision: int, *, by: Author, at: str) -> None:
        """Remember a download. The same export may be saved again."""
        await self.write(self.answers.synclog.save_export, export_id, project_id, revision, by=by, at=at)

    async def find_export(self, export_id: str) -> tuple[int, int, Author] | None:
        """Project, revision and taker of an export; None if it is not ours."""
        return await self.ask(self.answers.synclog.find_export, export_id)

    async def numbered(self, layer: str, number: int) -> tuple[int, Key]:
        """Project and key of the current row of *layer* with this number. Raises: NotFound."""
        return await self.read(self.answers.numbers.numbered, layer, number)

    async def sought(self, sought: Sought, limit: int, cursor: str | None) -> Page[tuple[int, Stored]]:
        """Current rows of several projects, in the order of their numbers. Raises: NotFound, Invalid."""
        return await self.read(self.answers.numbers.sought, sought, limit, cursor)

    async def photo_projects(self, name: str) -> Sequence[int]:
        """The projects that have a photo."""
        return await self.read(self.answers.photos.photo_projects, name)

    async def photos_known(self, names: Collection[str]) -> frozenset[str]:
        """Those of *names* that any project has."""
        return await self.read(self.answers.photos.photos_known, names)

    async def open_items(self) -> int:
        """How many inbox items of all projects wait for a person. Raises: StoreUnavailable."""
        return await self.read(self.answers.inbox.open_items)

    def connections(self) -> Connections | None:
        """Those to a database; a store that has none says so."""
        return None

    async def digests_waiting(self) -> frozenset[str]:
        """The digests of uploads that an open inbox item refers to: those must be kept."""
        return await self.read(self.answers.inbox.digests_waiting)
