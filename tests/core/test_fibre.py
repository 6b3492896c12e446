"""Places that only one row can have, the fibres that a row uses, and colours."""

import pytest

from fiberq_core.fibre import (
    PATCHES,
    PLACES,
    SIDES,
    SPLICES,
    TIA_598_C,
    TRAYS,
    Place,
    Use,
    claiming_columns,
    claims_of,
    colour,
    place_of,
    uses_of,
)
from fiberq_core.registry import DATA_LAYERS, LAYER
from fiberq_core.rows import Row

SPLICE = Row(
    {
        "tray_uuid": "t", "position_in_tray": 5,
        "cable_a_uuid": "ka", "fiber_a_number": 7, "cable_a_end": "to",
        "cable_b_uuid": "kb", "fiber_b_number": 8,
    }
)  # fmt: skip


@pytest.mark.parametrize(
    "layer, row, expected",
    [
        (TRAYS, Row({"closure_uuid": "c", "tray_number": 2}), ("tray|c|2",)),
        (TRAYS, Row({"closure_uuid": "c"}), ()),
        (TRAYS, Row({"closure_fid": 7, "tray_number": 2}), ()),
        (SPLICES, SPLICE, ("position|t|5", "fibre|ka|7|to")),
        (SPLICES, SPLICE.with_values({"cable_b_end": "from"}), ("position|t|5", "fibre|ka|7|to", "fibre|kb|8|from")),
        (SPLICES, Row({"cable_a_uuid": "ka", "cable_a_end": "to"}), ()),
        (PATCHES, Row({"element_uuid": "e", "port_number": 1}), ("port|e|1",)),
        (PATCHES, Row({"fiber_cable_uuid": "k", "fiber_number": 3, "fiber_cable_end": "from"}), ("fibre|k|3|from",)),
        ("OKNA", Row({"naziv": "M"}), ()),
    ],
)
def test_claims(layer, row, expected):
    """What only this row may have: its place, if it says which, and the fibre ends that it names."""
    assert expected == claims_of(layer, row)


def test_a_patch_and_a_splice_claim_the_same_fibre_end():
    """A fibre's end is in one place, whatever kind of row says so."""
    patch = Row({"fiber_cable_uuid": "ka", "fiber_number": 7, "fiber_cable_end": "to"})

    assert set(claims_of(PATCHES, patch)) < set(claims_of(SPLICES, SPLICE))


def test_uses():
    """A splice uses two fibres, a patch one; the end may be unknown, the place is the tray or the element."""
    patch = Row({"element_uuid": "e", "fiber_cable_uuid": "k", "fiber_number": 3})

    assert [Use("ka", 7, "to", "t"), Use("kb", 8, None, "t")] == list(uses_of(SPLICES, SPLICE))
    assert [Use("k", 3, None, "e")] == list(uses_of(PATCHES, patch))
    assert [] == list(uses_of(TRAYS, Row({"closure_uuid": "c", "tray_number": 2})))


def test_places():
    """A place says what it is, whose, and which number."""
    assert Place("position", "t", 5) == place_of(SPLICES, SPLICE)
    assert place_of("OKNA", SPLICE) is None


@pytest.mark.parametrize("layer", [layer.name for layer in DATA_LAYERS])
def test_columns_of_the_registry(layer):
    """The columns by which rows take places and fibres are in the registry, and there are no others."""
    names = {column.name for column in LAYER[layer].columns}
    columns = {c for _, *place in [PLACES.get(layer, ("",))] for c in place}
    columns |= {column for side in SIDES.get(layer, ()) for column in side}

    assert columns == claiming_columns(layer) <= names


@pytest.mark.parametrize(
    "position, expected",
    [(1, "Blue"), (2, "Orange"), (3, "Green"), (4, "Brown"), (5, "Slate"), (6, "White"), (7, "Red"), (8, "Black"),
     (9, "Yellow"), (10, "Violet"), (11, "Rose"), (12, "Aqua"), (13, "Blue"), (24, "Aqua"), (25, "Blue")],
)  # fmt: skip
def test_colours(position, expected):
    """TIA-598-C, twelve colours that begin again."""
    assert expected == colour(position)


def test_twelve_colours():
    """No colour comes twice among twelve."""
    assert 12 == len(set(TIA_598_C))
