"""`fiberq export`, `sync`, `import`, `undo`: files out and in."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fiberq_aiohttp.cli.exits import Exit
from tests.cli.running import Terminal, edit, open_file
from tests.e2e.device import point

RENAME = "UPDATE Stubovi SET naziv = 'renamed' WHERE naziv = 'P-1'"
WRONG_HEIGHT = "UPDATE Stubovi SET visina = 'tall' WHERE naziv = 'P-2'"


@pytest.fixture
def file(village: Terminal, tmp_path: Path) -> Path:
    """The project Selo as a GeoPackage."""
    return village.export(tmp_path / "selo.gpkg")


def names(fq: Terminal, folder: Path, project: object = 1) -> list[str]:
    """The names of the poles as they are now."""
    file = fq.export(folder / f"look-{len(list(folder.iterdir()))}.gpkg", project)
    return [name for (name,) in edit(file, "SELECT naziv FROM Stubovi ORDER BY naziv")]


def left_behind(fq: Terminal) -> list[Path]:
    """What is left of files that were read."""
    return list((fq.data / "incoming").iterdir())


def test_an_export_belongs_to_whoever_took_it(village: Terminal, tmp_path: Path) -> None:
    """The same revision, two people, two ids; the file says so itself."""
    ids: dict[str, set[str]] = {"ana": set(), "ema": set()}

    for n, sub in enumerate(("ana", "ema", "ana")):
        file = tmp_path / f"{n}.gpkg"
        taken = village.get("export", "Selo", file, "--as", sub)
        [(said,)] = edit(file, "SELECT metadata FROM gpkg_metadata WHERE md_standard_uri LIKE 'urn:fiberq%'")
        ids[sub].add(taken["export_id"])

        assert taken["export_id"] in said

    assert [1, 1] == [len(found) for found in ids.values()] and ids["ana"] != ids["ema"]


def test_export_leaves_only_the_file(village: Terminal, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    village.export(tmp_path / "out" / "selo.gpkg")
    village.ok("export", "1", tmp_path / "out" / "selo.gpkg", "--force")

    assert ["selo.gpkg"] == [path.name for path in (tmp_path / "out").iterdir()]


def test_export_overwrites_nothing_unless_told_to(village: Terminal, file: Path) -> None:
    edit(file, RENAME)
    before = file.read_bytes()

    assert Exit.CONFLICT == village("export", "1", file).code
    assert before == file.read_bytes()
    assert Exit.OK == village("export", "1", file, "--force").code
    assert before != file.read_bytes()


def test_export_does_not_pull_a_file_from_under_qgis(village: Terminal, file: Path) -> None:
    """Its write-ahead log would be applied to the new file, and ruin it."""
    with closing(open_file(file)) as qgis:
        qgis.execute("PRAGMA journal_mode = WAL")
        qgis.execute(RENAME)
        qgis.commit()

        said = village("export", "1", file, "--force")

    assert Exit.CONFLICT == said.code and "open" in said.err


def test_export_into_no_folder(village: Terminal, tmp_path: Path) -> None:
    said = village("export", "1", tmp_path / "nowhere" / "x.gpkg")

    assert Exit.BAD_FILE == said.code and "cannot be written" in said.err


def test_sync_merges_by_itself(village: Terminal, file: Path, tmp_path: Path) -> None:
    """The file knows its project."""
    edit(file, RENAME, "DELETE FROM Stubovi WHERE naziv = 'P-3'")

    receipt = village.get("sync", file)

    assert (1, 1, 1) == (receipt["project_id"], receipt["updated"], receipt["deleted"])
    assert ["P-2", "renamed"] == names(village, tmp_path)
    assert [] == left_behind(village)


def test_sync_tells_a_person_what_became_of_it(village: Terminal, file: Path) -> None:
    edit(file, RENAME, WRONG_HEIGHT)

    out = village.ok("sync", file)

    assert "Project 1, revision 1 → 2" in out
    assert "1 updated" in out and "1 rejected" in out
    assert "visina" in out and "tall" in out and "fiberq inbox list" in out and "fiberq undo" in out


def test_sync_twice_is_once(village: Terminal, file: Path) -> None:
    edit(file, RENAME)

    first, second = village.get("sync", file), village.get("sync", file)

    assert first == second
    assert 2 == village.get("project", "show", "1")["revision"]


def test_dry_run_changes_nothing(village: Terminal, file: Path, tmp_path: Path) -> None:
    edit(file, RENAME)

    assert 1 == village.get("sync", file, "--dry-run")["updated"]
    assert "rehearsal" in village.ok("sync", file, "--dry-run")
    assert ["P-1", "P-2", "P-3"] == names(village, tmp_path)
    assert 1 == village.get("sync", file)["updated"]


@pytest.mark.parametrize("flag, code", [((), Exit.OK), (("--fail-on-held",), Exit.HELD)])
def test_held_items_fail_where_that_is_asked_for(
    village: Terminal, file: Path, flag: tuple[str, ...], code: Exit
) -> None:
    """And the good rows are applied either way."""
    edit(file, RENAME, WRONG_HEIGHT)

    said = village("sync", file, "--json", *flag)

    assert (code, 1, 1) == (said.code, said.json["updated"], said.json["rejected"])


def test_nothing_held_is_no_failure(village: Terminal, file: Path) -> None:
    edit(file, RENAME)

    assert Exit.OK == village("sync", file, "--fail-on-held").code


def test_sync_takes_along_what_qgis_left_in_the_wal(village: Terminal, file: Path, tmp_path: Path) -> None:
    """The file is not touched: QGIS has it open."""
    with closing(open_file(file)) as qgis:
        qgis.execute("PRAGMA journal_mode = WAL")
        qgis.execute(RENAME)
        qgis.commit()
        before = {path.name: path.read_bytes() for path in tmp_path.glob("selo.gpkg*")}

        receipt = village.get("sync", file)

        assert before == {path.name: path.read_bytes() for path in tmp_path.glob("selo.gpkg*")}
    assert 1 == receipt["updated"]
    assert [] == left_behind(village)


def test_a_file_in_the_middle_of_a_write_waits(village: Terminal, file: Path) -> None:
    with closing(open_file(file)) as other:
        other.execute("PRAGMA cache_size = 1")
        other.execute("BEGIN")
        other.execute(RENAME)
        assert file.with_name(file.name + "-journal").stat().st_size

        assert Exit.BUSY == village("sync", file).code
        other.rollback()


def test_values_cannot_play_with_the_terminal(village: Terminal, file: Path) -> None:
    edit(file, "UPDATE Stubovi SET visina = char(27) || '[31m' WHERE naziv = 'P-2'")

    assert "\x1b" not in village.ok("sync", file)


def test_sync_to_another_project_is_refused(village: Terminal, file: Path) -> None:
    village.ok("project", "create", "Grad")

    assert Exit.CONFLICT == village("sync", file, "--project", "Grad").code


def test_sync_of_a_project_that_is_not_here(village: Terminal, file: Path, tmp_path: Path) -> None:
    other = Terminal(tmp_path / "other")
    other.ok("project", "create", "Selo")

    assert Exit.NOT_FOUND == other("sync", file).code


def test_sync_to_an_archived_project_is_refused(village: Terminal, file: Path) -> None:
    village.ok("project", "archive", "1")

    assert Exit.CONFLICT == village("sync", file).code


def test_a_file_without_origin_needs_a_project(village: Terminal, tmp_path: Path) -> None:
    file = a_strangers_file(tmp_path)

    said = village("sync", file)

    assert Exit.USAGE == said.code and "--project" in said.err
    assert 1 == village.get("sync", file, "--project", "Selo")["inserted"]


@pytest.mark.parametrize("content", [b"", b"not a GeoPackage", b"SQLite format 3\0" + bytes(500)])
@pytest.mark.parametrize("command", [("sync",), ("import", "--project", "1"), ("import", "--new", "Grad")])
def test_bad_files_change_nothing(village: Terminal, tmp_path: Path, content: bytes, command: tuple[str, ...]) -> None:
    """No revision, no project, no copy left behind."""
    file = tmp_path / "bad.gpkg"
    file.write_bytes(content)

    said = village(*command, file)

    assert (Exit.BAD_FILE, "") == (said.code, said.out)
    assert [1] == [project["revision"] for project in village.get("project", "list")]
    assert [] == left_behind(village)


@pytest.mark.parametrize("command", [("sync",), ("import", "--project", "1"), ("import", "--new", "Grad")])
def test_no_such_file(village: Terminal, tmp_path: Path, command: tuple[str, ...]) -> None:
    assert Exit.NOT_FOUND == village(*command, tmp_path / "none.gpkg").code


def test_a_folder_is_no_file(village: Terminal, tmp_path: Path) -> None:
    assert Exit.USAGE == village("sync", tmp_path).code


@pytest.mark.parametrize("target", [(), ("--project", "1", "--new", "x")])
def test_import_goes_to_one_place(village: Terminal, file: Path, target: tuple[str, ...]) -> None:
    assert Exit.USAGE == village("import", file, *target).code


def test_import_into_a_project(village: Terminal, tmp_path: Path) -> None:
    receipt = village.get("import", a_strangers_file(tmp_path), "--project", "Selo")

    assert (1, "unknown") == (receipt["inserted"], receipt["base"])
    assert ["P-1", "P-2", "P-3", "Ø-1"] == names(village, tmp_path)


def test_import_makes_a_project_in_an_empty_folder(fq: Terminal, tmp_path: Path) -> None:
    receipt = fq.get("import", a_strangers_file(tmp_path), "--new", "Novo")

    assert (1, 1) == (receipt["project_id"], receipt["inserted"])
    assert ["Novo"] == [project["name"] for project in fq.get("project", "list")]


def test_import_carries_a_project_to_another_server(village: Terminal, file: Path, tmp_path: Path) -> None:
    """With its uuids; the two are different projects from then on."""
    other = Terminal(tmp_path / "other")
    uuids = edit(file, "SELECT fiberq_uuid FROM Stubovi ORDER BY 1")

    receipt = other.get("import", file, "--new", "Selo")

    assert (3, "P-1 P-2 P-3".split()) == (receipt["inserted"], names(other, tmp_path))
    assert uuids == edit(other.export(tmp_path / "b.gpkg"), "SELECT fiberq_uuid FROM Stubovi ORDER BY 1")
    assert Exit.NOT_FOUND == other("sync", file).code


def test_who_may_not_create_projects_may_not_import_new_ones(village: Terminal, file: Path) -> None:
    assert Exit.REFUSED == village("import", file, "--new", "Grad", "--role", "field_worker").code


def test_undo_takes_an_upload_back(village: Terminal, file: Path, tmp_path: Path) -> None:
    edit(file, RENAME, "DELETE FROM Stubovi WHERE naziv = 'P-3'")
    sync_id = village.get("sync", file)["sync_id"]

    receipt = village.get("undo", sync_id)

    assert (sync_id, 1, 1) == (receipt["undoes"], receipt["updated"], receipt["inserted"])
    assert ["P-1", "P-2", "P-3"] == names(village, tmp_path)


def test_undo_of_nothing(village: Terminal, file: Path) -> None:
    unchanged = village.get("sync", file)["sync_id"]

    assert Exit.NOT_FOUND == village("undo", "nonsense").code
    assert Exit.NOT_FOUND == village("undo", unchanged).code


def test_field_workers_edits_are_theirs(village: Terminal, file: Path) -> None:
    """The command line goes by the same policy as HTTP."""
    village.ok("project", "add-member", "1", "vuk", "field_worker")
    edit(file, "INSERT INTO Work_orders (title) VALUES ('dig')")

    receipt = village.get("sync", file, "--as", "vuk", "--role", "field_worker")

    assert (0, 1) == (receipt["inserted"], receipt["held"])


def a_strangers_file(folder: Path) -> Path:
    """One pole, as some other program wrote it."""
    file = folder / "stranger.gpkg"
    with closing(sqlite3.connect(file)) as db, db:
        db.executescript(f"""
            PRAGMA application_id = {0x47504B47};
            PRAGMA user_version = 10200;
            CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,
                organization_coordsys_id INTEGER, definition TEXT, description TEXT);
            INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS[]', '');
            CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, description TEXT,
                last_change TEXT, min_x REAL, min_y REAL, max_x REAL, max_y REAL, srs_id INTEGER);
            INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
                VALUES ('Poles', 'features', 'Poles', 4326);
            CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT,
                srs_id INTEGER, z INTEGER, m INTEGER);
            INSERT INTO gpkg_geometry_columns VALUES ('Poles', 'shape', 'POINT', 4326, 0, 0);
            CREATE TABLE Poles (ogc_fid INTEGER PRIMARY KEY, shape POINT, naziv TEXT);
            INSERT INTO Poles (shape, naziv) VALUES (x'{point(21.5, 44).hex()}', 'Ø-1');
        """)
    return file
