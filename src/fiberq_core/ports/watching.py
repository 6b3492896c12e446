"""How a store is, for whoever watches over the server."""

from typing import Protocol

from attrs import frozen


@frozen
class Connections:
    """Those of a pool: in use now, open, and as many as it may open."""

    used: int
    open: int
    most: int


class WatchedStore(Protocol):
    """What a store says of itself."""

    async def alive(self) -> bool:
        """Whether the store answers."""
        ...

    async def check(self) -> None:
        """Insist that the store can be read and written and has the form that this version works with.

        Raises: StoreUnavailable, StoreMismatch.
        """
        ...

    async def open_items(self) -> int:
        """How many inbox items of all projects wait for a person."""
        ...

    def connections(self) -> Connections | None:
        """Those to its database, where it has some."""
        ...
