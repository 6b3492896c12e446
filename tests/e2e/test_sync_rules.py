"""S26–S28, S41–S43 through HTTP: parents, places, roles and states."""

import pytest

from tests.e2e.device import point

pytestmark = pytest.mark.each_store

CLOSURES, TRAYS, SPLICES = "Splice_closures", "fiber_splice_trays", "fiber_splices"
AT = {"type": "Point", "coordinates": [21.0, 44.0]}
CABLE = {"type": "LineString", "coordinates": [[21.0, 44.0], [21.1, 44.1]]}


async def closure_with_tray(office, number=1):
    """A closure with one tray; their uuids."""
    closure = await office.add(CLOSURES, AT, closure_type="dome", naziv="N-4")
    return closure, await office.add(TRAYS, closure_uuid=closure, tray_number=number, capacity=12)


async def cables(office, count=3):
    """Underground cables K-1, K-2 … with 12 fibres."""
    return [await office.add("Kablovi_podzemni", CABLE, naziv=f"K-{n + 1}", broj_vlakana=12) for n in range(count)]


async def test_s26_a_child_of_a_deleted_parent_waits(office, device):
    """S26: a tray for a closure that the office deleted meanwhile goes to the inbox with its reason."""
    closure, tray = await closure_with_tray(office)
    phone = await device()
    phone.add(TRAYS, closure_uuid=closure, tray_number=2)
    await office.delete(TRAYS, tray)
    await office.delete(CLOSURES, closure)

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (0, 1) == (receipt["inserted"], receipt["rejected"]) and TRAYS == item["layer"]
    assert "no longer there" in item["reason"] and 2 == item["device"]["tray_number"]


async def test_s27_an_illegal_transition_is_refused_alone(office, device, people):
    """S27: a crew may not verify its own order; the rest of the row applies where it may."""
    order = await office.add("Work_orders", title="Dig", order_type="repair", assigned_to_sub=people["field_worker"])
    await office.edit("Work_orders", order, status="assigned")
    phone = await device()
    phone.edit("Work_orders", order, status="verified")

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (0, 1) == (receipt["updated"], receipt["held"])
    assert ("refused", "status", "verified") == (item["kind"], item["field"], item["device"])
    assert "assigned" == await office.value("Work_orders", order, "status")


async def test_s27_a_legal_transition_of_ones_own_order_is_made(office, device, people):
    """S27: the assignee starts the order; the server says when."""
    order = await office.add("Work_orders", title="Dig", order_type="repair", assigned_to_sub=people["field_worker"])
    await office.edit("Work_orders", order, status="assigned")
    phone = await device()
    phone.edit("Work_orders", order, status="in_progress")

    receipt = await phone.upload()

    assert (1, 0) == (receipt["updated"], receipt["held"])
    assert "in_progress" == await office.value("Work_orders", order, "status")
    assert await office.value("Work_orders", order, "started_at")


async def test_s28_what_a_role_may_not_do_waits_as_a_proposal(office, device):
    """S28: a crew's edit of an order's title is a proposal; an engineer accepts it with one action."""
    order = await office.add("Work_orders", title="Dig", order_type="repair")
    phone = await device("field_worker")
    phone.edit("Work_orders", order, title="Dig deeper")
    phone.add("Work_orders", title="My own order", order_type="survey")

    receipt = await phone.upload()
    items = await office.inbox()

    assert (0, 2) == (receipt["applied"], receipt["held"]) and {"refused"} == {i["kind"] for i in items}
    edit = next(i for i in items if i["uuid"] == order)
    await office.decide(edit["item_id"], "take_mine")
    assert "Dig deeper" == await office.value("Work_orders", order, "title")
    new = next(i for i in items if i["uuid"] != order)
    await office.decide(new["item_id"], "take_mine")
    assert "My own order" == await office.value("Work_orders", new["uuid"], "title")


async def test_s28_the_crew_cannot_accept_its_own_proposal(office, device, crew_office):
    """S28: deciding is by the decider's own rights."""
    order = await office.add("Work_orders", title="Dig", order_type="repair")
    phone = await device("field_worker")
    phone.edit("Work_orders", order, title="Dig deeper")
    await phone.upload()
    [item] = await office.inbox()

    [seen] = await crew_office.inbox()
    status, _ = await crew_office.call("POST", f"/inbox/{item['item_id']}", json={"decision": "take_mine"})

    assert ["keep_server", "dismiss"] == seen["choices"] and "take_mine" in item["choices"]
    assert 403 == status and "Dig" == await office.value("Work_orders", order, "title")


async def test_s41_children_stay_with_their_new_parent(office, device):
    """S41: two devices make closures with the same fids; each tray stays with its own closure."""
    await closure_with_tray(office)
    one, two = await device(), await device("engineer")
    for phone, model in ((one, "A"), (two, "B")):
        fid = phone.add(CLOSURES, naziv=model, geom=point(21.3, 44.3))
        phone.add(TRAYS, closure_fid=fid, tray_number=1, tray_type=model)

    await one.upload()
    receipt = await two.upload()
    _, trays = await office.call("GET", f"/features/{TRAYS}")
    pairs = {
        (t["properties"]["tray_type"], await office.value(CLOSURES, t["properties"]["closure_uuid"], "naziv"))
        for t in trays["features"]
    }

    assert 2 == receipt["inserted"] and {("A", "A"), ("B", "B"), (None, "N-4")} == pairs


async def test_s41_a_local_number_means_a_row_of_its_own_file(office, device):
    """S41: a slack hung on a cable by fid hangs on that cable, and the next export says so in its own numbers."""
    first, second, _ = await cables(office)
    await office.delete("Kablovi_podzemni", first)
    phone = await device()
    fid = phone.row("Kablovi_podzemni", second)["fid"]
    phone.add("Opticke_rezerve", tip="Terminal", kabl_layer_id="Kablovi_podzemni", kabl_fid=fid, geom=point(21, 44))

    await phone.upload()
    _, page = await office.call("GET", "/features/Opticke_rezerve")
    [slack] = page["features"]
    fresh = await device()
    row = fresh.row("Opticke_rezerve", slack["id"])

    assert second == slack["properties"]["kabl_uuid"] == row["kabl_uuid"]
    assert fresh.row("Kablovi_podzemni", second)["fid"] == row["kabl_fid"]


TAKEN = {
    "tray number": (TRAYS, {"tray_number": 1}, "tray 1"),
    "position": (SPLICES, {"position_in_tray": 5, "fiber_a_number": 8, "fiber_b_number": 8}, "position 5"),
    "fibre end": (SPLICES, {"position_in_tray": 6, "fiber_a_number": 7, "fiber_b_number": 9}, "fibre 7"),
}


@pytest.mark.parametrize("case", TAKEN)
async def test_s42_a_place_that_somebody_took_meanwhile(office, device, case):
    """S42: the device's row waits, named in the words of the trade; nothing is renumbered."""
    layer, values, words = TAKEN[case]
    closure = await office.add(CLOSURES, AT, naziv="N-4")
    a, b, c = await cables(office)
    tray = await office.add(TRAYS, closure_uuid=closure, tray_number=2, capacity=12)
    phone = await device()
    await office.add(TRAYS, closure_uuid=closure, tray_number=1, capacity=12)
    await office.add(
        SPLICES, tray_uuid=tray, position_in_tray=5,
        cable_a_uuid=a, fiber_a_number=7, cable_b_uuid=b, fiber_b_number=7,
    )  # fmt: skip
    parent = {"closure_uuid": closure} if layer == TRAYS else {"tray_uuid": tray, "cable_a_uuid": a, "cable_b_uuid": c}
    phone.add(layer, **parent, **values)

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (0, 1) == (receipt["inserted"], receipt["held"]) and "clash" == item["kind"]
    assert words in item["reason"] and "N-4" in item["reason"] and "Elena" in item["reason"]


async def test_s42_places_may_be_swapped_in_one_upload(office, device):
    """S42: two splices that change places within one file both move."""
    _, tray = await closure_with_tray(office)
    a, b, _ = await cables(office)
    splices = [
        await office.add(
            SPLICES, tray_uuid=tray, position_in_tray=n,
            cable_a_uuid=a, fiber_a_number=n, cable_b_uuid=b, fiber_b_number=n,
        )
        for n in (1, 2)
    ]  # fmt: skip
    phone = await device()
    phone.edit(SPLICES, splices[0], position_in_tray=2)
    phone.edit(SPLICES, splices[1], position_in_tray=1)

    receipt = await phone.upload()

    assert (2, 0) == (receipt["updated"], receipt["held"])
    assert [2, 1] == [await office.value(SPLICES, s, "position_in_tray") for s in splices]


async def test_s42_a_place_that_is_not_there(office, device):
    """S42: a splice beyond its tray, and one of a fibre that its cable does not have, wait, in the words of the trade."""
    _, tray = await closure_with_tray(office)
    one, two, _ = await cables(office)
    phone = await device()
    sides = {"cable_a_uuid": one, "cable_b_uuid": two}
    phone.add(SPLICES, tray_uuid=tray, position_in_tray=13, **sides, fiber_a_number=1, fiber_b_number=1)
    phone.add(SPLICES, tray_uuid=tray, position_in_tray=2, **sides, fiber_a_number=2, fiber_b_number=13)
    phone.add(SPLICES, tray_uuid=tray, position_in_tray=12, **sides, fiber_a_number=12, fiber_b_number=12)

    receipt = await phone.upload()
    items = await office.inbox()

    assert (1, 2) == (receipt["inserted"], receipt["rejected"])
    assert {
        "tray 1 of splice closure N-4 has room for 12 splices, so it has no position 13",
        "underground cable K-2 has 12 fibres, so it has no fibre 13",
    } == {item["reason"] for item in items}


async def test_s43_a_parent_with_new_children_is_not_deleted(office, device):
    """S43: the deletion of a closure is held, with who added what; accepted, it takes its parts along."""
    closure, tray = await closure_with_tray(office)
    phone = await device()
    phone.delete(TRAYS, tray)
    phone.delete(CLOSURES, closure)
    added = await office.add(TRAYS, closure_uuid=closure, tray_number=7)

    receipt = await phone.upload()
    [item] = await office.inbox()

    assert (1, 1) == (receipt["deleted"], receipt["held"]) and "held_delete" == item["kind"]
    assert "tray 7" in item["reason"] and "Elena" in item["reason"]
    await office.decide(item["item_id"], "take_mine")
    assert await office.get(CLOSURES, closure) is None and await office.get(TRAYS, added) is None


async def test_s43_a_closure_and_its_trays_deleted_together(office, device):
    """S43: where the device deleted the parts too, all of it goes."""
    closure, tray = await closure_with_tray(office)
    phone = await device()
    phone.delete(TRAYS, tray)
    phone.delete(CLOSURES, closure)

    receipt = await phone.upload()

    assert (2, 0) == (receipt["deleted"], receipt["held"])
