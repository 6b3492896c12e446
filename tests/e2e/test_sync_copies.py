"""S14, S50 through HTTP: what a file shows of earlier uploads.

What two copies of one export have in common by chance does not make one of them the other's child.
"""

import pytest

from tests.e2e.device import point

pytestmark = pytest.mark.each_store

POLE = "Stubovi"


@pytest.fixture
async def copies(office, device):
    """Two copies of one file, and the poles in it: one to be renamed, two to be worked on alike."""
    poles = [await office.pole(lon=21 + n / 10, naziv=f"P-{n}", stanje="Planned") for n in range(3)]
    phone = await device()
    return phone, phone.copy(), poles


async def check(office, renamed):
    """What the second copy never touched is as the first one left it, and somebody is asked."""
    assert "renamed" == await office.value(POLE, renamed, "naziv")
    assert ["question"] == [item["kind"] for item in await office.inbox()]


async def test_s50_both_copies_delete_the_same_pole(office, copies):
    """The pole is gone in reality, so both deleted it: no reason to take back what else the first one did."""
    phone, tablet, (renamed, gone, _) = copies
    phone.edit(POLE, renamed, naziv="renamed")
    for one in (phone, tablet):
        one.delete(POLE, gone)
        await one.upload()

    await check(office, renamed)


@pytest.mark.parametrize("count", [1, 2])
async def test_s50_both_copies_choose_the_same_words(office, copies, count):
    """Both saw that poles are built, once or twice: words from a list prove nothing where something else is missing."""
    phone, tablet, (renamed, *built) = copies
    phone.edit(POLE, renamed, naziv="renamed")
    for one in (phone, tablet):
        for pole in built[:count]:
            one.edit(POLE, pole, stanje="Built")
        await one.upload()

    await check(office, renamed)


async def test_s50_what_only_one_copy_can_have_is_evidence(office, copies):
    """Where a drawn place proves that the file is the same one, what was put back is put back."""
    phone, _, (renamed, built, _) = copies
    phone.edit(POLE, renamed, naziv="renamed")
    phone.edit(POLE, built, stanje="Built", geom=point(21.7, 44.7))
    await phone.upload()
    phone.edit(POLE, renamed, naziv="P-0")
    await phone.upload()

    assert ("P-0", []) == (await office.value(POLE, renamed, "naziv"), await office.inbox())


async def test_s14_s19_a_column_that_is_gone_takes_nothing_back(office, device):
    """The device cleared a note and sent it; then a program dropped the column: the note stays cleared."""
    pole, other = await office.pole(naziv="P-1", napomena="leans"), await office.pole(lon=21.1, naziv="P-2")
    phone = await device()
    phone.edit(POLE, pole, napomena=None)
    phone.edit(POLE, other, naziv="P-2a")
    await phone.upload()
    phone.sql(f"ALTER TABLE {POLE} DROP COLUMN napomena")
    phone.edit(POLE, other, materijal="Steel")

    receipt = await phone.upload()

    assert (1, "previous_upload") == (receipt["updated"], receipt["base"])
    assert await office.value(POLE, pole, "napomena") is None
