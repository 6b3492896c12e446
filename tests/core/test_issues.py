"""The inbox as the crew sees it on the map."""

import json
import struct

import pytest
from attrs import evolve

from fiberq_core.changes import Change
from fiberq_core.inbox import Author, Item, ItemKind
from fiberq_core.issues import issue, shown
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, Stored

POINT = b"\x01" + struct.pack("<I2d", 1, 20.0, 43.0)
OTHER = b"\x01" + struct.pack("<I2d", 1, 21.0, 44.0)
LINE = b"\x01" + struct.pack("<2I6d", 2, 3, 20.0, 43.0, 20.5, 43.0, 21.0, 43.0)
EMPTY = b"\x01" + struct.pack("<2I", 2, 0)
KEY = Key("OKNA", "u")
ITEM = Item(
    "i",
    ItemKind.CONFLICT,
    "OKNA",
    "u",
    "naziv",
    "Both changed it",
    (Change(KEY, Row({"naziv": "a"}), Row({"naziv": "b", GEOMETRY: OTHER})),),
    author=Author("sub"),
    created_at="2026-05-04T08:00:00.000Z",
)
NOW = Stored(KEY, Row({"naziv": "c", GEOMETRY: POINT}), 7, 8, 9)


def test_a_field_that_both_sides_changed() -> None:
    """Three values side by side, where the row is now."""
    row = issue(ITEM, NOW).values

    assert ("a", "b", "c", 7, "sub") == tuple(row[n] for n in ("base", "device", "current", "row_id", "author"))
    assert POINT == row[GEOMETRY]
    assert "take_mine" in str(row["choices"]).split(", ")
    assert "decision" not in row


def test_every_value_has_a_column() -> None:
    """What an issue says, the layer can hold."""
    columns = {column.name for column in LAYER["sync_issues"].columns}
    assert issue(ITEM, NOW).values.keys() - {GEOMETRY} <= columns


def test_a_row_that_is_gone_is_shown_where_it_was_drawn() -> None:
    """Without a current row the device's place counts, and there is nothing under current."""
    row = issue(ITEM, None)

    assert OTHER == row.geometry
    assert (None, None) == (row.get("current"), row.get("row_id"))


def test_a_value_that_never_was_one() -> None:
    """What was typed is shown as it was typed."""
    assert "12a" == issue(evolve(ITEM, raw="12a"), NOW).get("device")
    assert "[1, null]" == issue(evolve(ITEM, raw=[1, None]), NOW).get("device")


def test_an_item_about_several_rows() -> None:
    """It has no place and no values of its own."""
    row = issue(evolve(ITEM, layer=None, uuid=None, field=None), None)
    assert {"base", "device", "current", GEOMETRY, "uuid", "layer"}.isdisjoint(row.values)


@pytest.mark.parametrize("wkb,there", [(LINE, True), (EMPTY, False), (b"nonsense", False)])
def test_places_are_points(wkb: bytes, there: bool) -> None:
    """Any geometry is shown by a point on it; an empty or broken one has none."""
    found = issue(ITEM, evolve(NOW, row=Row({GEOMETRY: wkb}))).geometry
    if there:
        assert found is not None
        assert (1, 43.0) == (struct.unpack_from("<I", found, 1)[0], struct.unpack_from("<2d", found, 5)[1])
    else:
        assert OTHER == found  # the device's


def test_values_are_shown_for_people() -> None:
    """Whole rows as JSON, geometries as GeoJSON, numbers as numbers."""
    row = Row({"naziv": "ж", "n": 1.5, "b": b"\x00", GEOMETRY: POINT})

    assert {"naziv": "ж", "n": 1.5, "b": "AA==", GEOMETRY: {"type": "Point", "coordinates": [20, 43]}} == json.loads(
        shown(row, None) or ""
    )
    assert ("ж", "1.5", None) == tuple(shown(row, name) for name in ("naziv", "n", "missing"))
    assert shown(None, "naziv") is None
    assert "AQ==" == shown(Row({GEOMETRY: b"\x01"}), GEOMETRY)


def test_half_a_character_does_not_keep_the_rest_from_the_crew() -> None:
    """A device's broken text waits as it came, and reads as far as it can be written."""
    row = issue(evolve(ITEM, raw="a\ud800b", reason="“a\ud800b” is not text"), NOW).values

    assert ("a?b", "“a?b” is not text") == (row["device"], row["reason"])
    assert all(value.encode() for value in row.values() if isinstance(value, str))
