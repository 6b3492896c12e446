"""Exported packages: what GDAL, QGIS and SQLite itself say of them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fiberq_core.geopackage import (
    SQL_TYPE,
    PackageColumn,
    declared_type,
    package_columns,
    parse_provenance,
    provenance_text,
)
from fiberq_core.registry import LAYER, LAYERS
from fiberq_core.registry.model import Kind
from fiberq_core.sent import Provenance
from fiberq_storage.gpkg import rtree
from fiberq_storage.gpkg.writer import PackageWriter
from fiberq_storage.sql import ident
from tests.contracts.gpkg_files import AT, PROVENANCE, UUID, a_package, a_row, ask, edit, full_package, gpb, layer_of

DEBIAN = "/usr/bin/python3"
SPATIAL = [layer.name for layer in LAYERS if layer.spatial]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export with rows in every layer. Not to be edited."""
    path = tmp_path_factory.mktemp("export") / "export.gpkg"
    full_package(path)
    return path


def run(*command: str, **options: str) -> str:
    """What another program prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=options or None)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.gdal
@pytest.mark.parametrize("rows", [0, 3])
def test_gdal_finds_nothing_wrong(tmp_path: Path, rows: int) -> None:
    """GDAL's own validator passes the file, with and without rows."""
    full_package(tmp_path / "x.gpkg", rows)

    assert "" == run(DEBIAN, "-m", "osgeo_utils.samples.validate_gpkg", str(tmp_path / "x.gpkg"))


@pytest.mark.gdal
def test_gdal_passes_odd_rows_too(tmp_path: Path) -> None:
    """Multi, Z, M, mixed and NULL geometries and unknown columns are declared as they are."""
    rows = {
        "OKNA": [a_row(1, "POINT Z (1 2 3)"), a_row(2, "MULTIPOINT ((1 2))"), a_row(3)],
        "Trasa": [a_row(1, "MULTILINESTRING ((1 2, 3 4))")],
        "Objects": [a_row(1, "POLYGON M ((0 0 5, 1 0 5, 1 1 5, 0 0 5))")],
        "Drawings": [a_row(1, "LINESTRING ZM (1 2 3 4, 5 6 7 8)")],
        "Stubovi": [a_row(1, "POINT (1 2)", **{'o"dd ime': "x", "n": 5, "b": b"\0\1"})],
    }
    a_package(tmp_path / "x.gpkg", rows, extra={"Stubovi": {'o"dd ime': "TEXT(40)", "n": "MEDIUMINT", "b": "BLOB"}})
    described = ask(tmp_path / "x.gpkg", "SELECT table_name, geometry_type_name, z, m FROM gpkg_geometry_columns")

    assert "" == run(DEBIAN, "-m", "osgeo_utils.samples.validate_gpkg", str(tmp_path / "x.gpkg"))
    assert {
        ("OKNA", "GEOMETRY", 2, 0),
        ("Trasa", "MULTILINESTRING", 0, 0),
        ("Objects", "POLYGON", 0, 2),
        ("Drawings", "GEOMETRY", 2, 2),
        ("Stubovi", "POINT", 0, 0),
    } <= set(described)


@pytest.mark.gdal
def test_gdal_opens_it_without_a_word(package: Path) -> None:
    """Debian's GDAL 3.6 reads every layer and warns of nothing."""
    said = run("ogrinfo", "-ro", "-al", "-so", str(package))

    assert "Warning" not in said
    assert said.count("Feature Count: 3") == len(LAYERS) - 1  # the plugin's settings are no layer for GDAL


QGIS_EDITS = """
import sys
from qgis.core import QgsApplication, QgsFeature, QgsGeometry, QgsVectorLayer
app = QgsApplication([], False)
app.initQgis()
layer = QgsVectorLayer(sys.argv[1] + "|layername=OKNA", "OKNA", "ogr")
assert layer.isValid() and layer.featureCount() == 3 and layer.crs().authid() == "EPSG:4326"
assert layer.startEditing()
new = QgsFeature(layer.fields())
new.setGeometry(QgsGeometry.fromWkt("POINT (21 45)"))
assert layer.addFeature(new)
assert layer.changeAttributeValue(2, layer.fields().indexOf("napomena"), "iz QGIS-a")
assert layer.changeGeometry(1, QgsGeometry.fromWkt("POINT (22 46)"))
assert layer.deleteFeature(3)
assert layer.commitChanges(), layer.commitErrors()
"""


@pytest.mark.qgis
def test_qgis_edits_it(tmp_path: Path) -> None:
    """QGIS adds, changes, moves and deletes, keeps our note, and the index stays right."""
    path = tmp_path / "x.gpkg"
    full_package(path)
    environment = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    run(DEBIAN, "-c", QGIS_EDITS, str(path), **environment)

    assert [(1, "čišćeno Ђ"), (2, "iz QGIS-a"), (4, None)] == ask(path, "SELECT fid, napomena FROM OKNA")
    assert [(1, 22.0), (2, 20.5), (4, 21.0)] == ask(path, "SELECT id, round(minx, 3) FROM rtree_OKNA_geom ORDER BY id")
    assert PROVENANCE == parse_provenance(ask(path, "SELECT metadata FROM gpkg_metadata")[0][0])


def test_version_and_journal(package: Path) -> None:
    """The file says GeoPackage 1.3 and is not in WAL mode."""
    head = package.read_bytes()[:100]

    assert b"GPKG" == head[68:72]
    assert 10300 == int.from_bytes(head[60:64], "big")
    assert b"\1\1" == head[18:20]
    assert [("ok",)] == ask(package, "PRAGMA integrity_check")


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_every_layer_is_there(package: Path, layer: object) -> None:
    """Each layer has its table, with the columns in the agreed order."""
    assert layer in LAYERS
    name = next(known.name for known in LAYERS if known is layer)
    columns = [row[1] for row in ask(package, f"PRAGMA table_info({ident(name)})")]

    assert list(layer_of(name).names) == columns
    if name != "_fiberq_metadata":
        place = ["geom"] if LAYER[name].spatial else []
        assert ["fid", *place, "fiberq_uuid", "id", "fiberq_rev"] == columns[: 4 + len(place)]
        assert ["project_id", "_modified_by_sub", "_modified_at"] == columns[-3:]


def test_values_come_back_bit_for_bit(package: Path) -> None:
    """Reals keep all digits, text its letters, times their milliseconds."""
    row = ask(package, "SELECT duzina_m, naziv, typeof(broj_vlakana), _modified_at FROM Kablovi_podzemni")[0]

    assert (202.85030057757567, "K-12", "integer", "2026-04-01T09:00:00.250Z") == row


def test_metadata_is_verbatim(package: Path) -> None:
    """`_fiberq_metadata` goes out as the plugin made it: key and value, nothing else."""
    assert [("schema_version", "1.0")] == ask(package, "SELECT * FROM _fiberq_metadata")
    assert [] == ask(package, "SELECT * FROM gpkg_contents WHERE table_name = '_fiberq_metadata'")


def test_extents_and_counts(tmp_path: Path) -> None:
    """The contents say where the rows are and how many; an empty layer is nowhere."""
    a_package(tmp_path / "x.gpkg", {"Trasa": [a_row(1, "LINESTRING (1 2, 3 8)"), a_row(2, "LINESTRING (0 5, 2 5)")]})
    query = "SELECT min_x, min_y, max_x, max_y, feature_count FROM gpkg_contents NATURAL JOIN gpkg_ogr_contents"

    assert [(0, 2, 3, 8, 2)] == ask(tmp_path / "x.gpkg", f"{query} WHERE table_name = 'Trasa'")
    assert [(None, None, None, None, 0)] == ask(tmp_path / "x.gpkg", f"{query} WHERE table_name = 'OKNA'")


def test_s52_a_fid_is_never_used_twice(tmp_path: Path) -> None:
    """S52: the next fid is above every fid that the layer ever had, and deleting the newest row frees none."""
    path = tmp_path / "x.gpkg"
    a_package(path, {"fiber_splices": [a_row(3)]}, last_fid=40)
    insert = "INSERT INTO fiber_splices (tray_fid) VALUES (1)"
    edit(path, insert, "DELETE FROM fiber_splices WHERE fid = 41", insert)

    assert [(3,), (42,)] == ask(path, "SELECT fid FROM fiber_splices")


def test_export_id_can_be_overwritten_in_place(tmp_path: Path) -> None:
    """The offset that the writer returns is that of the 32 digits of the export's id."""
    path = tmp_path / "x.gpkg"
    written = full_package(path)
    content = bytearray(path.read_bytes())

    assert b"ab" * 16 == content[written.export_id_at : written.export_id_at + 32]
    content[written.export_id_at : written.export_id_at + 32] = b"cd" * 16
    path.write_bytes(content)
    assert "cd" * 16 == json.loads(ask(path, "SELECT metadata FROM gpkg_metadata")[0][0])["export_id"]


def test_same_input_same_bytes(tmp_path: Path) -> None:
    """A package is a function of its rows."""
    full_package(tmp_path / "a.gpkg")
    full_package(tmp_path / "b.gpkg")

    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()


def test_a_store_can_attach_itself(tmp_path: Path) -> None:
    """Rows can come by INSERT … SELECT from another database, inside one transaction."""
    store = sqlite_store(tmp_path / "store.db")
    with PackageWriter(str(tmp_path / "x.gpkg"), [layer_of("OKNA")], provenance=PROVENANCE, at=AT) as writer:
        writer.connection.execute("ATTACH ? AS store", (store,))
        writer.connection.execute("BEGIN")
        writer.connection.execute("INSERT INTO OKNA (fid, geom, fiberq_uuid) SELECT n, g, u FROM store.t")
        written = writer.finish()

    assert {"OKNA": 1} == written.rows
    assert [(7,)] == ask(tmp_path / "x.gpkg", "SELECT id FROM rtree_OKNA_geom")


def sqlite_store(path: Path) -> str:
    """A database with one row to copy."""
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t (n, g, u)").fetchall()
    connection.execute("INSERT INTO t VALUES (7, ?, ?)", (gpb("POINT (1 2)"), UUID.format(7)))
    connection.close()
    return str(path)


def test_blobs_of_other_writers_are_indexed_too(tmp_path: Path) -> None:
    """A blob with a big-endian header and no envelope is looked into."""
    blob = b"GP\0\0\0\0\x10\xe6" + gpb("LINESTRING (1 2, 3 8)")[40:]
    a_package(tmp_path / "x.gpkg", {"Trasa": [{"fid": 1, "geom": blob}]})

    assert [(1, 1.0, 3.0, 2.0, 8.0)] == ask(tmp_path / "x.gpkg", "SELECT * FROM rtree_Trasa_geom")


def empty_index() -> apsw.Connection:
    """A database with an empty spatial index `r`."""
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE VIRTUAL TABLE r USING rtree(id, minx, maxx, miny, maxy)").fetchall()
    return connection


@pytest.mark.parametrize("count", [0, 1, 51, 52, 102, 2601, 2602, 6000])
def test_bulk_loaded_index_is_sound(count: int) -> None:
    """SQLite's own check passes at every height of the tree, and it finds what one-by-one inserts find."""
    chance = np.random.default_rng(count)
    low = chance.uniform(-180, 180, (count, 2))
    high = low + chance.exponential(0.01, (count, 2))
    boxes = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1]], axis=1)
    ids = chance.permutation(np.arange(1, count + 1))
    packed, plain = empty_index(), empty_index()
    rtree.fill(packed, "r", ids, boxes)
    rtree.insert(plain, "r", ids, boxes)

    assert "ok" == packed.execute("SELECT rtreecheck('main', 'r')").get
    window = "SELECT * FROM r WHERE minx < 60 AND maxx > -60 AND miny < 30 AND maxy > -30 ORDER BY id"
    assert plain.execute(window).fetchall() == packed.execute(window).fetchall()
    assert count == packed.execute("SELECT count(*) FROM r").get


def test_bulk_loaded_index_can_be_edited() -> None:
    """Inserts and deletes afterwards leave a sound tree."""
    connection = empty_index()
    boxes = np.tile(np.arange(500.0)[:, None], (1, 4))
    rtree.fill(connection, "r", np.arange(500), boxes)
    connection.execute("DELETE FROM r WHERE id % 3 = 0").fetchall()
    connection.executemany("INSERT INTO r VALUES (?, 1, 2, 1, 2)", [(i,) for i in range(1000, 1300)])

    assert "ok" == connection.execute("SELECT rtreecheck('main', 'r')").get


@settings(max_examples=60)
@given(st.floats(-180, 180), st.floats(-90, 90))
def test_index_boxes_are_rounded_outward(x: float, y: float) -> None:
    """The 32 bit box of a point contains the point."""
    connection = empty_index()
    rtree.fill(connection, "r", np.array([1]), np.array([[x, x, y, y]]))
    box: list[Any] = connection.execute("SELECT minx, maxx, miny, maxy FROM r").fetchall()
    low_x, high_x, low_y, high_y = box[0]

    assert low_x <= x <= high_x
    assert low_y <= y <= high_y


def test_every_kind_has_a_type() -> None:
    """The type table is total over the kinds of the registry."""
    assert set(Kind) == set(SQL_TYPE)


def test_unknown_columns_stand_between_ours() -> None:
    """S20: extra columns keep their declared type; names that are taken are not written twice."""
    extra = {"visina_2": "MEDIUMINT", "NAZIV": "TEXT", "fid": "TEXT", "Project_ID": "TEXT", "b": "FANCY"}
    columns = package_columns(LAYER["Stubovi"], extra)
    names = [column.name for column in columns]

    assert PackageColumn("visina_2", "MEDIUMINT") in columns
    assert ["visina_2", "b", "project_id", "_modified_by_sub", "_modified_at"] == names[-5:]
    assert len(names) == len({name.casefold() for name in names})


@pytest.mark.parametrize(
    "declared, sql",
    [
        ("TEXT(50)", "TEXT(50)"),
        ("mediumint", "MEDIUMINT"),
        ("VARCHAR(20)", "TEXT"),
        ("BIGINT UNSIGNED", "INTEGER"),
        ("DOUBLE PRECISION", "REAL"),
        ("TEXT); DROP TABLE OKNA; --", "TEXT"),
        ("", "BLOB"),
    ],
)
def test_declared_types(declared: str, sql: str) -> None:
    """What a file declares becomes a GeoPackage type of the same affinity, and nothing else gets into the SQL."""
    assert sql == declared_type(declared)


def test_provenance_round_trip() -> None:
    """What is written about an export is read again."""
    assert PROVENANCE == parse_provenance(provenance_text(PROVENANCE))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[]",
        "{}",
        "[" * 100_000,
        provenance_text(Provenance("xy" * 16, PROVENANCE.project, 1)),
        provenance_text(Provenance("ab" * 16, "other", 1)),
        provenance_text(Provenance("ab" * 16, PROVENANCE.project, -1)),
        provenance_text(PROVENANCE).replace("7}", "7.5}"),
        provenance_text(PROVENANCE).replace("7}", "true}"),
    ],
)
def test_other_notes_are_no_provenance(text: object) -> None:
    """Anything but our own note says nothing."""
    assert parse_provenance(text) is None
