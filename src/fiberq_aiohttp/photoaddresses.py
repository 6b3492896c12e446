"""Signed addresses of photos: made for whoever was shown a photo, and looked at where one comes back."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from attrs import field, frozen
from yarl import URL

from fiberq_core.signing import sign, verify

SIGNATURE, UNTIL = "signature", "until"  # in the query


@frozen
class PhotoAddresses:
    """What makes them and knows them. *valid* is seconds; *clock* gives epoch seconds."""

    secret: bytes = field(repr=False)
    valid: int
    clock: Callable[[], float]

    def of(self, name: str) -> str:
        """An address of the photo, from the server's root on, that needs no token for a while."""
        signed = sign(self.secret, name, self.clock(), self.valid)
        query = {UNTIL: str(signed.until), SIGNATURE: signed.signature}
        return str(URL.build(path=f"/storage/photos/{name}", query=query))

    def with_address(self, photo: Mapping[str, Any]) -> dict[str, Any]:
        """A photo as JSON, with its address: null while it is awaited."""
        file = photo["file"]
        return {**photo, "url": None if file is None else self.of(file["name"])}

    def vouch(self, request: web.Request, name: str) -> bool:
        """Whether the request has a signed address of the photo; False: none at all. Raises: Forbidden (a bad one)."""
        query = request.query
        if SIGNATURE not in query and UNTIL not in query:
            return False
        verify(self.secret, name, query.get(UNTIL, ""), query.get(SIGNATURE, ""), self.clock())
        return True
