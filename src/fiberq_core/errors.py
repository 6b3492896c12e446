"""Everything FiberQ raises on purpose, as one tree.

    FiberqError
    ├── Unauthenticated            who are you?
    │   └── UnknownKey             signed with a key that the provider does not publish
    ├── KeysUnavailable            the identity provider cannot be asked
    ├── Forbidden                  we know you; you may not
    ├── NotFound                   it is not there, or not for you to know about
    ├── Conflict                   the world is in another state than the request assumes
    │   ├── WrongProject           a file of another project
    │   ├── Stale                  If-Match names a version that is no longer current
    │   └── Busy                   somebody else holds the data folder or the project
    │       └── GaveWay            nothing was done, so that somebody at the database could go on
    ├── PreconditionRequired       a write without If-Match
    ├── Invalid                    values that do not fit; lists every fault with its path
    │   ├── BadPackage             a file that cannot be believed as a GeoPackage
    │   └── BadPhoto               a file that cannot be believed as a photo
    ├── TooLarge                   over a stated limit
    └── StoreUnavailable           the store does not answer, is full or is read-only
        └── StoreMismatch          the store was written by another version of FiberQ

Nothing here knows of HTTP: `fiberq_aiohttp.problems` holds the status table.
Any other exception that leaves FiberQ is a bug of ours.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from attrs import frozen


@frozen
class Fault:
    """One thing that is wrong: *path* says where, *message* what to do about it."""

    path: str
    message: str


class FiberqError(Exception):
    """Root of all we raise on purpose; never raised itself."""

    code: ClassVar[str] = "fiberq"
    title: ClassVar[str] = "FiberQ error"

    def facts(self) -> Mapping[str, object]:
        """What a client may act on. Published as is, so nothing secret."""
        return {}


class Unauthenticated(FiberqError):
    """The caller has not shown who they are."""

    code, title = "unauthenticated", "Sign in first"


class UnknownKey(Unauthenticated):
    """The token names a signing key that the provider does not publish."""

    code, title = "unknown-key", "The token is signed with an unknown key"


class KeysUnavailable(FiberqError):
    """The provider's keys are too old to trust and cannot be fetched now."""

    code, title = "keys-unavailable", "The identity provider cannot be reached"


class Forbidden(FiberqError):
    """The caller is known and may not do this."""

    code, title = "forbidden", "Your role does not allow this"


class NotFound(FiberqError):
    """There is no such thing, or none that the caller may know about."""

    code, title = "not-found", "There is no such thing here"


class Conflict(FiberqError):
    """The request assumes a state that the store is not in."""

    code, title = "conflict", "The request does not fit the current state"


class WrongProject(Conflict):
    """The file was exported from another project."""

    code, title = "wrong-project", "This file belongs to another project"


class Stale(Conflict):
    """`If-Match` names a version that is no longer current."""

    code, title = "stale", "Somebody changed this in the meantime"

    def __init__(self, message: str, current: Mapping[str, object]) -> None:
        super().__init__(message)
        self.current = current

    def facts(self) -> Mapping[str, object]:
        """The current state, so that the client can merge and try again."""
        return {"current": self.current}


class Busy(Conflict):
    """Another process or request holds what this one needs. *holder* says who, for people."""

    code, title = "busy", "Somebody else is at work here"

    def __init__(self, message: str, holder: str = "") -> None:
        super().__init__(message)
        self.holder = holder

    def facts(self) -> Mapping[str, object]:
        """Who is waited for, where that is known."""
        return {"holder": self.holder} if self.holder else {}


class GaveWay(Busy):
    """Everything was taken back, so that somebody who changes the same rows can go on. Trying again may do."""

    code, title = "gave-way", "Somebody else is changing the same rows"


class PreconditionRequired(FiberqError):
    """A write must say which version it was made from."""

    code, title = "precondition-required", "Say which version you edited (If-Match)"


class Invalid(FiberqError):
    """Values that do not fit. Carries every fault, not only the first."""

    code, title = "invalid", "Some values do not fit"

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)

    def facts(self) -> Mapping[str, object]:
        """Every fault with its path."""
        return {"errors": [{"path": f.path, "message": f.message} for f in self.faults]} if self.faults else {}


class BadPackage(Invalid):
    """A file that cannot be believed as a GeoPackage; nothing of it was applied."""

    code, title = "bad-package", "The file is not a usable GeoPackage"


class BadPhoto(Invalid):
    """A file that cannot be believed as a photo; it was not kept."""

    code, title = "bad-photo", "The file is not a usable photo"


class TooLarge(FiberqError):
    """More than a stated limit."""

    code, title = "too-large", "That is more than this server takes"

    def __init__(self, message: str, limit: int) -> None:
        super().__init__(message)
        self.limit = limit

    def facts(self) -> Mapping[str, object]:
        """The limit, in the unit that the message names."""
        return {"limit": self.limit}


class StoreUnavailable(FiberqError):
    """The store does not answer, is full or cannot be written."""

    code, title = "store-unavailable", "The store cannot be used right now"


class StoreMismatch(StoreUnavailable):
    """The store was written by another version of FiberQ."""

    code, title = "store-mismatch", "The store belongs to another version of FiberQ"
