"""The files that a store knows of, from its volumes into those of another."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from attrs import define, field

from fiberq_storage.files.volumes import Arrival, Volume

Volumes = Mapping[str, Volume]  # by what is in them: photos, uploads


@define
class Files:
    """The volumes of two stores. Those that both have in the same place stay."""

    source: Volumes
    target: Volumes
    _arrivals: dict[str, Arrival] = field(init=False, factory=dict)

    def copy(self) -> Mapping[str, int]:
        """Copy all files to where they will be; how many there are by volume.

        Raises: Conflict (something is in their way; nothing was copied then), StoreUnavailable.
        """
        moving = [name for name in self.source if self.source[name].address != self.target[name].address]
        self._arrivals = {name: self.target[name].arrival() for name in moving}
        for name, arrival in self._arrivals.items():
            arrival.take(self.source[name])
        return {name: len(volume.sizes()) for name, volume in self.source.items()}

    def place(self) -> None:
        """Let what was copied appear. Raises: StoreUnavailable."""
        for arrival in self._arrivals.values():
            arrival.place()

    def take_back(self) -> None:
        """Remove what was copied. Raises: StoreUnavailable."""
        for arrival in self._arrivals.values():
            arrival.take_back()


@contextmanager
def bringing(source: Volumes, target: Volumes) -> Iterator[Files]:
    """The files on their way; if the block fails, the target's volumes are as before."""
    files = Files(source, target)
    try:
        yield files
    except BaseException:
        files.take_back()
        raise
