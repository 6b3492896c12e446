"""Follow light from a port through the network, to wherever it ends.

Theory: a fibre has two ends, and a row (splice or patch) that uses one leaves the other. So a fibre is always left
by the other of its joints than the one by which it was entered; a splice by its other side; a port by whatever is
connected to it besides what was come by. From the input of a splitter there are as many ways as outputs, from an
output there is one. Every step is made once: coming to the same joint or port again ends the way as a loop, so that
whatever was recorded, it ends.
"""

from collections.abc import Sequence

from attrs import define, field, frozen

from fiberq_core.fibre.lengths import line_length
from fiberq_core.fibre.network import OTHER_END, OTHER_SIDE, Joint, Network, joint_of, port_of
from fiberq_core.fibre.places import SPLICES
from fiberq_core.fibre.splitters import INPUT, is_splitter, ways_of
from fiberq_core.fibre.steps import Break, CableRun, Jumper, Leg, Port, SplicePoint, Split, Status, Step, Trace
from fiberq_core.rows import Stored


@frozen
class _Into:
    """Going into a fibre, from *joint*."""

    joint: Joint


@frozen
class _At:
    """Having come to a port by its fibre, over a jumper *from_* another port, or through the splitter."""

    patch: Stored = field(eq=False)
    by: str
    from_: str = ""


_Place = _Into | _At


@frozen
class _End:
    status: Status
    reason: str


@frozen
class _Onward:
    """What comes next: the steps in between, and where they lead."""

    place: _Place
    steps: tuple[Step, ...] = ()


@define
class _Walk:
    """One trace being made."""

    network: Network
    legs: list[Leg] = field(factory=list)
    seen: set[tuple[object, ...]] = field(factory=set)
    waiting: list[tuple[int | None, _Onward]] = field(factory=list)

    def leg(self, parent: int | None, onward: _Onward) -> None:
        """Go on until the way ends or branches."""
        steps = [*onward.steps]
        at: _Place = onward.place
        while True:
            if (mark := _mark(at)) in self.seen:
                self._close(parent, steps, _End(Status.LOOP, "it comes to where it has been before"))
                return
            self.seen.add(mark)
            made, nexts = _from_fibre(self.network, at) if isinstance(at, _Into) else _from_port(self.network, at)
            steps += made
            if isinstance(nexts, _End) or len(nexts) > 1:
                break
            steps += nexts[0].steps
            at = nexts[0].place
        if isinstance(nexts, _End):
            self._close(parent, steps, nexts)
            return
        self.legs.append(Leg(parent, tuple(steps), Status.COMPLETE, f"it is split into {len(nexts)}"))
        self.waiting += [(len(self.legs) - 1, branch) for branch in reversed(nexts)]

    def _close(self, parent: int | None, steps: Sequence[Step], end: _End) -> None:
        self.legs.append(Leg(parent, tuple(steps), end.status, end.reason))


def trace(network: Network, patch: Stored) -> Trace:
    """Every way from the port of *patch* on: by its fibre, or where it has none by its jumper or through its splitter."""
    walk = _Walk(network)
    walk.waiting.append((None, _Onward(_At(patch, "start"))))
    while walk.waiting:
        walk.leg(*walk.waiting.pop())
    return _broken(Trace(patch, tuple(walk.legs)))


def _mark(place: _Place) -> tuple[object, ...]:
    """What must not come again: a port; a fibre in the same direction, or where that is not said from the same joint."""
    if isinstance(place, _At):
        return (place.patch.key.uuid,)
    joint = place.joint
    return (joint.fibre, joint.end) if joint.end is not None else (joint.uuid, joint.side)


def _from_fibre(network: Network, at: _Into) -> tuple[list[Step], "_End | list[_Onward]"]:
    """Along the fibre, and through the splice at its other end if there is one."""
    joint = at.joint
    far = [j for j in network.joints.get(joint.fibre, ()) if j != joint]
    if joint.end is not None:
        far = [j for j in far if j.end != joint.end]
    steps: list[Step] = [_cable_run(network, joint, far[0] if len(far) == 1 else None)]
    if not far:
        return steps, _End(Status.OPEN_END, "nothing is recorded at the other end of this fibre")
    if len(far) > 1:
        where = "; ".join(sorted(network.words.whereabouts(j.row.key) for j in far))
        return steps, _End(Status.AMBIGUOUS, f"this fibre is used in several places: {where}")
    if far[0].row.key.layer != SPLICES:
        return steps, [_Onward(_At(far[0].row, "fibre"))]
    steps.append(_splice_point(network, far[0]))
    onward = joint_of(far[0].row, OTHER_SIDE[far[0].side])
    if onward is None:
        return steps, _End(Status.OPEN_END, "no fibre is recorded on the other side of this splice")
    return steps, [_Onward(_Into(onward))]


def _cable_run(network: Network, joint: Joint, far: Joint | None) -> CableRun:
    cable = network.cable(joint.fibre)
    entered = joint.end or (OTHER_END[far.end] if far and far.end else None) or network.end_of(joint)
    breaks = tuple(Break(row, _metres_to(row, cable, entered)) for row in network.breaks(joint.fibre))
    return CableRun(
        joint.fibre, cable, entered, network.length(joint.fibre), breaks if entered != "to" else breaks[::-1]
    )


def _metres_to(row: Stored, cable: Stored | None, entered: str | None) -> float | None:
    """How far along the cable a break is, from where it is entered. A break is recorded along the line from its start."""
    along = row.row.get("distance_m")
    if not isinstance(along, int | float) or entered is None:
        return None
    if entered == "from":
        return float(along)
    whole = line_length(cable.row.geometry) if cable and cable.row.geometry else 0.0
    return max(0.0, whole - along) if whole else None


def _splice_point(network: Network, joint: Joint) -> SplicePoint:
    return SplicePoint(joint.row, joint.side, network.tray(joint.row), network.closure(joint.row))


def _from_port(network: Network, at: _At) -> tuple[list[Step], "_End | list[_Onward]"]:
    """From a port to what is connected to it besides what was come by."""
    patch, element = at.patch, network.element(at.patch)
    steps: list[Step] = [Port(patch, element)]
    fibre = joint_of(patch, 0)
    outside = [_Onward(_Into(fibre))] if fibre is not None and at.by != "fibre" else []
    cords = [uuid for uuid in network.jumpers.get(patch.key.uuid, ()) if uuid != at.from_]
    over = [_over(patch, network.rows[uuid]) for uuid in cords]
    if at.by == "start":
        return steps, _started(network, patch, element, outside or over)
    if element is not None and is_splitter(element.row) and at.by != "splitter":
        return steps, _contradiction(outside + over) or _through(network, patch, element)
    if element is not None and is_splitter(element.row) and not outside + over:
        return steps, _End(Status.OPEN_END, "nothing is connected to this port of the splitter")
    return steps, _contradiction_of_many(outside + over) or outside + over or _End(Status.COMPLETE, "")


def _started(network: Network, patch: Stored, element: Stored | None, onward: list[_Onward]) -> "_End | list[_Onward]":
    if not onward and element is not None and is_splitter(element.row):
        return _through(network, patch, element)
    if not onward:
        return _End(Status.OPEN_END, "nothing is connected to this port")
    return _contradiction_of_many(onward) or onward


def _contradiction(others: list[_Onward]) -> _End | None:
    return (
        _End(Status.AMBIGUOUS, "a fibre and a jumper are both connected to this port of the splitter")
        if others
        else None
    )


def _contradiction_of_many(onward: list[_Onward]) -> _End | None:
    return _End(Status.AMBIGUOUS, "several things are connected to this port") if len(onward) > 1 else None


def _over(patch: Stored, other: Stored) -> _Onward:
    return _Onward(_At(other, "jumper", patch.key.uuid), (Jumper(patch, other),))


def _through(network: Network, patch: Stored, element: Stored) -> "_End | list[_Onward]":
    """Through a splitter: from the input to every output, from an output to the input."""
    inputs, outputs = (of.get(element.key.uuid, ()) for of in (network.inputs, network.outputs))
    inward = port_of(patch) != INPUT
    reached = inputs if inward else outputs
    if not reached:
        what = "the input" if inward else "an output"
        return _End(Status.OPEN_END, f"nothing is recorded at {what} of this splitter")
    if inward and len(reached) > 1:
        return _End(Status.AMBIGUOUS, "this splitter has several inputs")
    ways = ways_of(element.row, len(outputs))
    return [_Onward(_At(p, "splitter"), (Split(element, patch, p, ways),)) for p in reached]


def _broken(made: Trace) -> Trace:
    """Ways that reach a port, but through a broken cable, are broken."""
    legs: list[Leg] = []
    broken: list[bool] = []
    for leg in made.legs:
        here = any(isinstance(step, CableRun) and step.breaks for step in leg.steps)
        broken.append(here or (leg.parent is not None and broken[leg.parent]))
        bad = broken[-1] and leg.status is Status.COMPLETE
        legs.append(Leg(leg.parent, leg.steps, Status.BROKEN if bad else leg.status, leg.reason))
    return Trace(made.start, tuple(legs))
