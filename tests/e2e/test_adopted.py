"""A server is pointed at the original server's database: crews and office go on working with what was in it."""

import pytest

from fiberq_core.registry import LAYER
from fiberq_storage.postgis.roles import EDITOR
from tests.e2e.office_desk import add, change, desk, edit, opened, saved
from tests.e2e.programs import counts, faults, only
from tests.postgis.cluster import psql
from tests.postgis.originals import TOWN, VILLAGE, fill
from tests.postgis.people import name_of, people

pytestmark = pytest.mark.postgis

POLE, CLOSURE, TRAY, SPLICE, PATCH, SLACK = (
    "Stubovi",
    "Splice_closures",
    "fiber_splice_trays",
    "fiber_splices",
    "fiber_patch_connections",
    "Opticke_rezerve",
)
POLES, SPLICES = "ftth_stubovi", "fiber_splices"


@pytest.fixture
def database(bare_dsn):
    """The original server's database; it is adopted when the server starts."""
    return fill(bare_dsn)


@pytest.fixture
def project(client):
    """The village that was in it, whose members elena and filip were."""
    return VILLAGE


@pytest.fixture
def jelena(client, database):
    """The address at which Jelena, an editor of the office, works on the database."""
    with people(database) as newcomer:
        yield newcomer(EDITOR, "jelena")


def uuid_of(phone, layer, number):
    """The uuid of the row that had this id on the original server."""
    [(found,)] = phone.sql(f'SELECT fiberq_uuid FROM "{layer}" WHERE id = ?', number)
    return found


@pytest.mark.parametrize("role", ["engineer", "field_worker"])
async def test_whoever_was_a_member_takes_the_network_away_and_nothing_in_it_looks_edited(client, token, device, role):
    """S33: whatever odd values years of use left, a file that nobody edited is no edit."""
    phone = await device(role)
    held = {name: phone.sql(f'SELECT count(*) FROM "{name}"')[0][0] for name in LAYER}

    receipt = await phone.upload()

    assert only() == counts(receipt) and receipt["revision_before"] == receipt["revision_after"] == 1
    assert (4, 2, 3, 3, 7) == tuple(held[n] for n in (POLE, SLACK, TRAY, SPLICE, "sync_issues"))


async def test_who_was_no_member_is_none(client, token):
    """Elena managed the village, not the town."""
    async with client.get(f"/api/projects/{TOWN}", headers={"Authorization": f"Bearer {token('engineer')}"}) as answer:
        assert answer.status in (403, 404)


@pytest.mark.gdal
async def test_the_package_of_an_adopted_project_is_sound(device):
    phone = await device()

    assert "" == faults(phone.path).strip()


async def test_numbers_in_the_package_are_those_that_the_original_showed(device):
    """Old ids and old local numbers still mean the same rows; single precision shows its decimals."""
    phone = await device()

    assert [(0.1, "INV-1")] == phone.sql(
        f"SELECT a.visina, b.inventarni_broj FROM {POLE} a JOIN {POLE} b ON a.id = 2 AND b.id = 1"
    )
    assert [(1, 1, 1, 2)] == phone.sql(f"SELECT fid, tray_fid, cable_a_fid, cable_b_fid FROM {SPLICE} WHERE id = 1")
    assert [(1, 99, None)] == phone.sql(
        f"SELECT muf_fid, (SELECT cable_a_fid FROM {SPLICE} WHERE id = 4), muf_uuid IS NULL OR NULL FROM {CLOSURE} WHERE id = 1"
    )


@pytest.mark.qgis
async def test_the_office_edits_the_old_tables_and_a_week_old_file_merges(office, device, jelena):
    """The whole story: adopted, taken away, edited by QGIS Desktop meanwhile, and given back."""
    phone = await device()
    one, two, three = (uuid_of(phone, POLE, number) for number in (1, 2, 3))
    before = psql(jelena, "SELECT name FROM fiberq.projects WHERE id = 1")
    answers = desk(
        jelena,
        *opened(POLES, "ftth_okna", without_place=(SPLICES,)),
        edit(
            change(POLES, 1, materijal="Concrete"),
            change(POLES, 2, visina=0.2),
            {"layer": POLES, "move": 3, "wkt": "POINT(21.0321 44.0321)"},
            add(POLES, VILLAGE, "POINT(21.04 44.04)", naziv="S-10"),
            {"layer": "ftth_okna", "delete": 2},
            change(SPLICES, 1, status="tested", loss_db=0.04),
        ),
    )
    phone.edit(POLE, one, materijal="Steel", napomena="видео сам га")
    phone.edit(POLE, two, stanje="Built")
    phone.edit(POLE, three, naziv="S-3a")
    phone.edit("OKNA", uuid_of(phone, "OKNA", 2), napomena="суво")
    phone.edit(SPLICE, uuid_of(phone, SPLICE, 1), notes="проверено")
    phone.add(POLE, naziv="S-11")

    receipt = await phone.upload()
    waiting = {
        (i["kind"], i["layer"], i["field"]): i for i in await office.inbox() if i["sync_id"] == receipt["sync_id"]
    }
    history = await office.history(POLE, one)
    splice = (await office.get(SPLICE, uuid_of(phone, SPLICE, 1)))["properties"]
    moved = await office.get(POLE, three)

    assert "Горње село" == before and saved(answers)
    assert only(inserted=1, updated=4, conflicts=2) == counts(receipt) and 4 == receipt["merged"]
    assert {("conflict", POLE, "materijal"), ("conflict", "OKNA", None)} == waiting.keys()
    assert [("upload", "filip"), ("sql", name_of(jelena)), ("sql", "adopted")] == [
        (version["source"], version["author"]["sub"]) for version in history
    ]
    assert ("Concrete", "видео сам га") == tuple(history[0]["values"][n] for n in ("materijal", "napomena"))
    assert "INV-1" == history[0]["values"]["extra"]["inventarni_broj"]
    assert (0.2, "Built") == (await office.value(POLE, two, "visina"), await office.value(POLE, two, "stanje"))
    assert ("S-3a", [21.0321, 44.0321]) == (moved["properties"]["naziv"], moved["geometry"]["coordinates"])
    assert ("tested", 0.04, "проверено") == (splice["status"], splice["loss_db"], splice["notes"])


async def test_what_adoption_left_waiting_can_be_decided(office, device):
    """A pole in metres is put where it belongs; of two splices in one place the second comes in once there is room."""
    phone = await device("engineer")
    waiting = {(i["layer"], i["field"], i["kind"]): i for i in await office.inbox()}
    pole, second = waiting[POLE, "geometry", "rejected"], waiting[SPLICE, None, "clash"]
    refused = await office.call("POST", f"/inbox/{second['item_id']}", json={"decision": "take_mine"})

    await office.decide(pole["item_id"], "take_mine")
    await office.edit(SPLICE, uuid_of(phone, SPLICE, 2), position_in_tray=3)
    await office.decide(second["item_id"], "take_mine")
    placed = await office.get(POLE, pole["uuid"])
    come_in = (await office.get(SPLICE, second["uuid"]))["properties"]

    assert "take_mine" in pole["choices"] and 409 == refused[0]
    assert (
        pytest.approx([21.0475, 44.0101], abs=1e-4) == placed["geometry"]["coordinates"]
        and 4 == placed["properties"]["id"]
    )
    assert (2, "drugi na istom mestu", 0.3) == tuple(come_in[n] for n in ("position_in_tray", "notes", "loss_db"))


async def test_a_file_that_the_original_server_made_overwrites_nothing(office, device, tmp_path):
    """S31: it names no row of ours, so its rows are new ones beside those that are there. Nothing goes, nothing changes."""
    phone = await device("engineer")
    before = phone.sql(f"SELECT fiberq_uuid, naziv FROM {POLE} ORDER BY 1")
    phone.sql("DELETE FROM gpkg_metadata_reference")
    phone.sql("DELETE FROM gpkg_metadata")
    phone.sql(f"UPDATE {POLE} SET fiberq_uuid = NULL, fiberq_rev = NULL, naziv = 'old ' || naziv")

    receipt = await phone.upload()
    fresh = await device("engineer")

    assert (4, 0, 0) == tuple(receipt[n] for n in ("inserted", "updated", "deleted"))
    assert before == fresh.sql(f"SELECT fiberq_uuid, naziv FROM {POLE} WHERE naziv NOT LIKE 'old %' ORDER BY 1")
