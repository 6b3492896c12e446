"""People, tokens and entries of the audit as records: the same columns in both stores."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fiberq_core.inbox import Author
from fiberq_core.people import Person, roles_of_text, roles_text
from fiberq_core.policy import Reach
from fiberq_core.ports import Event, Happening
from fiberq_core.tokens import Token
from fiberq_storage.rowjson import mapping_of

PERSON: Final = ("sub", "name", "email", "roles", "first_sign_in", "last_sign_in")
TOKEN: Final = ("id", "sub", "label", "reach", "created_at", "expires_at", "last_used_at", "revoked_at")
EVENT: Final = ("id", "project_id", "at", "by_sub", "by_name", "what", "detail")
INSTANTS: Final = frozenset("first_sign_in last_sign_in created_at expires_at last_used_at revoked_at at".split())

TOO_MANY: Final = "You have {} access tokens that are good; revoke one first"
UNKNOWN: Final = "There is no such access token"


def person_of(record: Sequence[Any]) -> Person:
    """A person from a record of `PERSON`."""
    sub, name, email, roles, first, last = record
    return Person(sub, name, email, roles_of_text(roles), first, last)


def person_record(person: Person) -> tuple[str, ...]:
    """A record of `PERSON`."""
    roles = roles_text(person.roles)
    return person.sub, person.name, person.email, roles, person.first_sign_in, person.last_sign_in


def token_of(record: Sequence[Any]) -> Token:
    """A token from a record of `TOKEN`."""
    number, sub, label, reach, created, expires, used, revoked = record
    return Token(number, sub, label, Reach(reach), created, expires, used, revoked)


def token_record(token: Token) -> tuple[str | None, ...]:
    """A record of `TOKEN`."""
    moments = token.created_at, token.expires_at, token.last_used_at, token.revoked_at
    return token.id, token.sub, token.label, token.reach.value, *moments


def token_detail(token: Token) -> Mapping[str, object]:
    """What the audit says of a token."""
    return {"token": token.id, "sub": token.sub, "label": token.label, "scope": token.reach.value}


def event_of(record: Sequence[Any]) -> Event:
    """An entry of the audit from a record of `EVENT`."""
    number, project, at, sub, name, what, detail = record
    return Event(number, project, at, Author(sub, name), what, mapping_of(detail))


def happening_of(record: Sequence[Any]) -> Happening:
    """Something that happened, from what, when, by whom (subject, name) and its detail as JSON."""
    what, at, sub, name, detail = record
    return Happening(what, at, Author(sub, name), mapping_of(detail))
