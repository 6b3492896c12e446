"""Only what may differ is read. The law: looking at pages first changes the time that finding edits takes, and not what is found.

SQLite's own account of its pages (`dbstat`) judges how trees are taken apart.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fiberq_core.errors import BadPackage
from fiberq_storage.gpkg import reader
from fiberq_storage.gpkg.connection import Allowance
from fiberq_storage.gpkg.description import PAGE_BYTES
from fiberq_storage.gpkg.pages import HIGHEST, LOWEST, Pages, Tree, read_tree, whole_rows
from fiberq_storage.gpkg.parts import Parts, differing_parts
from fiberq_storage.gpkg.reader import read_package
from tests.contracts.gpkg_files import UUID, a_package, a_row, ask, edit, layer

LONG = "LINESTRING (" + ", ".join(f"{20 + i / 1e4} 44" for i in range(400)) + ")"  # goes on in a second page
VERY_LONG = "LINESTRING (" + ", ".join(f"{20 + i / 1e4} 44" for i in range(1_100)) + ")"  # in many
SHORT = "LINESTRING (20 44, 21 45)"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export whose tables are trees of one to three levels, some of their rows longer than a page."""
    path = tmp_path_factory.mktemp("pages") / "base.gpkg"
    manholes = [a_row(n, "POINT (20 44)", broj_okna=f"O-{n}", napomena="n" * (n % 90)) for n in range(1, 3_001)]
    routes = [a_row(n, LONG if n % 40 == 0 else VERY_LONG if n == 7 else SHORT, naziv=f"T-{n}") for n in range(1, 301)]
    poles = [a_row(n, "POINT (21 45)", napomena="p" * 3_000) for n in range(1, 901)]
    just = [
        a_row(n, "POINT (20 44)", napomena="o" * (3_954 + n // 17)) for n in range(1, 33)
    ]  # fits; one byte too long
    a_package(path, {"OKNA": manholes, "Trasa": routes, "Stubovi": poles, "Nastavci": just, "Objects": just[:1]})
    return path


@pytest.fixture
def sent(base: Path, tmp_path: Path) -> Path:
    """The device's copy of it."""
    return Path(shutil.copy(base, tmp_path / "sent.gpkg"))


def in_parts(sent: Path, base: Path) -> Mapping[str, Parts]:
    """Where the two may differ."""
    found: dict[str, Parts] = {}

    def noted(*given: Any) -> dict[str, Parts]:
        found.update(differing_parts(*given))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "differing_parts", noted)
        read_package(str(sent), str(base), {})
    return found


def outcome(sent: Path, base: Path) -> str:
    """All that is found, or that the file is refused; as text, in which no number differs from itself."""
    try:
        return repr(read_package(str(sent), str(base), {}))
    except BadPackage:
        return "refused"


def in_full(sent: Path, base: Path) -> str:
    """The same without a look at pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "differing_parts", lambda *_: {})
        return outcome(sent, base)


def fids(sent: Path, base: Path, source: str) -> list[int]:
    """The rows of one table that are looked at."""
    return sorted(row.fid for row in layer(read_package(str(sent), str(base), {}), source).rows)


# --- the law --------------------------------------------------------------------------------------

EDITS: dict[str, str] = {
    "in place": "UPDATE OKNA SET broj_okna = 'X' || substr(broj_okna, 2) WHERE fid % {a} = 3",
    "longer": "UPDATE OKNA SET napomena = napomena || 'and more text than there was' WHERE fid % {a} = 5",
    "shorter": "UPDATE Stubovi SET napomena = 'p' WHERE fid BETWEEN {a} AND {a} + {b} % 50",
    "long row": "UPDATE Trasa SET naziv = naziv || 'x' WHERE fid % 40 = 0 AND fid % 3 = {b} % 3",
    "end of a long row": "UPDATE Trasa SET geom = CAST(substr(geom, 1, length(geom) - 1) || x'41' AS BLOB) WHERE fid = 40 * ({a} % 7 + 1)",
    "row made long": "UPDATE OKNA SET napomena = hex(zeroblob(4000)) WHERE fid = {b}",
    "new": "INSERT INTO OKNA (broj_okna, fiberq_uuid) VALUES ('new', NULL), ('second', NULL)",
    "many new": "INSERT INTO Stubovi (napomena) SELECT napomena FROM Stubovi WHERE fid < {a} * 9",
    "copies": "INSERT INTO OKNA (broj_okna, fiberq_uuid) SELECT 'copy', fiberq_uuid FROM OKNA WHERE fid % 400 = {a}",
    "gone": "DELETE FROM OKNA WHERE fid % {a} = 1",
    "a stretch gone": "DELETE FROM Stubovi WHERE fid BETWEEN {b} AND {b} + 200",
    "all gone": "DELETE FROM Trasa",
    "another fid": "UPDATE Stubovi SET fid = fid + 5000 WHERE fid = {a}",
    "low fid": "UPDATE OKNA SET fid = -fid WHERE fid = {b}",
    "uuids exchanged": "UPDATE OKNA SET fiberq_uuid = (SELECT o.fiberq_uuid FROM OKNA o WHERE o.fid = OKNA.fid + 1) WHERE fid = {b}",
    "revision only": "UPDATE OKNA SET fiberq_rev = 9 WHERE fid % {a} = 2",
    "new column": "ALTER TABLE OKNA ADD COLUMN opomba TEXT DEFAULT 'everywhere'",
    "another name": "ALTER TABLE Stubovi RENAME COLUMN napomena TO beleska",
    "column dropped": "ALTER TABLE Trasa DROP COLUMN napomena",
    "index": "CREATE INDEX evil ON OKNA (fiberq_uuid)",
    "built anew": "VACUUM",
}
STEP = st.tuples(st.sampled_from(sorted(EDITS)), st.integers(11, 97), st.integers(1, 800))


def edited(path: Path, steps: list[tuple[str, int, int]]) -> None:
    """Make edits as a device would. A column that is gone cannot be edited any more."""
    for name, a, b in steps:
        try:
            edit(path, EDITS[name].format(a=a, b=b))
        except sqlite3.Error:
            continue


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=5))
def test_pages_change_nothing_that_is_found(base: Path, tmp_path: Path, steps: list[tuple[str, int, int]]) -> None:
    """Whatever a device does, the same rows, deletions and counts are found as by reading everything."""
    sent = Path(shutil.copy(base, tmp_path / "sent.gpkg"))
    edited(sent, steps)

    assert in_full(sent, base) == outcome(sent, base)


@pytest.mark.parametrize("name", EDITS)
def test_each_edit_alone(base: Path, sent: Path, name: str) -> None:
    """The same for each kind of edit by itself."""
    edited(sent, [(name, 11, 21)])

    assert in_full(sent, base) == outcome(sent, base)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.sampled_from(["OKNA", "Stubovi", "Trasa"]))
def test_damage_changes_nothing_that_is_found(base: Path, tmp_path: Path, seed: int, table: str) -> None:
    """S39: bytes at random in pages of any kind: refused, or the same rows as by reading everything."""
    sent, rng = Path(shutil.copy(base, tmp_path / "sent.gpkg")), random.Random(seed)
    edit(sent, f"UPDATE {table} SET napomena = 'x' WHERE fid % 90 = 3")
    pages = [n for (n,) in ask(sent, f"SELECT pageno FROM dbstat WHERE name = '{table}' ORDER BY pagetype, pageno")]
    with sent.open("r+b") as file:
        for _ in range(rng.randrange(1, 4)):
            page = rng.choice([*pages[:3], rng.choice(pages)])  # inner pages first
            file.seek((page - 1) * PAGE_BYTES + rng.choice([rng.randrange(16), rng.randrange(PAGE_BYTES)]))
            file.write(rng.choice([b"\0", b"\xff\xff", b"\r", b"\5", rng.randbytes(4)]))

    assert in_full(sent, base) == outcome(sent, base)


# --- what is read, and what is not ----------------------------------------------------------------


def test_of_an_unedited_file_no_row_is_read(base: Path, sent: Path) -> None:
    """Every table is the package's own, to the last page: but for rows that go on elsewhere, which are always read."""
    found = in_parts(sent, base)

    assert {"OKNA", "Stubovi", "Objects", "fiber_splices"} <= {name for name, one in found.items() if one.untouched}
    assert not found["Trasa"].untouched


def test_of_one_edit_one_leaf_is_read(base: Path, sent: Path) -> None:
    """The stretch around an edited row is short, in the file and in what was delivered; other tables are untouched."""
    edit(sent, "UPDATE OKNA SET broj_okna = 'X-70' WHERE fid = 70")
    found = in_parts(sent, base)
    ((first, last),) = found["OKNA"].here

    assert first <= 70 <= last < first + 60
    assert ((first, last),) == found["OKNA"].delivered
    assert (0, True) == (found["OKNA"].more, found["Stubovi"].untouched)
    assert [70] == fids(sent, base, "OKNA")


def test_what_is_behind_a_leaf_is_seen(base: Path, sent: Path) -> None:
    """The end of a long line lies in a page of its own, and an edit there leaves the leaf as it was."""
    edit(sent, "UPDATE Trasa SET geom = CAST(substr(geom, 1, length(geom) - 1) || x'41' AS BLOB) WHERE fid = 80")

    assert [80] == fids(sent, base, "Trasa")


def test_a_tree_that_was_left_behind_counts_for_nothing(base: Path, sent: Path) -> None:
    """Pages of rows that are deleted keep their bytes; nothing points at them any more."""
    edit(sent, "DELETE FROM Stubovi WHERE fid > 300")
    poles = layer(read_package(str(sent), str(base), {}), "Stubovi")

    assert ({UUID.format(n) for n in range(301, 901)}, 300, 900) == (set(poles.gone), poles.total, poles.received)


def test_columns_that_changed_places_are_seen(base: Path, sent: Path) -> None:
    """S39: a schema rewritten behind SQLite's back gives the same bytes another meaning."""
    swapped = (
        "replace(replace(replace(sql, '\"naziv\"', '\"?\"'), '\"napomena\"', '\"naziv\"'), '\"?\"', '\"napomena\"')"
    )
    edit(sent, "PRAGMA writable_schema = ON", f"UPDATE sqlite_master SET sql = {swapped} WHERE name = 'Trasa'")

    assert list(range(1, 301)) == fids(sent, base, "Trasa")


@pytest.mark.parametrize(
    "offset, value", [(56, b"\0\0\0\2"), (20, b"\x08"), (44, b"\0\0\0\1")], ids=["UTF-16", "room", "form"]
)
def test_another_form_of_file_is_read_in_full(base: Path, sent: Path, offset: int, value: bytes) -> None:
    """Where equal bytes would not mean the same, pages are not looked at."""
    with sent.open("r+b") as file:
        file.seek(offset)
        file.write(value)

    assert {} == differing_parts(str(sent), str(base), roots(base), Allowance.of(60, 1), map)


def test_the_clock_stops_the_look_at_pages(base: Path, sent: Path) -> None:
    """S39: time is bounded here too."""
    with pytest.raises(BadPackage, match="too long"):
        differing_parts(str(sent), str(base), roots(base), Allowance.of(-1, 1), map)


def test_a_mostly_edited_table_is_read_in_full(base: Path, sent: Path) -> None:
    """Many stretches would cost more than the whole."""
    edit(sent, "UPDATE OKNA SET broj_okna = 'X' WHERE fid % 10 = 0")

    assert "OKNA" not in in_parts(sent, base)


# --- how trees are taken apart --------------------------------------------------------------------


def roots(path: Path) -> dict[str, int]:
    """The root page of every table of rows."""
    return dict(
        ask(
            path,
            "SELECT name, rootpage FROM sqlite_schema WHERE name IN ('OKNA', 'Stubovi', 'Trasa', 'Nastavci', 'Objects')",
        )
    )


def with_pages(path: Path, look: Callable[[Pages], Any]) -> Any:
    """What *look* says of the file."""
    with path.open("rb") as file:
        return look(Pages.of(file.fileno()))


@pytest.mark.parametrize("table", ["OKNA", "Stubovi", "Trasa", "Nastavci", "Objects"])
def test_trees_are_those_of_sqlite(base: Path, table: str) -> None:
    """Leaves and inner pages are the ones that SQLite counts itself."""
    tree = with_pages(base, lambda pages: read_tree(pages, roots(base)[table]))
    kinds = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY path"
    connection = sqlite3.connect(base)
    leaves, inner = ([n for (n,) in connection.execute(kinds, (table, kind))] for kind in ("leaf", "internal"))
    connection.close()

    assert isinstance(tree, Tree)
    assert (set(leaves), sorted(inner)) == (set(tree.leaves.tolist()), sorted(tree.inner.tolist()))


FIDS = st.integers(LOWEST, HIGHEST) | st.integers(-300, 70_000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(FIDS, min_size=30, max_size=200), st.data())
def test_each_leaf_holds_the_fids_that_are_said(tmp_path: Path, numbers: set[int], data: st.DataObject) -> None:
    """Stretches of leaves hold their rows and no others, whatever fids there are, of one byte or of nine."""
    path = tmp_path / "numbers.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE before (x)")
    connection.execute("CREATE TABLE t (fid INTEGER PRIMARY KEY, x TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, "x" * 700) for n in numbers])
    connection.commit()
    ((root,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 't'").fetchall()
    tree = with_pages(path, lambda pages: read_tree(pages, root))
    chosen = [data.draw(st.booleans()) for _ in tree.leaves]
    counted = with_pages(path, lambda pages: pages.rows(tree.leaves[chosen]))
    found = [
        fid
        for stretch in tree.stretches(np.array(chosen))
        for (fid,) in connection.execute("SELECT fid FROM t WHERE fid BETWEEN ? AND ? ORDER BY fid", stretch)
    ]
    everything = tree.stretches(tree.leaves > 0)
    connection.close()

    assert counted == len(found) == len(set(found))
    assert found == sorted(found)
    assert ((LOWEST, HIGHEST),) == everything


def test_leaves_of_whole_rows_are_those_of_sqlite(base: Path) -> None:
    """A leaf is whole exactly where SQLite counts no page behind it."""
    tables = "name IN ('OKNA', 'Stubovi', 'Trasa', 'Nastavci', 'Objects')"
    paged = f"SELECT name || path, pageno FROM dbstat WHERE pagetype = 'leaf' AND {tables}"
    behind = f"SELECT name || substr(path, 1, length(path) - 10) FROM dbstat WHERE pagetype = 'overflow' AND {tables}"
    leaves, going_on = dict(ask(base, paged)), {path for (path,) in ask(base, behind)}
    numbers = np.array(sorted(leaves.values()))
    whole = whole_rows(np.fromfile(base, np.uint8).reshape(-1, PAGE_BYTES), numbers - 1)

    assert {leaves[path] for path in going_on} == set(numbers[~whole].tolist())
    assert ask(base, "SELECT mx_payload FROM dbstat WHERE name = 'Nastavci' AND mx_payload > 4060 GROUP BY 1") == [
        (4061,),
        (4062,),
    ]
    assert 5 < len(going_on) < len(leaves) / 2
