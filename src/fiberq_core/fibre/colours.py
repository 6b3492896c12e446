"""How the fibres of a cable are numbered and coloured (TIA-598-C): tube, position in it, colours, stripes."""

import json
import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from fiberq_core.rows import Row

TIA_598_C = (
    "Blue", "Orange", "Green", "Brown", "Slate", "White", "Red", "Black", "Yellow", "Violet", "Rose", "Aqua",
)  # fmt: skip
MOST_FIBRES = 1152  # no cable has more
USUAL_TUBE = 12  # fibres in a tube where nobody says how many
_MODEL = re.compile(r"(?<!\d)(\d{1,3})\s*[xX×]\s*(\d{1,3})(?!\d)", re.ASCII)


def colour(position: int, palette: Sequence[str] = TIA_598_C) -> str:
    """The colour of the fibre or tube at *position* (1-based); after the last they begin again, with tracers."""
    return palette[(position - 1) % len(palette)]


@frozen
class Layout:
    """How the fibres of a cable lie: *fibres* in all (0: unknown), *per_tube* in each tube."""

    fibres: int
    per_tube: int


@frozen
class Strand:
    """Where a fibre lies in its cable. *tube_stripes* and *tracers* count the rounds of colours before this one."""

    tube: int
    tube_colour: str
    tube_stripes: int
    position: int
    colour: str
    tracers: int


def layout_of(cable: Row) -> Layout:
    """How the fibres of a cable lie, by what its row says."""
    total, tubes, per_tube = fibres_of(cable), _whole(cable, "broj_cevcica"), _whole(cable, "fibers_per_tube")
    if not per_tube:
        per_tube = -(-total // tubes) if tubes and total else USUAL_TUBE
    return Layout(total, per_tube)


def fibres_of(cable: Row) -> int:
    """How many fibres a cable has; 0 where that is not known.

    The plugin turns the model `4x6` into 4 tubes and 6 fibres, which is what one tube has.
    """
    total, said, tubes = (_whole(cable, name) for name in ("total_fibers", "broj_vlakana", "broj_cevcica"))
    if total:
        return total
    model = _MODEL.search(str(cable.get("tip_kabla") or ""))
    if model and tubes > 1 and 0 < said <= USUAL_TUBE:
        return int(model[1]) * int(model[2]) or said
    return said


def strand(layout: Layout, fibre: int, palette: Sequence[str] = TIA_598_C) -> Strand:
    """Where fibre number *fibre* (from 1 on) lies."""
    tube, position = (fibre - 1) // layout.per_tube + 1, (fibre - 1) % layout.per_tube + 1
    rounds = len(palette)
    return Strand(
        tube, colour(tube, palette), (tube - 1) // rounds, position, colour(position, palette), (position - 1) // rounds
    )


def palettes(catalogues: object) -> Mapping[str, tuple[str, ...]]:
    """The colours of a project's own catalogues by name, from the text of `color_catalog_json`; what is none is left out."""
    try:
        parsed = json.loads(catalogues) if isinstance(catalogues, str) else None
    except (ValueError, RecursionError):
        parsed = None
    listed = parsed.get("catalogs") if isinstance(parsed, Mapping) else None
    found = {}
    for catalogue in listed if isinstance(listed, list) else ():
        name, colours = _catalogue(catalogue)
        if name and colours:
            found[name] = colours
    return found


def _catalogue(catalogue: object) -> tuple[str, tuple[str, ...]]:
    if not isinstance(catalogue, Mapping):
        return "", ()
    listed = catalogue.get("colors")
    names = [c.get("name") for c in listed if isinstance(c, Mapping)] if isinstance(listed, list) else []
    return str(catalogue.get("name") or ""), tuple(n for n in names if isinstance(n, str) and n)


def _whole(row: Row, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
