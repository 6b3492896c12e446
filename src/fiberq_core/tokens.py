"""Personal access tokens: for command lines and devices, which know no sign-in with a browser.

A token is `fq_` and 32 random bytes. The store keeps its SHA-256 and nothing else: what is drawn from 2²⁵⁶
cannot be guessed from its digest however fast digests are made, so that a slow hash, which protects what people
think up, would only make every request slow. Looking a digest up in an index tells a guesser nothing of use
either: how far a digest agrees says nothing of the secret it came from.

A token is never more powerful than its person: it has the roles of their last sign-in, and rests when
they have not signed in for a while, since whoever leaves a company is told to the identity provider, not to us.

Times are UTC, ISO 8601 with milliseconds and Z, in which later is greater.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from fiberq_core.errors import Unauthenticated
from fiberq_core.people import Person
from fiberq_core.policy import Actor, Reach

PREFIX: Final = "fq_"
SECRET_BYTES: Final = 32
USUAL_DAYS: Final = 90  # that a token lives, where nothing else is asked for
MOST_DAYS: Final = 366
MOST_TOKENS: Final = 50  # of one person, at a time
LONGEST_LABEL: Final = 200  # characters

REFUSED: Final = "This access token is unknown, expired or revoked; make a new one"
RESTING: Final = "The owner of this access token has not signed in for a long time; sign in once, and it works again"

_SHAPE = re.compile(r"fq_[A-Za-z0-9_-]{43}")


@frozen
class Token:
    """A personal access token of *sub*, as it is listed. The secret itself is kept nowhere."""

    id: str
    sub: str
    label: str
    reach: Reach
    created_at: str
    expires_at: str
    last_used_at: str | None = None  # to some ten minutes
    revoked_at: str | None = None


def is_personal(text: str) -> bool:
    """Whether a bearer token is one of ours, and none of the identity provider's."""
    return text.startswith(PREFIX)


def secret_of(randomness: bytes) -> str:
    """The token that is made of *randomness*, 32 random bytes."""
    if len(randomness) != SECRET_BYTES:
        raise ValueError("a token is made of 32 random bytes")
    return PREFIX + urlsafe_b64encode(randomness).decode().rstrip("=")


def digest_of_secret(text: str) -> str:
    """What a token is known by in the store: SHA-256, hex. Raises: Unauthenticated for what no token of ours looks like."""
    if not _SHAPE.fullmatch(text):
        raise Unauthenticated(REFUSED)
    return hashlib.sha256(text.encode()).hexdigest()


def expiry(now: str, days: int) -> str:
    """The moment *days* after *now*."""
    return later(now, timedelta(days=days))


def later(moment: str, by: timedelta) -> str:
    """The moment *by* after *moment*; before it, where *by* is negative."""
    then = datetime.fromisoformat(moment) + by
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def holder(token: Token, person: Person | None, *, now: str, absence_days: int) -> Actor:
    """Who sends *token*: its person, with the roles of their last sign-in, no further than the token reaches.

    *absence_days*: how long ago that may be. Raises: Unauthenticated.
    """
    if token.revoked_at is not None or now >= token.expires_at:
        raise Unauthenticated(REFUSED)
    if person is None or later(person.last_sign_in, timedelta(days=absence_days)) <= now:
        raise Unauthenticated(RESTING)
    return Actor(person.sub, person.roles, person.name, email=person.email, reach=token.reach, token=token.id)
