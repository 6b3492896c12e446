"""Closures, trays, splices and patches, as the old server and its clients know them."""

from collections.abc import Iterator, Mapping

from attrs import frozen

from fiberq_core.fibre.limits import CLOSURES as CLOSURE_LAYER
from fiberq_core.fibre.limits import ELEMENTS, places_of
from fiberq_core.fibre.places import PATCHES as PATCH_LAYER
from fiberq_core.fibre.places import SPLICES as SPLICE_LAYER
from fiberq_core.fibre.places import TRAYS as TRAY_LAYER
from fiberq_core.records.model import Field, Filter, Form, Parent, Place, Record, field, numbered
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.registry.shared import CABLES
from fiberq_core.rows import Row, Value, present

PLAN_PATH = "fiber-plan"


@frozen
class Pair:
    """How old clients name another row: *layer* and number (*fid*) in somebody's file; *uuid* is the truth."""

    uuid: str
    layer: str
    fid: str
    targets: tuple[str, ...]


def _side(side: str) -> Iterator[Field]:
    yield field(f"cable_{side}_uuid")
    yield field(f"cable_{side}_layer_id")
    yield field(f"cable_{side}_fid")
    yield field(f"cable_{side}_end")
    yield field(f"fiber_{side}_number")
    yield field(f"fiber_{side}_color")
    yield field(f"tube_{side}_number")
    yield field(f"tube_{side}_color")


CLOSURES = Record(
    "closure",
    CLOSURE_LAYER,
    (f"{PLAN_PATH}/closures",),
    (
        field("naziv", "name"),
        numbered("muf_fid", "muf_uuid"),
        field("closure_type", default="dome"),
        field("closure_model", default=""),
        field("tray_count", default=0),
        field("max_splices"),
        field("napomena", "note"),
    ),
    place=Place(GEOMETRY, ("geom",), pair=("lon", "lat")),
    newest_first=False,
)
TRAYS = Record(
    "tray of this closure",
    TRAY_LAYER,
    ("trays",),
    (
        numbered("closure_id", "closure_uuid"),
        field("tray_number"),
        field("tray_type", default="12F"),
        field("capacity"),
    ),
    parent=Parent(CLOSURE_LAYER, f"{PLAN_PATH}/closures", "closure_uuid"),
    newest_first=False,
)
SPLICES = Record(
    "splice",
    SPLICE_LAYER,
    (f"{PLAN_PATH}/splices",),
    (
        numbered("tray_id", "tray_uuid"),
        field("tray_uuid"),
        field("position_in_tray"),
        *_side("a"),
        *_side("b"),
        field("splice_type", default="fusion"),
        field("loss_db"),
        field("status", default="planned"),
        field("spliced_by_sub", writable=False),
        field("spliced_at", writable=False),
        field("notes", default=""),
    ),
    filters=(Filter("tray_id", "tray_uuid", form=Form.NUMBER), Filter("status", "status")),
    newest_first=False,
)
PATCHES = Record(
    "patch",
    PATCH_LAYER,
    (f"{PLAN_PATH}/patches",),
    (
        field("element_uuid"),
        field("element_layer_id"),
        field("element_fid"),
        field("port_number"),
        field("fiber_cable_uuid"),
        field("fiber_cable_layer_id"),
        field("fiber_cable_fid"),
        field("fiber_cable_end"),
        field("fiber_number"),
        field("fiber_color"),
        field("connector_type", default="SC/APC"),
        field("status", default="free"),
        numbered("connected_to_patch_id", "connected_to_uuid"),
    ),
    filters=(Filter("status", "status"),),
    newest_first=False,
)
PLAN_RECORDS = (CLOSURES, TRAYS)  # the routes of the other two know more than their rows (`routes/splicing.py`)
ELEMENT = Pair("element_uuid", "element_layer_id", "element_fid", (ELEMENTS,))
PAIRS: Mapping[str, tuple[Pair, ...]] = {
    SPLICE_LAYER: tuple(Pair(f"cable_{x}_uuid", f"cable_{x}_layer_id", f"cable_{x}_fid", CABLES) for x in "ab"),
    PATCH_LAYER: (ELEMENT, Pair("fiber_cable_uuid", "fiber_cable_layer_id", "fiber_cable_fid", CABLES)),
}
# the columns that follow from a cable and the number of its fibre: cable, number, colour, tube, colour of the tube
DERIVED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    SPLICE_LAYER: tuple(
        (f"cable_{x}_uuid", f"fiber_{x}_number", f"fiber_{x}_color", f"tube_{x}_number", f"tube_{x}_color")
        for x in "ab"
    ),
    PATCH_LAYER: (("fiber_cable_uuid", "fiber_number", "fiber_color"),),
}


def sized(now: Row | None, said: Mapping[str, Value | None]) -> Mapping[str, Value | None]:
    """What is said of a tray; a new one is as large as its type, unless its capacity is said."""
    if now is not None or said.get("capacity") is not None:
        return said
    return {**said, "capacity": places_of(Row(present(said))) or None}
