"""The way of light from port to port: e.3 of the reference, as laws and as cases."""

from collections.abc import Iterator
from random import Random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fiberq_core.fibre.budget import breaks_of, status_of, totals
from fiberq_core.fibre.losses import TYPICAL
from fiberq_core.fibre.network import OTHER_END, Network
from fiberq_core.fibre.steps import CableRun, Jumper, Port, SplicePoint, Split, Status, Step, Trace
from fiberq_core.fibre.tracing import trace
from fiberq_core.rows import Stored
from tests.core.offline import line, point
from tests.core.plant import BREAKS, Plant, chain


def traced(plant: Plant, port: str = "ODF:1") -> Trace:
    """The trace from a port."""
    return trace(plant.network, plant.rows[port])


def shown(steps: tuple[Step, ...]) -> list[object]:
    """Steps as short words: `ODF:1`, `K0/1>`, `S0ab`."""
    return [_shown(step) for step in steps]


def _shown(step: Step) -> object:
    match step:
        case Port():
            return step.patch.key.uuid
        case CableRun():
            arrow = {"from": ">", "to": "<", None: ""}[step.entered]
            return f"{step.fibre.cable}/{step.fibre.number}{arrow}"
        case SplicePoint():
            return step.splice.key.uuid + ("ab", "ba")[step.entered]
        case Jumper():
            return f"{step.start.key.uuid}~{step.end.key.uuid}"
        case Split():
            return f"{step.start.key.uuid}|{step.end.key.uuid}"


def mirrored(step: Step) -> Step:
    """The same step, taken the other way."""
    match step:
        case CableRun():
            return CableRun(step.fibre, step.cable, OTHER_END.get(step.entered or ""), step.length, step.breaks[::-1])
        case SplicePoint():
            return SplicePoint(step.splice, 1 - step.entered, step.tray, step.closure)
        case Jumper():
            return Jumper(step.end, step.start)
        case Split():
            return Split(step.element, step.end, step.start, step.ways)
    return step


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("splices", [0, 1, 2, 3, 50])
def test_any_number_of_splices(splices, ends):
    """Splices, n of them, give n + 1 cables in order, from port to port, whichever way round each splice was recorded."""
    made = traced(chain(splices, flipped=0b1011001, ends=ends))
    [leg] = made.legs
    expected: list[object] = ["ODF:1"]
    for n in range(splices + 1):
        expected += [f"S{n - 1}{'ba' if 0b1011001 >> n - 1 & 1 else 'ab'}"] if n else []
        expected.append(f"K{n}/{n % 12 + 1}{'>' if ends else ''}")

    assert [*expected, "TO:1"] == shown(leg.steps)
    assert Status.COMPLETE is leg.status


@given(st.integers(0, 12), st.integers(0, 2**12), st.booleans(), st.randoms(use_true_random=False))
def test_from_the_far_port_it_is_the_reverse(splices, flipped, ends, rng: Random):
    """Tracing from the far port gives the same steps in reverse, with equal totals, in whatever order rows are read."""
    plant = chain(splices, flipped=flipped, ends=ends)
    rows = [*plant.rows.values()]
    rng.shuffle(rows)
    network = Network.of(rows)
    there, back = (trace(network, plant.rows[port]) for port in ("ODF:1", "TO:1"))

    assert there.legs[0].steps == tuple(map(mirrored, reversed(back.legs[0].steps)))
    [out], [home] = (totals(made, (1310, 1550), TYPICAL) for made in (there, back))
    assert out.length_m == pytest.approx(home.length_m) and out.length_m == sum(100 + n for n in range(splices + 1))
    assert out.loss_db == pytest.approx(home.loss_db)


@given(st.integers(0, 12), st.integers(0, 2**12), st.booleans(), st.data())
def test_what_is_missing_ends_the_way_there(splices, flipped, ends, data):
    """Without one splice, or the far patch, the way ends on the cable before it; nothing else is different."""
    plant = chain(splices, flipped=flipped, ends=ends)
    whole = traced(plant).legs[0].steps
    gap = data.draw(st.sampled_from([*(f"S{n}" for n in range(splices)), "TO:1"]))
    del plant.rows[gap]
    [leg] = traced(plant).legs
    before = next(n for n, step in enumerate(whole) if str(_shown(step)).startswith(gap))

    assert (Status.OPEN_END, shown(whole[:before])) == (leg.status, shown(leg.steps))
    assert "other end of this fibre" in leg.reason


def test_two_fibres_of_one_cable_spliced_together():
    """A loop-back in the far closure: light comes home on another fibre of the same cable."""
    plant = Plant()
    plant.cable("K")
    plant.patch("ODF", 1, ("K", 1))
    plant.patch("ODF", 2, ("K", 2))
    plant.splice("S", ("K", 1), ("K", 2))
    [leg] = traced(plant).legs

    assert ["ODF:1", "K/1", "Sab", "K/2", "ODF:2"] == shown(leg.steps)
    assert Status.COMPLETE is leg.status


@pytest.mark.parametrize("size", [2, 3, 7])
@pytest.mark.parametrize("end, status", [(None, Status.AMBIGUOUS), ("from", Status.LOOP)])
def test_a_ring_ends(size, end, status):
    """Fibres spliced into a ring, and a port at one of them: it is used in too many places, or else the way goes round once."""
    plant = Plant()
    for n in range(size):
        plant.cable(f"K{n}")
    for n in range(size):
        plant.splice(f"S{n}", (f"K{n}", 1, "to"), (f"K{(n + 1) % size}", 1, "from"))
    plant.patch("ODF", 1, ("K0", 1, end))
    [leg] = traced(plant).legs
    runs = sum(isinstance(step, CableRun) for step in leg.steps)

    assert (status, 1 if end is None else size) == (leg.status, runs)


def test_a_loop_through_a_splitter_ends():
    """An output that is spliced back to another output of the same splitter: the way stops where it has been."""
    plant = Plant()
    plant.element("SP", tip="Splitter", kapacitet=2)
    for name in "KL":
        plant.cable(name)
    plant.patch("ODF", 1, ("K", 1))
    plant.patch("SP", 1, ("K", 1))
    plant.patch("SP", 2, ("L", 1))
    plant.patch("SP", 3, ("L", 1))
    made = traced(plant)

    assert Status.LOOP is status_of(made)
    assert [Status.LOOP] * 2 == [made.legs[n].status for n in made.ends]


def test_jumpers_in_a_ring_end():
    """Ports that are connected in a circle."""
    plant = Plant()
    for n in range(3):
        plant.patch("ODF", n + 1, connected_to_uuid=f"ODF:{(n + 1) % 3 + 1}")

    assert Status.AMBIGUOUS is status_of(traced(plant))


@given(st.data())
def test_it_always_ends(data):
    """Whatever was recorded, however wrong, a trace ends, and each cable is run through in each direction once at most."""
    plant = Plant()
    cables = [plant.cable(f"K{n}") for n in range(3)]
    fibre = st.tuples(st.sampled_from(cables), st.integers(1, 2), st.sampled_from([None, "from", "to"]))
    for n in range(2):
        plant.element(f"E{n}", tip=data.draw(st.sampled_from(["ODF", "Splitter"])))
        for port in range(1, 4):
            other = data.draw(st.sampled_from([None, "E0:1", "E0:2", "E1:1", "E1:3"]))
            plant.patch(f"E{n}", port, data.draw(st.just(()) | fibre), connected_to_uuid=other)
    for n in range(data.draw(st.integers(0, 5))):
        plant.splice(f"S{n}", data.draw(fibre), data.draw(fibre))
    for start in ("E0:1", "E1:2"):
        runs = [(s.fibre, s.entered) for leg in traced(plant, start).legs for s in leg.steps if isinstance(s, CableRun)]
        assert len(runs) <= 2 * len(set(runs))
        assert len(runs) <= 4 * len(plant.rows)


def test_a_fibre_in_three_places():
    """Nobody can say where it leads: the way stops there, and says where it is used."""
    plant = chain(2)
    plant.cable("X")
    plant.splice("again", ("K1", 2), ("X", 1))
    [leg] = traced(plant).legs

    assert (Status.AMBIGUOUS, ["ODF:1", "K0/1", "S0ab", "K1/2"]) == (leg.status, shown(leg.steps))
    assert "closure of S1" in leg.reason and "closure of again" in leg.reason


def test_named_ends_tell_places_apart():
    """Of three uses, two at the same named end: coming from that end, only the other one is the way on."""
    plant = chain(1, ends=True)
    plant.cable("X")
    plant.splice("wrong", ("K0", 1, "from"), ("X", 1))

    assert Status.COMPLETE is status_of(traced(plant))
    assert Status.AMBIGUOUS is status_of(traced(plant, "TO:1"))


def test_a_splice_with_one_side():
    """The far side of a splice is not recorded yet."""
    plant = chain(1)
    plant.splice("half", ("K1", 2), (None, None))
    del plant.rows["TO:1"]
    [leg] = traced(plant).legs

    assert (Status.OPEN_END, "halfab") == (leg.status, _shown(leg.steps[-1]))
    assert "other side of this splice" in leg.reason


@pytest.mark.parametrize("recorded", [(True, False), (False, True), (True, True)])
def test_a_jumper_has_two_ends(recorded):
    """A cord from the panel to the OLT, whichever of the two ports says so."""
    plant = chain(1)
    plant.patch("OLT", 7, connected_to_uuid="ODF:1" if recorded[0] else None)
    values = {**plant.rows["ODF:1"].row.values, **({"connected_to_uuid": "OLT:7"} if recorded[1] else {})}
    plant.add("fiber_patch_connections", "ODF:1", **values)
    expected = ["OLT:7", "OLT:7~ODF:1", "ODF:1", "K0/1", "S0ab", "K1/2", "TO:1"]

    assert expected == shown(traced(plant, "OLT:7").legs[0].steps)
    assert "ODF:1~OLT:7" in shown(traced(plant, "TO:1").legs[0].steps)
    assert expected[2:] == shown(traced(plant, "ODF:1").legs[0].steps)


def a_splitter(outputs: int) -> Plant:
    """ODF:1, a cable, a splitter, and outlets at each of its outputs."""
    plant = Plant()
    plant.element("SP", tip="Splitter", kapacitet=8)
    plant.cable("K")
    plant.patch("ODF", 1, ("K", 1))
    plant.patch("SP", 1, ("K", 1))
    for n in range(outputs):
        plant.cable(f"D{n}")
        plant.patch("SP", n + 2, (f"D{n}", 1))
        plant.patch(f"TO{n}", 1, (f"D{n}", 1))
    return plant


def test_a_splitter_is_a_tree_from_its_input():
    """From the head end there are as many ways as outputs; each has the whole loss from the start."""
    made = traced(a_splitter(3))

    assert ["ODF:1", "K/1", "SP:1"] == shown(made.legs[0].steps)
    assert [["SP:1|" + f"SP:{n + 2}", f"SP:{n + 2}", f"D{n}/1", f"TO{n}:1"] for n in range(3)] == [
        shown(leg.steps) for leg in made.legs[1:]
    ]
    assert (1, 2, 3) == made.ends and {0} == {leg.parent for leg in made.legs[1:]}
    last = totals(made, (1310,), TYPICAL)[3]
    assert last.loss_db[1310] == pytest.approx(2 * 0.35 + 4 * 0.3 + 10.5)
    assert 2000 == last.length_m


def test_a_splitter_is_one_way_from_an_output():
    """From a subscriber's outlet there is one way, to the head end, with equal totals."""
    plant = a_splitter(3)
    made = traced(plant, "TO1:1")
    [leg] = made.legs

    assert ["TO1:1", "D1/1", "SP:3", "SP:3|SP:1", "SP:1", "K/1", "ODF:1"] == shown(leg.steps)
    assert Status.COMPLETE is leg.status
    assert totals(made, (1310,), TYPICAL)[0] == totals(traced(plant), (1310,), TYPICAL)[2]


class Unwalked(tuple[Stored, ...]):
    """Patches that may be counted, and not gone through."""

    __slots__ = ()

    def __iter__(self) -> Iterator[Stored]:
        raise AssertionError("gone through")


def test_from_an_output_nobody_goes_through_the_other_outputs():
    """Otherwise all ways of a splitter together take the square of its outputs."""
    plant = a_splitter(3)
    network = evolve(plant.network, outputs={"SP": Unwalked(plant.network.outputs["SP"])})

    assert Status.COMPLETE is trace(network, plant.rows["TO1:1"]).legs[0].status
    with pytest.raises(AssertionError, match="gone through"):
        trace(network, plant.rows["ODF:1"])


def test_two_inputs_of_a_splitter():
    """An old server let two patches have the input: from an output nobody can say which of them it is."""
    plant = a_splitter(1)
    plant.add("fiber_patch_connections", "again", element_uuid="SP", port_number=1)

    assert Status.AMBIGUOUS is status_of(traced(plant, "TO0:1"))


@pytest.mark.parametrize("start, leg", [("ODF:1", 1), ("TO0:1", 0)])
def test_a_splitter_of_unknown_size(start, leg):
    """It splits into as many ways as are in use, seen from either side."""
    plant = a_splitter(3)
    plant.element("SP", tip="Splitter", kapacitet=0)
    [split] = [step for step in traced(plant, start).legs[leg].steps if isinstance(step, Split)]

    assert 3 == split.ways


def test_a_port_of_a_splitter_has_one_connector():
    """A fibre and a jumper at the same port of a splitter cannot both be: coming by either, the way stops there."""
    plant = a_splitter(1)
    plant.patch("OLT", 1, connected_to_uuid="SP:1")

    for start in ("ODF:1", "OLT:1"):
        assert (Status.AMBIGUOUS, "SP:1") == ((leg := traced(plant, start).legs[0]).status, shown(leg.steps)[-1])


def test_a_break_before_a_splitter():
    """Whoever is behind it is cut off."""
    plant = a_splitter(2)
    plant.add(BREAKS, "B", kabl_uuid="K", distance_m=1.0)
    plant.add(BREAKS, "D", kabl_uuid="D0", distance_m=1.0)
    made = traced(plant)
    assert [Status.BROKEN] * 2 == [made.legs[n].status for n in made.ends]
    assert [2, 1] == [len(list(breaks_of(made, n))) for n in made.ends]

    del plant.rows["B"]
    made = traced(plant)
    assert [Status.BROKEN, Status.COMPLETE] == [made.legs[n].status for n in made.ends]


def test_splitters_in_a_row():
    """A cascade of 2,000 splitters is followed like any other way."""
    plant = Plant()
    plant.patch("ODF", 1, ("K0", 1))
    for n in range(2000):
        plant.cable(f"K{n}")
        plant.element(f"SP{n}", tip="Splitter", kapacitet=2)
        plant.patch(f"SP{n}", 1, (f"K{n}", 1))
        plant.patch(f"SP{n}", 2, (f"K{n + 1}", 1))
        plant.patch(f"SP{n}", 3)
    made = traced(plant)

    assert 2001 == len(made.ends) and Status.OPEN_END is status_of(made)


def test_a_splitter_without_an_input():
    """From an output there is nowhere to go."""
    plant = a_splitter(1)
    del plant.rows["SP:1"]

    assert (Status.OPEN_END, True) == ((leg := traced(plant, "TO0:1").legs[0]).status, "input" in leg.reason)


@pytest.mark.parametrize("end, expected", [("from", 300.0), ("to", 700.0), (None, None)])
def test_a_break(end, expected):
    """A break on a cable between the ends: the whole way is listed, it is broken, and where."""
    plant = chain(1)
    length = 1000.0 / 78_710  # degrees of longitude at 45° that make about a kilometre
    plant.cable("K1", total_len_m=1000.0, geometry=line((21, 45), (21 + length, 45)))
    del plant.rows["S0"], plant.rows["TO:1"]
    plant.splice("S0", ("K0", 1), ("K1", 2, end))
    plant.element("TO", geometry=None)
    plant.patch("TO", 1, ("K1", 2))
    plant.add("Splice_closures", "closure of S0", naziv="N")
    plant.add(BREAKS, "B", kabl_uuid="K1", distance_m=300.0)
    made = traced(plant)
    [(run, _, metres)] = breaks_of(made, 0)

    assert (Status.BROKEN, 5) == (status_of(made), len(made.legs[0].steps))
    assert "K1" == run.fibre.cable
    assert metres == (None if expected is None else pytest.approx(100 + expected, abs=2))


def test_breaks_come_in_the_order_of_the_way():
    """The first to be met stands first, from whichever end."""
    plant = chain(0, ends=True)
    for name, metres in (("far", 80.0), ("near", 20.0)):
        plant.add(BREAKS, name, kabl_uuid="K0", distance_m=metres)
    orders = [
        [run.breaks[n].row.key.uuid for run, n, _ in breaks_of(traced(plant, port), 0)] for port in ("ODF:1", "TO:1")
    ]

    assert [["near", "far"], ["far", "near"]] == orders


def test_a_break_elsewhere():
    """A break on a cable that is not on the way changes nothing; an open end stays one."""
    plant = chain(1)
    plant.cable("X")
    plant.add(BREAKS, "B", kabl_uuid="X", distance_m=1.0)
    assert Status.COMPLETE is status_of(traced(plant))

    plant.add(BREAKS, "B", kabl_uuid="K0", distance_m=1.0)
    del plant.rows["TO:1"]
    assert Status.OPEN_END is status_of(traced(plant))


def test_the_direction_by_where_things_are():
    """Where no end is named, the end of the line that is nearer to the port or closure tells."""
    plant = Plant()
    plant.cable("K", geometry=line((22, 44), (21, 44)))
    plant.element("ODF", geometry=point(21.01))
    plant.patch("ODF", 1, ("K", 1))
    plant.patch("TO", 1, ("K", 1))
    plant.element("TO", geometry=point(22))

    assert ["ODF:1", "K/1<", "TO:1"] == shown(traced(plant).legs[0].steps)
    assert ["TO:1", "K/1>", "ODF:1"] == shown(traced(plant, "TO:1").legs[0].steps)


def test_a_cable_that_is_only_named_as_in_somebodys_file():
    """Rows that say (layer id, fid) of a cable nobody has resolved lead on; length and loss are unknown."""
    plant = chain(0)
    raw = {"cable_a_layer_id": "Kablovi_x", "cable_a_fid": 4, "fiber_a_number": 1}
    del plant.rows["TO:1"]
    plant.add(
        "fiber_splices", "S", tray_uuid=plant.tray("N"), position_in_tray=1, **raw,
        cable_b_uuid="K0", fiber_b_number=1,
    )  # fmt: skip
    plant.element("TO")
    plant.add(
        "fiber_patch_connections", "TO:1", element_uuid="TO", port_number=1,
        fiber_cable_layer_id="Kablovi_x", fiber_cable_fid=4, fiber_number=1,
    )  # fmt: skip
    made = traced(plant)
    [total] = totals(made, (1310,), TYPICAL)

    assert ["ODF:1", "K0/1", "Sba", "Kablovi_x:4/1", "TO:1"] == shown(made.legs[0].steps)
    assert (100.0, False, False) == (total.length_m, total.length_known, total.loss_known[1310])
    plant.add(BREAKS, "B", kabl_layer_id="Kablovi_x", kabl_fid=4, distance_m=1.0)
    assert Status.BROKEN is status_of(traced(plant))


def test_a_port_with_nothing():
    """A free port is an open end at once."""
    plant = Plant()
    plant.patch("ODF", 1)

    assert (Status.OPEN_END, ["ODF:1"]) == ((leg := traced(plant).legs[0]).status, shown(leg.steps))
