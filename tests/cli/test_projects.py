"""`fiberq project`."""

import pytest

from fiberq_aiohttp.cli.exits import Exit
from tests.cli.running import Terminal


def test_a_project_from_nothing(fq: Terminal) -> None:
    """The first project makes the data folder, for its owner only."""
    made = fq.get("project", "create", "Selo", "--description", "Оптика")

    assert (1, "Selo", "Оптика", 0) == (made["id"], made["name"], made["description"], made["revision"])
    assert 0 == fq.data.stat().st_mode & 0o077
    assert [made["uuid"]] == [project["uuid"] for project in fq.get("project", "list")]


def test_list_is_a_table(fq: Terminal) -> None:
    fq.ok("project", "create", "Selo")
    fq.ok("project", "create", "Grad")

    lines = [line.split() for line in fq.ok("project", "list").splitlines()]

    assert [
        ["id", "name", "status", "revision"],
        ["1", "Selo", "planning", "0"],
        ["2", "Grad", "planning", "0"],
    ] == lines


@pytest.mark.parametrize("said", ["1", "Selo"])
def test_show_by_number_or_name(village: Terminal, said: str) -> None:
    shown = village.get("project", "show", said)

    assert (1, 1, 3) == (shown["id"], shown["revision"], shown["counts"]["Stubovi"])
    assert "Stubovi" in village.ok("project", "show", said)


def test_archive_takes_a_project_off_the_list(village: Terminal) -> None:
    village.ok("project", "archive", "Selo")

    assert [] == village.get("project", "list")
    assert ["archived"] == [project["status"] for project in village.get("project", "list", "--archived")]


def test_members_come_and_go(village: Terminal) -> None:
    """Somebody sees a project as long as they belong to it."""
    as_vuk = ("--as", "vuk", "--role", "field_worker")
    assert Exit.NOT_FOUND == village("project", "show", "1", *as_vuk).code

    village.ok("project", "add-member", "1", "vuk", "field_worker", "--name", "Vuk")
    assert {"vuk"} == {member["sub"] for member in village.get("project", "show", "1", *as_vuk)["members"]}

    village.ok("project", "remove-member", "Selo", "vuk")
    assert Exit.NOT_FOUND == village("project", "show", "1", *as_vuk).code


@pytest.mark.parametrize(
    "args, code",
    [
        (("show", "2"), Exit.NOT_FOUND),
        (("show", "Grad"), Exit.NOT_FOUND),
        (("archive", "9" * 30), Exit.NOT_FOUND),
        (("create", ""), Exit.USAGE),
        (("create", "x" * 201), Exit.USAGE),
        (("create", "x", "--role", "field_worker"), Exit.REFUSED),
        (("archive", "1", "--role", "engineer", "--as", "e"), Exit.NOT_FOUND),
        (("remove-member", "1", "nobody"), Exit.NOT_FOUND),
        (("add-member", "1", "x\ny", "engineer"), Exit.USAGE),
    ],
)
def test_refusals(village: Terminal, args: tuple[str, ...], code: Exit) -> None:
    said = village("project", *args)

    assert (code, "") == (said.code, said.out)
    assert said.err.startswith("fiberq: ")


def test_two_projects_of_one_name_are_told_apart_by_number(village: Terminal) -> None:
    village.ok("project", "create", "Selo")

    said = village("project", "show", "Selo")

    assert Exit.CONFLICT == said.code and "1, 2" in said.err


def test_no_command_makes_a_folder_of_a_typing_error(fq: Terminal) -> None:
    said = fq("project", "list")

    assert Exit.NOT_FOUND == said.code and "--data" in said.err
    assert not fq.data.exists()


def test_whose_work_it_is(fq: Terminal) -> None:
    """Without --as it is the user of this machine."""
    assert fq.get("project", "create", "a")["created_by_sub"].startswith("cli:")
    assert "ana" == fq.get("project", "create", "b", "--as", "ana")["created_by_sub"]
