"""The fibre plan: places, numbers and colours, what may stand, and the way of light from port to port.

`places` says what only one row can have, `limits` what a tray, a closure, a port and a cable hold, `colours` how
fibres are numbered, `losses` and `lengths` what a way costs. `network` is a project's fibre tables in memory,
`tracing` follows a fibre through it, `report` puts what it finds into JSON, `matrix` shows what is in a closure.
"""

from fiberq_core.fibre.colours import TIA_598_C, colour
from fiberq_core.fibre.places import (
    PATCHES,
    PLACES,
    SIDES,
    SPLICES,
    TRAYS,
    Place,
    Use,
    claiming_columns,
    claims_of,
    place_of,
    uses_of,
)

__all__ = [
    "PATCHES",
    "PLACES",
    "SIDES",
    "SPLICES",
    "TIA_598_C",
    "TRAYS",
    "Place",
    "Use",
    "claiming_columns",
    "claims_of",
    "colour",
    "place_of",
    "uses_of",
]
