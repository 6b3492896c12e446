"""The shapes of the fibre plan: traces, paths, and what is in a closure."""

from typing import Final

from fiberq_aiohttp.openapi.operation import Parameter
from fiberq_aiohttp.openapi.shapes import (
    NUMBER,
    OBJECT,
    TEXT,
    WHOLE,
    YES_NO,
    Schema,
    Shape,
    list_of,
    maybe,
    one_of,
    partial,
    record,
)
from fiberq_core.fibre.losses import FIGURES, MULTI_MODE, SINGLE_MODE
from fiberq_core.fibre.steps import Status

_FIGURE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 100}
_STATUS: Final = one_of(*(status.value for status in Status))
_WAVES: Final = ", ".join(map(str, (*SINGLE_MODE, *MULTI_MODE)))

PLACE: Final = (
    Parameter("element_layer_id", "the layer of the element, as the client knows it"),
    Parameter("element_uuid", "the element, whatever number the address has", {**TEXT, "format": "uuid"}),
    Parameter("project_id", "the project of the element", dict(WHOLE)),
)
HOW: Final = (
    Parameter("wavelengths", f"in nm, with commas between: {_WAVES}"),
    Parameter("losses", "typical figures, or the limits that are planned with", one_of("typical", "limit")),
    *(
        Parameter(name, f"{figure.typical:g} dB unless said ({figure.source})", _FIGURE)
        for name, figure in FIGURES.items()
    ),
)

END: Final = Shape(
    "Port",
    record(
        patch_uuid=TEXT,
        patch_id=WHOLE,
        element_uuid=maybe(TEXT),
        element_id=maybe(WHOLE),
        element_fid=maybe(WHOLE),
        element_layer=maybe(TEXT),
        name=TEXT,
        port=WHOLE,
    ),
)
STEP: Final = Shape(
    "Step",
    {
        **partial(
            "type", "loss_db", "loss_source", "length_m", "loss",
            type=one_of("patch", "cable", "splice", "jumper", "splitter"), uuid=maybe(TEXT), id=maybe(WHOLE),
            from_id=WHOLE, to_id=WHOLE, cable_fid=maybe(WHOLE), fiber_num=WHOLE, fiber_number=WHOLE,
            length_m=maybe(NUMBER), loss_db=maybe(NUMBER), loss_source=maybe(TEXT), loss=OBJECT,
        ),
        "additionalProperties": True,  # what else there is depends on the type
        "description": "metres and dB; `loss_source` is measured, given, default or unknown; `loss` is by wavelength",
    },
)  # fmt: skip
_TOTALS: Final[dict[str, Schema | Shape]] = {
    "status": _STATUS,
    "reason": maybe(TEXT),
    "total_loss_db": NUMBER,
    "total_length_m": NUMBER,
    "totals": record(length_m=OBJECT, loss_db=OBJECT),
    "breaks": list_of(OBJECT),
}
_LEG: Final = record(leg=WHOLE, parent=maybe(WHOLE), end=maybe(END), **_TOTALS, segments=list_of(STEP))
_WHOLE: Final[dict[str, Schema | Shape]] = {
    "id": WHOLE,
    "path_name": TEXT,
    "olt_element_fid": maybe(WHOLE),
    "olt_port_number": WHOLE,
    "onu_element_fid": maybe(WHOLE),
    "onu_port_number": maybe(WHOLE),
    "start": END,
    "end": maybe(END),
    "wavelengths_nm": list_of(WHOLE),
    **_TOTALS,
    "path_segments": list_of(STEP),
    "warnings": list_of(TEXT),
}
TRACE: Final = Shape("Trace", record(**_WHOLE, segments=list_of(STEP), legs=list_of(_LEG)))
PATH: Final = Shape("FibrePath", record(**_WHOLE, project_id=WHOLE))

_SIDE: Final = record(
    cable=maybe(TEXT),
    cable_uuid=maybe(TEXT),
    cable_id=maybe(WHOLE),
    cable_fid=maybe(WHOLE),
    cable_layer=maybe(TEXT),
    cable_name=maybe(TEXT),
    **dict.fromkeys(("fiber_number", "fiber_tracers", "tube_number", "tube_stripes", "position_in_tube"), maybe(WHOLE)),
    **dict.fromkeys(("fiber_color", "tube_color"), maybe(TEXT)),
)
_POSITION: Final = partial(
    "position", "free",
    position=WHOLE, free=YES_NO, id=WHOLE, uuid=TEXT, a=_SIDE, b=_SIDE, loss_db=maybe(NUMBER), measured=YES_NO,
    status=maybe(TEXT), splice_type=maybe(TEXT), spliced_by_sub=maybe(TEXT), spliced_at=maybe(TEXT), notes=maybe(TEXT),
)  # fmt: skip
_TRAY: Final = record(
    id=WHOLE,
    uuid=TEXT,
    tray_number=maybe(WHOLE),
    tray_type=maybe(TEXT),
    capacity=maybe(WHOLE),
    splices=WHOLE,
    positions=list_of(_POSITION),
)
MATRIX: Final = Shape(
    "Matrix",
    record(
        id=WHOLE,
        uuid=TEXT,
        project_id=WHOLE,
        name=maybe(TEXT),
        closure_type=maybe(TEXT),
        tray_count=maybe(WHOLE),
        max_splices=maybe(WHOLE),
        splices=WHOLE,
        trays=list_of(_TRAY),
    ),
)
