"""Numbers, colours, lengths and losses of fibres: e.2 and e.4 of the reference."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiberq_core.errors import Invalid
from fiberq_core.fibre.colours import TIA_598_C, Layout, Strand, fibres_of, layout_of, palettes, strand
from fiberq_core.fibre.lengths import LengthOf, distance, line_length, optical_length
from fiberq_core.fibre.losses import (
    FIGURES,
    LIMITS,
    MULTI_MODE,
    SINGLE_MODE,
    TYPICAL,
    Known,
    Loss,
    cable_loss,
    configured,
    connector_loss,
    measured,
    splice_loss,
    splitter_loss,
)
from fiberq_core.rows import Row
from tests.core.offline import line

NOWHERE = Loss(None, Known.UNKNOWN)


@pytest.mark.parametrize(
    "cable, expected",
    [
        ({"total_fibers": 48, "fibers_per_tube": 8, "broj_vlakana": 6, "broj_cevcica": 4}, Layout(48, 8)),
        ({"broj_vlakana": 48, "broj_cevcica": 4}, Layout(48, 12)),
        ({"broj_vlakana": 50, "broj_cevcica": 4}, Layout(50, 13)),
        ({"broj_vlakana": 24}, Layout(24, 12)),
        ({"broj_vlakana": 6, "broj_cevcica": 4, "tip_kabla": "TOSM03 4x6 SM"}, Layout(24, 6)),
        ({"broj_vlakana": 24, "broj_cevcica": 4, "tip_kabla": "4x6"}, Layout(24, 6)),
        ({"broj_vlakana": 12, "broj_cevcica": 1, "tip_kabla": "1x12"}, Layout(12, 12)),
        ({"broj_vlakana": 12, "broj_cevcica": 1, "tip_kabla": "4x12"}, Layout(12, 12)),
        ({"broj_vlakana": 6, "broj_cevcica": 4, "tip_kabla": "48F"}, Layout(6, 2)),
        ({"broj_vlakana": 0, "broj_cevcica": 4, "tip_kabla": "4x6"}, Layout(0, 12)),
        ({"total_fibers": -3, "broj_vlakana": 0}, Layout(0, 12)),
        ({}, Layout(0, 12)),
    ],
)
def test_layout(cable, expected):
    """How many fibres, and how many in a tube: the first thing that is said counts."""
    assert expected == layout_of(Row(cable))
    assert expected.fibres == fibres_of(Row(cable))


@pytest.mark.parametrize(
    "per_tube, fibre, expected",
    [
        (12, 1, Strand(1, "Blue", 0, 1, "Blue", 0)),
        (12, 12, Strand(1, "Blue", 0, 12, "Aqua", 0)),
        (12, 13, Strand(2, "Orange", 0, 1, "Blue", 0)),
        (12, 144, Strand(12, "Aqua", 0, 12, "Aqua", 0)),
        (12, 145, Strand(13, "Blue", 1, 1, "Blue", 0)),
        (24, 13, Strand(1, "Blue", 0, 13, "Blue", 1)),
        (24, 24, Strand(1, "Blue", 0, 24, "Aqua", 1)),
        (6, 7, Strand(2, "Orange", 0, 1, "Blue", 0)),
    ],
)
def test_strands(per_tube, fibre, expected):
    """Tube, position, colours; every twelve they begin again, told apart by stripes and tracers."""
    assert expected == strand(Layout(0, per_tube), fibre)


@given(st.integers(1, 48), st.integers(1, 1152))
def test_no_two_fibres_look_alike(per_tube, fibre):
    """The number of a fibre follows from where it lies and what it looks like."""
    at = strand(Layout(0, per_tube), fibre)

    assert fibre == (at.tube - 1) * per_tube + at.position and 1 <= at.position <= per_tube
    assert at.tube == at.tube_stripes * 12 + TIA_598_C.index(at.tube_colour) + 1
    assert at.position == at.tracers * 12 + TIA_598_C.index(at.colour) + 1


def test_own_catalogues():
    """A project's own colours count as it lists them; what is no catalogue is none."""
    text = '{"catalogs": [{"name": "Moj", "colors": [{"name": "Crvena", "hex": "f00"}, {"name": "Plava"}]}, {"name": "x"}, 3]}'
    own = palettes(text)

    assert {"Moj": ("Crvena", "Plava")} == own
    assert ("Plava", "Crvena", 1) == ((at := strand(Layout(0, 12), 14, own["Moj"])).tube_colour, strand(Layout(0, 12), 3, own["Moj"]).colour, at.tracers + 1)  # fmt: skip
    assert not any(map(palettes, (None, "", "{", "[]", "{}", '{"catalogs": 7}', "[" * 100_000, b"{}")))


# Expected metres: GeographicLib (pyproj 3.7), WGS 84.
@pytest.mark.parametrize(
    "a, b, expected",
    [
        ((0, 0), (1, 0), 111319.490793),
        ((20, 44), (20.001, 44.001), 137.035973),
        ((179.9, 0), (-179.9, 0), 22263.898159),
        ((19.84, 45.26), (19.85, 45.25), 1360.626723),
        ((0, -90), (0, 90), 20003931.458625),
        ((20, 90), (30, 90), 0),
        ((7, 45), (7, 45), 0),
    ],
)
def test_distances(a, b, expected):
    """Metres on the ellipsoid, to less than a millimetre."""
    assert expected == pytest.approx(distance(*a, *b), abs=1e-3) == pytest.approx(distance(*b, *a), abs=1e-6)


@pytest.mark.parametrize("there", [(180, 0), (179.7, 0.5)])
def test_distances_across_the_globe(there):
    """Where the series does not converge the distance is good to 0.6 %."""
    assert 19.98e6 == pytest.approx(distance(0, 0, *there), rel=6e-3)


def test_lines():
    """A line is as long as its parts, one after the other or apart."""
    assert line_length(line((20, 44), (20.001, 44.001), (20, 44))) == pytest.approx(2 * 137.035973, abs=1e-3)
    assert 0 == line_length(b"nonsense")


DRAWN = line((20, 44), (20.001, 44.001))


@pytest.mark.parametrize(
    "cable, slack, metres, source",
    [
        ({"total_len_m": 90.0, "duzina_m": 50.0, "geometry": DRAWN}, [7.0], 90, LengthOf.TOTAL),
        ({"total_len_m": 0.0, "duzina_m": 50.0, "slack_m": 5.0, "geometry": DRAWN}, [7.0], 55, LengthOf.LAID),
        ({"duzina_m": 50.0}, [], 50, LengthOf.LAID),
        ({"duzina_m": 0.0, "slack_m": 5.0, "geometry": DRAWN}, [7.0, None, 8.0], 152.036, LengthOf.DRAWN),
        ({"slack_m": 5.0, "geometry": DRAWN}, [], 142.036, LengthOf.DRAWN),
        ({"slack_m": 5.0}, [7.0], None, LengthOf.UNKNOWN),
        ({"geometry": b"nonsense"}, [7.0], None, LengthOf.UNKNOWN),
    ],
)
def test_optical_length(cable, slack, metres, source):
    """What is recorded as a total, else as laid with slack, else the drawn line and the coils on it; else unknown."""
    found = optical_length(Row(cable), [Row({"duzina_m": m} if m else {}) for m in slack])

    assert (metres and pytest.approx(metres, abs=1e-3), source) == (found.metres, found.source)


@pytest.mark.parametrize(
    "cable, length, wavelength, expected",
    [
        ({}, 2000.0, 1310, Loss(0.7, Known.DEFAULT)),
        ({}, 2000.0, 1550, Loss(0.44, Known.DEFAULT)),
        ({"slabljenje_dbkm": 0.0}, 2000.0, 1310, Loss(0.7, Known.DEFAULT)),
        ({"slabljenje_dbkm": 0.5}, 2000.0, 1550, Loss(1.0, Known.GIVEN)),
        ({"vrsta_vlakana": "MM"}, 100.0, 850, Loss(0.3, Known.DEFAULT)),
        ({"vrsta_vlakana": "MM"}, 100.0, 1310, NOWHERE),
        ({"vrsta_vlakana": "SM"}, 100.0, 850, NOWHERE),
        ({}, 100.0, 1400, NOWHERE),
        ({"slabljenje_dbkm": 0.5}, None, 1310, NOWHERE),
    ],
)
def test_cable_losses(cable, length, wavelength, expected):
    """By the cable's own attenuation, else by the table for its kind of fibre; what neither knows is unknown, not 0."""
    found = cable_loss(Row(cable), length, wavelength, TYPICAL)

    assert (expected.db and pytest.approx(expected.db), expected.known) == (found.db, found.known)


@pytest.mark.parametrize(
    "splice, expected",
    [
        ({"loss_db": 0.04}, Loss(0.04, Known.MEASURED)),
        ({"loss_db": 0.0}, Loss(TYPICAL["fusion"], Known.DEFAULT)),
        ({"splice_type": "fusion"}, Loss(TYPICAL["fusion"], Known.DEFAULT)),
        ({"splice_type": "mechanical"}, Loss(TYPICAL["mechanical"], Known.DEFAULT)),
        ({"splice_type": "glue"}, NOWHERE),
        ({"splice_type": "glue", "loss_db": 1}, Loss(1.0, Known.MEASURED)),
    ],
)
def test_splice_losses(splice, expected):
    """What was measured wins; 0 is what old clients write for "not measured"."""
    assert expected == splice_loss(Row(splice), TYPICAL)
    assert measured(Row(splice)) is (expected.known is Known.MEASURED)


@pytest.mark.parametrize("ways, size", [(2, 2), (3, 4), (8, 8), (9, 16), (64, 64)])
def test_splitter_losses(ways, size):
    """By the table; a splitter of an odd size loses what the next larger one does."""
    assert Loss(TYPICAL[f"splitter_{size}"], Known.DEFAULT) == splitter_loss(ways, TYPICAL)
    assert [NOWHERE] * 2 == [splitter_loss(n, TYPICAL) for n in (0, 65)]


def test_figures():
    """Every typical figure has a source and a limit that is not better; every wavelength has a figure."""
    assert all(0 < f.typical <= f.limit and f.source for f in FIGURES.values())
    assert {f"fibre_{w}" for w in (*SINGLE_MODE, *MULTI_MODE)} == {n for n in FIGURES if n.startswith("fibre")}
    assert TYPICAL.keys() == LIMITS.keys() == FIGURES.keys()


def test_configured():
    """A caller may reckon with other figures; nonsense is refused, all of it at once."""
    mine = configured({"connector": "0.5", "fibre_1310": "0.4"})

    assert {**TYPICAL, "connector": 0.5, "fibre_1310": 0.4} == mine
    assert Loss(0.5, Known.DEFAULT) == connector_loss(mine)
    for name, text in product(("nope", "fusion"), ("nan", "-1", "inf", "x", "1e9")):
        with pytest.raises(Invalid) as refused:
            configured({name: text, "connector": "?"})
        assert {name, "connector"} == {fault.path for fault in refused.value.faults}
