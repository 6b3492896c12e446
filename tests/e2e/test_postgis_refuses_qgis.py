"""S40: what an editor in QGIS gets who breaks a rule of the network: a refusal in words, and nothing left behind."""

from uuid import uuid4

import pytest

from fiberq_storage.postgis.roles import EDITOR
from tests.e2e.office_desk import add, change, desk, edit, opened
from tests.postgis.people import people

pytestmark = [pytest.mark.qgis, pytest.mark.postgis]

CLOSURE, TRAY, SPLICE, CABLE = "Splice_closures", "fiber_splice_trays", "fiber_splices", "Kablovi_podzemni"
CLOSURES = "fiber_splice_closures"
LINE = {"type": "LineString", "coordinates": [[21, 44], [21.1, 44.1]]}


@pytest.fixture
def database(dsn):
    """These tests are about PostGIS."""
    return dsn


@pytest.fixture
def jelena(dsn):
    """The address at which Jelena, an editor of the office, works on the database."""
    with people(dsn) as newcomer:
        yield newcomer(EDITOR, "jelena")


@pytest.fixture
async def spliced(office):
    """Closure N-4 with trays 1 and 2; in tray 1 cable K-12's fibre 7, from its end, is spliced at position 5."""
    cables = [await office.add(CABLE, LINE, naziv=name, broj_vlakana=12) for name in ("K-12", "K-13")]
    closure = await office.add(CLOSURE, {"type": "Point", "coordinates": [21, 44]}, naziv="N-4")
    trays = [await office.add(TRAY, closure_uuid=closure, tray_number=n) for n in (1, 2)]
    side = {"cable_a_uuid": cables[0], "fiber_a_number": 7, "cable_a_end": "from"}
    splice = await office.add(SPLICE, tray_uuid=trays[0], position_in_tray=5, **side)
    return {
        "cable": cables[0],
        "other": cables[1],
        "closure": closure,
        "tray": trays[0],
        "tray 2": trays[1],
        "splice": splice,
    }


REFUSED = {
    "another project": "A row stays in its project",
    "another uuid": "fiberq_uuid says which row this is and cannot be changed",
    "a line for a closure": "geom is a Point or a MultiPoint",
    "off the map": "geom lies on the map, in degrees, and is not empty",
    "a state that there is not": "status is a known one",
    "a tray without number": "tray_number must be filled in",
    "a tray number that is taken": "This place is taken already: tray",
    "a position that is taken": "This place is taken already: position",
    "a fibre end that is taken": "This place is taken already: fibre",
    "a tray of nothing": "closure_uuid does not name a row of this project",
    "a closure that has trays": "refer to a row that would go",
    "a cable that is spliced": "refer to a row that would go",
    "no project": "project_id must be filled in",
}


def refusals(project, elsewhere, at, ids):
    """Edits by what is wrong with them; *at* are uuids, *ids* ids of `spliced`."""
    tray, splice, fibre = (
        {"project_id": project, "closure_uuid": at["closure"], "tray_number": 3},
        {"project_id": project, "tray_uuid": at["tray"], "position_in_tray": 6},
        {"cable_b_uuid": at["cable"], "fiber_b_number": 7, "cable_b_end": "from"},
    )

    def new(layer, values):
        return {"layer": layer, "add": None, "values": values}

    return {
        "another project": change(CLOSURES, ids["closure"], project_id=elsewhere),
        "another uuid": change(CLOSURES, ids["closure"], fiberq_uuid=str(uuid4())),
        "a line for a closure": {"layer": CLOSURES, "move": ids["closure"], "wkt": "LINESTRING(21 44, 22 45)"},
        "off the map": {"layer": CLOSURES, "move": ids["closure"], "wkt": "POINT(2343000 5467000)"},
        "a state that there is not": new(SPLICE, {**splice, "status": "done"}),
        "a tray without number": new(TRAY, {**tray, "tray_number": None}),
        "a tray number that is taken": new(TRAY, {**tray, "tray_number": 2}),
        "a position that is taken": new(SPLICE, {**splice, "position_in_tray": 5}),
        "a fibre end that is taken": new(SPLICE, {**splice, **fibre}),
        "a tray of nothing": new(TRAY, {**tray, "closure_uuid": str(uuid4())}),
        "a closure that has trays": {"layer": CLOSURES, "delete": ids["closure"]},
        "a cable that is spliced": {"layer": "ftth_kablovi_podzemni", "delete": ids["cable"]},
        "no project": new(TRAY, {**tray, "project_id": None}),
    }


async def test_s40_what_breaks_a_rule_is_refused_with_words(office, project, other_project, spliced, jelena):
    """Each refusal is shown at the desk in words that say what is wrong, and leaves nothing behind."""
    layers = {"closure": CLOSURE, "tray": TRAY, "cable": CABLE, "splice": SPLICE}
    ids = {name: await office.value(layer, spliced[name], "id") for name, layer in layers.items()}
    before = await office.revision()
    wrong = refusals(project, other_project, spliced, ids)

    answers = desk(
        jelena,
        *opened(CLOSURES, "ftth_kablovi_podzemni", without_place=(TRAY, SPLICE)),
        *(edit(wrong[name]) for name in REFUSED),
    )
    told = dict(zip(REFUSED, ("\n".join(refused) for refused in answers[4:]), strict=True))

    assert REFUSED.keys() == wrong.keys()
    assert {} == {name: told[name] for name, words in REFUSED.items() if words not in told[name]}
    assert before == await office.revision()


async def test_s40_after_a_refusal_the_desk_can_put_it_right(office, project, spliced, jelena):
    """A refused session saves nothing of itself; the same edits with another position are taken."""
    row = {"tray_uuid": spliced["tray"], "cable_a_uuid": spliced["other"], "fiber_a_number": 1}
    good = add(SPLICE, project, position_in_tray=6, **row)
    bad = add(SPLICE, project, position_in_tray=5, **row)

    *_, refused, taken = desk(jelena, *opened(without_place=(SPLICE,)), edit(good, bad), edit(good))
    _, page = await office.call("GET", f"/features/{SPLICE}")

    assert refused and [] == taken
    assert [5, 6] == sorted(feature["properties"]["position_in_tray"] for feature in page["features"])
