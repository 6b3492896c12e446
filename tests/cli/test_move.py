"""`fiberq move`: devices notice nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from fiberq_aiohttp.cli.exits import Exit
from tests.cli.running import Said, Terminal, edit
from tests.e2e.device import point
from tests.moving.stores import dump

pytestmark = pytest.mark.postgis


@frozen
class Office(Terminal):
    """Somebody who types commands about a store in a database; its files lie in the data folder."""

    dsn: str = field(repr=False)

    def __call__(self, *args: object, **env: str) -> Said:
        """Run a command."""
        return super().__call__(*args, **{"DATABASE_URL": self.dsn, **env})


@pytest.fixture
def office(tmp_path: Path, bare_dsn: str) -> Office:
    """A terminal with a database in which there is nothing yet."""
    return Office(tmp_path / "served", bare_dsn)


def poles(fq: Terminal, folder: Path) -> Mapping[str, Any]:
    """Name and material of each pole."""
    file = folder / "now.gpkg"
    fq.ok("export", 1, file, "--force")
    return dict(edit(file, "SELECT naziv, materijal FROM Stubovi ORDER BY fid"))


def taken_by_ema(fq: Terminal, folder: Path) -> Path:
    """The project in the hands of somebody else."""
    fq.ok("export", 1, folder / "hers.gpkg", "--as", "ema")
    return folder / "hers.gpkg"


def move_there_or_there_and_back(village: Terminal, office: Office, folder: Path, *, back: bool) -> Terminal:
    """Move the village into the database, and, where that is asked for, into another folder; who types there."""
    office.ok("move", "--from", village.data, "--to", "DATABASE_URL")
    if not back:
        return office
    office.ok("move", "--from", "-", "--to", folder / "new")
    return Terminal(folder / "new")


@pytest.mark.parametrize("back", [False, True], ids=["there", "and back"])
def test_a_file_from_before_merges_as_if_nothing_had_happened(
    village: Terminal, office: Office, tmp_path: Path, *, back: bool
) -> None:
    """S01, S05: what it was is made again from history; edits apply, and what clashes waits, in the same words."""
    phone, other = village.export(tmp_path / "phone.gpkg"), taken_by_ema(village, tmp_path)
    edit(phone, "UPDATE Stubovi SET materijal = 'Steel' WHERE naziv IN ('P-1', 'P-2')")
    edit(phone, f"INSERT INTO Stubovi (naziv, geom) VALUES ('P-4', x'{point(21, 44).hex()}')")
    edit(other, "UPDATE Stubovi SET materijal = 'Concrete' WHERE naziv = 'P-2'", "DELETE FROM Stubovi WHERE fid = 3")
    village.ok("sync", other, "--as", "ema")

    new = move_there_or_there_and_back(village, office, tmp_path, back=back)
    receipt = new.get("sync", phone)
    [item] = new.get("inbox", "list")["items"]

    assert ("export", 1, 1, 1) == tuple(receipt[name] for name in ("base", "updated", "inserted", "conflicts"))
    assert {"P-1": "Steel", "P-2": "Concrete", "P-4": None} == poles(new, tmp_path)
    assert (None, "Steel", "Concrete") == (item["base"], item["device"], item["current"])
    assert [4] == [fid for (fid,) in edit(tmp_path / "now.gpkg", "SELECT fid FROM Stubovi WHERE naziv = 'P-4'")]


def test_a_file_that_was_taken_before_is_not_taken_again(village: Terminal, office: Office, tmp_path: Path) -> None:
    """The receipt is there; so is the way to take it back."""
    file = village.export(tmp_path / "phone.gpkg")
    edit(file, "UPDATE Stubovi SET materijal = 'Steel' WHERE naziv = 'P-1'")
    first = village.get("sync", file)

    new = move_there_or_there_and_back(village, office, tmp_path, back=False)
    again = new.get("sync", file)
    new.ok("undo", first["sync_id"])

    assert first["sync_id"] == again["sync_id"]
    assert None is poles(new, tmp_path)["P-1"]


def test_what_waited_is_decided_there(village: Terminal, office: Office, tmp_path: Path) -> None:
    mine, hers = village.export(tmp_path / "mine.gpkg"), taken_by_ema(village, tmp_path)
    edit(mine, "UPDATE Stubovi SET materijal = 'Wood' WHERE naziv = 'P-1'")
    edit(hers, "UPDATE Stubovi SET materijal = 'Steel' WHERE naziv = 'P-1'")
    village.ok("sync", mine)
    village.ok("sync", hers, "--as", "ema")
    [item] = village.get("inbox", "list")["items"]

    office.ok("move", "--from", village.data, "--to", "-")
    assert [item] == office.get("inbox", "list")["items"]
    office.ok("inbox", "decide", item["item_id"], "take_mine")

    assert "Steel" == poles(office, tmp_path)["P-1"]


def test_it_says_what_it_did(village: Terminal, office: Office, tmp_path: Path) -> None:
    """To people and to scripts; no password is in it."""
    said = office("move", "--from", village.data, "--to", "-")
    back = office.get("move", "--from", "-", "--to", tmp_path / "new")

    assert "1 projects with 3 rows, 0 earlier versions, 1 revisions, 0 inbox items, 1 receipts" in said.out
    assert "0 photos, 1 uploads" in said.out and f"fiberq serve --data {office.data}" in said.out
    assert office.dsn not in said.out + said.err
    assert (3, {"photos": 0, "uploads": 1}) == (back["records"]["ftth_stubovi"], back["files"])
    assert dump(village.data) == dump(tmp_path / "new")


def test_an_address_may_be_typed(village: Terminal, office: Office) -> None:
    assert "Moved" in village.ok("move", "--from", village.data, "--to", office.dsn, "--data", office.data)


def test_files_stay_where_both_stores_have_them(village: Terminal, office: Office) -> None:
    """A server with the database may go on in the same data folder."""
    assert "1 uploads" in office.ok("move", "--from", village.data, "--to", "-", "--data", village.data)

    assert ["Selo"] == [project["name"] for project in office.get("project", "list")]


@pytest.mark.parametrize(
    "source, target, code, words",
    [
        ("{data}", "{data}/other", Exit.USAGE, "fiberq restore"),
        ("{data}/none", "-", Exit.NOT_FOUND, "There is no FiberQ data"),
        ("-", "{data}/other", Exit.NOT_FOUND, "no FiberQ store in the database"),
        ("mysql://user:secret@db/x", "{data}", Exit.USAGE, "DATABASE_URL must be like postgresql://"),
        ("{data}", "postgresql://user:secret@127.0.0.1:1/x", Exit.STORE, "does not answer"),
    ],
)
def test_what_cannot_be_moved(
    village: Terminal, office: Office, *, source: str, target: str, code: Exit, words: str
) -> None:
    """It says why, without anybody's password."""
    places = [place.format(data=village.data) for place in (source, target)]

    said = office("move", "--from", places[0], "--to", places[1])

    assert (code, "") == (said.code, said.out)
    assert words in said.err and "secret" not in said.err


def test_a_variable_that_is_not_set(village: Terminal) -> None:
    said = village("move", "--from", village.data, "--to", "-", DATABASE_URL="")

    assert Exit.USAGE == said.code and "set DATABASE_URL" in said.err
