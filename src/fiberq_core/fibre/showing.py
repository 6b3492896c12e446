"""Fibres as people name them: which cable, which tube, which colours. Colours follow from numbers, and are never typed."""

from typing import Any

from fiberq_core.fibre.colours import layout_of, strand
from fiberq_core.fibre.network import Fibre, Network
from fiberq_core.registry import LAYER
from fiberq_core.rows import Stored

Json = dict[str, Any]


def title(stored: Stored | None) -> str | None:
    """The name of a row, or what it is and its number."""
    if stored is None:
        return None
    named = LAYER[stored.key.layer].title
    return str((named and stored.row.get(named)) or f"{stored.key.layer} {stored.id}")


def fibre_json(fibre: Fibre | None, network: Network) -> Json:
    """A fibre, its cable, and where it lies in it."""
    cable = network.cable(fibre) if fibre else None
    at = strand(layout_of(cable.row), fibre.number, network.palette(cable.row)) if cable and fibre else None
    return {
        "cable": fibre.cable if fibre else None,
        "cable_uuid": cable.key.uuid if cable else None,
        "cable_id": cable.id if cable else None,
        "cable_fid": cable.fid if cable else None,
        "cable_layer": cable.key.layer if cable else None,
        "cable_name": title(cable),
        "fiber_number": fibre.number if fibre else None,
        "fiber_color": at.colour if at else None,
        "fiber_tracers": at.tracers if at else None,
        "tube_number": at.tube if at else None,
        "tube_color": at.tube_colour if at else None,
        "tube_stripes": at.tube_stripes if at else None,
        "position_in_tube": at.position if at else None,
    }
