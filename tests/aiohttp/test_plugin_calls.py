"""The calls of the FiberQ QGIS plugin about work, as it has made them since version 1.1 (domain.md c.4): unchanged.

It knows no If-Match and no Idempotency-Key, sends null for every empty field, calls addresses with a slash at their
end, and takes any 2xx with JSON, or with nothing, for an answer.
"""

from typing import Any

import pytest

from tests.aiohttp.serving import Caller, Client, token

pytestmark = pytest.mark.each_store


class Plugin(Caller):
    """The plugin of one person. Any answer other than 2xx fails the call, as it does there."""

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Its `_request`: JSON there and back; an empty body is nothing."""
        more: dict[str, Any] = {} if body is None else {"json": body}
        answer = await self(method, f"/api{path}", headers={"User-Agent": "FiberQ-QGIS-Plugin/1.0"}, **more)
        assert 200 <= answer.status < 300, (answer.status, answer.json)
        assert "application/json" in answer.headers.get("Content-Type", "application/json")
        return answer.json


@pytest.fixture
def boss(client: Client) -> Plugin:
    """The plugin of an engineer."""
    return Plugin(client, token("engineer", sub="2", name="Ema"))


@pytest.fixture
def crew(client: Client) -> Plugin:
    """The plugin of a field worker."""
    return Plugin(client, token("field_worker", sub="3", name="Vuk"))


@pytest.fixture
async def project(boss: Plugin) -> int:
    """Made by the plugin; the field worker is added by other means, since it knows no members."""
    made = await boss.call("POST", "/projects/", {"name": "Selo", "description": ""})
    await boss.call("POST", f"/projects/{made['id']}/members", {"sub": "3", "role": "field_worker"})
    return int(made["id"])


ORDER = {
    "title": "Splice closure 7",
    "description": None,
    "order_type": "splice",
    "priority": "high",
    "project_id": None,
    "assigned_to_sub": None,
    "due_date": None,
}
# what its tables read, of S's own answers
ORDER_NAMES = {
    *("id", "title", "description", "order_type", "priority", "status", "project_id", "assigned_to_sub"),
    *("assigned_by_sub", "due_date", "created_at", "started_at", "completed_at"),
}
ITEM_NAMES = {
    *("id", "work_order_id", "item_type", "description", "target_layer", "target_fid", "quantity", "unit", "status"),
    *("completed_at", "notes"),
}
REPORT_NAMES = {
    *("id", "work_order_id", "reported_by_sub", "report_date", "weather", "crew_size", "hours_worked", "activities"),
    *("materials_used", "issues"),
}
ITEMS = (
    {
        "item_type": "splice",
        "description": None,
        "target_layer": None,
        "target_fid": None,
        "quantity": 1,
        "unit": "pcs",
    },
    {"item_type": "other", "description": "Photos", "quantity": 1.0, "unit": "pcs"},
)


async def test_who_is_there(boss: Plugin, project: int) -> None:
    """The first calls: health outside of `/api`, me, projects and one of them."""
    health = await boss("GET", "/health")
    me = await boss.call("GET", "/auth/me")
    [listed] = await boss.call("GET", "/projects/")

    assert ("ok", True) == (health.json["status"], health.json["db"])
    assert ("2", ["engineer"]) == (me["sub"], me["roles"])
    assert (project, "Selo") == (listed["id"], (await boss.call("GET", f"/projects/{project}"))["name"])


async def test_an_order_with_nothing_filled_in(boss: Plugin, project: int) -> None:
    """AP-03: null for description, project, assignee and date; S answered 422."""
    made = await boss.call("POST", "/work-orders/", ORDER)

    assert set(made) >= ORDER_NAMES
    assert (project, "created", None, "high") == (
        made["project_id"], made["status"], made["assigned_to_sub"], made["priority"],
    )  # fmt: skip
    assert [made] == await boss.call("GET", "/work-orders/")
    assert [made] == await boss.call("GET", f"/work-orders/?project_id={project}&status=created")
    assert [] == await boss.call("GET", "/work-orders/?status=assigned")


async def test_an_order_for_somebody(boss: Plugin, crew: Plugin, project: int) -> None:
    """The assignee comes in the same call, which S ignored; it is then in that person's list."""
    made = await boss.call("POST", "/work-orders/", {**ORDER, "assigned_to_sub": "3", "due_date": "2026-12-01"})

    assert ("assigned", "3", "2", "2026-12-01") == tuple(
        made[name] for name in ("status", "assigned_to_sub", "assigned_by_sub", "due_date")
    )
    assert [made] == await crew.call("GET", "/work-orders/my")


async def test_the_edit_dialog_saves_again_and_again(boss: Plugin, crew: Plugin, project: int) -> None:
    """AP-02, AP-11: PUT of the whole form, and every item posted at each save; S had no PUT and doubled the items."""
    made = await boss.call("POST", "/work-orders/", ORDER)
    path, saved = f"/work-orders/{made['id']}", made
    for title in ("A", "B", "C"):
        form = {**ORDER, "title": title, "project_id": project, "assigned_to_sub": "3"}
        saved = await boss.call("PUT", path, form)
        for item in ITEMS:
            await boss.call("POST", f"{path}/items", item)
        assert title == saved["title"] == (await boss.call("GET", path))["title"]
    items = await boss.call("GET", f"{path}/items")

    assert ["splice", "other"] == [item["item_type"] for item in items]
    assert all(set(item) >= ITEM_NAMES and item["work_order_id"] == made["id"] for item in items)
    assert ("assigned", "3") == (saved["status"], saved["assigned_to_sub"])


async def test_the_life_of_an_order(boss: Plugin, crew: Plugin, project: int) -> None:
    """Assigned by its own call, begun and completed by the crew, verified by the office, each by `PUT …/status`."""
    made = await boss.call("POST", "/work-orders/", ORDER)
    path = f"/work-orders/{made['id']}"
    given = await boss.call("POST", f"{path}/assign", {"assigned_to_sub": "3"})
    states = [given["status"]]
    for by, status in ((crew, "in_progress"), (crew, "completed"), (boss, "verified")):
        states.append((await by.call("PUT", f"{path}/status", {"status": status}))["status"])

    assert ["assigned", "in_progress", "completed", "verified"] == states
    assert [] == await crew.call("GET", "/work-orders/my")


@pytest.mark.parametrize("path", ["/smr-reports/", "/work-orders/smr-reports"])
@pytest.mark.parametrize(
    "activities, materials",
    [
        ([{"description": "Trench", "quantity": 40}], [{"name": "Cable", "quantity": 120, "unit": "m"}]),
        ('["Trench 40 m", "Two poles"]', '[{"name": "Cable"}]'),
        ("Trench 40 m", None),
        ([], []),
    ],
)
async def test_a_report(
    boss: Plugin, crew: Plugin, project: int, path: str, activities: object, materials: object
) -> None:
    """AP-01, DL-34: under both addresses, with lists, JSON text, text or nothing; S stored it and answered 500."""
    order = await boss.call("POST", "/work-orders/", {**ORDER, "assigned_to_sub": "3"})
    body = {
        "work_order_id": order["id"], "report_date": None, "weather": "Sunny", "crew_size": 2, "hours_worked": 8.0,
        "activities": activities, "materials_used": materials, "issues": None, "latitude": None, "longitude": None,
    }  # fmt: skip
    made = await crew.call("POST", path, body)

    assert set(made) >= REPORT_NAMES
    assert ("3", order["id"], 2, 8.0) == tuple(
        made[name] for name in ("reported_by_sub", "work_order_id", "crew_size", "hours_worked")
    )
    assert (list, list) == (type(made["activities"]), type(made["materials_used"]))
    assert made["report_date"]
    assert [made] == await crew.call("GET", path) == await boss.call("GET", f"{path}?work_order_id={order['id']}")
    assert made == await crew.call("POST", path, body), "a retry is the same report"


async def test_what_it_never_calls(boss: Plugin, crew: Plugin, project: int) -> None:
    """Addresses that the original had and its plugin does not call."""
    order = await boss.call("POST", "/work-orders/", {**ORDER, "assigned_to_sub": "3"})
    item = await boss.call("POST", f"/work-orders/{order['id']}/items", ITEMS[0])
    done = await crew.call("PUT", f"/work-orders/{order['id']}/items/{item['id']}/complete?notes=done")
    roles = await crew.call("GET", "/auth/roles")

    assert ("ok", False, True) == (done["status"], roles["is_engineer"], roles["is_field_worker"])


@pytest.mark.parametrize(
    "path",
    [
        "/work-orders",
        "/work-orders/my",
        "/smr-reports",
        "/work-orders/smr-reports",
        "/work-orders/{}",
        "/work-orders/{}/items",
    ],
)
async def test_no_address_is_redirected(boss: Plugin, project: int, path: str) -> None:
    """AP-08: with and without a slash at the end, the answer is the same."""
    order = await boss.call("POST", "/work-orders/", ORDER)
    path = path.format(order["id"])

    assert await boss.call("GET", path) == await boss.call("GET", f"{path}/")
