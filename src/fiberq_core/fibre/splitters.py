"""Splitters: elements of type Splitter. Port 1 is the input, the ports after it are the outputs."""

from fiberq_core.rows import Row

TYPE = "Splitter"
INPUT = 1


def is_splitter(element: Row | None) -> bool:
    """Whether an element splits light."""
    return element is not None and element.get("tip") == TYPE


def ways_of(element: Row, outputs: int) -> int:
    """Into how many ways a splitter splits: its capacity, or where that is not known the *outputs* that are in use."""
    capacity = element.get("kapacitet")
    return capacity if isinstance(capacity, int) and capacity > 0 else outputs


def ports_of(element: Row) -> int:
    """How many ports an element has; 0 where that is not known. A splitter's capacity counts its outputs only."""
    capacity = element.get("kapacitet")
    if not isinstance(capacity, int) or isinstance(capacity, bool) or capacity <= 0:
        return 0
    return capacity + 1 if is_splitter(element) else capacity
