"""Addresses that are good for a short while without a token, so that a page can show a photo with `<img>`.

An address says what it is for and until when, and carries the HMAC-SHA256 of both: without the server's secret nobody
can make one, or make one last. It is bound to the photo's name alone, and gives no other right.
"""

import hashlib
import hmac
import re
from typing import Final

from attrs import frozen

from fiberq_core.errors import Forbidden

PURPOSE: Final = b"fiberq photo address 1"  # so that no signature made for something else fits
EXPIRED: Final = "The address has expired; ask for the photo's address again"
FORGED: Final = "The address is not one that this server gave"

_MOMENT = re.compile(r"[1-9][0-9]{0,11}")


@frozen
class Signed:
    """What stands in the query of a signed address. *until* is epoch seconds."""

    until: int
    signature: str


def sign(secret: bytes, name: str, now: float, valid: int) -> Signed:
    """An address of *name* that is good for *valid* seconds from *now* on, and at most twice as long.

    All that are asked for within a while are the same, so that browsers find in their cache what they have.
    """
    until = (int(now) // valid + 2) * valid
    return Signed(until, _signature(secret, name, until))


def verify(secret: bytes, name: str, until: str, signature: str, now: float) -> None:
    """Insist that an address of *name* is ours and still good. Raises: Forbidden."""
    if not _MOMENT.fullmatch(until):
        raise Forbidden(FORGED)
    wanted = _signature(secret, name, int(until)).encode()
    if not hmac.compare_digest(wanted, signature.encode("utf-8", "replace")):
        raise Forbidden(FORGED)
    if now >= int(until):
        raise Forbidden(EXPIRED)


def _signature(secret: bytes, name: str, until: int) -> str:
    key = hmac.digest(secret, PURPOSE, hashlib.sha256)
    return hmac.new(key, f"{name}\n{until}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
