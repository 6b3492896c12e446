"""What was read and put back is no edit: lists however they are spelled, geometry without what GeoJSON cannot say."""

import pytest
import shapely

from fiberq_core.registry import GEOMETRY, LAYER
from fiberq_core.rows import Row
from fiberq_core.unchanged import as_spelled

REPORTS = LAYER["SMR_reports"]
DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "now, sent, same",
    [
        ('[{"name": "pole", "quantity": 2}]', '[{"quantity":2.0,"name":"pole"}]', True),
        ('["a"]', '["b"]', False),
        ("two poles", "two poles", True),
        ("two poles", "2 poles", False),
        ("[two poles", "[two poles", True),
        ("2", "2.0", False),
        (DEEP, '["a"]', False),
        ('["a"]', DEEP, False),
        (DEEP, DEEP, True),
    ],
    ids=["another spelling", "another list", "text", "another text", "half a list", "text of digits", "deep", "to deep", "deep again"],
)  # fmt: skip
def test_lists(now, sent, same):
    """A list that says the same is spelled as it was; text is compared as text, however much it looks like a list."""
    found = as_spelled(REPORTS, Row({"activities": sent}), Row({"activities": now}))

    assert (now if same else sent) == found.get("activities")


def test_a_measure_that_geojson_cannot_say_stays():
    """A point with M that comes back without it was not moved; one that was moved loses it."""
    place, moved = (
        bytes(shapely.to_wkb(shapely.from_wkt(wkt), byte_order=1, flavor="iso", output_dimension=4))
        for wkt in ("POINT M (21 44 7)", "POINT (22 44)")
    )
    same = bytes(shapely.to_wkb(shapely.Point(21, 44), byte_order=1, flavor="iso"))

    assert place == as_spelled(REPORTS, Row({GEOMETRY: same}), Row({GEOMETRY: place})).geometry
    assert moved == as_spelled(REPORTS, Row({GEOMETRY: moved}), Row({GEOMETRY: place})).geometry
