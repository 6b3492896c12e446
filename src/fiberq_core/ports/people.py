"""People, their access tokens, and what was done to whom: what a store remembers beside the projects' data."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from attrs import frozen

from fiberq_core.inbox import Author
from fiberq_core.people import Person
from fiberq_core.ports.values import Page
from fiberq_core.tokens import Token


@frozen
class Event:
    """One entry of the audit. *project*: its number; None for what belongs to no project, or to one that is gone."""

    id: int
    project: int | None
    at: str
    by: Author
    what: str
    detail: Mapping[str, object]


@frozen
class AuditQuery:
    """Which entries of the audit are sought; None: any. *since* counts, *until* does not; *what* may end in a dot."""

    project: int | None = None
    person: str | None = None
    what: str | None = None
    since: str | None = None
    until: str | None = None


@frozen
class Happening:
    """Something that happened in a project, as its recent activity shows it: an upload, or an entry of the audit."""

    what: str
    at: str
    by: Author
    detail: Mapping[str, object]


class People(Protocol):
    """Everybody who ever signed in, and their tokens."""

    async def saw(self, person: Person) -> None:
        """Remember a sign-in. The first one that is known stays the first, the latest the last."""
        ...

    async def people(self, limit: int, cursor: str | None) -> Page[Person]:
        """Everybody, in the order of their subjects. Raises: Invalid."""
        ...

    async def known_people(self, subs: Collection[str]) -> Mapping[str, Person]:
        """Those of *subs* who ever signed in."""
        ...

    async def save_token(self, token: Token, digest: str, *, by: Author, most: int) -> None:
        """Remember a new token by its digest. Raises: Conflict where its person has *most* that live."""
        ...

    async def tokens(self, sub: str | None, limit: int, cursor: str | None) -> Page[Token]:
        """The tokens of somebody, or everybody's; newest first. Raises: Invalid."""
        ...

    async def token(self, token_id: str) -> Token:
        """One token. Raises: NotFound."""
        ...

    async def token_behind(self, digest: str) -> tuple[Token, Person | None]:
        """The token with this digest and its person, where they ever signed in. Raises: NotFound."""
        ...

    async def revoke_token(self, token_id: str, *, by: Author, at: str) -> None:
        """End a token; one that was ended stays so. Raises: NotFound."""
        ...

    async def token_used(self, token_id: str, at: str) -> None:
        """Note that a token was used."""
        ...


class Audit(Protocol):
    """Who did what to projects, members and tokens."""

    async def audit(self, query: AuditQuery, limit: int, cursor: str | None) -> Page[Event]:
        """The entries that *query* seeks, newest first. Raises: Invalid."""
        ...

    async def last_upload(self, project_id: int) -> Happening | None:
        """The latest upload to a project, with how many features it brought."""
        ...

    async def activity(self, project_id: int, before: str | None, limit: int) -> tuple[Sequence[Happening], bool]:
        """Uploads and what the audit says of a project from before a moment, newest first; whether there is more.

        A moment is never cut in two: the page may be longer than *limit*.
        """
        ...
