"""Who asks twice: codes that are good for one project, one person and some minutes."""

from itertools import pairwise

import pytest
from attrs import evolve

from fiberq_core.errors import Conflict, Invalid
from fiberq_core.ports import Project
from fiberq_core.purging import VALID, code_of, confirm, demand_archived

SELO = Project(7, "a" * 8, "Selo", "", 3, "archived", "hold", "2026-01-01T00:00:00.000Z", None)
SECRET, NOW = b"s" * 32, 1_800_000_000.5


def test_the_code_opens_until_it_expires() -> None:
    """And not a second longer."""
    said = code_of(SECRET, SELO, "ana", NOW), "Selo"
    confirm(SECRET, SELO, "ana", said, NOW + VALID - 1)

    with pytest.raises(Invalid):
        confirm(SECRET, SELO, "ana", said, NOW + VALID)


def test_it_opens_nothing_else() -> None:
    """Each of its parts counts, the server's secret first of all."""
    said = code_of(SECRET, SELO, "ana", NOW), "Selo"
    for secret, project, sub in (
        (b"t" * 32, SELO, "ana"),
        (SECRET, evolve(SELO, uuid="b" * 8), "ana"),
        (SECRET, SELO, "an"),
        (SECRET, SELO, "ana\n"),
    ):
        with pytest.raises(Invalid) as refused:
            confirm(secret, project, sub, said, NOW)
        assert ["code"] == [fault.path for fault in refused.value.faults]


@pytest.mark.parametrize("code", [None, 7, "", "-", "0-" + "0" * 64, "9" * 13 + "-" + "0" * 64, "1800000600-é", ["x"]])
def test_what_is_no_code(code: object) -> None:
    """Every fault is named at once."""
    with pytest.raises(Invalid) as refused:
        confirm(SECRET, SELO, "ana", (code, "selo"), NOW)

    assert ["code", "name"] == [fault.path for fault in refused.value.faults]


def test_codes_differ_by_moment() -> None:
    """So that an old one tells nothing of a new one."""
    codes = [code_of(SECRET, SELO, "ana", NOW + second) for second in range(5)]

    assert all(one != other for one, other in pairwise(codes))


def test_only_archived_projects() -> None:
    """Nobody works there any more."""
    demand_archived(SELO)

    with pytest.raises(Conflict):
        demand_archived(evolve(SELO, status="completed"))
