"""Closures, trays, splices and patches as the FiberQ plugin calls them, with its quirks (c.4 of the reference)."""

from typing import Any

import pytest

from tests.aiohttp.serving import Caller
from tests.aiohttp.test_tracing import Site, drawn

pytestmark = pytest.mark.each_store

PLAN = "/api/fiber-plan"


@pytest.fixture
async def site(engineer: Caller) -> Site:
    """Two cables with a splice between them, an ODF and an outlet."""
    return await drawn(engineer, await engineer.project())


async def row(site: Site, layer: str, uuid: str) -> dict[str, Any]:
    """What the server has of a row."""
    shown = await site.caller("GET", f"/api/projects/{site.project}/features/{layer}/{uuid}")
    properties: dict[str, Any] = shown.json["properties"]
    return properties


async def test_closures(engineer: Caller, outsider: Caller) -> None:
    """Made where the dialog says, found without a project, changed and deleted; nobody else sees them."""
    project = await engineer.project()
    sent = {"muf_fid": None, "closure_type": "inline", "closure_model": "FOSC", "tray_count": 4, "project_id": None}
    made = await engineer("POST", f"{PLAN}/closures", json={**sent, "lon": 21.5, "lat": 44.5, "extra": 1})
    listed = (await engineer("GET", f"{PLAN}/closures/")).json
    one = f"{PLAN}/closures/{made.json['id']}"
    put = await engineer("PUT", one, json={"closure_type": "dome", "max_splices": 24})

    assert (201, 21.5, 44.5, project) == (made.status, *(made.json[name] for name in ("lon", "lat", "project_id")))
    assert [made.json] == listed
    assert (200, "dome", 24, 4) == (put.status, *(put.json[n] for n in ("closure_type", "max_splices", "tray_count")))
    assert (404, [], 404) == (
        (await outsider("GET", one)).status,
        (await outsider("GET", f"{PLAN}/closures")).json,
        (await outsider("DELETE", one)).status,
    )
    assert (204, 404) == ((await engineer("DELETE", one)).status, (await engineer("GET", one)).status)


async def test_trays(site: Site) -> None:
    """The closure comes from the path; a tray is as large as its type, and a number is given once."""
    path = f"{PLAN}/closures/{site.number('N')}/trays"
    made = await site.caller("POST", path, json={"closure_id": 999, "tray_number": 2, "tray_type": "24F"})
    again = await site.caller("POST", path, json={"tray_number": 2})
    beyond = await site.caller("POST", path, json={"tray_number": 3})
    nowhere = await site.caller("POST", f"{PLAN}/closures/999999/trays", json={"tray_number": 1})

    assert (201, site.number("N"), 2, 24) == (
        made.status, *(made.json[name] for name in ("closure_id", "tray_number", "capacity")),
    )  # fmt: skip
    assert (409, 422, 404) == (again.status, beyond.status, nowhere.status)
    assert [1, 2] == [tray["tray_number"] for tray in (await site.caller("GET", path)).json]
    assert 204 == (await site.caller("DELETE", f"{path}/{made.json['id']}")).status


def a_splice(site: Site, **changes: object) -> dict[str, object]:
    """What the plugin's dialog sends."""
    sent = {
        "tray_id": site.number("T"), "position_in_tray": 1, "splice_type": "fusion", "loss_db": 0.0,
        "status": "planned", "notes": None,
    }  # fmt: skip
    for side, cable, fibre in (("a", "K-1", 14), ("b", "K-2", 2)):
        sent |= {
            f"cable_{side}_layer_id": "Underground_cables_f5205a25_f262_4502_a6f7_1f8d4646bcaa",
            f"cable_{side}_fid": site.number(cable), f"fiber_{side}_number": fibre, f"fiber_{side}_color": "",
            f"tube_{side}_number": None, f"tube_{side}_color": "",
        }  # fmt: skip
    return {**sent, **changes}


async def test_splices(site: Site) -> None:
    """Null notes, loss 0 for "not measured", cables by layer and number; colours and tubes follow from the cables."""
    made = await site.caller("POST", f"{PLAN}/splices", json=a_splice(site))
    stored = await row(site, "fiber_splices", made.json["uuid"])

    assert (201, [], False) == (made.status, made.json["unresolved"], made.json["measured"])
    assert (site.uuid("K-1"), site.uuid("K-2")) == (stored["cable_a_uuid"], stored["cable_b_uuid"])
    assert (a_splice(site)["cable_a_layer_id"], site.number("K-1")) == (
        stored["cable_a_layer_id"], stored["cable_a_fid"],
    )  # fmt: skip
    assert ("Orange", 2) == (stored["fiber_a_color"], stored["tube_a_number"])
    assert ("Orange", 2, "Orange", "Orange", 1, "Blue") == tuple(
        made.json[f"{what}"]
        for side in "ab"
        for what in (f"fiber_{side}_color", f"tube_{side}_number", f"tube_{side}_color")
    )


async def test_lists_of_splices(site: Site, outsider: Caller) -> None:
    """Of a tray, of a closure, of a project; who asks for none of these is told to say which."""
    await site.caller.made(f"{PLAN}/splices", a_splice(site))
    by_tray = await site.caller("GET", f"{PLAN}/splices?tray_id={site.number('T')}")
    by_closure = await site.caller("GET", f"{PLAN}/splices/?closure_id={site.number('N')}")
    by_project = await site.caller("GET", f"{PLAN}/splices?project_id={site.project}")
    neither = await site.caller("GET", f"{PLAN}/splices")

    assert [3, 1] == [s["position_in_tray"] for s in by_tray.json]
    assert by_tray.json == by_closure.json == by_project.json
    assert (422, ["tray_id"]) == (neither.status, [fault["path"] for fault in neither.json["errors"]])
    patches = await site.caller("GET", f"{PLAN}/patches")
    assert (422, ["element_fid"]) == (patches.status, [fault["path"] for fault in patches.json["errors"]])
    for query in (f"tray_id={site.number('T')}", f"closure_id={site.number('N')}", f"project_id={site.project}"):
        assert 404 == (await outsider("GET", f"{PLAN}/splices?{query}")).status


async def test_lists_of_a_closure_are_asked_like_others(site: Site) -> None:
    """By state, by project and in pages, as those of a tray; filters that mean nothing are named."""
    closure = f"{PLAN}/splices?closure_id={site.number('N')}"
    await site.caller.made(f"{PLAN}/splices", a_splice(site))
    other = await site.caller.project("Grad")

    async def positions(query: str) -> list[int]:
        return [splice["position_in_tray"] for splice in (await site.caller("GET", f"{closure}{query}")).json]

    assert [3] == await positions("&status=tested")
    assert [1] == await positions("&status=planned")
    assert [3, 1] == await positions("&status=tested&status=planned") == await positions(f"&project_id={site.project}")
    assert [] == await positions(f"&project_id={other}") == await positions("&status=faulty")
    first = await site.caller("GET", f"{closure}&limit=1")
    assert [3] == [splice["position_in_tray"] for splice in first.json]
    assert [1] == await positions(f"&limit=1&cursor={first.headers['X-Next-Cursor']}")
    assert 422 == (await site.caller("GET", f"{closure}&status=burnt")).status


async def test_a_splice_is_made(site: Site) -> None:
    """Who spliced, and when, is said by the server; what is measured says so; what is put back as it was is no edit."""
    made = await site.caller.made(f"{PLAN}/splices", a_splice(site))
    path = f"{PLAN}/splices/{made['id']}"
    put = (await site.caller("PUT", path, json=a_splice(site, status="spliced", loss_db=0.07, notes="ok"))).json
    same = (await site.caller("PUT", path, json=put)).json

    assert ("spliced", "2", True, 0.07, "ok") == tuple(
        put[name] for name in ("status", "spliced_by_sub", "measured", "loss_db", "notes")
    )
    assert put["spliced_at"] is not None
    assert put == same
    assert (204, 404) == ((await site.caller("DELETE", path)).status, (await site.caller("GET", path)).status)


async def test_cables_by_uuid(site: Site) -> None:
    """A cable by its uuid needs no layer and number; they are shown all the same, as the server's package has them."""
    sent = {
        "tray_id": site.number("T"), "position_in_tray": 2, "cable_a_uuid": site.uuid("K-1"), "fiber_a_number": 3,
        "cable_b_uuid": site.uuid("K-2"), "fiber_b_number": 3,
    }  # fmt: skip
    made = await site.caller.made(f"{PLAN}/splices", sent)
    stored = await row(site, "fiber_splices", made["uuid"])

    assert ("Kablovi_podzemni", None) == (made["cable_a_layer_id"], stored["cable_a_layer_id"])
    assert isinstance(made["cable_a_fid"], int)
    assert ("Green", "planned", "fusion") == tuple(made[name] for name in ("fiber_a_color", "status", "splice_type"))


async def test_a_cable_that_nobody_knows(site: Site) -> None:
    """Layer and number stay as they were said, and it is told that they mean nothing here; later they can be put right."""
    strange = {"cable_a_layer_id": "Nesto_drugo", "cable_a_fid": 777}
    made = await site.caller.made(f"{PLAN}/splices", a_splice(site, **strange))
    path = f"{PLAN}/splices/{made['id']}"

    assert (["cable_a"], None, "Nesto_drugo", 777) == tuple(
        made[name] for name in ("unresolved", "cable_a_uuid", "cable_a_layer_id", "cable_a_fid")
    )
    right = (await site.caller("PUT", path, json=a_splice(site))).json
    assert ([], site.uuid("K-1")) == (right["unresolved"], right["cable_a_uuid"])
    wrong = (await site.caller("PUT", path, json=a_splice(site, **strange))).json
    assert (["cable_a"], None) == (wrong["unresolved"], wrong["cable_a_uuid"])


@pytest.mark.parametrize(
    "changes, status, words",
    [
        ({"position_in_tray": 3}, 409, "position 3 in tray 1 of splice closure N-4 is already taken"),
        ({"position_in_tray": 13}, 422, "has room for 12 splices"),
        ({"position_in_tray": 0}, 422, ""),
        ({"position_in_tray": None}, 422, "position"),
        (
            {"fiber_a_number": 1},
            409,
            "fibre 1 of underground cable K-1 is already spliced in splice closure N-4, tray 1",
        ),
        ({"fiber_a_number": 25}, 422, "has 24 fibres"),
        ({"status": "burnt"}, 422, "planned"),
        ({"loss_db": -1}, 422, ""),
        ({"tray_id": 999999}, 404, ""),
        ({"cable_a_uuid": "00000000-0000-4000-8000-000000000000"}, 422, "not known here"),
    ],
)
async def test_refused(site: Site, changes: dict[str, object], status: int, words: str) -> None:
    """What cannot be is refused, in the words of the trade; nothing is written."""
    answer = await site.caller("POST", f"{PLAN}/splices", json=a_splice(site, **changes))
    shown = (await site.caller("GET", f"{PLAN}/splices?tray_id={site.number('T')}")).json

    assert (status, True) == (answer.status, words in answer.json["detail"] + str(answer.json.get("errors"))), (
        answer.json
    )
    assert 1 == len(shown)


async def test_patches(site: Site, outsider: Caller) -> None:
    """By the element's number alone, or with its layer; a port is given once; a jumper has an id."""
    sent = {
        "element_layer_id": "ODF_f5205a25_f262_4502_a6f7_1f8d4646bcaa", "element_fid": site.number("ODF"),
        "port_number": 2, "fiber_cable_layer_id": "Kablovi_podzemni", "fiber_cable_fid": site.number("K-1"),
        "fiber_number": 15, "fiber_color": "", "connector_type": "SC/APC", "status": "connected",
    }  # fmt: skip
    made = await site.caller("POST", f"{PLAN}/patches", json=sent)
    taken = await site.caller("POST", f"{PLAN}/patches", json={**sent, "fiber_number": 16})
    beyond = await site.caller("POST", f"{PLAN}/patches", json={**sent, "port_number": 25})
    plain = await site.caller("GET", f"{PLAN}/patches?element_fid={site.number('ODF')}")
    layered = await site.caller("GET", f"{PLAN}/patches/?element_fid={site.number('ODF')}&element_layer_id=ODF")
    by_uuid = await site.caller("GET", f"{PLAN}/patches?element_uuid={site.uuid('ODF')}")
    other = await site.caller("GET", f"{PLAN}/patches?element_fid={site.number('ODF')}&element_layer_id=TO")

    assert (201, site.uuid("ODF"), site.uuid("K-1"), "Green") == (
        made.status, *(made.json[name] for name in ("element_uuid", "fiber_cable_uuid", "fiber_color")),
    )  # fmt: skip
    assert (409, 422, [1, 2]) == (taken.status, beyond.status, [p["port_number"] for p in plain.json])
    assert plain.json == layered.json == by_uuid.json
    assert [] == other.json == (await outsider("GET", f"{PLAN}/patches?element_fid={site.number('ODF')}")).json
    jumper = {"element_uuid": site.uuid("TO"), "port_number": 2, "connected_to_patch_id": made.json["id"]}
    other_end = await site.caller.made(f"{PLAN}/patches", jumper)
    assert made.json["id"] == other_end["connected_to_patch_id"]
    path = f"{PLAN}/patches/{made.json['id']}"
    assert "faulty" == (await site.caller("PATCH", path, json={"status": "faulty"})).json["status"]
    assert 409 == (await site.caller("DELETE", path)).status
    for gone in (f"{PLAN}/patches/{other_end['id']}", path):
        assert (204, 404) == ((await site.caller("DELETE", gone)).status, (await site.caller("GET", gone)).status)


async def test_who_may_what(site: Site, admin: Caller, outsider: Caller, stranger: Caller, nobody: Caller) -> None:
    """Whoever is no member meets what never was; without a role nobody comes in."""
    made = await site.caller.made(f"{PLAN}/splices", a_splice(site))
    for path in (f"{PLAN}/splices/{made['id']}", f"{PLAN}/closures/{site.number('N')}/trays"):
        assert [404, 401, 403, 200] == [(await c("GET", path)).status for c in (outsider, stranger, nobody, admin)]
    assert 404 == (await outsider("PUT", f"{PLAN}/splices/{made['id']}", json={"status": "tested"})).status
    assert 404 == (await outsider("POST", f"{PLAN}/splices", json=a_splice(site, position_in_tray=5))).status
    assert 404 == (await outsider("DELETE", f"{PLAN}/splices/{made['id']}")).status


async def test_once(site: Site) -> None:
    """A repeat with the same key has no second effect; a stale version is refused."""
    headers = {"Idempotency-Key": "k-1"}
    first, again = [
        await site.caller("POST", f"{PLAN}/splices", json=a_splice(site), headers=headers) for _ in range(2)
    ]
    path = f"{PLAN}/splices/{first.json['id']}"
    changed = await site.caller("PATCH", path, json={"notes": "x"}, headers={"If-Match": first.headers["ETag"]})
    stale = await site.caller("PATCH", path, json={"notes": "y"}, headers={"If-Match": first.headers["ETag"]})

    assert (201, first.json) == (again.status, again.json)
    assert (200, 412, "x") == (changed.status, stale.status, (await site.caller("GET", path)).json["notes"])
