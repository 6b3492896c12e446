"""Geometry: bytes, blobs, checks, comparison, GeoJSON (S22, S23, S24, S45, S46)."""

import json
import math
import struct
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from fiberq_core.errors import Invalid
from fiberq_core.geometry import (
    BATCH,
    FAMILY,
    alike,
    bounds,
    canonical_wkb,
    check,
    decode_gpb,
    encode_gpb,
    flags,
    from_geojson,
    same_place,
    to_geojson,
)
from fiberq_core.registry.model import Shape
from fiberq_core.wkb import MAX_DEPTH, parse, write

SHAPES = {
    "point": "POINT (20.5 44.8)",
    "point z": "POINT Z (20.5 44.8 117.25)",
    "line": "LINESTRING (20 44, 21 45, 22.5 44)",
    "line zm": "LINESTRING ZM (20 44 1 2, 21 45 3 4)",
    "polygon": "POLYGON ((0 0, 10 0, 10 10, 0 0), (5 1, 6 1, 6 2, 5 1))",
    "multipoint": "MULTIPOINT ((1 2), (3 4))",
    "multiline m": "MULTILINESTRING M ((1 2 5, 3 4 6), (5 6 7, 7 8 8))",
    "multipolygon": "MULTIPOLYGON (((0 0, 1 0, 1 1, 0 0)), ((5 5, 6 5, 6 6, 5 5)))",
    "collection": "GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (LINESTRING (1 2, 3 4)))",
}
EMPTIES = ["POINT EMPTY", "LINESTRING EMPTY", "POLYGON EMPTY", "MULTIPOINT EMPTY", "GEOMETRYCOLLECTION EMPTY"]


def wkb(wkt: Any, **options: Any) -> bytes:
    """The canonical WKB of a WKT text."""
    return bytes(shapely.to_wkb(shapely.from_wkt(wkt), **{"flavor": "iso", "byte_order": 1, **options}))


@pytest.mark.parametrize("wkt", [*SHAPES.values(), *EMPTIES])
@pytest.mark.parametrize("options", [{}, {"byte_order": 0}, {"flavor": "extended"}], ids=["iso", "big", "ewkb"])
def test_canonical_form_does_not_depend_on_how_it_was_written(wkt: Any, options: Any) -> None:
    """Byte order and flavour (EWKB, ISO) leave no trace in the canonical bytes."""
    assert wkb(wkt) == canonical_wkb(wkb(wkt, **options))


@pytest.mark.parametrize("wkt", [*SHAPES.values(), *EMPTIES])
def test_canonical_form_is_a_fixed_point(wkt: Any) -> None:
    """Parsing and writing canonical bytes changes nothing."""
    assert wkb(wkt) == write(parse(wkb(wkt)))


def test_ewkb_srid_is_dropped() -> None:
    """The SRID inside EWKB is not part of the geometry."""
    point = shapely.set_srid(shapely.from_wkt(SHAPES["point z"]), 3857)

    assert wkb(SHAPES["point z"]) == canonical_wkb(shapely.to_wkb(point, flavor="extended", include_srid=True))


ORDINATES = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ORDINATES, ORDINATES), min_size=1, max_size=6), st.sampled_from("<>"))
def test_coordinates_are_copied_bit_for_bit(points: Any, order: Any) -> None:
    """Whatever 64 bits a coordinate has, it keeps them, through the blob and back."""
    flat = [number for point in points for number in point]
    sent = struct.pack(f"{order}BII{len(flat)}d", order == "<", 2, len(points), *flat)
    plain = struct.pack(f"<BII{len(flat)}d", 1, 2, len(points), *flat)

    assert plain == canonical_wkb(sent)
    assert (plain, 4326) == decode_gpb(encode_gpb(plain))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([wkb(s) for s in SHAPES.values()]), st.data())
def test_damaged_bytes_are_refused_or_read_but_never_crash(good: Any, data: Any) -> None:
    """Any damage to a geometry ends in a value or in `Invalid`."""
    damaged = bytearray(good[: data.draw(st.integers(0, len(good)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        canonical = canonical_wkb(bytes(damaged))
    except Invalid:
        return

    assert canonical == canonical_wkb(canonical)


@pytest.mark.parametrize(
    "bad, word",
    [
        (b"", "byte order"),
        (b"\x02\x01\0\0\0", "byte order"),
        (b"\x01\x01\0", "early"),
        (struct.pack("<BI", 1, 8), "not supported"),
        (struct.pack("<BI2d", 1, 4001, 1, 2), "not supported"),
        (struct.pack("<BII", 1, 2, 0xFFFFFFFF), "more points"),
        (struct.pack("<BII", 1, 3, 0xFFFFFFFF), "more rings"),
        (struct.pack("<BII", 1, 4, 0xFFFFFFFF), "more parts"),
        (struct.pack("<BIII", 1, 3, 1, 0x7FFFFFFF), "more points"),
        (wkb("POINT (1 2)") + b"x", "after its end"),
        (struct.pack("<BII", 1, 4, 1) + wkb("LINESTRING (1 2, 3 4)"), "another kind"),
        (struct.pack("<BII", 1, 4, 1) + wkb("POINT Z (1 2 3)"), "another kind"),
        (struct.pack("<BII", 1, 7, 1) * (MAX_DEPTH + 2), "too deeply"),
    ],
)
def test_impossible_bytes_are_named(bad: Any, word: Any) -> None:
    """Each way in which bytes are no geometry has its own words, and counts cost nothing."""
    with pytest.raises(Invalid, match=word):
        canonical_wkb(bad)


@pytest.mark.parametrize("wkt", [*SHAPES.values(), *EMPTIES])
def test_blob_round_trip(wkt: Any) -> None:
    """Decoding what was encoded gives the same bytes and the SRID."""
    assert (wkb(wkt), 4326) == decode_gpb(encode_gpb(wkb(wkt)))
    assert (wkb(wkt), 3857) == decode_gpb(encode_gpb(wkb(wkt), 3857))


@pytest.mark.parametrize(
    "wkt, head",
    [
        ("POINT (1 2)", struct.pack("<2sBBi", b"GP", 0, 0x01, 4326)),
        ("LINESTRING (1 2, 3 5)", struct.pack("<2sBBi4d", b"GP", 0, 0x03, 4326, 1, 3, 2, 5)),
        ("LINESTRING EMPTY", struct.pack("<2sBBi", b"GP", 0, 0x11, 4326)),
        ("POINT EMPTY", struct.pack("<2sBBi", b"GP", 0, 0x11, 4326)),
    ],
)
def test_blob_header(wkt: Any, head: Any) -> None:
    """Points have no envelope, others min x, max x, min y, max y; empties carry the flag."""
    assert head + wkb(wkt) == encode_gpb(wkb(wkt))


@pytest.mark.parametrize("code, size", [(0, 0), (1, 32), (2, 48), (3, 48), (4, 64)])
@pytest.mark.parametrize("order", "<>")
def test_any_envelope_and_header_order_is_read(code: Any, size: Any, order: Any) -> None:
    """Envelopes of every kind are skipped, in both byte orders."""
    head = struct.pack(f"{order}2sBBi", b"GP", 0, code << 1 | (order == "<"), 3857) + bytes(size)

    assert (wkb("LINESTRING (1 2, 3 5)"), 3857) == decode_gpb(head + wkb("LINESTRING (1 2, 3 5)", byte_order=0))


@pytest.mark.parametrize(
    "blob", [b"", b"GP", b"XX\0\1\0\0\0\0", b"GP\1\1\0\0\0\0", b"GP\0\x21\0\0\0\0", b"GP\0\x0b\0\0\0\0"]
)
def test_other_blobs_are_refused(blob: Any) -> None:
    """No magic, another version, an extension, an unknown envelope: refused."""
    with pytest.raises(Invalid):
        decode_gpb(blob + wkb("POINT (1 2)"))


@pytest.mark.parametrize(
    "shape, wkt, word",
    [
        (Shape.POINT, "POINT (1 2)", None),
        (Shape.POINT, "MULTIPOINT Z ((1 2 3))", None),
        (Shape.POINT, "LINESTRING (1 2, 3 4)", "LineString does not belong"),
        (Shape.LINE, "MULTILINESTRING ((1 2, 3 4))", None),
        (Shape.LINE, "POINT (1 2)", "does not belong"),
        (Shape.POLYGON, "POLYGON ((0 0, 1 0, 1 1, 0 0))", None),
        (Shape.ANY, "GEOMETRYCOLLECTION (POINT (1 2))", None),
        (Shape.NONE, "POINT (1 2)", "does not belong"),
        (Shape.POINT, "POINT EMPTY", "empty"),
        (Shape.LINE, "MULTILINESTRING EMPTY", "empty"),
        (Shape.POINT, "POINT (1900000 5400000)", "degrees"),
        (Shape.POINT, "POINT (20 90.1)", "degrees"),
        (Shape.POINT, "POINT (180 -90)", None),
        (Shape.LINE, "LINESTRING (20 44, -181 44)", "degrees"),
    ],
)
def test_check(shape: Any, wkt: Any, word: Any) -> None:
    """S23, S46: the wrong family, nothing, or metres are named; Multi, Z and M are welcome."""
    reason = check(shape, wkb(wkt))

    assert (reason is None) if word is None else (word in str(reason))


@pytest.mark.parametrize(
    "kind, numbers, word",
    [
        (2, (1, 2, math.nan, 4), "not numbers"),
        (2, (1, 2, math.inf, 4), "not numbers"),
        (1002, (1, 2, math.inf, 1, 3, 3), "not numbers"),
        (1002, (1, 2, math.nan, 1, 3, 3), None),
        (2, (1, 2), "two points"),
    ],
)
def test_check_of_numbers(kind: Any, numbers: Any, word: Any) -> None:
    """S23: positions must be finite; an unknown height (NaN) is no reason to hold a row."""
    width = 3 if kind > 1000 else 2
    reason = check(Shape.LINE, struct.pack(f"<BII{len(numbers)}d", 1, kind, len(numbers) // width, *numbers))

    assert (reason is None) if word is None else (word in str(reason))


def test_check_of_open_ring_and_bytes() -> None:
    """A ring that does not close and bytes that are no geometry get a reason, not an exception."""
    ring = struct.pack("<BIII8d", 1, 3, 1, 4, 0, 0, 1, 0, 1, 1, 5, 5)

    high = struct.pack("<BIII12d", 1, 1003, 1, 4, 0, 0, 5, 1, 0, 5, 1, 1, 5, 0, 0, 6)
    assert "ring" in str(check(Shape.POLYGON, high))  # it ends above where it began
    assert "ring" in str(check(Shape.POLYGON, ring))
    assert "byte order" in str(check(Shape.POLYGON, b"junk"))


def test_families_are_total() -> None:
    """Every shape of the registry says which types it takes."""
    assert set(Shape) == set(FAMILY)


def test_self_crossing_is_flagged_not_refused() -> None:
    """S24: a bow tie passes the check and is flagged; a sound polygon and a looping cable are not."""
    bow_tie = wkb("POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))")

    assert check(Shape.POLYGON, bow_tie) is None
    assert "Self-intersection" in flags(bow_tie)[0]
    assert () == flags(wkb(SHAPES["polygon"]))
    assert () == flags(wkb("LINESTRING (0 0, 1 1, 1 0, 0 1)"))


METRE = 1 / 111_319.49


@pytest.mark.parametrize(
    "a, b, same",
    [
        ("POINT (20 44)", f"POINT (20 {44 + 0.9e-4 * METRE!r})", True),
        ("POINT (20 44)", f"POINT (20 {44 + 1.1e-4 * METRE!r})", False),
        ("POINT (20 60)", f"POINT ({20 + 1.9e-4 * METRE!r} 60)", True),
        ("POINT (20 60)", f"POINT ({20 + 2.1e-4 * METRE!r} 60)", False),
        ("POINT (180 10)", "POINT (-180 10)", True),
        ("POINT Z (20 44 1)", "POINT Z (20 44 1.00005)", True),
        ("POINT Z (20 44 1)", "POINT Z (20 44 1.001)", False),
        ("POINT Z (20 44 1)", "POINT (20 44)", False),
        ("LINESTRING (1 2, 3 4)", "LINESTRING (3 4, 1 2)", False),
        ("LINESTRING (1 2, 3 4)", "LINESTRING (1 2, 3 4, 3 4)", False),
        ("LINESTRING (1 2, 3 4)", "MULTILINESTRING ((1 2, 3 4))", False),
        ("LINESTRING (1 2, 3 4)", "LINESTRING (1 2, 3 4.000001)", False),
    ],
)
def test_same_place(a: Any, b: Any, same: Any) -> None:
    """S22: 0.1 mm on the ground, whatever the latitude; another structure is another geometry."""
    assert same is same_place(wkb(a), wkb(b))
    assert same is same_place(wkb(b), wkb(a))


def test_bounds() -> None:
    """West, south, east, north; None where there is nothing."""
    assert (20, 44, 22.5, 45) == bounds(wkb(SHAPES["line"]))
    assert bounds(wkb("LINESTRING EMPTY")) is None


@pytest.mark.parametrize("shift, metres", [((METRE, 0), 0.5), ((0, METRE), 1.0)])
def test_alike_is_meant_in_metres(shift: tuple[float, float], metres: float) -> None:
    """Near things are measured in metres on the ground, in both directions (S44)."""
    here, there = wkb("POINT (20 60)"), wkb(f"POINT ({20 + shift[0]!r} {60 + shift[1]!r})")

    assert alike(here, there, metres * 1.02) and alike(there, here, metres * 1.02)
    assert not alike(here, there, metres * 0.98)


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("LINESTRING (0 0, 1 0)", "LINESTRING (1 0, 0.5 0, 0 0)", True),
        ("LINESTRING (0 0, 1 0)", "LINESTRING (0 0, 2 0)", False),
        ("LINESTRING (0 0, 1 0)", "MULTILINESTRING ((0 0, 1 0), (0 1, 1 1))", False),
        ("POLYGON ((0 0, 9 0, 9 9, 0 0))", "POLYGON ((9 0, 9 9, 0 0, 9 0))", True),
        ("POLYGON ((0 0, 9 0, 9 9, 0 0))", "POLYGON ((5 1, 8 1, 8 4, 5 1))", False),
        ("POLYGON ((0 0, 9 0, 9 9, 0 0))", "POLYGON ((0 0, 9 0, 9 9, 0 0), (5 1, 8 1, 8 4, 5 1))", False),
        ("GEOMETRYCOLLECTION (POINT (0 0))", "GEOMETRYCOLLECTION (POINT (0 0))", True),
        ("GEOMETRYCOLLECTION (POINT (0 0))", "GEOMETRYCOLLECTION (POINT (0 0), POINT (1 0))", False),
    ],
)
def test_alike_is_meant_of_all_of_both(one: str, other: str, same: bool) -> None:
    """Where it begins and how often it is divided does not matter; what only one of them has does (S44)."""
    assert (same, same) == (alike(wkb(one), wkb(other), 1.0), alike(wkb(other), wkb(one), 1.0))


def test_long_tracks_are_compared_by_their_indexes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each position once, by the other's index of lines, and a bounded number of them together (S44)."""
    real, looked_at = shapely.dwithin, []

    def watched(geometry: shapely.Geometry, places: Any, degrees: float) -> Any:
        assert shapely.is_prepared(geometry)
        looked_at.append(len(places))
        return real(geometry, places, degrees)

    monkeypatch.setattr(shapely, "dwithin", watched)
    one, other = (
        wkb(
            f"LINESTRING ({', '.join(f'{20 + n * METRE!r} {44 + n % 3 * METRE + beside!r}' for n in range(BATCH + 5))})"
        )
        for beside in (0.0, METRE / 100)
    )

    assert alike(one, other, 1.0)
    assert [BATCH, 5, BATCH, 5] == looked_at


@pytest.mark.parametrize("name", [n for n in SHAPES if not n.endswith("m")])
def test_geojson_round_trip(name: Any) -> None:
    """GeoJSON gives every coordinate back as it was, also through JSON text."""
    assert wkb(SHAPES[name]) == from_geojson(json.loads(json.dumps(to_geojson(wkb(SHAPES[name])))))


@pytest.mark.parametrize("wkt", EMPTIES)
def test_geojson_of_empties(wkt: Any) -> None:
    """Empty geometries survive GeoJSON."""
    assert wkb(wkt) == from_geojson(to_geojson(wkb(wkt)))


@pytest.mark.parametrize("name", [n for n in SHAPES if not n.endswith("m")])
def test_geojson_agrees_with_shapely(name: Any) -> None:
    """An independent implementation reads our GeoJSON as the same geometry."""
    ours = shapely.from_geojson(json.dumps(to_geojson(wkb(SHAPES[name]))))

    assert wkb(SHAPES[name]) == shapely.to_wkb(ours, flavor="iso", byte_order=1)


def test_geojson_leaves_out_measures_and_unknown_heights() -> None:
    """M has no place in GeoJSON, and NaN none in JSON."""
    assert {"type": "LineString", "coordinates": [[20, 44, 1], [21, 45, 3]]} == to_geojson(wkb(SHAPES["line zm"]))
    assert {"type": "Point", "coordinates": [1, 2]} == to_geojson(struct.pack("<BI3d", 1, 1001, 1, 2, math.nan))


@pytest.mark.parametrize(
    "value, path",
    [
        (None, "geometry"),
        ({"type": "Circle"}, "geometry.type"),
        ({"type": "Point"}, "geometry.coordinates"),
        ({"type": "Point", "coordinates": [1]}, "geometry.coordinates"),
        ({"type": "Point", "coordinates": [1, "2"]}, "geometry.coordinates"),
        ({"type": "Point", "coordinates": [1, True]}, "geometry.coordinates"),
        ({"type": "Point", "coordinates": [1, math.nan]}, "geometry.coordinates"),
        ({"type": "Point", "coordinates": [10**400, 1]}, "geometry.coordinates"),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4, 5]]}, "geometry.coordinates"),
        ({"type": "LineString", "coordinates": "12"}, "geometry.coordinates"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3]]]}, "geometry.coordinates[0][1]"),
        ({"type": "MultiPoint", "coordinates": [[1, 2], [3, 4, 5]]}, "geometry"),
        ({"type": "GeometryCollection", "geometries": [{"type": "X"}]}, "geometry.geometries[0].type"),
    ],
)
def test_geojson_faults_have_a_path(value: Any, path: Any) -> None:
    """What is wrong with a GeoJSON geometry is said with its place."""
    with pytest.raises(Invalid) as caught:
        from_geojson(value)

    assert path == caught.value.faults[0].path


def test_geojson_nesting_is_bounded() -> None:
    """A thousand nested collections are refused, not followed."""
    value = {"type": "Point", "coordinates": [1, 2]}
    for _ in range(1000):
        value = {"type": "GeometryCollection", "geometries": [value]}

    with pytest.raises(Invalid, match="too deeply"):
        from_geojson(value)
