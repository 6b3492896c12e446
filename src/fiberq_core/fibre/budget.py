"""What a way costs: length, and loss per wavelength, step by step and in all; and what is odd about it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from attrs import frozen

from fiberq_core.fibre.colours import layout_of
from fiberq_core.fibre.lengths import LengthOf
from fiberq_core.fibre.losses import (
    NO_LOSS,
    SINGLE_MODE,
    Known,
    Loss,
    Losses,
    cable_loss,
    connector_loss,
    splice_loss,
    splitter_loss,
    wavelengths_of,
)
from fiberq_core.fibre.network import Network
from fiberq_core.fibre.steps import CableRun, Jumper, Port, SplicePoint, Split, Status, Step, Trace

SEVERITY = (Status.LOOP, Status.AMBIGUOUS, Status.BROKEN, Status.OPEN_END)
NOT_MADE = ("planned", None)


@frozen
class Total:
    """From the start to the end of a leg. What is not known is left out of the sums, and *_known* is False."""

    length_m: float = 0.0
    length_known: bool = True
    loss_db: Mapping[int, float] = {}  # by wavelength in nm
    loss_known: Mapping[int, bool] = {}


def wavelengths_for(trace: Trace) -> tuple[int, ...]:
    """The wavelengths (nm) that the cables of a trace are made for: those of its first cable."""
    steps = (step for leg in trace.legs for step in leg.steps)
    first = next((s.cable for s in steps if isinstance(s, CableRun) and s.cable), None)
    return wavelengths_of(first.row) if first else SINGLE_MODE


def loss_of(step: Step, wavelength: int, losses: Losses) -> Loss | None:
    """What a step loses at a wavelength (nm); None for a jumper, whose connectors are those of its ports."""
    match step:
        case Port():
            return connector_loss(losses)
        case CableRun():
            return cable_loss(step.cable.row, step.length.metres, wavelength, losses) if step.cable else NO_LOSS
        case SplicePoint():
            return splice_loss(step.splice.row, losses)
        case Split():
            return splitter_loss(step.ways, losses)
        case Jumper():
            return None


def totals(trace: Trace, wavelengths: Sequence[int], losses: Losses) -> tuple[Total, ...]:
    """The totals at the end of each leg, from the start on."""
    found: list[Total] = []
    nothing = Total(loss_db=dict.fromkeys(wavelengths, 0.0), loss_known=dict.fromkeys(wavelengths, True))
    for leg in trace.legs:
        total = nothing if leg.parent is None else found[leg.parent]
        for step in leg.steps:
            total = _plus(total, step, losses)
        found.append(total)
    return tuple(found)


def _plus(total: Total, step: Step, losses: Losses) -> Total:
    metres = step.length.metres if isinstance(step, CableRun) else 0.0
    found = {w: loss_of(step, w, losses) or Loss(0.0, Known.DEFAULT) for w in total.loss_db}
    return Total(
        total.length_m + (metres or 0.0),
        total.length_known and metres is not None,
        {w: db + (found[w].db or 0.0) for w, db in total.loss_db.items()},
        {w: known and found[w].db is not None for w, known in total.loss_known.items()},
    )


def status_of(trace: Trace) -> Status:
    """How a trace ends: complete where all its ends are, else the worst of them."""
    ends = {trace.legs[n].status for n in trace.ends}
    return next((status for status in SEVERITY if status in ends), Status.COMPLETE)


def breaks_of(trace: Trace, leg: int) -> Iterator[tuple[CableRun, int, float | None]]:
    """The breaks on the way to the end of a leg: the cable, which of its breaks, and metres from the start (None: unknown)."""
    before: float | None = 0.0
    for step in trace.way(leg):
        if not isinstance(step, CableRun):
            continue
        for n, found in enumerate(step.breaks):
            yield step, n, None if before is None or found.metres is None else before + found.metres
        before = None if before is None or step.length.metres is None else before + step.length.metres


def warnings_of(trace: Trace, network: Network) -> list[str]:
    """What a person should know about a trace, as sentences."""
    steps = [step for leg in trace.legs for step in leg.steps]
    words = network.words
    found = [sentence for step in steps for sentence in _odd(step, words.title)]
    planned = sum(isinstance(s, SplicePoint) and s.splice.row.get("status") in NOT_MADE for s in steps)
    if planned:
        found.append(f"{planned} of the splices on the way {'is' if planned == 1 else 'are'} planned, not made")
    start = trace.start
    if any(isinstance(s, CableRun) for s in steps[1:2]) and network.jumpers.get(start.key.uuid):
        other = words.whereabouts(network.rows[network.jumpers[start.key.uuid][0]].key)
        found.append(f"the port is also connected by a jumper to {other}; trace from there for the whole way")
    return list(dict.fromkeys(found))


def _odd(step: Step, title: Callable[[str, str], str]) -> Iterator[str]:
    if isinstance(step, SplicePoint) and step.splice.row.get("status") == "faulty":
        yield f"{title('', step.splice.key.uuid)} is faulty"
    if isinstance(step, Port) and step.patch.row.get("status") == "faulty":
        yield f"{title('', step.patch.key.uuid)} is faulty"
    if isinstance(step, Port) and step.element is None:
        yield "a port on the way belongs to an element that is not known here"
    if isinstance(step, CableRun) and step.cable is None:
        yield f"the cable {step.fibre.cable} is not known here, so its length and loss are not either"
    elif isinstance(step, CableRun) and step.cable is not None:
        yield from _odd_cable(step, title("", step.cable.key.uuid), layout_of(step.cable.row).fibres)


def _odd_cable(run: CableRun, name: str, fibres: int) -> Iterator[str]:
    if run.length.source is LengthOf.UNKNOWN:
        yield f"the length of {name} is not known"
    if 0 < fibres < run.fibre.number:
        yield f"{name} has {fibres} fibres, so it has no fibre {run.fibre.number}"
    for _ in run.breaks:
        yield f"{name} is broken"
