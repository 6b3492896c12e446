"""S39: files that want to do harm, or came to harm."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fiberq_core.errors import BadPackage, TooLarge
from fiberq_storage.gpkg import reader
from fiberq_storage.gpkg.connection import MAX_COLUMNS
from fiberq_storage.gpkg.reader import read_package
from tests.contracts.gpkg_files import (
    a_table,
    ask,
    edit,
    full_package,
    layer,
    plain_gpkg,
    wkb,
)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An export as it was delivered."""
    path = tmp_path / "base.gpkg"
    full_package(path)
    return path


@pytest.fixture
def sent(base: Path, tmp_path: Path) -> Path:
    """The device's copy of it, to be edited."""
    return Path(shutil.copy(base, tmp_path / "sent.gpkg"))


@pytest.mark.parametrize("with_base", [True, False])
def test_s39_text_that_is_none_does_not_stop_the_rest(base: Path, sent: Path, with_base: bool) -> None:
    """S39: invalid UTF-8 and NUL are bad values of their rows; all other rows are read."""
    edit(
        sent,
        "UPDATE OKNA SET napomena = CAST(x'80ff' AS TEXT), broj_okna = 'dobar' WHERE fid = 1",
        "UPDATE OKNA SET napomena = 'a' || char(0) || 'b' WHERE fid = 2",
        "UPDATE OKNA SET napomena = 'ok 🙂' WHERE fid = 3",
    )
    rows = layer(read_package(str(sent), str(base) if with_base else None, {}), "OKNA").rows

    assert [1, 2, 3] == [r.fid for r in rows]
    assert [("napomena", {"base64": "gP8="})] == [(b.field, b.raw) for b in rows[0].bad]
    assert ("dobar", wkb("POINT (20.5 44.8)")) == (rows[0].row.get("broj_okna"), rows[0].row.geometry)
    assert ("a\0b", "ok 🙂") == (rows[1].bad[0].raw, rows[2].row.get("napomena"))


def truncate(path: Path) -> None:
    """Half of the file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path, at: int, data: bytes) -> None:
    """Other bytes in the place of some."""
    content = bytearray(path.read_bytes())
    content[at : at + len(data)] = data
    path.write_bytes(content)


def corrupt_page(path: Path) -> None:
    """The root page of a layer is noise."""
    ((page,),) = ask(path, "SELECT rootpage FROM sqlite_master WHERE name = 'OKNA'")
    overwrite(path, (page - 1) * 4096, bytes(range(1, 256)) * 16)


def cut_the_last_page(path: Path) -> None:
    """All but the end of the file, where nothing that matters may lie."""
    path.write_bytes(path.read_bytes()[:-4096])


def rows_out_of_order(path: Path) -> None:
    """A page that can be read and still makes no sense: its rows are not in the order of their numbers."""
    ((page,),) = ask(path, "SELECT rootpage FROM sqlite_master WHERE name = 'OKNA'")
    start, content = (page - 1) * 4096, path.read_bytes()
    cell = start + int.from_bytes(content[start + 10 : start + 12], "big")
    while content[cell] & 0x80:
        cell += 1
    overwrite(path, cell + 1, b"\x09")


def replace_table(name: str, sql: str) -> Callable[[Path], None]:
    """Another thing under the name of a layer."""
    return lambda path: edit(path, f"DROP TABLE {name}", sql)


def rewrite_schema(sql: str) -> Callable[[Path], None]:
    """A schema that no SQL statement would make."""
    return lambda path: edit(path, "PRAGMA writable_schema = ON", sql)


HOSTILE: dict[str, Callable[[Path], Any]] = {
    "zero bytes": lambda path: path.write_bytes(b""),
    "a few bytes": lambda path: path.write_bytes(b"SQLite format 3\0"),
    "not SQLite": lambda path: path.write_bytes(b"%PDF-1.7 " * 500),
    "no GeoPackage": lambda path: overwrite(path, 68, b"\0\0\0\0"),
    "page size": lambda path: overwrite(path, 16, b"\x03\x03"),
    "truncated": truncate,
    "last page missing": cut_the_last_page,
    "corrupt page": corrupt_page,
    "rows out of order": rows_out_of_order,
    "corrupt schema": lambda path: overwrite(path, 100, b"\xff" * 200),
    "no contents": lambda path: edit(path, "DROP TABLE gpkg_contents"),
    "view": replace_table("OKNA", "CREATE VIEW OKNA AS SELECT 1 AS fid, 'x' AS broj_okna"),
    "endless view": replace_table(
        "OKNA",
        "CREATE VIEW OKNA AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS fid FROM n",
    ),
    "virtual table": replace_table("OKNA", "CREATE VIRTUAL TABLE OKNA USING fts5(broj_okna)"),
    "view as contents": replace_table(
        "gpkg_contents", "CREATE VIEW gpkg_contents AS SELECT 1 AS table_name, 2 AS data_type"
    ),
    "computed column": replace_table("OKNA", "CREATE TABLE OKNA (fid INTEGER PRIMARY KEY, x AS (fid + 1))"),
    "without rowid": replace_table("OKNA", "CREATE TABLE OKNA (a TEXT PRIMARY KEY, b TEXT) WITHOUT ROWID"),
    "functions in defaults": replace_table(
        "OKNA", "CREATE TABLE OKNA (fid INTEGER PRIMARY KEY, x TEXT NOT NULL DEFAULT (load_extension('x')))"
    ),
    "table that is a view": rewrite_schema(
        "UPDATE sqlite_master SET sql = 'CREATE VIEW OKNA AS SELECT 1' WHERE name = 'OKNA'"
    ),
    "table under another name": rewrite_schema(
        "UPDATE sqlite_master SET sql = 'CREATE TABLE other (a)' WHERE name = 'OKNA'"
    ),
    "root page far away": rewrite_schema("UPDATE sqlite_master SET rootpage = 99999999 WHERE name = 'OKNA'"),
    "two tables on one page": rewrite_schema(
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'Trasa') WHERE name = 'OKNA'"
    ),
}


@pytest.mark.parametrize("harm", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("with_base", [True, False])
def test_s39_refused_whole(base: Path, sent: Path, harm: Callable[[Path], Any], with_base: bool) -> None:
    """S39: refused in bounded time, in words for a person, without path or SQL."""
    harm(sent)
    start = time.monotonic()

    with pytest.raises(BadPackage) as caught:
        read_package(str(sent), str(base) if with_base else None, {})
    said = str(caught.value)
    assert time.monotonic() - start < 5
    assert said[0].isupper() or said.startswith("“")
    assert not any(word in said for word in ("/", "SELECT", "sqlite_", "apsw"))


@pytest.mark.parametrize("harm, words", [(cut_the_last_page, "incomplete"), (rows_out_of_order, "no sense")])
def test_s39_says_what_is_wrong(sent: Path, harm: Callable[[Path], Any], words: str) -> None:
    """S39: an incomplete file can be sent again; a damaged one cannot be helped that way."""
    harm(sent)

    with pytest.raises(BadPackage, match=words):
        read_package(str(sent), None, {})


def test_s39_ten_thousand_columns(tmp_path: Path) -> None:
    """S39: more columns than any layer has are refused, whether SQLite's limit or ours finds them."""
    for count in (MAX_COLUMNS + 10, 1900):
        columns = ", ".join(f"c{i} TEXT" for i in range(count))
        path = plain_gpkg(tmp_path / f"{count}.gpkg", *a_table("OKNA", columns))
        with pytest.raises(BadPackage):
            read_package(str(path), None, {})
    path = plain_gpkg(tmp_path / "x.gpkg", *a_table("OKNA", "a TEXT"))
    wide = ", ".join(f"c{i}" for i in range(10_000))
    edit(
        path,
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET sql = 'CREATE TABLE OKNA ({wide})' WHERE name = 'OKNA'",
    )

    with pytest.raises(BadPackage):
        read_package(str(path), None, {})


def test_s39_claims_in_the_contents_are_not_believed(base: Path, sent: Path) -> None:
    """S39: a billion rows in the contents, layers that are not there, and text for numbers cost nothing."""
    edit(
        sent,
        "UPDATE gpkg_ogr_contents SET feature_count = 1000000000",
        "UPDATE gpkg_contents SET min_x = 'x', max_x = 1e308",
        "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('no such table', 'features'), (x'ff', 'features')",
    )
    file = read_package(str(sent), str(base), {})

    assert not any(one.rows for one in file.layers)
    assert "no such table" in file.unknown


def test_s39_evil_names_are_only_names(tmp_path: Path) -> None:
    """S39: names that are SQL, empty, very long or full of quotes are read as what they are."""
    evil = ['x"; DROP TABLE OKNA; --', "sel'ect", "n" * 300, "🙂", "[a]", "fid) OR 1=1 --"]
    columns = ", ".join('"' + name.replace('"', '""') + '" TEXT' for name in evil)
    path = plain_gpkg(tmp_path / "x.gpkg", *a_table("OKNA", columns))
    connection = sqlite3.connect(path)
    connection.execute(f"INSERT INTO OKNA VALUES (1, NULL, {', '.join('?' * len(evil))})", evil)
    connection.commit()
    connection.close()

    assert dict(zip(evil, evil, strict=True)) == layer(read_package(str(path), None, {}), "OKNA").rows[0].row.values


def test_s39_triggers_are_normal_and_never_run(base: Path, sent: Path) -> None:
    """S39: triggers of the file are ignored, whatever they would do."""
    edit(sent, "CREATE TRIGGER evil AFTER UPDATE ON OKNA BEGIN SELECT RAISE(ABORT, 'x'); END;")

    assert not any(one.rows for one in read_package(str(sent), str(base), {}).layers)


def test_s39_a_value_too_large(sent: Path) -> None:
    """S39: a value beyond the limit is named as such."""
    edit(sent, "UPDATE OKNA SET napomena = zeroblob(70000000) WHERE fid = 1")

    with pytest.raises(TooLarge):
        read_package(str(sent), None, {})


def test_s39_the_clock_stops_it(base: Path, sent: Path) -> None:
    """S39: time is bounded, also in the middle of a query."""
    edit(
        sent,
        "INSERT INTO fiber_splices (fiberq_rev) WITH n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 30000) SELECT i FROM n",
    )

    with pytest.raises(BadPackage, match="too long"):
        read_package(str(sent), str(base), {}, seconds=0.0)


def test_s39_rows_are_counted(sent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S39: more rows than the limit, over all layers, are refused."""
    monkeypatch.setattr(reader, "MAX_ROWS", 60)

    with pytest.raises(TooLarge):
        read_package(str(sent), None, {})


def test_s39_nothing_is_written(base: Path, sent: Path) -> None:
    """Reading leaves the file and its folder as they were."""
    before = sent.read_bytes()
    read_package(str(sent), str(base), {})

    assert before == sent.read_bytes()
    assert {"base.gpkg", "sent.gpkg"} == {path.name for path in sent.parent.iterdir()}
