"""S40 by real QGIS: somebody edits the tables of PostGIS while devices are away, and takes part in the merge."""

from uuid import uuid4

import pytest

from fiberq_storage.postgis.roles import EDITOR
from tests.e2e.office_desk import add, change, desk, edit, opened, saved, together
from tests.e2e.programs import counts, only
from tests.postgis.cluster import psql, run_psql
from tests.postgis.people import name_of, people

pytestmark = [pytest.mark.qgis, pytest.mark.postgis]

POLE, CLOSURE, TRAY = "Stubovi", "Splice_closures", "fiber_splice_trays"
POLES, CLOSURES = "ftth_stubovi", "fiber_splice_closures"


@pytest.fixture
def database(dsn):
    """These tests are about PostGIS."""
    return dsn


@pytest.fixture
def jelena(dsn):
    """The address at which Jelena, an editor of the office, works on the database."""
    with people(dsn) as newcomer:
        yield newcomer(EDITOR, "jelena")


async def number(office, layer, uuid):
    """The id of a row."""
    return await office.value(layer, uuid, "id")


async def by_name(office, name, layer=POLE):
    """The features of that name."""
    _, page = await office.call("GET", f"/features/{layer}", params={"limit": "1000"})
    return [feature for feature in page["features"] if feature["properties"].get("naziv") == name]


async def test_s40_whatever_is_done_at_the_desk_is_a_revision(office, project, jelena):
    """S40: changed, moved, drawn, copied, deleted: each with history, and with the author that the database knows."""
    a, b, c = [await office.pole(lon=21 + n / 10, naziv=f"P-{n}", materijal="Wood") for n in range(3)]
    ids = [await number(office, POLE, uuid) for uuid in (a, b, c)]
    before = await office.revision()

    [seen, refused] = desk(
        jelena,
        *opened(POLES),
        edit(
            change(POLES, ids[0], materijal="Čelik", visina=9.25, napomena="нагнут"),
            {"layer": POLES, "move": ids[1], "wkt": "POINT(21.123456789 44.987654321)"},
            {"layer": POLES, "delete": ids[2]},
            add(POLES, project, "POINT(21.9 44.9)", naziv="drawn"),
            {"layer": POLES, "copy": ids[1], "values": {"naziv": "pasted"}},
        ),
    )
    [drawn], [pasted] = await by_name(office, "drawn"), await by_name(office, "pasted")
    history = {uuid: await office.history(POLE, uuid) for uuid in (a, b, c, drawn["id"], pasted["id"])}

    assert seen["valid"] and "EPSG:4326" == seen["crs"] and [] == refused
    assert [("update", "insert"), ("update", "insert"), ("delete", "insert"), ("insert",), ("insert",)] == [
        tuple(version["op"] for version in versions) for versions in history.values()
    ]
    assert {(name_of(jelena), "sql")} == {(v[0]["author"]["sub"], v[0]["source"]) for v in history.values()}
    assert ("Čelik", 9.25, "нагнут") == tuple(history[a][0]["values"][n] for n in ("materijal", "visina", "napomena"))
    assert ("Wood", [21.123456789, 44.987654321]) == (
        history[a][1]["values"]["materijal"],
        history[b][0]["geometry"]["coordinates"],
    )
    assert 5 == len({*history}) and {v[0]["revision"] for v in history.values()} <= set(range(before + 1, 99))


async def test_s40_a_file_from_before_merges_against_the_desk(office, device, jelena):
    """S02, S03, S05, S06, S09, S10, S12: what the desk did counts as anybody's edit, and its author is named."""
    names = ("untouched", "both", "clash", "moved", "deleted here", "deleted there")
    poles = {name: await office.pole(lon=21 + n / 10, naziv=name, materijal="Wood") for n, name in enumerate(names)}
    ids = {name: await number(office, POLE, uuid) for name, uuid in poles.items()}
    phone = await device()
    assert saved(
        desk(
            jelena,
            *opened(POLES),
            edit(
                change(POLES, ids["untouched"], napomena="from the desk"),
                change(POLES, ids["both"], visina=9.5),
                change(POLES, ids["clash"], materijal="Concrete"),
                {"layer": POLES, "move": ids["moved"], "wkt": "POINT(21.35 44.2)"},
                change(POLES, ids["deleted here"], napomena="still needed"),
                {"layer": POLES, "delete": ids["deleted there"]},
            ),
        )
    )
    phone.edit(POLE, poles["both"], materijal="Steel")
    phone.edit(POLE, poles["clash"], materijal="Steel", naziv="clash, seen")
    phone.edit(POLE, poles["moved"], naziv="moved, seen")
    phone.delete(POLE, poles["deleted here"])
    phone.edit(POLE, poles["deleted there"], naziv="it stands")
    phone.add(POLE, naziv="new on the phone")

    receipt = await phone.upload()
    waiting = {(i["kind"], i["uuid"], i["field"]): i for i in await office.inbox()}
    both, clash, moved = [await office.get(POLE, poles[name]) for name in ("both", "clash", "moved")]

    assert only(inserted=1, updated=3, conflicts=2, held=1) == counts(receipt) and 3 == receipt["merged"]
    assert {
        ("conflict", poles["clash"], "materijal"),
        ("held_delete", poles["deleted here"], None),
        ("conflict", poles["deleted there"], None),
    } == waiting.keys()
    assert "from the desk" == await office.value(POLE, poles["untouched"], "napomena")
    assert ("Steel", 9.5) == (both["properties"]["materijal"], both["properties"]["visina"])
    assert ("Concrete", "clash, seen") == (clash["properties"]["materijal"], clash["properties"]["naziv"])
    assert ("moved, seen", [21.35, 44.2]) == (moved["properties"]["naziv"], moved["geometry"]["coordinates"])
    assert await office.get(POLE, poles["deleted here"]) and not await office.get(POLE, poles["deleted there"])


async def test_s40_the_desk_edits_what_the_crew_has_just_sent(office, device, jelena):
    """The other way round: a revision of an upload, then the desk, then the same phone's next evening (S14)."""
    pole = await office.pole(naziv="P-1", materijal="Wood")
    phone = await device()
    phone.edit(POLE, pole, materijal="Steel")
    await phone.upload()
    change_back = change(POLES, await number(office, POLE, pole), materijal="Concrete")
    assert saved(desk(jelena, *opened(POLES), edit(change_back)))
    phone.edit(POLE, pole, naziv="P-1a")

    receipt = await phone.upload()
    history = await office.history(POLE, pole)

    assert only(updated=1) == counts(receipt)
    assert ["upload", "sql", "upload", "rest"] == [version["source"] for version in history]
    assert ("Concrete", "P-1a") == tuple(history[0]["values"][name] for name in ("materijal", "naziv"))


async def test_s40_a_transaction_group_is_one_revision(office, project, jelena):
    """A closure with its tray and a pole beside it, drawn in one transaction, are one revision."""
    pole = await office.pole(naziv="P-1")
    closure, tray = str(uuid4()), str(uuid4())
    before = await office.revision()

    answers = desk(
        jelena,
        *opened(CLOSURES, POLES, without_place=(TRAY,)),
        together(
            add(CLOSURES, project, "POINT(21 44)", naziv="N-4", fiberq_uuid=closure),
            add(TRAY, project, fiberq_uuid=tray, closure_uuid=closure, tray_number=2),
            change(POLES, await number(office, POLE, pole), naziv="P-1a"),
        ),
    )
    made = [(await office.history(layer, uuid))[0] for layer, uuid in ((CLOSURE, closure), (TRAY, tray), (POLE, pole))]

    assert saved(answers) and before + 1 == await office.revision()
    assert {(before + 1, name_of(jelena))} == {(v["revision"], v["author"]["sub"]) for v in made}


async def test_s40_who_it_was_may_be_said_by_the_session(office, jelena):
    """Where several people share a database user, `fiberq.actor` of the session says who it was."""
    pole = await office.pole(naziv="P-1")
    typed = edit(change(POLES, await number(office, POLE, pole), naziv="P-1a"))

    assert saved(desk(jelena, *opened(POLES), typed, environment={"PGOPTIONS": "-c fiberq.actor=Jelena"}))
    assert "Jelena" == (await office.history(POLE, pole))[0]["author"]["sub"]


async def test_s40_two_projects_in_one_transaction(office, project, other_project, jelena, dsn):
    """Each project takes its own next revision; neither knows of the other."""
    await office.pole(naziv="P-1")
    psql(dsn, f"INSERT INTO fiberq.ftth_stubovi (project_id, naziv) VALUES ({other_project}, 'T-1')")
    before = {
        p: int(psql(dsn, f"SELECT revision FROM fiberq.projects WHERE id = {p}")) for p in (project, other_project)
    }

    done = run_psql(
        jelena,
        "BEGIN; UPDATE fiberq.ftth_stubovi SET napomena = 'both'; UPDATE fiberq.ftth_stubovi SET visina = 8; COMMIT;",
    )
    after = {p: int(psql(dsn, f"SELECT revision FROM fiberq.projects WHERE id = {p}")) for p in before}

    assert 0 == done.returncode, done.stderr
    assert {p: revision + 1 for p, revision in before.items()} == after
