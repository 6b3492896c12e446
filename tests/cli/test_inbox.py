"""`fiberq inbox`: what waits, and what is decided about it."""

from pathlib import Path

import pytest

from fiberq_aiohttp.cli.exits import Exit
from tests.cli.running import Terminal, edit


@pytest.fixture
def conflict(village: Terminal, tmp_path: Path) -> str:
    """Two people called one pole by different names; the id of the item."""
    first, second = village.export(tmp_path / "a.gpkg"), tmp_path / "b.gpkg"
    village.ok("export", "1", second, "--as", "ema")
    edit(first, "UPDATE Stubovi SET naziv = 'office' WHERE naziv = 'P-1'")
    edit(second, "UPDATE Stubovi SET naziv = 'field' WHERE naziv = 'P-1'")
    village.ok("sync", first)
    village.ok("sync", second, "--as", "ema")
    [item] = village.get("inbox", "list")["items"]
    return str(item["item_id"])


def test_nothing_waits(village: Terminal) -> None:
    assert "Nothing waits.\n" == village.ok("inbox", "list")
    assert {"project_id": 1, "items": [], "next": None} == village.get("inbox", "list")


def test_list_and_show(village: Terminal, conflict: str) -> None:
    """A person sees the three values, who sent the one that waits and what can be done."""
    assert conflict in village.ok("inbox", "list")

    shown = village.ok("inbox", "show", conflict)

    assert all(word in shown for word in ("P-1", "field", "office", "ema", "take_mine", "keep_server"))
    item = village.get("inbox", "show", conflict)
    assert ("P-1", "field", "office") == (item["base"], item["device"], item["current"])


def test_a_decision_is_carried_out(village: Terminal, conflict: str, tmp_path: Path) -> None:
    decided = village.get("inbox", "decide", conflict, "take_mine", "--note", "she was there")

    assert ("take_mine", "she was there") == (decided["decided"]["decision"], decided["decided"]["note"])
    assert [] == village.get("inbox", "list")["items"]
    assert [conflict] == [item["item_id"] for item in village.get("inbox", "list", "--state", "decided")["items"]]
    file = village.export(tmp_path / "after.gpkg")
    assert [("field",)] == edit(file, "SELECT naziv FROM Stubovi WHERE fid = 1")


def test_what_was_done_is_not_done_again(village: Terminal, conflict: str) -> None:
    village.ok("inbox", "decide", conflict, "take_mine")

    said = village("inbox", "decide", conflict, "keep_server")

    assert Exit.CONFLICT == said.code and "take_mine" in said.err


@pytest.mark.parametrize(
    "args, code",
    [
        (("restore",), Exit.USAGE),  # no choice here
        (("nonsense",), Exit.USAGE),
        (("take_mine", "--as", "vuk", "--role", "engineer"), Exit.NOT_FOUND),  # no member
        (("take_mine", "--project", "2"), Exit.NOT_FOUND),
    ],
)
def test_decisions_that_are_refused(village: Terminal, conflict: str, args: tuple[str, ...], code: Exit) -> None:
    assert code == village("inbox", "decide", conflict, *args).code
    assert 1 == len(village.get("inbox", "list")["items"])


def test_others_work_is_not_a_field_workers_to_decide(village: Terminal, conflict: str) -> None:
    village.ok("project", "add-member", "1", "vuk", "field_worker")

    assert (
        Exit.REFUSED == village("inbox", "decide", conflict, "take_mine", "--as", "vuk", "--role", "field_worker").code
    )


def test_no_such_item(village: Terminal) -> None:
    assert Exit.NOT_FOUND == village("inbox", "show", "nonsense").code


def test_several_projects_have_to_be_told_apart(village: Terminal, conflict: str) -> None:
    """For the list; an item is found wherever it is."""
    village.ok("project", "create", "Grad")

    said = village("inbox", "list")

    assert Exit.USAGE == said.code and "1 (Selo), 2 (Grad)" in said.err
    assert [] == village.get("inbox", "list", "--project", "Grad")["items"]
    assert conflict == village.get("inbox", "show", conflict)["item_id"]


def test_limit(village: Terminal, tmp_path: Path) -> None:
    file = village.export(tmp_path / "a.gpkg")
    edit(file, "UPDATE Stubovi SET visina = 'tall'")
    village.ok("sync", file)

    page = village.get("inbox", "list", "--limit", "2")
    assert 2 == len(page["items"]) and page["next"] is not None
    assert 3 == len(village.get("inbox", "list")["items"])
    assert "--limit" in village.ok("inbox", "list", "--limit", "2")
