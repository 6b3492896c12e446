"""The places that a row takes, and the fibres that it uses.

A *place* is something that only one row can have: a tray's number in its closure, a splice's
position in its tray, an element's port, a fibre's end. A row's claims on places are plain text,
so that a store can keep them unique without knowing what they mean.
"""

from collections.abc import Iterator

from attrs import frozen

from fiberq_core.registry import fibre as layers
from fiberq_core.rows import Row

TRAYS, SPLICES, PATCHES = layers.SPLICE_TRAYS.name, layers.SPLICES.name, layers.PATCHES.name


@frozen
class Use:
    """One use of a fibre's end: which fibre of which cable, and at which end or else where (a tray, an element)."""

    cable: str
    fibre: int
    end: str | None
    at: str | None


@frozen
class Place:
    """A place that a row takes: *claim* is unique in a project; *owner* and *number* say what and where for people."""

    what: str  # tray, position, port
    owner: str
    number: int

    @property
    def claim(self) -> str:
        """The place as text."""
        return f"{self.what}|{self.owner}|{self.number}"


# what a row takes: layer → (kind of place, column of the thing it is in, column of the number)
PLACES = {
    TRAYS: ("tray", "closure_uuid", "tray_number"),
    SPLICES: ("position", "tray_uuid", "position_in_tray"),
    PATCHES: ("port", "element_uuid", "port_number"),
}

# which fibres a row uses: layer → (cable column, fibre column, end column, column of where)
SIDES = {
    SPLICES: (
        ("cable_a_uuid", "fiber_a_number", "cable_a_end", "tray_uuid"),
        ("cable_b_uuid", "fiber_b_number", "cable_b_end", "tray_uuid"),
    ),
    PATCHES: (("fiber_cable_uuid", "fiber_number", "fiber_cable_end", "element_uuid"),),
}


def place_of(layer: str, row: Row) -> Place | None:
    """The place that a row takes, if its layer has places and the row says which."""
    if layer not in PLACES:
        return None
    what, owner_column, number_column = PLACES[layer]
    owner, number = row.get(owner_column), row.get(number_column)
    return Place(what, owner, number) if isinstance(owner, str) and isinstance(number, int) else None


def uses_of(layer: str, row: Row) -> Iterator[Use]:
    """The fibre ends that a row uses; sides that do not name a known cable and a fibre are left out."""
    for cable_column, fibre_column, end_column, at_column in SIDES.get(layer, ()):
        cable, fibre = row.get(cable_column), row.get(fibre_column)
        end, at = row.get(end_column), row.get(at_column)
        if isinstance(cable, str) and isinstance(fibre, int):
            yield Use(cable, fibre, end if isinstance(end, str) else None, at if isinstance(at, str) else None)


def claims_of(layer: str, row: Row) -> tuple[str, ...]:
    """Everything that only this row may have, as text: its place, and fibre ends that are named (from, to)."""
    place = place_of(layer, row)
    ends = {f"fibre|{use.cable}|{use.fibre}|{use.end}" for use in uses_of(layer, row) if use.end}
    return (*([place.claim] if place else []), *sorted(ends))


def claiming_columns(layer: str) -> frozenset[str]:
    """The columns by which a row of *layer* takes places and fibres."""
    place = PLACES[layer][1:] if layer in PLACES else ()
    sides = (column for side in SIDES.get(layer, ()) for column in side)
    return frozenset((*place, *sides))
