"""The demo village is a network that could be built."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

import pytest
import shapely
from pyproj import Geod

from fiberq_core import geometry, orders
from fiberq_core.changes import Change, Op
from fiberq_core.checking import settle
from fiberq_core.drafting import draft
from fiberq_core.fibre import TIA_598_C, claims_of, colour
from fiberq_core.identity import natural_uuid
from fiberq_core.planning import Cause, Current, World
from fiberq_core.policy import Actor, Role
from fiberq_core.proposals import Proposal
from fiberq_core.registry import DATA_LAYERS, LAYER
from fiberq_core.rows import Key, Row
from fiberq_core.values import Canonical, canonical, remarks
from fiberq_storage.demo import village

PROJECT = "6a0c1a52-1f0f-4f0e-9d6e-0d6f3a5b7c11"
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
CABLES = ("Kablovi_podzemni", "Kablovi_vazdusni")
ON_SITE = 0.05  # metres; coordinates are as good as that
GEOD = Geod(ellps="WGS84")

Rows = Mapping[Key, Row]


@pytest.fixture(scope="module", params=[1, 7, 2026])
def changes(request: pytest.FixtureRequest) -> tuple[Change, ...]:
    return village(request.param, project=PROJECT)


@pytest.fixture(scope="module")
def rows(changes: tuple[Change, ...]) -> Rows:
    return {change.key: change.sent for change in changes if change.sent is not None}


def of(rows: Rows, *layers: str) -> Iterator[tuple[Key, Row]]:
    return ((key, row) for key, row in rows.items() if key.layer in layers)


def number(row: Row, name: str) -> float:
    value = row.get(name)
    assert isinstance(value, int | float)
    return value


def shape(row: Row) -> shapely.Geometry:
    assert row.geometry is not None
    return shapely.from_wkb(row.geometry)


def metres(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return float(GEOD.inv(a[0], a[1], b[0], b[1])[2])


def spot(row: Row) -> tuple[float, ...]:
    return tuple(shape(row).coords[0])


def end_of(cable: Row, end: object) -> tuple[float, ...]:
    return tuple(shape(cable).coords[{"from": 0, "to": -1}[str(end)]])


def cable_of(rows: Rows, uuid: object) -> Row:
    return next(row for key, row in of(rows, *CABLES) if key.uuid == uuid)


def test_every_layer_has_rows(changes: tuple[Change, ...]) -> None:
    """Some 300 features over every layer, all of them new."""
    assert COUNTS == Counter(change.key.layer for change in changes)
    assert set(COUNTS) == {layer.name for layer in DATA_LAYERS}
    assert all(change.op is Op.INSERT for change in changes)
    assert len({change.key.uuid for change in changes}) == len(changes)


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


def test_settings_belong_to_a_project(rows: Rows) -> None:
    """The plugin's settings are named as an upload would name them, and left out without a project."""
    settings = dict(of(rows, "_fiberq_metadata"))

    assert {k.uuid for k in settings} == {
        natural_uuid(PROJECT, k.layer, str(r.get("key"))) for k, r in settings.items()
    }
    assert "_fiberq_metadata" not in {change.key.layer for change in village(1)}


def test_values_are_canonical_and_unremarkable(rows: Rows) -> None:
    """Nothing that the system would correct, hold or flag."""
    for key, row in rows.items():
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


def test_geometries_are_right(rows: Rows) -> None:
    """Of the layer's kind, valid, and all in one village."""
    for key, row in rows.items():
        layer = LAYER[key.layer]
        assert layer.spatial == (row.geometry is not None), key
        if row.geometry is not None:
            assert geometry.check(layer.shape, row.geometry) is None
            assert () == geometry.flags(row.geometry)
            assert row.geometry == geometry.canonical_wkb(row.geometry)
    west, south, east, north = shapely.total_bounds([shape(row) for row in rows.values() if row.geometry])
    assert metres((west, south), (east, north)) < 900


def test_houses_stand_beside_each_other(rows: Rows) -> None:
    """No house stands in another or on a route, and each has an address of its own."""
    houses = [row for _, row in of(rows, "Objects")]
    routes = [shape(row) for _, row in of(rows, "Trasa") if row.get("tip_trase") != "kroz objekat"]
    for n, house in enumerate(houses):
        assert not any(shape(house).intersects(shape(other)) for other in houses[n + 1 :])
        assert not any(shape(house).intersects(route) for route in routes)
    addresses = Counter((house.get("ulica"), house.get("broj")) for house in houses if house.get("broj"))
    assert 26 == len(addresses) == sum(addresses.values())


def test_references_resolve(rows: Rows) -> None:
    """Whatever a row points at is there, in a layer that it may point at."""
    for key, row in rows.items():
        for reference in LAYER[key.layer].references:
            target = row.get(reference.column)
            if target is not None:
                assert any(Key(layer, str(target)) in rows for layer in reference.targets), (key, reference.column)
            assert target is not None or not reference.required


def test_the_server_takes_it_whole(changes: tuple[Change, ...]) -> None:
    """One transaction, and nothing waits for a person."""
    cause = Cause(Actor("admin", frozenset({Role.ADMIN})), "2026-01-01T00:00:00.000Z", "demo")
    plan = settle(draft(cause, [Proposal(change) for change in changes], (), Current({})), World())

    assert () == plan.held
    assert len(plan.candidates) == len(changes)
    assert {c.key: c.sent for c in changes} == {c.key: c.write.after for c in plan.candidates}


@pytest.mark.parametrize("layer", ["Trasa", "PE cevi", "Prelazne_cevi", *CABLES])
def test_lengths_are_those_of_the_ground(rows: Rows, layer: str) -> None:
    """Stored lengths agree with the ellipsoid's."""
    for _, row in of(rows, layer):
        assert number(row, "duzina_m") == pytest.approx(GEOD.geometry_length(shape(row)), rel=1e-3, abs=0.01)


def test_areas_are_those_of_the_ground(rows: Rows) -> None:
    """So do areas and perimeters, and the count is of the houses inside."""
    outlets = [shape(row) for _, row in of(rows, "Elements") if str(row.get("tip")).endswith(" TO")]
    for _, row in of(rows, "Service_Area"):
        area, perimeter = GEOD.geometry_area_perimeter(shape(row))
        assert number(row, "area_m2") == pytest.approx(abs(area), rel=2e-3)
        assert number(row, "perim_m") == pytest.approx(perimeter, rel=1e-3)
        assert row.get("count") == sum(shape(row).contains(outlet) for outlet in outlets)
    assert {0, 12, 14} == {row.get("count") for _, row in of(rows, "Service_Area")}


def test_slack_adds_up(rows: Rows) -> None:
    """A cable's slack is that of its coils, and its whole length is both together."""
    coils: Counter[str] = Counter()
    for _, row in of(rows, "Opticke_rezerve"):
        coils[str(row.get("kabl_uuid"))] += int(number(row, "duzina_m"))
    for key, row in of(rows, *CABLES):
        assert number(row, "slack_m") == coils[key.uuid]
        assert number(row, "total_len_m") == pytest.approx(number(row, "duzina_m") + number(row, "slack_m"))


def test_slack_and_break_are_on_their_cable(rows: Rows) -> None:
    """A coil hangs at its cable, and the break is where it says along it."""
    for key, row in of(rows, "Opticke_rezerve", "Prekid vlakna"):
        path = shape(cable_of(rows, row.get("kabl_uuid"))).coords
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


def test_cables_lead_somewhere(rows: Rows) -> None:
    """Each end of each cable is at a closure or an element."""
    ends = [spot(row) for _, row in of(rows, "Nastavci", "Elements")]
    for _, cable in of(rows, *CABLES):
        for end in ("from", "to"):
            assert min(metres(end_of(cable, end), there) for there in ends) < ON_SITE


def test_closures_are_at_their_joints(rows: Rows) -> None:
    """The splice closure is in the joint closure, and holds no more trays and splices than it can."""
    trays = Counter(row.get("closure_uuid") for _, row in of(rows, "fiber_splice_trays"))
    inside = {key.uuid: row.get("closure_uuid") for key, row in of(rows, "fiber_splice_trays")}
    splices = Counter(inside[str(row.get("tray_uuid"))] for _, row in of(rows, "fiber_splices"))
    for key, row in of(rows, "Splice_closures"):
        joint = rows[Key("Nastavci", str(row.get("muf_uuid")))]
        assert (joint.geometry, joint.get("naziv")) == (row.geometry, row.get("naziv"))
        assert 0 < trays[key.uuid] <= number(row, "tray_count")
        assert 0 < splices[key.uuid] <= number(row, "max_splices")


def test_splices_make_sense(rows: Rows) -> None:
    """Positions fit the tray, fibres the cable, colours the standard, and the cable ends where it is spliced."""
    for _, row in of(rows, "fiber_splices"):
        tray = rows[Key("fiber_splice_trays", str(row.get("tray_uuid")))]
        closure = rows[Key("Splice_closures", str(tray.get("closure_uuid")))]
        assert 1 <= number(row, "position_in_tray") <= number(tray, "capacity")
        assert row.get("cable_a_uuid") != row.get("cable_b_uuid")
        for side in "ab":
            fibre, tube = int(number(row, f"fiber_{side}_number")), int(number(row, f"tube_{side}_number"))
            cable = cable_of(rows, row.get(f"cable_{side}_uuid"))
            per_tube = int(number(cable, "fibers_per_tube"))
            assert 1 <= fibre <= number(cable, "broj_vlakana")
            assert (fibre - 1) // per_tube + 1 == tube <= number(cable, "broj_cevcica")
            assert (colour(tube), TIA_598_C[(fibre - 1) % per_tube]) == (
                row.get(f"tube_{side}_color"),
                row.get(f"fiber_{side}_color"),
            )
            assert metres(end_of(cable, row.get(f"cable_{side}_end")), spot(closure)) < ON_SITE


def test_losses_are_plausible(rows: Rows) -> None:
    """What is measured is a fusion splice's loss, or flagged as faulty; what is planned has none."""
    seen = Counter(str(row.get("status")) for _, row in of(rows, "fiber_splices"))

    assert {"tested", "spliced", "planned", "faulty"} == set(seen)
    assert 1 == seen["faulty"]
    for _, row in of(rows, "fiber_splices"):
        loss, status = row.get("loss_db"), row.get("status")
        assert (loss is None) == (status in ("planned", "spliced"))
        assert (row.get("spliced_at") is None) == (status == "planned")
        assert loss is None or (status == "faulty") == (number(row, "loss_db") > 0.15)


def test_every_place_is_taken_once(rows: Rows) -> None:
    """Tray numbers, positions, ports and fibre ends."""
    taken = Counter(claim for key, row in rows.items() for claim in claims_of(key.layer, row))

    assert 1 == max(taken.values())


def test_ports_make_sense(rows: Rows) -> None:
    """Ports fit their element, the cable ends at it, and jumpers lead both ways."""
    for key, row in of(rows, "fiber_patch_connections"):
        element = rows[Key("Elements", str(row.get("element_uuid")))]
        assert 1 <= number(row, "port_number") <= number(element, "kapacitet")
        if row.get("fiber_cable_uuid") is not None:
            cable = cable_of(rows, row.get("fiber_cable_uuid"))
            assert 1 <= number(row, "fiber_number") <= number(cable, "broj_vlakana")
            assert metres(end_of(cable, row.get("fiber_cable_end")), spot(element)) < ON_SITE
        jumper = row.get("connected_to_uuid")
        assert jumper is None or key.uuid == rows[Key(key.layer, str(jumper))].get("connected_to_uuid")


def test_every_house_can_be_traced(rows: Rows) -> None:
    """From each port of the frame that is in use, fibre by fibre, to one house each, its own."""
    splice_at = {
        (row.get(f"cable_{x}_uuid"), row.get(f"fiber_{x}_number"), row.get(f"cable_{x}_end")): (
            row.get(f"cable_{y}_uuid"),
            row.get(f"fiber_{y}_number"),
            row.get(f"cable_{y}_end"),
        )
        for _, row in of(rows, "fiber_splices")
        for x, y in ("ab", "ba")
    }
    patches = [row for _, row in of(rows, "fiber_patch_connections") if row.get("fiber_cable_uuid")]
    patch_at = {(p.get("fiber_cable_uuid"), p.get("fiber_number"), p.get("fiber_cable_end")): p for p in patches}
    kinds = {key.uuid: row.get("tip") for key, row in of(rows, "Elements")}
    reached = []
    for patch in patches:
        if kinds[str(patch.get("element_uuid"))] != "ODF" or patch.get("status") == "free":
            continue
        cable, fibre, end = patch.get("fiber_cable_uuid"), patch.get("fiber_number"), patch.get("fiber_cable_end")
        far = (cable, fibre, "to" if end == "from" else "from")
        while far in splice_at:
            cable, fibre, end = splice_at[far]
            far = (cable, fibre, "to" if end == "from" else "from")
        assert patch.get("status") == patch_at[far].get("status")
        reached.append(patch_at[far].get("element_uuid"))

    assert 26 == len(reached) == len(set(reached))
    assert all(str(kinds[str(uuid)]).endswith(" TO") for uuid in reached)


def test_orders_are_as_far_as_they_say(rows: Rows) -> None:
    """Each state is there once, with the times and people that it takes, and items that agree."""
    states = [str(row.get("status")) for _, row in of(rows, "Work_orders")]
    known = LAYER["Work_orders"].column(orders.STATUS)
    assert known is not None
    assert known.vocabulary is not None
    assert sorted(states) == sorted(term.code for term in known.vocabulary.terms)
    for key, row in of(rows, "Work_orders"):
        state = str(row.get("status"))
        items = [item for _, item in of(rows, "work_order_items") if item.get("work_order_uuid") == key.uuid]
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


def test_names_are_in_three_languages(rows: Rows) -> None:
    """Serbian, Bulgarian and English stand side by side."""
    texts = " ".join(str(v) for row in rows.values() for v in row.values.values() if isinstance(v, str))

    assert all(word in texts for word in ("Ulica Vuka Karadžića", "ул. „Христо Ботев“", "Station Road"))
