"""The fibre plan over HTTP: traces as old clients ask for them and by uuid, every path, and what is in a closure."""

from typing import Any
from uuid import uuid4

import pytest
from attrs import define, field

from tests.aiohttp.serving import Caller

pytestmark = pytest.mark.each_store

NOWHERE = "00000000-0000-4000-8000-000000000000"


@define
class Site:
    """A project being drawn: rows by name, as the server has them."""

    caller: Caller
    project: int
    rows: dict[str, dict[str, Any]] = field(factory=dict)

    async def add(self, layer: str, name: str, geometry: object = None, **values: object) -> str:
        """A row; its uuid."""
        body = {"geometry": geometry, "properties": values}
        made: dict[str, Any] = await self.caller.made(f"/api/projects/{self.project}/features/{layer}", body)
        self.rows[name] = made
        return str(made["id"])

    def uuid(self, name: str) -> str:
        """The uuid of a row."""
        return str(self.rows[name]["id"])

    def number(self, name: str) -> int:
        """The number of a row."""
        return int(self.rows[name]["properties"]["id"])


def at(x: float) -> dict[str, object]:
    """A point."""
    return {"type": "Point", "coordinates": [x, 45]}


async def drawn(caller: Caller, project: int) -> Site:
    """An ODF with a port, two cables with a splice between them, and an outlet."""
    site = Site(caller, project)
    for n, name in enumerate(("K-1", "K-2")):
        line = {"type": "LineString", "coordinates": [[21 + n, 45], [22 + n, 45]]}
        await site.add("Kablovi_podzemni", name, line, naziv=name, broj_vlakana=24, total_len_m=1000 * (n + 1))
    await site.add("Elements", "ODF", at(21), naziv="ODF-1", tip="ODF", kapacitet=24)
    await site.add("Elements", "TO", at(23), naziv="TO-7", tip="TO", kapacitet=2)
    await site.add("Splice_closures", "N", at(22), naziv="N-4", tray_count=2, max_splices=24)
    tray = await site.add("fiber_splice_trays", "T", closure_uuid=site.uuid("N"), tray_number=1, tray_type="12F")
    sides = {
        "cable_a_uuid": site.uuid("K-2"), "fiber_a_number": 13, "cable_b_uuid": site.uuid("K-1"), "fiber_b_number": 1,
    }  # fmt: skip
    await site.add("fiber_splices", "S", tray_uuid=tray, position_in_tray=3, **sides, loss_db=0.04, status="tested")
    await patched(site, "ODF", 1, "K-1", 1)
    await patched(site, "TO", 1, "K-2", 13)
    return site


async def patched(site: Site, element: str, port: int, cable: str, fibre: int) -> None:
    """A patch at a port."""
    await site.add(
        "fiber_patch_connections", f"{element}:{port}", element_uuid=site.uuid(element), port_number=port,
        fiber_cable_uuid=site.uuid(cable), fiber_number=fibre,
    )  # fmt: skip


@pytest.fixture
async def site(engineer: Caller) -> Site:
    """It, drawn by an engineer."""
    return await drawn(engineer, await engineer.project())


def trace_of(site: Site, element: str, port: int = 1) -> str:
    """The address of a trace by uuid."""
    return f"/api/projects/{site.project}/trace/{site.uuid(element)}/{port}"


async def test_a_trace(site: Site) -> None:
    """From port to port, with lengths and losses, by the address that old clients call and by the project's."""
    old = await site.caller("GET", f"/api/fiber-plan/trace/{site.number('ODF')}/1/")
    new = await site.caller("GET", trace_of(site, "ODF"))

    assert (200, 200, new.json) == (old.status, new.status, old.json)
    assert ("complete", 3000.0, []) == (new.json["status"], new.json["total_length_m"], new.json["warnings"])
    assert ["patch", "cable", "splice", "cable", "patch"] == [s["type"] for s in new.json["segments"]]
    assert new.json["total_loss_db"] == pytest.approx(3 * 0.35 + 0.04 + 2 * 0.3)
    assert ["from_to", "from_to"] == [s["direction"] for s in new.json["segments"] if s["type"] == "cable"]
    assert ("Orange", "Blue") == tuple(new.json["segments"][3][name] for name in ("tube_color", "fiber_color"))


async def test_from_the_far_port(site: Site) -> None:
    """The same way back, with the same totals."""
    there = (await site.caller("GET", trace_of(site, "ODF"))).json
    back = (await site.caller("GET", trace_of(site, "TO"))).json

    assert [s["uuid"] for s in there["segments"]] == [s["uuid"] for s in back["segments"]][::-1]
    assert there["totals"] == back["totals"]
    assert (there["start"], there["end"]) == (back["end"], back["start"])


async def test_how_it_is_reckoned(site: Site) -> None:
    """The caller may say which figures count, and at which wavelengths."""
    asked = {"losses": "limit", "wavelengths": "1550,1310", "connector": "1"}
    shown = (await site.caller("GET", trace_of(site, "ODF"), params=asked)).json

    assert ([1550, 1310], pytest.approx(3 * 0.3 + 0.04 + 2)) == (shown["wavelengths_nm"], shown["total_loss_db"])


@pytest.mark.parametrize(
    "query, path",
    [
        ({"losses": "some"}, "losses"),
        ({"wavelengths": "1310,7"}, "wavelengths"),
        ({"connector": "-1"}, "connector"),
        ({"fibre_1310": "nan"}, "fibre_1310"),
        ({"project_id": "x"}, "project_id"),
        ({"element_uuid": "x"}, "element_uuid"),
    ],
)
async def test_bad_queries(site: Site, query: dict[str, str], path: str) -> None:
    """What cannot be reckoned with is refused, with its place."""
    answer = await site.caller("GET", f"/api/fiber-plan/trace/{site.number('ODF')}/1", params=query)

    assert (422, [path]) == (answer.status, [fault["path"] for fault in answer.json["errors"]])


async def test_nothing_there(site: Site) -> None:
    """A port without a patch, an element that is none, a layer that has none: 404."""
    number = site.number("ODF")
    for path in (
        f"/api/fiber-plan/trace/{number}/2",
        "/api/fiber-plan/trace/999999/1",
        f"/api/fiber-plan/trace/{number}/1?element_layer_id=Poles",
        f"/api/fiber-plan/trace/{number}/1?element_layer_id=TO",
        f"/api/fiber-plan/trace/1/1?element_uuid={NOWHERE}",
        f"/api/projects/{site.project}/trace/{NOWHERE}/1",
        f"/api/projects/{site.project}/trace/x/1",
        "/api/fiber-plan/closures/999999/matrix",
    ):
        assert (404, "not-found") == ((answer := await site.caller("GET", path)).status, answer.json["code"])


async def test_foreign_projects(site: Site, outsider: Caller, stranger: Caller) -> None:
    """Whoever is no member gets the answer of what never was; whoever has not signed in is asked to."""
    paths = (
        trace_of(site, "ODF"), f"/api/fiber-plan/trace/{site.number('ODF')}/1",
        f"/api/fiber-plan/closures/{site.number('N')}/matrix", f"/api/fiber-plan/paths?project_id={site.project}",
    )  # fmt: skip
    for path in paths:
        assert 404 == (await outsider("GET", path)).status
        assert 401 == (await stranger("GET", path)).status
    assert [] == (await outsider("GET", "/api/fiber-plan/paths")).json


async def test_a_number_that_means_several_elements(site: Site, engineer: Caller) -> None:
    """Where both ODFs of two projects have the number: 409, and the project or the uuid tells them apart."""
    other = await drawn(engineer, await engineer.project("Grad"))
    fids = [(await engineer("GET", trace_of(each, "ODF"))).json["start"]["element_fid"] for each in (site, other)]
    path = f"/api/fiber-plan/trace/{fids[0]}/1"
    plain = await engineer("GET", path)
    told = [await engineer("GET", path, params={"project_id": str(each.project)}) for each in (site, other)]
    named = await engineer("GET", path, params={"element_uuid": other.uuid("ODF")})

    assert (409 if fids[0] == fids[1] else 200) == plain.status
    expected = [site.uuid("ODF"), other.uuid("ODF") if fids[0] == fids[1] else None]
    assert expected == [answer.json["start"]["element_uuid"] if answer.status == 200 else None for answer in told]
    assert other.uuid("ODF") == named.json["start"]["element_uuid"]


async def test_paths(site: Site) -> None:
    """Every way from port to port, once, from its head end, in pages; a change is in it at once."""
    await patched(site, "TO", 2, "K-1", 2)
    await patched(site, "ODF", 2, "K-1", 2)
    first = await site.caller("GET", "/api/fiber-plan/paths?limit=1")
    rest = await site.caller("GET", f"/api/fiber-plan/paths?cursor={first.headers['X-Next-Cursor']}")
    whole = (await site.caller("GET", f"/api/fiber-plan/paths/?project_id={site.project}")).json

    assert first.json + rest.json == whole
    assert {("ODF-1 : 1", "TO-7 : 1"), ("ODF-1 : 2", "TO-7 : 2")} == {
        (path["start"]["name"], path["end"]["name"]) for path in whole
    }
    assert "X-Next-Cursor" not in rest.headers
    assert {site.project} == {path["project_id"] for path in whole}
    assert 422 == (await site.caller("GET", "/api/fiber-plan/paths?cursor=x")).status


async def test_what_is_in_a_closure(site: Site) -> None:
    """Every position of every tray, with both fibres and their colours."""
    shown = (await site.caller("GET", f"/api/fiber-plan/closures/{site.number('N')}/matrix")).json
    [tray] = shown["trays"]
    position = tray["positions"][2]

    assert ("N-4", 1, 12, 12) == (shown["name"], shown["splices"], tray["capacity"], len(tray["positions"]))
    assert [True, True, False, True] == [p["free"] for p in tray["positions"][:4]]
    assert ("K-2", 13, 2, "Orange", "Blue", "K-1", 1) == (
        *(position["a"][name] for name in ("cable_name", "fiber_number", "tube_number", "tube_color", "fiber_color")),
        *(position["b"][name] for name in ("cable_name", "fiber_number")),
    )
    assert (0.04, True, "tested", "2") == tuple(
        position[name] for name in ("loss_db", "measured", "status", "spliced_by_sub")
    )


@pytest.mark.parametrize(
    "layer, values, status, words",
    [
        ("fiber_splices", {"position_in_tray": 13, "tray": "T"}, 422, "has room for 12 splices"),
        ("fiber_splices", {"position_in_tray": 3, "tray": "T"}, 409, "position 3 in tray 1 of splice closure N-4"),
        ("fiber_splices", {"position_in_tray": 4, "tray": "T", "a": ("K-1", 25)}, 422, "has 24 fibres"),
        ("fiber_splices", {"position_in_tray": 4, "tray": "T", "a": ("K-1", 3), "b": ("K-1", 3)}, 422, "two different"),
        ("fiber_splice_trays", {"tray_number": 3, "closure": "N"}, 422, "has room for 2 trays"),
        ("fiber_splice_trays", {"tray_number": 1, "closure": "N"}, 409, "tray 1 of splice closure N-4 is already"),
        ("fiber_patch_connections", {"port_number": 25, "element": "ODF"}, 422, "has 24 ports"),
        ("fiber_patch_connections", {"port_number": 1, "element": "ODF"}, 409, "port 1 of element ODF-1 is already"),
    ],
)
async def test_the_rules(site: Site, layer: str, values: dict[str, Any], status: int, words: str) -> None:
    """What has no room or is taken is refused in the words of the trade, and nothing is written."""
    properties = {n: v for n, v in values.items() if n.endswith(("_number", "_in_tray"))}
    properties |= {f"{n}_uuid": site.uuid(values[n]) for n in ("tray", "closure", "element") if n in values}
    for side in "ab":
        if side in values:
            cable, fibre = values[side]
            properties |= {f"cable_{side}_uuid": site.uuid(cable), f"fiber_{side}_number": fibre}
    before = (await site.caller("GET", f"/api/projects/{site.project}")).json["revision"]
    body = {"id": str(uuid4()), "geometry": None, "properties": properties}
    answer = await site.caller("POST", f"/api/projects/{site.project}/features/{layer}", json=body)

    said = answer.json["detail"] + str(answer.json.get("errors"))
    assert (status, True) == (answer.status, words in said), answer.json
    assert before == (await site.caller("GET", f"/api/projects/{site.project}")).json["revision"]
