"""Every way from port to port that a network has, each once."""

import pytest

from fiberq_core.fibre.paths import paths_from
from fiberq_core.fibre.report import Reckoning
from tests.core.plant import BREAKS, Plant, chain
from tests.core.test_tracing import a_splitter


def listed(plant: Plant, after: int = 0, limit: int = 100) -> list[str]:
    """The names of the paths."""
    return [path["path_name"] for path in paths_from([*plant.rows.values()], Reckoning(), after, limit)[0]]


def an_exchange(ports: int) -> Plant:
    """An OLT with jumpers to an ODF, and outlets at the far ends of the fibres."""
    plant = Plant()
    plant.cable("K")
    plant.element("TO", tip="TO")
    for n in range(1, ports + 1):
        plant.patch("TO", n, ("K", n))
    plant.element("OLT", tip="OLT")
    for n in range(1, ports + 1):
        plant.patch("ODF", n, ("K", n), connected_to_uuid=f"OLT:{n}")
        plant.patch("OLT", n)
    return plant


def test_each_way_once():
    """From the head end, over the jumper; ports in the middle begin no way of their own."""
    assert ["OLT : 1 → TO : 1", "OLT : 2 → TO : 2"] == listed(an_exchange(2))


def test_where_nobody_is_the_head():
    """Between two of a kind the lower number comes first."""
    plant = chain(1)
    for name in ("ODF", "TO"):
        plant.element(name, tip="TO")

    assert ["ODF : 1 → TO : 1"] == listed(plant)


def test_through_a_splitter():
    """From each subscriber's end, since from the head end it is no single way."""
    assert ["TO0 : 1 → ODF : 1", "TO1 : 1 → ODF : 1"] == listed(a_splitter(2))


def test_only_whole_ways():
    """What ends in the open is none; what is broken is one."""
    plant = chain(1)
    plant.add(BREAKS, "B", kabl_uuid="K0", distance_m=1.0)
    assert ["ODF : 1 → TO : 1"] == listed(plant)

    del plant.rows["S0"]
    assert [] == listed(plant)


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_pages(limit):
    """Pages of any size give every way once, in order, and end."""
    plant, found, after = an_exchange(5), [], 0
    while True:
        page, last = paths_from([*plant.rows.values()], Reckoning(), after, limit)
        assert len(page) <= limit
        found += [path["path_name"] for path in page]
        if last is None:
            break
        after = last

    assert listed(plant) == found and 5 == len(found)
