"""A project's conflict policy: who wins by itself, and that the loser's value is never lost."""

import pytest

pytestmark = pytest.mark.each_store

POLE = "Stubovi"


async def clash(office, device, policy):
    """One conflict under *policy*; the pole, the receipt."""
    status, project = await office.call("PUT", "", json={"conflict_policy": policy})
    assert 200 == status, project
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    await office.edit(POLE, pole, materijal="Concrete")
    return pole, await phone.upload()


async def test_s05_device_wins(office, device):
    """`device_wins`: the device's value becomes current; the office's is in history and in the receipt."""
    pole, receipt = await clash(office, device, "device_wins")
    [note] = [i for i in receipt["items"] if i["outcome"] == "device_wins"]

    assert "Steel" == await office.value(POLE, pole, "materijal") and [] == await office.inbox()
    assert "Concrete" == note["current_value"]
    assert "Concrete" in [v["values"]["materijal"] for v in await office.history(POLE, pole)]


async def test_s05_server_wins(office, device):
    """`server_wins`: the office's value stays; the device's can still be made current with one action."""
    pole, _ = await clash(office, device, "server_wins")
    [item] = await office.inbox("decided")

    assert "Concrete" == await office.value(POLE, pole, "materijal") and [] == await office.inbox()
    assert "Steel" == item["device"]
    await office.decide(item["item_id"], "take_mine")
    assert "Steel" == await office.value(POLE, pole, "materijal")


@pytest.mark.parametrize("policy", ["mine", "", 7])
async def test_an_unknown_policy_is_refused(office, policy):
    """A setting is one of its values; anything else is 422 and changes nothing."""
    status, problem = await office.call("PUT", "", json={"conflict_policy": policy})

    assert 422 == status and problem["errors"]
