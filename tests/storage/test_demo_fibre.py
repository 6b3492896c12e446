"""Every fibre of the demo village could be spliced as it is recorded."""

from collections import Counter

from fiberq_core.fibre import TIA_598_C, claims_of, colour
from fiberq_core.rows import Key
from tests.storage.village import (
    CABLES,
    ON_SITE,
    Rows,
    cable_of,
    end_of,
    metres,
    number,
    of,
    spot,
)


def test_cables_lead_somewhere(demo: Rows) -> None:
    """Each end of each cable is at a closure or an element."""
    ends = [spot(row) for _, row in of(demo, "Nastavci", "Elements")]
    for _, cable in of(demo, *CABLES):
        for end in ("from", "to"):
            assert min(metres(end_of(cable, end), there) for there in ends) < ON_SITE


def test_closures_are_at_their_joints(demo: Rows) -> None:
    """The splice closure is in the joint closure, and holds no more trays and splices than it can."""
    trays = Counter(row.get("closure_uuid") for _, row in of(demo, "fiber_splice_trays"))
    inside = {key.uuid: row.get("closure_uuid") for key, row in of(demo, "fiber_splice_trays")}
    splices = Counter(inside[str(row.get("tray_uuid"))] for _, row in of(demo, "fiber_splices"))
    for key, row in of(demo, "Splice_closures"):
        joint = demo[Key("Nastavci", str(row.get("muf_uuid")))]
        assert (joint.geometry, joint.get("naziv")) == (row.geometry, row.get("naziv"))
        assert 0 < trays[key.uuid] <= number(row, "tray_count")
        assert 0 < splices[key.uuid] <= number(row, "max_splices")


def test_splices_make_sense(demo: Rows) -> None:
    """Positions fit the tray, fibres the cable, colours the standard, and the cable ends where it is spliced."""
    for _, row in of(demo, "fiber_splices"):
        tray = demo[Key("fiber_splice_trays", str(row.get("tray_uuid")))]
        closure = demo[Key("Splice_closures", str(tray.get("closure_uuid")))]
        assert 1 <= number(row, "position_in_tray") <= number(tray, "capacity")
        assert row.get("cable_a_uuid") != row.get("cable_b_uuid")
        for side in "ab":
            fibre, tube = int(number(row, f"fiber_{side}_number")), int(number(row, f"tube_{side}_number"))
            cable = cable_of(demo, row.get(f"cable_{side}_uuid"))
            per_tube = int(number(cable, "fibers_per_tube"))
            assert 1 <= fibre <= number(cable, "broj_vlakana")
            assert (fibre - 1) // per_tube + 1 == tube <= number(cable, "broj_cevcica")
            assert (colour(tube), TIA_598_C[(fibre - 1) % per_tube]) == (
                row.get(f"tube_{side}_color"),
                row.get(f"fiber_{side}_color"),
            )
            assert metres(end_of(cable, row.get(f"cable_{side}_end")), spot(closure)) < ON_SITE


def test_losses_are_plausible(demo: Rows) -> None:
    """What is measured is a fusion splice's loss, or flagged as faulty; what is planned has none."""
    seen = Counter(str(row.get("status")) for _, row in of(demo, "fiber_splices"))

    assert {"tested", "spliced", "planned", "faulty"} == set(seen)
    assert 1 == seen["faulty"]
    for _, row in of(demo, "fiber_splices"):
        loss, status = row.get("loss_db"), row.get("status")
        assert (loss is None) == (status in ("planned", "spliced"))
        assert (row.get("spliced_at") is None) == (status == "planned")
        assert loss is None or (status == "faulty") == (number(row, "loss_db") > 0.15)


def test_every_place_is_taken_once(demo: Rows) -> None:
    """Tray numbers, positions, ports and fibre ends."""
    taken = Counter(claim for key, row in demo.items() for claim in claims_of(key.layer, row))

    assert 1 == max(taken.values())


def test_ports_make_sense(demo: Rows) -> None:
    """Ports fit their element, the cable ends at it, and jumpers lead both ways."""
    for key, row in of(demo, "fiber_patch_connections"):
        element = demo[Key("Elements", str(row.get("element_uuid")))]
        assert 1 <= number(row, "port_number") <= number(element, "kapacitet")
        if row.get("fiber_cable_uuid") is not None:
            cable = cable_of(demo, row.get("fiber_cable_uuid"))
            assert 1 <= number(row, "fiber_number") <= number(cable, "broj_vlakana")
            assert metres(end_of(cable, row.get("fiber_cable_end")), spot(element)) < ON_SITE
        jumper = row.get("connected_to_uuid")
        assert jumper is None or key.uuid == demo[Key(key.layer, str(jumper))].get("connected_to_uuid")


def test_every_house_can_be_traced(demo: Rows) -> None:
    """From each port of the frame that is in use, fibre by fibre, to one house each, its own."""
    splice_at = {
        (row.get(f"cable_{x}_uuid"), row.get(f"fiber_{x}_number"), row.get(f"cable_{x}_end")): (
            row.get(f"cable_{y}_uuid"),
            row.get(f"fiber_{y}_number"),
            row.get(f"cable_{y}_end"),
        )
        for _, row in of(demo, "fiber_splices")
        for x, y in ("ab", "ba")
    }
    patches = [row for _, row in of(demo, "fiber_patch_connections") if row.get("fiber_cable_uuid")]
    patch_at = {(p.get("fiber_cable_uuid"), p.get("fiber_number"), p.get("fiber_cable_end")): p for p in patches}
    kinds = {key.uuid: row.get("tip") for key, row in of(demo, "Elements")}
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
