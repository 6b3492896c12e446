"""Who sent a token that was verified before: a bounded memory, so that a known token costs no second look at its signature.

Only tokens that were found good get in. They are kept as SHA-256 digests, never as they are, so nothing
in memory, in a log or in a dump can be sent to anybody as a token.
"""

import hashlib
from collections import OrderedDict

from attrs import define, field, frozen

from fiberq_core.policy import Actor

MOST = 10_000  # tokens; about a kilobyte each


@frozen
class Remembered:
    """The person behind a token, good from *since* to before *until* (seconds since the epoch)."""

    actor: Actor
    since: float
    until: float


def digest_of(token: str) -> bytes:
    """What *token* is known by. Any text has one, and no two have the same."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


@define
class TokenMemory:
    """At most *most* tokens; the one that was not used for longest makes room."""

    most: int = MOST
    _known: OrderedDict[bytes, Remembered] = field(factory=OrderedDict, init=False, repr=False)

    def find(self, digest: bytes, *, now: float) -> Actor | None:
        """Who sent the token; None where that must be looked at (again).

        Before *since* nothing is known: the clock was set back, and the token may be one from the future.
        """
        entry = self._known.get(digest)
        if entry is None or not entry.since <= now < entry.until:
            return None
        self._known.move_to_end(digest)
        return entry.actor

    def keep(self, digest: bytes, entry: Remembered) -> None:
        """Remember a token that was found good."""
        self._known[digest] = entry
        self._known.move_to_end(digest)
        while len(self._known) > self.most:
            self._known.popitem(last=False)

    def forget_all(self) -> None:
        """Look at every token anew."""
        self._known.clear()
