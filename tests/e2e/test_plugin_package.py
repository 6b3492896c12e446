"""S16, S20, S22, S25, S31 through HTTP: a package that the FiberQ QGIS plugin wrote comes in whole and goes out whole."""

import sqlite3

import pytest
import shapely

from fiberq_core.gpb import decode_gpb
from fiberq_core.registry import SYSTEM
from tests.e2e import plugin_package as plugin
from tests.e2e.device import Device
from tests.e2e.programs import NOTHING, counts, faults, only

pytestmark = pytest.mark.each_store

SLACK, UNDERGROUND = "Opticke_rezerve", "Kablovi_podzemni"
TENTH_OF_A_MM = 1e-9  # degrees
REFERENCES = ("kabl_layer_id", "kabl_fid")
# What a row has from the server, and what stands for a geometry and for unregistered columns beside them.
OURS = {*(column.name for column in SYSTEM), "fid", "geom", "extra", "kabl_uuid", *REFERENCES}
# What of the references of a slack or a break is in this very file, by the row's number: the cable's table and fid.
CABLE_OF = {
    plugin.WHOLE: ("Underground_cables", 1),
    plugin.DEFAULTS: ("Underground_cables_2", 2),
    plugin.COPY: ("Aerial_cables", 1),
}


def expected(row):
    """A row of the plugin by our names, without its references."""
    values = {plugin.RENAMED.get(name, name): value for name, value in row.values.items() if value is not None}
    values |= {"tip": row.table.replace("_", " ")} if plugin.layer_of(row.table) == "Elements" else {}
    return {name: value for name, value in values.items() if name not in REFERENCES}


def near(one, other):
    """Whether two geometries are the same to 0.1 mm."""
    if one is None or other is None:
        return one is other
    return one.equals_exact(other, TENTH_OF_A_MM)


def holds(values, wanted):
    """Whether a row says all that is wanted and nothing else: NULL stays NULL, and no default is put in its place."""
    said = {name for name, value in values.items() if value is not None} - OURS
    return said == set(wanted) and wanted.items() <= values.items()


def matched(found):
    """For each row of the plugin the row in *found* {layer: [(values, geometry)]} that holds all of it, each once."""
    left = {layer: list(rows) for layer, rows in found.items()}
    pairs = {}
    for row in plugin.all_rows():
        rows, wanted, place = left[plugin.layer_of(row.table)], expected(row), plugin.in_degrees(row)
        at = next((n for n, (v, g) in enumerate(rows) if holds(v, wanted) and near(g, place)), None)
        assert at is not None, (row.table, row.fid, wanted, [v for v, _ in rows])
        pairs[row.table, row.fid] = rows.pop(at)[0]
    assert not any(left.values())
    return pairs


async def on_the_server(office):
    """Everything of the plugin's layers, from REST."""
    found = {}
    for layer in {plugin.layer_of(row.table) for row in plugin.all_rows()}:
        _, page = await office.call("GET", f"/features/{layer}", params={"limit": "1000"})
        found[layer] = [
            (
                f["properties"] | (f["properties"].get("extra") or {}) | {"fiberq_uuid": f["id"]},
                f["geometry"] and shapely.geometry.shape(f["geometry"]),
            )
            for f in page["features"]
        ]
    return found


def in_the_file(path):
    """Everything of the plugin's layers, from a download."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    found = {}
    for layer in {plugin.layer_of(row.table) for row in plugin.all_rows()}:
        rows = [dict(row) for row in connection.execute(f'SELECT * FROM "{layer}"')]
        found[layer] = [(row, row["geom"] and shapely.from_wkb(decode_gpb(row["geom"])[0])) for row in rows]
    connection.close()
    return found


@pytest.fixture
def laptop(client, token, project, tmp_path):
    """An engineer's laptop with a file of the plugin on it."""
    folder = tmp_path / "laptop"
    folder.mkdir()
    device = Device(client, token("engineer"), folder, project)
    plugin.write(device.path)
    return device


@pytest.mark.parametrize("registered", [True, False])
async def test_s31_a_package_of_the_plugin_comes_in_whole(office, laptop, registered):
    """S25, S31: every value of every row is on the server, whether or not the settings are registered."""
    laptop.path.unlink()
    plugin.write(laptop.path, registered=registered)

    receipt = await laptop.upload()
    pairs = matched(await on_the_server(office))
    _, settings = await office.call("GET", "/features/_fiberq_metadata")
    rows = sum(1 for _ in plugin.all_rows())

    assert only(inserted=rows + len(plugin.METADATA)) == counts(receipt) and "unknown" == receipt["base"]
    assert rows == len(pairs) and [] == receipt["unknown_layers"]
    assert plugin.METADATA == {f["properties"]["key"]: f["properties"]["value"] for f in settings["features"]}


async def test_s16_uuids_of_the_plugin_stay_and_copies_get_their_own(office, laptop):
    """S16: the first row with a uuid keeps it, copies and blank ones get one each; the receipt names the copies."""
    receipt = await laptop.upload()
    pairs = matched(await on_the_server(office))
    given = {at: values["fiberq_uuid"] for at, values in pairs.items()}
    rekeyed = [item for item in receipt["items"] if item["outcome"] == "inserted" and item.get("reason")]
    copies = [r for r in plugin.all_rows() if r.fid - 1 == plugin.COPY]

    assert len(given) == len(set(given.values()))
    for row in plugin.all_rows():
        if row.uuid and row.fid - 1 != plugin.COPY and row.table != "Manholes_2":
            assert row.uuid == given[row.table, row.fid]
    assert len(copies) <= len(rekeyed)


async def test_s41_references_of_the_plugin_point_at_the_right_cables(office, laptop):
    """S41: what points at a cable of the file points at that cable; what does not stays as it was typed."""
    await laptop.upload()
    pairs = matched(await on_the_server(office))
    cables = {at: values["fiberq_uuid"] for at, values in pairs.items()}

    for table in ("Optical_slacks", "Fiber_break"):
        for row in plugin.plugin_rows(table):
            now = pairs[table, row.fid]
            if row.fid - 1 in CABLE_OF:
                assert cables[CABLE_OF[row.fid - 1]] == now["kabl_uuid"]
            else:
                raw = (row.values["cable_layer_id"], row.values["cable_fid"])
                assert (None, *raw) == (now.get("kabl_uuid"), now.get("kabl_layer_id"), now.get("kabl_fid"))


async def test_s31_a_package_of_the_plugin_imported_twice_duplicates_nothing(office, laptop):
    """S31: the same content in other bytes is no edit, also of rows with blank or doubled uuids."""
    await laptop.upload()
    before = await office.revision()
    laptop.sql("VACUUM")
    laptop.sql("CREATE INDEX something ON Poles (tip)")

    receipt = await laptop.upload()

    assert NOTHING == counts(receipt), receipt["items"]
    assert before == await office.revision()


async def test_s20_what_the_plugin_wrote_goes_out_again(office, laptop, device):
    """S20: every original value is in the next download, the settings to the letter, places to 0.1 mm."""
    await laptop.upload()

    phone = await device("engineer")
    pairs = matched(in_the_file(phone.path))
    untouched = await phone.upload()

    assert len(pairs) == sum(1 for _ in plugin.all_rows()) and NOTHING == counts(untouched)
    assert plugin.METADATA == dict(phone.sql("SELECT key, value FROM _fiberq_metadata"))


async def test_s41_references_go_out_in_the_new_files_numbers(laptop, device):
    """S41: cable references of a download are right by that file's own fids, also for a reader who knows no uuids."""
    await laptop.upload()

    phone = await device("engineer")
    pairs = matched(in_the_file(phone.path))

    for table in ("Optical_slacks", "Fiber_break"):
        for row in plugin.plugin_rows(table):
            now = pairs[table, row.fid]
            if row.fid - 1 in CABLE_OF:
                cable = pairs[CABLE_OF[row.fid - 1]]
                assert (cable["fiberq_uuid"], cable["fid"]) == (now["kabl_uuid"], now["kabl_fid"])
                assert ("Aerial" in CABLE_OF[row.fid - 1][0]) == ("Aerial" in now["kabl_layer_id"])
            else:
                assert tuple(row.values[n] for n in ("cable_layer_id", "cable_fid")) == tuple(
                    now[n] for n in REFERENCES
                )


async def test_s31_the_plugins_file_edited_and_sent_again(office, laptop):
    """S31: after an edit in the plugin's own file only that edit is one, in rows with a uuid and without."""
    await laptop.upload()
    pairs = matched(await on_the_server(office))
    laptop.sql("UPDATE Poles SET materijal = 'Drvo' WHERE fid IN (1, 5)")
    laptop.sql("UPDATE Optical_slacks SET napomena = 'kod stuba' WHERE fid = 1")
    laptop.sql("UPDATE _fiberq_metadata SET value = 'IEC 60304' WHERE key = 'color_standard'")

    receipt = await laptop.upload()

    assert only(updated=4) == counts(receipt)
    for fid in (1, 5):
        assert "Drvo" == await office.value("Stubovi", pairs["Poles", fid]["fiberq_uuid"], "materijal")
    slack = (await office.get(SLACK, pairs["Optical_slacks", 1]["fiberq_uuid"]))["properties"]
    assert ("kod stuba", pairs["Underground_cables", 1]["fiberq_uuid"]) == (slack["napomena"], slack["kabl_uuid"])


async def test_s31_the_plugins_file_does_not_bring_back_what_was_not_in_it(office, laptop):
    """S31: rows that others added stay, columns that the plugin does not have stay as they are."""
    await laptop.upload()
    pairs = matched(await on_the_server(office))
    pole = pairs["Poles", 1]["fiberq_uuid"]
    await office.edit("Stubovi", pole, napomena="only the server knows this column")
    mine = await office.pole(naziv="of the office")
    laptop.sql("UPDATE Poles SET podtip = 'zatezni' WHERE fid = 1")

    receipt = await laptop.upload()

    assert only(updated=1) == counts(receipt) and await office.get("Stubovi", mine)
    assert "only the server knows this column" == await office.value("Stubovi", pole, "napomena")


async def test_s31_an_edited_download_changes_only_that(office, laptop, device):
    """S01, S20: a package that went out with the plugin's columns comes back with one edit."""
    await laptop.upload()
    phone = await device("engineer")
    [(cable,)] = phone.sql(f"SELECT fiberq_uuid FROM {UNDERGROUND} WHERE tip = 'bakarnI' LIMIT 1")
    phone.edit(UNDERGROUND, cable, konstr_bez_metalnih=0)

    receipt = await phone.upload()

    assert only(updated=1) == counts(receipt) and 0 == await office.value(UNDERGROUND, cable, "konstr_bez_metalnih")


@pytest.mark.gdal
async def test_downloads_with_the_plugins_data_are_valid(laptop, device):
    """GDAL's validator finds nothing wrong with what goes out."""
    await laptop.upload()

    assert "" == faults((await device("engineer")).path)
