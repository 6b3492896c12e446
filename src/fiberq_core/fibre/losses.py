"""What light loses on its way: typical figures, where they come from, and which one counts.

A measured value always wins; then what a cable's own data say; then the figures of the table, which a caller may
replace. Where there is none the loss is unknown, and nobody pretends that it is nothing.
"""

from collections.abc import Mapping
from enum import Enum

from attrs import frozen

from fiberq_core.errors import Fault, Invalid
from fiberq_core.rows import Row

SINGLE_MODE = (1310, 1490, 1550, 1625)  # nm
MULTI_MODE = (850, 1300)
MOST_DB = 100.0


class Known(Enum):
    """How a loss is known."""

    MEASURED = "measured"
    GIVEN = "given"  # in the data of the very cable
    DEFAULT = "default"  # by the table
    UNKNOWN = "unknown"


@frozen
class Loss:
    """A loss in dB, and how it is known; None where it is not."""

    db: float | None
    known: Known


@frozen
class Figure:
    """A typical loss and the limit that it is planned with, in dB (fibre: dB/km), with where they are from."""

    typical: float
    limit: float
    source: str


NO_LOSS = Loss(None, Known.UNKNOWN)
PRACTICE = "general practice"
FIGURES: Mapping[str, Figure] = {
    "fibre_1310": Figure(0.35, 0.4, "limit: FOA loss budget calculator; typical: data sheets"),
    "fibre_1490": Figure(0.25, 0.3, PRACTICE),
    "fibre_1550": Figure(0.22, 0.3, "FOA loss budget calculator (0.2), data sheets"),
    "fibre_1625": Figure(0.25, 0.3, PRACTICE),
    "fibre_850": Figure(3.0, 3.5, "FOA, multimode"),
    "fibre_1300": Figure(0.8, 1.5, "FOA, multimode"),
    "fusion": Figure(0.1, 0.15, "FOA loss budget"),
    "mechanical": Figure(0.2, 0.5, PRACTICE),
    "connector": Figure(0.3, 0.5, "FOA loss budget, a mated pair"),
    "splitter_2": Figure(3.7, 4.2, PRACTICE),
    "splitter_4": Figure(7.2, 7.8, PRACTICE),
    "splitter_8": Figure(10.5, 11.2, PRACTICE),
    "splitter_16": Figure(13.7, 14.5, PRACTICE),
    "splitter_32": Figure(17.0, 18.0, PRACTICE),
    "splitter_64": Figure(20.5, 21.5, PRACTICE),
}
Losses = Mapping[str, float]  # by the names of `FIGURES`: dB, of fibre dB/km
TYPICAL: Losses = {name: figure.typical for name, figure in FIGURES.items()}
LIMITS: Losses = {name: figure.limit for name, figure in FIGURES.items()}


def configured(changes: Mapping[str, str], losses: Losses = TYPICAL) -> Losses:
    """*losses*, but for what *changes* (name → number as text) says. Raises: Invalid, with every fault."""
    faults, found = [], dict(losses)
    for name, text in changes.items():
        number = _number(text)
        if name not in FIGURES or number is None:
            known = f"a number of dB from 0 to {MOST_DB:g}" if name in FIGURES else f"one of {', '.join(FIGURES)}"
            faults.append(Fault(name, f"must be {known}"))
        else:
            found[name] = number
    if faults:
        raise Invalid("These losses cannot be reckoned with", faults)
    return found


def measured(splice: Row) -> bool:
    """Whether somebody measured a splice: old clients write 0 for "not measured"."""
    loss = splice.get("loss_db")
    return isinstance(loss, float | int) and loss > 0


def splice_loss(splice: Row, losses: Losses) -> Loss:
    """The loss of a splice."""
    value = splice.get("loss_db")
    if measured(splice) and isinstance(value, float | int):
        return Loss(float(value), Known.MEASURED)
    return _default(str(splice.get("splice_type") or "fusion"), losses)


def connector_loss(losses: Losses) -> Loss:
    """The loss of the connectors at one port, a mated pair."""
    return _default("connector", losses)


def splitter_loss(ways: int, losses: Losses) -> Loss:
    """The loss from a splitter's input to one of *ways* outputs; of the next larger one where the table has none of these."""
    sizes = sorted(int(name.removeprefix("splitter_")) for name in FIGURES if name.startswith("splitter_"))
    size = next((s for s in sizes if s >= ways), None)
    return _default(f"splitter_{size}", losses) if ways > 0 else NO_LOSS


def cable_loss(cable: Row, length_m: float | None, wavelength: int, losses: Losses) -> Loss:
    """The loss of *length_m* of a cable at *wavelength* (nm)."""
    own = cable.get("slabljenje_dbkm")
    if length_m is None:
        return NO_LOSS
    if isinstance(own, float | int) and own > 0:
        return Loss(own * length_m / 1000, Known.GIVEN)
    if wavelength not in wavelengths_of(cable):
        return NO_LOSS
    per_km = _default(f"fibre_{wavelength}", losses)
    return per_km if per_km.db is None else Loss(per_km.db * length_m / 1000, Known.DEFAULT)


def wavelengths_of(cable: Row) -> tuple[int, ...]:
    """The wavelengths (nm) for which a cable's kind of fibre is made; single mode where nobody says."""
    return MULTI_MODE if cable.get("vrsta_vlakana") == "MM" else SINGLE_MODE


def _default(name: str, losses: Losses) -> Loss:
    found = losses.get(name)
    return NO_LOSS if found is None else Loss(found, Known.DEFAULT)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number <= MOST_DB else None
