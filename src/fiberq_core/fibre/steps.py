"""What a way through the network is made of: ports, cables, splices, jumpers, splitters; and how it ends."""

from enum import Enum

from attrs import frozen

from fiberq_core.fibre.lengths import Length
from fiberq_core.fibre.network import Fibre
from fiberq_core.rows import Stored


class Status(Enum):
    """How a way ends."""

    COMPLETE = "complete"  # at a port
    OPEN_END = "open_end"  # at a fibre, splice or port from which nothing is recorded
    LOOP = "loop"  # where it has been before
    AMBIGUOUS = "ambiguous"  # where several things are recorded and one can be true
    BROKEN = "broken"  # at a port, but a cable on the way is broken


@frozen
class Port:
    """A port, with its connector."""

    patch: Stored
    element: Stored | None


@frozen
class Break:
    """A break of a cable. *metres* are from where the way enters the cable; None where that is not known."""

    row: Stored
    metres: float | None


@frozen
class CableRun:
    """A fibre from one end of its cable to the other. *entered*: at its `from` or `to` end; None where nobody knows."""

    fibre: Fibre
    cable: Stored | None
    entered: str | None
    length: Length
    breaks: tuple[Break, ...] = ()


@frozen
class SplicePoint:
    """A splice. *entered*: on its side 0 (a) or 1 (b)."""

    splice: Stored
    entered: int
    tray: Stored | None
    closure: Stored | None


@frozen
class Jumper:
    """A cord from one port to another."""

    start: Stored
    end: Stored


@frozen
class Split:
    """A splitter, from the port *start* to the port *end*. *ways*: into how many it splits."""

    element: Stored
    start: Stored
    end: Stored
    ways: int


Step = Port | CableRun | SplicePoint | Jumper | Split


@frozen
class Leg:
    """A way without branches. *parent* is the leg (by its place in the trace) that it branches off from."""

    parent: int | None
    steps: tuple[Step, ...]
    status: Status
    reason: str = ""


@frozen
class Trace:
    """All ways from the port *start* on. The first leg begins there; without splitters there is no other."""

    start: Stored
    legs: tuple[Leg, ...]

    def way(self, leg: int) -> tuple[Step, ...]:
        """Every step from the start to the end of a leg, by its place in `legs`."""
        parts: list[tuple[Step, ...]] = []
        at: int | None = leg
        while at is not None:
            parts.append(self.legs[at].steps)
            at = self.legs[at].parent
        return tuple(step for part in reversed(parts) for step in part)

    @property
    def ends(self) -> tuple[int, ...]:
        """The legs that do not branch any further."""
        parents = {leg.parent for leg in self.legs}
        return tuple(n for n in range(len(self.legs)) if n not in parents)
