"""What all stores remember of people and of what they did, each question in a transaction of its own."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

from fiberq_core.inbox import Author
from fiberq_core.people import Person
from fiberq_core.ports import AuditQuery, Event, Happening, Page
from fiberq_core.tokens import Token
from fiberq_storage.reader import Answers, Function

T = TypeVar("T")


class PeopleStore(ABC):
    """`ports.People` and `ports.Audit`."""

    answers: Answers

    @abstractmethod
    async def read(self, function: Function[T], *args: Any, **kwargs: Any) -> T:
        """*function* of a connection in a snapshot of its own. Raises: StoreUnavailable, and as *function*."""

    @abstractmethod
    async def write(self, function: Function[T], *args: Any, **kwargs: Any) -> T:
        """*function* of a connection in a transaction of its own. Raises: StoreUnavailable, and as *function*."""

    async def ask(self, function: Function[T], *args: Any, **kwargs: Any) -> T:
        """A *function* of one statement; a store may have a shorter way for it. Raises: StoreUnavailable, and as *function*."""
        return await self.read(function, *args, **kwargs)

    async def saw(self, person: Person) -> None:
        """Remember a sign-in."""
        await self.write(self.answers.people.saw, person)

    async def people(self, limit: int, cursor: str | None) -> Page[Person]:
        """Everybody who ever signed in, in the order of their subjects. Raises: Invalid."""
        return await self.read(self.answers.people.people, limit, cursor)

    async def known_people(self, subs: Collection[str]) -> Mapping[str, Person]:
        """Those of *subs* who ever signed in."""
        return await self.read(self.answers.people.known_people, subs)

    async def save_token(self, token: Token, digest: str, *, by: Author, most: int) -> None:
        """Remember a new token by its digest. Raises: Conflict where its person has *most* that live."""
        await self.write(self.answers.people.save_token, token, digest, by=by, most=most)

    async def tokens(self, sub: str | None, limit: int, cursor: str | None) -> Page[Token]:
        """The tokens of somebody, or everybody's; newest first. Raises: Invalid."""
        return await self.read(self.answers.people.tokens, sub, limit, cursor)

    async def token(self, token_id: str) -> Token:
        """One token. Raises: NotFound."""
        return await self.read(self.answers.people.token, token_id)

    async def token_behind(self, digest: str) -> tuple[Token, Person | None]:
        """The token with this digest and its person, where they ever signed in. Raises: NotFound."""
        return await self.read(self.answers.people.token_behind, digest)

    async def revoke_token(self, token_id: str, *, by: Author, at: str) -> None:
        """End a token; one that was ended stays so. Raises: NotFound."""
        await self.write(self.answers.people.revoke_token, token_id, by=by, at=at)

    async def token_used(self, token_id: str, at: str) -> None:
        """Note that a token was used."""
        await self.write(self.answers.people.token_used, token_id, at)

    async def audit(self, query: AuditQuery, limit: int, cursor: str | None) -> Page[Event]:
        """The entries that *query* seeks, newest first. Raises: Invalid."""
        return await self.read(self.answers.audit.events, query, limit, cursor)

    async def last_upload(self, project_id: int) -> Happening | None:
        """The latest upload to a project, with how many features it brought."""
        return await self.read(self.answers.audit.last_upload, project_id)

    async def activity(self, project_id: int, before: str | None, limit: int) -> tuple[Sequence[Happening], bool]:
        """Uploads and what the audit says of a project from before a moment, newest first; whether there is more."""
        return await self.read(self.answers.audit.activity, project_id, before, limit)
