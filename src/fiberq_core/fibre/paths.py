"""Every way from port to port that a project has: reckoned, never stored, so that none is ever out of date."""

from collections.abc import Sequence

from fiberq_core.fibre.network import Network, joint_of, port_of
from fiberq_core.fibre.places import PATCHES
from fiberq_core.fibre.report import Reckoning, path_json
from fiberq_core.fibre.showing import Json
from fiberq_core.fibre.splitters import is_splitter
from fiberq_core.fibre.steps import Port, Split, Status, Trace
from fiberq_core.fibre.tracing import trace
from fiberq_core.rows import Stored

HEADS = ("OLT", "ODF")  # where a way begins rather than ends, in this order
WHOLE = frozenset({Status.COMPLETE, Status.BROKEN})


def paths_from(rows: Sequence[Stored], how: Reckoning, after: int, limit: int) -> tuple[list[Json], int | None]:
    """The next *limit* ways of the network of *rows*, and the number of the patch after which more may come.

    Each way is there once, from its head end if it has one; through splitters from the subscriber's end, from where
    there is one way. They are in the order of the numbers of their first patches.
    """
    network, last = Network.of(rows), after
    starts = sorted((s for s in network.rows.values() if s.key.layer == PATCHES and s.id > after), key=lambda s: s.id)
    found: list[Json] = []
    for start in starts:
        if len(found) == limit:
            return found, last
        made = trace(network, start) if _is_end(network, start) else None
        if made is not None and _counts(network, made):
            found.append(path_json(network, made, how))
        last = start.id
    return found, None


def _is_end(network: Network, patch: Stored) -> bool:
    """Whether a way can end at a port: one thing is connected to it, and it is no splitter's."""
    element = network.element(patch)
    connected = (joint_of(patch, 0) is not None) + len(network.jumpers.get(patch.key.uuid, ()))
    return connected == 1 and not (element is not None and is_splitter(element.row))


def _counts(network: Network, made: Trace) -> bool:
    """Whether a trace is one way to another port, and the one of the two directions that is listed."""
    [leg, *more] = made.legs
    last = leg.steps[-1]
    if more or leg.status not in WHOLE or not isinstance(last, Port) or len(leg.steps) == 1:
        return False
    split = any(isinstance(step, Split) for step in leg.steps)
    return split or _rank(network, made.start) < _rank(network, last.patch)


def _rank(network: Network, patch: Stored) -> tuple[int, int, int]:
    element = network.element(patch)
    kind = element.row.get("tip") if element else None
    return (HEADS.index(str(kind)) if kind in HEADS else len(HEADS), patch.id, port_of(patch))
