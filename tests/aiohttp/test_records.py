"""Records as old clients call them: numbers, nulls, every fault, repeats, versions, pages, and what is nobody's business."""

import asyncio
from typing import Any

import pytest

from tests.aiohttp.serving import Answer, Caller

pytestmark = pytest.mark.each_store

ORDERS, REPORTS = "/api/work-orders", "/api/smr-reports"
AREA = {"type": "Polygon", "coordinates": [[[20.5, 44.2], [20.6, 44.2], [20.6, 44.3], [20.5, 44.2]]]}
ABSENT = 10**17


@pytest.fixture
async def project(engineer: Caller, worker: Caller) -> int:
    """A project of the engineer in which the field worker works."""
    number = await engineer.project()
    await engineer.made(f"/api/projects/{number}/members", {"sub": "3", "role": "field_worker"})
    return number


async def an_order(by: Caller, project: int, **more: object) -> dict[str, Any]:
    """A work order."""
    made: dict[str, Any] = await by.made(ORDERS, {"title": "W", "order_type": "repair", "project_id": project, **more})
    return made


@pytest.fixture
async def order(engineer: Caller, project: int) -> dict[str, Any]:
    """An order that is assigned to the field worker."""
    return await an_order(engineer, project, assigned_to_sub="3")


def faults(answer: Answer) -> set[str]:
    """Where something is wrong."""
    return {fault["path"] for fault in answer.json["errors"]}


@pytest.mark.parametrize("slash", ["", "/"])
async def test_one_record(engineer: Caller, order: dict[str, Any], slash: str) -> None:
    """It is shown by its number in both spellings, with a validator, and as the feature that it is."""
    shown = await engineer("GET", f"{ORDERS}/{order['id']}{slash}")
    known = await engineer("GET", f"{ORDERS}/{order['id']}", headers={"If-None-Match": shown.headers["ETag"]})
    feature = await engineer("GET", f"/api/projects/{order['project_id']}/features/Work_orders/{order['uuid']}")

    assert (200, order, f'"{order["revision"]}"') == (shown.status, shown.json, shown.headers["ETag"])
    assert (304, order["id"]) == (known.status, feature.json["properties"]["id"])


@pytest.mark.parametrize("path", [ORDERS, REPORTS, "/api/work-orders/smr-reports", f"{ORDERS}/my"])
async def test_other_addresses_are_not_numbers(engineer: Caller, order: dict[str, Any], path: str) -> None:
    """`/my` and `/smr-reports` are lists, not orders with odd numbers."""
    for slash in ("", "/"):
        listed = await engineer("GET", path + slash)
        assert (200, True) == (listed.status, isinstance(listed.json, list))


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [ORDERS, REPORTS, f"{ORDERS}/{{order}}/items"])
async def test_what_is_foreign_is_not_there(
    outsider: Caller, engineer: Caller, order: dict[str, Any], method: str, path: str
) -> None:
    """To whoever is no member, a record is as one that never was, whatever they send."""
    items = f"{ORDERS}/{order['id']}/items"
    report = await engineer.made(REPORTS, {"work_order_id": order["id"]})
    item = await engineer.made(items, {"item_type": "other"})
    own = {ORDERS: order, REPORTS: report}.get(path, item)["id"]
    path = path.format(order=order["id"])
    bodies: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {"crew_size": "nonsense"}}
    foreign = await outsider(method, f"{path}/{own}", **bodies)
    never = await outsider(method, f"{path}/{ABSENT}", **bodies)
    told = [{k: v for k, v in a.json.items() if k != "request_id"} for a in (foreign, never)]

    assert (404, 404) == (foreign.status, never.status)
    assert told[0] == told[1]


async def test_nothing_is_made_for_strangers(outsider: Caller, order: dict[str, Any], project: int) -> None:
    """A parent, an order or a project of others is as one that never was, also where the body is wrong."""
    calls: list[tuple[str, dict[str, Any]]] = [
        (f"{ORDERS}/{{}}/items", {}),
        (REPORTS, {"work_order_id": None}),
        (ORDERS, {"project_id": None, "title": 1}),
    ]
    for path, body in calls:
        answers = []
        for number in (order["id"] if "project_id" not in body else project, ABSENT):
            body = {name: number if name.endswith("_id") else value for name, value in body.items()}
            answers.append(await outsider("POST", path.format(number), json=body))
        told = [{k: v for k, v in a.json.items() if k != "request_id"} for a in answers]
        assert (404, told[0]) == (answers[0].status, told[1])


async def test_every_fault_at_once(engineer: Caller, project: int) -> None:
    """Wrong values are named together with their places, and nothing is written."""
    body = {
        "project_id": project,
        "title": " ",
        "order_type": "whatever",
        "priority": "soon",
        "due_date": "31.12.2026",
        "area": {"type": "Point", "coordinates": [1, 2]},
        "uuid": "no",
    }
    answer = await engineer("POST", ORDERS, json=body)
    lacking = await engineer("POST", ORDERS, json={"project_id": project, "title": None})

    assert (422, {"title", "order_type", "priority", "due_date", "area", "uuid"}) == (answer.status, faults(answer))
    assert (422, {"title", "order_type"}) == (lacking.status, faults(lacking))
    assert [] == (await engineer("GET", ORDERS)).json


@pytest.mark.parametrize(
    "body, wrong",
    [
        ({"latitude": 999, "longitude": 20}, {"latitude"}),
        ({"latitude": 44}, {"longitude"}),
        ({"latitude": "north", "longitude": True}, {"latitude", "longitude"}),
        ({"lon": 181, "lat": -91}, {"lon", "lat"}),
        ({"hours_worked": 25, "crew_size": -1}, {"hours_worked", "crew_size"}),
        ({"activities": [1], "materials_used": {"name": 2, "quantity": -1}}, {"activities[0]", "materials_used.name", "materials_used.quantity"}),
        ({"activities": 7}, {"activities"}),
        ({"work_order_id": "x"}, {"work_order_id"}),
    ],
)  # fmt: skip
async def test_faults_of_a_report(engineer: Caller, project: int, body: dict[str, Any], wrong: set[str]) -> None:
    """Places lie on the map, numbers in their range, lists hold texts or objects."""
    answer = await engineer("POST", REPORTS, json={"project_id": project, **body})

    assert (422, wrong) == (answer.status, faults(answer))


async def test_unknown_fields_are_ignored(engineer: Caller, project: int) -> None:
    """Clients send more than a record has; what the server owns is not taken from them either."""
    made = await an_order(
        engineer, project, moja="x", id=77, status="created", created_at="1999-01-01T00:00:00Z", revision=9
    )

    assert made["id"] != 77 and not made["created_at"].startswith("1999")
    assert "moja" not in made


async def test_an_order_needs_no_project_where_there_is_one(engineer: Caller, admin: Caller, project: int) -> None:
    """Without a project the only one is meant; of several, somebody has to say which."""
    made = await an_order(engineer, project, project_id=None)
    await engineer.project("Grad")
    unsure = await engineer("POST", ORDERS, json={"title": "W", "order_type": "repair", "project_id": None})

    assert project == made["project_id"]
    assert (422, {"project_id"}) == (unsure.status, faults(unsure))
    assert "Grad" in unsure.json["errors"][0]["message"]


async def test_last_version_counts_where_none_is_named(engineer: Caller, order: dict[str, Any]) -> None:
    """Old clients send no If-Match; who sends one is told when it is not the current one."""
    path = f"{ORDERS}/{order['id']}"
    first = await engineer("PUT", path, json={"title": "A"})
    stale = await engineer("PATCH", path, json={"title": "B"}, headers={"If-Match": f'"{order["revision"]}"'})
    right = await engineer("PATCH", path, json={"title": "C"}, headers={"If-Match": first.headers["ETag"]})
    late = await engineer("DELETE", path, headers={"If-Match": first.headers["ETag"]})

    assert (200, 412, 200, 412) == (first.status, stale.status, right.status, late.status)
    assert (first.json, "C") == (stale.json["current"], right.json["title"])


async def test_what_is_not_named_stays(engineer: Caller, project: int) -> None:
    """PUT and PATCH change what they name; null clears; a record that is sent back as it is, is no edit."""
    made = await an_order(engineer, project, description="long", due_date="2026-12-31", area=AREA)
    path = f"{ORDERS}/{made['id']}"
    for method in ("PUT", "PATCH"):
        same = await engineer(method, path, json=made)
        assert (200, made) == (same.status, same.json)
    changed = await engineer("PUT", path, json={"description": None, "priority": "urgent"})
    cleared = await engineer("PUT", path, json={"area_geom": None})

    assert {**made, "description": None, "priority": "urgent", "revision": changed.json["revision"]} == changed.json
    assert (AREA, None) == (changed.json["area"], cleared.json["area"])
    unclearable = await engineer("PUT", path, json={"title": None})
    moved = await engineer("PUT", path, json={"project_id": ABSENT})
    assert (422, {"title"}, 422, {"project_id"}) == (
        unclearable.status, faults(unclearable), moved.status, faults(moved),
    )  # fmt: skip


async def test_the_same_request_twice(engineer: Caller, project: int) -> None:
    """With one Idempotency-Key there is one record, and the same answer; another request under it is refused."""
    body = {"title": "W", "order_type": "repair", "project_id": project}
    answers = [await engineer("POST", ORDERS, json=body, headers={"Idempotency-Key": "k"}) for _ in range(3)]
    other = await engineer("POST", ORDERS, json={**body, "title": "V"}, headers={"Idempotency-Key": "k"})

    assert [(201, answers[0].json)] * 3 == [(a.status, a.json) for a in answers]
    assert (422, {"Idempotency-Key"}) == (other.status, faults(other))
    assert 1 == len((await engineer("GET", ORDERS)).json)


async def test_many_at_once(engineer: Caller, project: int) -> None:
    """Thirty requests under one key are one record; thirty edits of its parts are all made."""
    body = {"title": "W", "order_type": "repair", "project_id": project}
    same = await asyncio.gather(
        *(engineer("POST", ORDERS, json=body, headers={"Idempotency-Key": "k"}) for _ in range(30))
    )
    path = f"{ORDERS}/{same[0].json['id']}/items"
    items = await asyncio.gather(
        *(engineer("POST", path, json={"item_type": "other", "quantity": n}) for n in range(30))
    )
    done = await asyncio.gather(*(engineer("PUT", f"{path}/{item.json['id']}/complete") for item in items))

    assert {(201, same[0].json["id"])} == {(answer.status, answer.json["id"]) for answer in same}
    assert {201} == {item.status for item in items}
    assert {200} == {answer.status for answer in done}
    assert ["done"] * 30 == [item["status"] for item in (await engineer("GET", path)).json]


async def test_a_uuid_of_ones_own(engineer: Caller, project: int) -> None:
    """A client may name its record; the same name a second time is a conflict."""
    uuid = "2b8f2a5e-3f39-4a53-9b52-0d4bb1f7c001"
    made = await an_order(engineer, project, uuid=uuid.upper())
    again = await engineer(
        "POST", ORDERS, json={"title": "V", "order_type": "repair", "project_id": project, "uuid": uuid}
    )

    assert (uuid, 409) == (made["uuid"], again.status)


async def test_pages(engineer: Caller, project: int) -> None:
    """A list is as long as old clients expect; whoever asks for pages follows `Link` or the cursor, newest first."""
    made = [(await an_order(engineer, project, title=f"W-{n}"))["id"] for n in range(5)]
    whole = await engineer("GET", ORDERS)
    seen, path = [], f"{ORDERS}/?limit=2&project_id={project}"
    while path:
        page = await engineer("GET", path)
        seen += [one["id"] for one in page.json]
        path = page.headers.get("Link", "").partition("<")[2].partition(">")[0]

    assert made[::-1] == [one["id"] for one in whole.json] == seen
    assert "Link" not in whole.headers


async def test_filters(engineer: Caller, project: int) -> None:
    """By state, assignee, kind, priority, due date and project; what is no known word is refused."""
    other = await engineer.project("Grad")
    for n, (status, who) in enumerate([("created", None), ("assigned", "3"), ("assigned", "4")]):
        home = other if n == 2 else project
        await an_order(engineer, home, title=f"W-{n}", status=status, assigned_to_sub=who, due_date=f"2026-05-0{n + 1}")

    async def titles(query: str) -> list[str]:
        answer = await engineer("GET", f"{ORDERS}?{query}")
        assert 200 == answer.status, answer.json
        return sorted(one["title"] for one in answer.json)

    assert ["W-0"] == await titles("status=created")
    assert ["W-0", "W-1", "W-2"] == await titles("status=created&status=assigned")
    assert ["W-1"] == await titles("assignee=3") == await titles("assigned_to_sub=3")
    assert ["W-2"] == await titles(f"project_id={other}")
    assert [] == await titles("priority=urgent")
    assert ["W-1", "W-2"] == await titles("due_from=2026-05-02")
    assert ["W-0"] == await titles("due_to=2026-05-01&order_type=repair")
    for query in ("status=nonsense", "due_from=x", "project_id=x", "limit=0", "cursor=xyz", "assignee=%00"):
        assert 422 == (await engineer("GET", f"{ORDERS}?{query}")).status, query
    assert 404 == (await engineer("GET", f"{ORDERS}?project_id={ABSENT}")).status


async def test_a_project_that_is_closed(engineer: Caller, admin: Caller, order: dict[str, Any], project: int) -> None:
    """An archived project's records are read, and nothing is changed; lists across projects leave them out."""
    await admin("DELETE", f"/api/projects/{project}")
    path = f"{ORDERS}/{order['id']}"

    assert 200 == (await engineer("GET", path)).status
    assert [] == (await engineer("GET", ORDERS)).json
    for method, body in (("PUT", {"title": "x"}), ("DELETE", None)):
        assert 409 == (await engineer(method, path, json=body)).status
    assert 409 == (await engineer("POST", f"{path}/items", json={"item_type": "other"})).status


async def test_deleting_an_order(engineer: Caller, worker: Caller, order: dict[str, Any]) -> None:
    """Its items go with it; while there is a report about it, it stays; a field worker deletes none."""
    path = f"{ORDERS}/{order['id']}"
    item = await engineer.made(f"{path}/items", {"item_type": "other"})
    report = await worker.made(REPORTS, {"work_order_id": order["id"]})

    assert 403 == (await worker("DELETE", path)).status
    assert 409 == (await engineer("DELETE", path)).status
    assert 204 == (await worker("DELETE", f"{REPORTS}/{report['id']}")).status
    assert 204 == (await engineer("DELETE", path)).status
    assert 404 == (await engineer("GET", path)).status == (await engineer("GET", f"{path}/items/{item['id']}")).status
