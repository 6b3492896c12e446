"""How much there is room for: trays in a closure, splices in a tray, ports of an element, fibres in a cable."""

import re
from collections.abc import Callable, Mapping

from fiberq_core.fibre.colours import MOST_FIBRES, fibres_of
from fiberq_core.fibre.places import TRAYS
from fiberq_core.fibre.splitters import ports_of
from fiberq_core.registry import fibre, network
from fiberq_core.registry.shared import CABLES
from fiberq_core.rows import Row

CLOSURES, ELEMENTS = fibre.SPLICE_CLOSURES.name, network.ELEMENTS.name
_TRAY_TYPE = re.compile(r"\s*(\d{1,3})\s*F\s*", re.IGNORECASE | re.ASCII)


def trays_of(closure: Row) -> int:
    """How many trays a closure takes; 0 where that is not known."""
    return _whole(closure, "tray_count")


def places_of(tray: Row) -> int:
    """How many splices a tray takes: its capacity, else what its type (12F) says; 0 where that is not known."""
    match = _TRAY_TYPE.fullmatch(str(tray.get("tray_type") or ""))
    return _whole(tray, "capacity") or (int(match[1]) if match else 0)


def splices_of(closure: Row) -> int:
    """How many splices a closure takes; 0 where that is not known."""
    return _whole(closure, "max_splices")


# how many numbered things a row has room for, by its layer; 0 means that nobody knows
ROOM: Mapping[str, Callable[[Row], int]] = {
    CLOSURES: trays_of,
    TRAYS: places_of,
    ELEMENTS: ports_of,
    **dict.fromkeys(CABLES, fibres_of),
}
# the columns that say so
ROOM_COLUMNS: Mapping[str, frozenset[str]] = {
    CLOSURES: frozenset({"tray_count", "max_splices"}),
    TRAYS: frozenset({"capacity", "tray_type"}),
    ELEMENTS: frozenset({"kapacitet", "tip"}),
    **dict.fromkeys(CABLES, frozenset({"total_fibers", "broj_vlakana", "broj_cevcica", "tip_kabla"})),
}
# what there is room for, for a sentence: one of them, and many
THINGS = {"tray": "trays", "position": "splices", "port": "ports", "fibre": "fibres"}


def room(layer: str, row: Row) -> int:
    """How many numbered things a row of *layer* has room for; 0 where that is not known."""
    return ROOM[layer](row) if layer in ROOM else 0


def fits(layer: str, holder: Row, number: int) -> bool:
    """Whether *holder*, of *layer*, has a place with this *number*."""
    most = room(layer, holder) or (MOST_FIBRES if layer in CABLES else 0)
    return number >= 1 and (not most or number <= most)


def shrinks(layer: str, before: Row, after: Row) -> bool:
    """Whether a change leaves less room than there was."""
    pairs = [(ROOM[layer](before), ROOM[layer](after))] if layer in ROOM else []
    pairs += [(splices_of(before), splices_of(after))] if layer == CLOSURES else []
    return any(now and (not was or now < was) for was, now in pairs)


def _whole(row: Row, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
