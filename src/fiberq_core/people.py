"""People: everybody who ever signed in, as their last token said it.

Who somebody is, and whether they may come in at all, is the identity provider's; here is remembered what it said.
Times are UTC, ISO 8601 with milliseconds and Z.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from fiberq_core.policy import Actor, Role

# Roles that later revisions of the original server give to members, and what those may do here. Their observers could
# only look, which no role here does: whoever adds one must decide.
PROJECT_ROLES: Final[Mapping[str, Role]] = {"manager": Role.ENGINEER, "specialist": Role.FIELD_WORKER}


@frozen
class Person:
    """Somebody who has signed in; *roles* are those of the last token."""

    sub: str
    name: str
    email: str
    roles: frozenset[Role]
    first_sign_in: str
    last_sign_in: str


def person_of(actor: Actor) -> Person:
    """*actor* as their sign-in says it.

    It counts from when the provider issued its token, so that an old token, which may grant more, is not the last word.
    """
    at = datetime.fromtimestamp(actor.signed_in, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Person(actor.subject, actor.name, actor.email, actor.roles, at, at)


def roles_text(roles: frozenset[Role]) -> str:
    """Roles as the stores keep them: their names in the order of `Role`, by commas."""
    return ",".join(role.value for role in Role if role in roles)


def roles_of_text(text: str) -> frozenset[Role]:
    """Roles from `roles_text`."""
    return frozenset(Role(name) for name in text.split(",") if name)
