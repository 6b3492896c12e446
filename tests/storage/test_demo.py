"""The demo village is a network that could be built."""

import random
from collections import Counter
from itertools import pairwise

import pytest
import shapely

from fiberq_core import geometry, orders
from fiberq_core.changes import Change, Op
from fiberq_core.checking import settle
from fiberq_core.drafting import draft
from fiberq_core.identity import natural_uuid
from fiberq_core.planning import Cause, Current, World
from fiberq_core.policy import Actor, Role
from fiberq_core.proposals import Proposal
from fiberq_core.registry import DATA_LAYERS, LAYER
from fiberq_core.rows import Key
from fiberq_core.values import Canonical, canonical, remarks
from fiberq_storage.demo import village
from tests.storage.village import (
    CABLES,
    GEOD,
    ON_SITE,
    PROJECT,
    Rows,
    cable_of,
    metres,
    number,
    of,
    shape,
    spot,
)

COUNTS = {
    "OKNA": 9,
    "Stubovi": 15,
    "Trasa": 14,
    "PE cevi": 8,
    "Prelazne_cevi": 2,
    "Kablovi_podzemni": 17,
    "Kablovi_vazdusni": 14,
    "Nastavci": 5,
    "Elements": 29,
    "Prekid vlakna": 1,
    "Opticke_rezerve": 6,
    "Service_Area": 3,
    "Objects": 28,
    "Drawings": 2,
    "Splice_closures": 5,
    "fiber_splice_trays": 8,
    "fiber_splices": 64,
    "fiber_patch_connections": 62,
    "Work_orders": 6,
    "work_order_items": 14,
    "SMR_reports": 3,
    "field_photos": 4,
    "_fiberq_metadata": 7,
}


def test_every_layer_has_rows(demo_changes: tuple[Change, ...]) -> None:
    """Some 300 features over every layer, all of them new."""
    assert COUNTS == Counter(change.key.layer for change in demo_changes)
    assert set(COUNTS) == {layer.name for layer in DATA_LAYERS}
    assert all(change.op is Op.INSERT for change in demo_changes)
    assert len({change.key.uuid for change in demo_changes}) == len(demo_changes)


def test_the_same_seed_gives_the_same_village() -> None:
    """A seed is the whole village; another one is another, with other rows."""
    assert village(5, project=PROJECT) == village(5, project=PROJECT)
    assert not {c.key for c in village(5)} & {c.key for c in village(6)}
    assert [c.sent and c.sent.geometry for c in village(5)] != [c.sent and c.sent.geometry for c in village(6)]


def test_chance_elsewhere_is_left_alone() -> None:
    """The village takes nothing from the process's own random numbers."""
    before = random.getstate()
    village(3)

    assert before == random.getstate()


def test_settings_belong_to_a_project(demo: Rows) -> None:
    """The plugin's settings are named as an upload would name them, and left out without a project."""
    settings = dict(of(demo, "_fiberq_metadata"))

    assert {k.uuid for k in settings} == {
        natural_uuid(PROJECT, k.layer, str(r.get("key"))) for k, r in settings.items()
    }
    assert "_fiberq_metadata" not in {change.key.layer for change in village(1)}


def test_values_are_canonical_and_unremarkable(demo: Rows) -> None:
    """Nothing that the system would correct, hold or flag."""
    for key, row in demo.items():
        layer = LAYER[key.layer]
        for name, value in row.values.items():
            if name == "geometry":
                continue
            column = layer.column(name)
            assert column is not None, (key.layer, name)
            fitted = canonical(column, value)
            assert isinstance(fitted, Canonical)
            assert (value, type(value)) == (fitted.value, type(fitted.value)), (key.layer, name)
            assert () == remarks(column, value), (key.layer, name)


def test_geometries_are_right(demo: Rows) -> None:
    """Of the layer's kind, valid, and all in one village."""
    for key, row in demo.items():
        layer = LAYER[key.layer]
        assert layer.spatial == (row.geometry is not None), key
        if row.geometry is not None:
            assert geometry.check(layer.shape, row.geometry) is None
            assert () == geometry.flags(row.geometry)
            assert row.geometry == geometry.canonical_wkb(row.geometry)
    west, south, east, north = shapely.total_bounds([shape(row) for row in demo.values() if row.geometry])
    assert metres((west, south), (east, north)) < 900


def test_houses_stand_beside_each_other(demo: Rows) -> None:
    """No house stands in another or on a route, and each has an address of its own."""
    houses = [row for _, row in of(demo, "Objects")]
    routes = [shape(row) for _, row in of(demo, "Trasa") if row.get("tip_trase") != "kroz objekat"]
    for n, house in enumerate(houses):
        assert not any(shape(house).intersects(shape(other)) for other in houses[n + 1 :])
        assert not any(shape(house).intersects(route) for route in routes)
    addresses = Counter((house.get("ulica"), house.get("broj")) for house in houses if house.get("broj"))
    assert 26 == len(addresses) == sum(addresses.values())


def test_references_resolve(demo: Rows) -> None:
    """Whatever a row points at is there, in a layer that it may point at."""
    for key, row in demo.items():
        for reference in LAYER[key.layer].references:
            target = row.get(reference.column)
            if target is not None:
                assert any(Key(layer, str(target)) in demo for layer in reference.targets), (key, reference.column)
            assert target is not None or not reference.required


def test_the_server_takes_it_whole(demo_changes: tuple[Change, ...]) -> None:
    """One transaction, and nothing waits for a person."""
    cause = Cause(Actor("admin", frozenset({Role.ADMIN})), "2026-01-01T00:00:00.000Z", "demo")
    plan = settle(draft(cause, [Proposal(change) for change in demo_changes], (), Current({})), World())

    assert () == plan.held
    assert len(plan.candidates) == len(demo_changes)
    assert {c.key: c.sent for c in demo_changes} == {c.key: c.write.after for c in plan.candidates}


@pytest.mark.parametrize("layer", ["Trasa", "PE cevi", "Prelazne_cevi", *CABLES])
def test_lengths_are_those_of_the_ground(demo: Rows, layer: str) -> None:
    """Stored lengths agree with the ellipsoid's."""
    for _, row in of(demo, layer):
        assert number(row, "duzina_m") == pytest.approx(GEOD.geometry_length(shape(row)), rel=1e-3, abs=0.01)


def test_areas_are_those_of_the_ground(demo: Rows) -> None:
    """So do areas and perimeters, and the count is of the houses inside."""
    outlets = [shape(row) for _, row in of(demo, "Elements") if str(row.get("tip")).endswith(" TO")]
    for _, row in of(demo, "Service_Area"):
        area, perimeter = GEOD.geometry_area_perimeter(shape(row))
        assert number(row, "area_m2") == pytest.approx(abs(area), rel=2e-3)
        assert number(row, "perim_m") == pytest.approx(perimeter, rel=1e-3)
        assert row.get("count") == sum(shape(row).contains(outlet) for outlet in outlets)
    assert {0, 12, 14} == {row.get("count") for _, row in of(demo, "Service_Area")}


def test_slack_adds_up(demo: Rows) -> None:
    """A cable's slack is that of its coils, and its whole length is both together."""
    coils: Counter[str] = Counter()
    for _, row in of(demo, "Opticke_rezerve"):
        coils[str(row.get("kabl_uuid"))] += int(number(row, "duzina_m"))
    for key, row in of(demo, *CABLES):
        assert number(row, "slack_m") == coils[key.uuid]
        assert number(row, "total_len_m") == pytest.approx(number(row, "duzina_m") + number(row, "slack_m"))


def test_slack_and_break_are_on_their_cable(demo: Rows) -> None:
    """A coil hangs at its cable, and the break is where it says along it."""
    for key, row in of(demo, "Opticke_rezerve", "Prekid vlakna"):
        path = shape(cable_of(demo, row.get("kabl_uuid"))).coords
        whole = sum(metres(a, b) for a, b in pairwise(path))
        before, found = 0.0, None
        for a, b in pairwise(path):
            if metres(a, spot(row)) + metres(spot(row), b) - metres(a, b) < ON_SITE:
                found = before + metres(a, spot(row))
            before += metres(a, b)
        assert found is not None
        assert 0 <= found <= whole + ON_SITE
        if key.layer == "Prekid vlakna":
            assert number(row, "distance_m") == pytest.approx(found, abs=ON_SITE)


def test_orders_are_as_far_as_they_say(demo: Rows) -> None:
    """Each state is there once, with the times and people that it takes, and items that agree."""
    states = [str(row.get("status")) for _, row in of(demo, "Work_orders")]
    known = LAYER["Work_orders"].column(orders.STATUS)
    assert known is not None
    assert known.vocabulary is not None
    assert sorted(states) == sorted(term.code for term in known.vocabulary.terms)
    for key, row in of(demo, "Work_orders"):
        state = str(row.get("status"))
        items = [item for _, item in of(demo, "work_order_items") if item.get("work_order_uuid") == key.uuid]
        done = [item.get("status") == "done" for item in items]
        assert (row.get("assigned_to_sub") is None) == (state == "created")
        assert (row.get("started_at") is None) == (state in ("created", "assigned", "rejected"))
        assert (row.get("completed_at") is None) == (state not in ("completed", "verified"))
        assert (row.get("verified_by_sub") is None) == (state != "verified")
        assert items
        assert all(done) == (state in ("completed", "verified"))
        assert any(done) == (state in ("completed", "verified", "in_progress"))
        assert all((item.get("completed_at") is None) == (item.get("status") == "pending") for item in items)


def test_the_crew_are_who_they_are_said_to_be() -> None:
    """The people of the orders are those that the caller names."""
    found = {
        str(change.sent.get(name))
        for change in village(1, crew="ana", engineer="boris")
        for name in (
            "assigned_to_sub",
            "assigned_by_sub",
            "verified_by_sub",
            "completed_by_sub",
            "reported_by_sub",
            "taken_by_sub",
        )
        if change.sent is not None and change.sent.get(name)
    }

    assert {"ana", "boris"} == found


def test_names_are_in_three_languages(demo: Rows) -> None:
    """Serbian, Bulgarian and English stand side by side."""
    texts = " ".join(str(v) for row in demo.values() for v in row.values.values() if isinstance(v, str))

    assert all(word in texts for word in ("Ulica Vuka Karadžića", "ул. „Христо Ботев“", "Station Road"))
