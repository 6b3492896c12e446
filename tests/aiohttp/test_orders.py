"""Work orders on their way, over HTTP: who may take which step, with which words they are refused."""

import asyncio
from itertools import product
from typing import Any

import pytest

from tests.aiohttp.serving import Answer, Caller
from tests.aiohttp.test_records import ORDERS, REPORTS, an_order, faults

pytestmark = pytest.mark.each_store

STATES = ("created", "assigned", "in_progress", "completed", "verified", "rejected")
WAYS = {  # how an engineer brings a new order into a state; worker: by the assignee
    "created": (),
    "assigned": ("assigned",),
    "in_progress": ("assigned", "in_progress"),
    "completed": ("assigned", "in_progress", "completed"),
    "verified": ("assigned", "in_progress", "completed", "verified"),
    "rejected": ("rejected",),
}
# A administrator, E engineer, W the field worker to whom it is assigned, O another field worker of the project.
# What each is answered: 2 done, 3 forbidden, 9 not in this state
MATRIX = """
from         to           A E W O
created      assigned     2 2 3 3
created      in_progress  9 9 9 3
created      completed    9 9 9 3
created      verified     9 9 9 3
created      rejected     2 2 3 3
assigned     created      9 9 9 3
assigned     in_progress  2 2 2 3
assigned     completed    9 9 9 3
assigned     verified     9 9 9 3
assigned     rejected     2 2 2 3
in_progress  created      9 9 9 3
in_progress  assigned     2 2 3 3
in_progress  completed    2 2 2 3
in_progress  verified     9 9 9 3
in_progress  rejected     2 2 3 3
completed    created      9 9 9 3
completed    assigned     9 9 9 3
completed    in_progress  9 9 9 3
completed    verified     2 2 3 3
completed    rejected     2 2 3 3
verified     created      9 9 9 3
verified     assigned     9 9 9 3
verified     in_progress  2 3 3 3
verified     completed    9 9 9 3
verified     rejected     9 9 9 3
rejected     created      2 2 3 3
rejected     assigned     2 2 3 3
rejected     in_progress  9 9 9 3
rejected     completed    9 9 9 3
rejected     verified     9 9 9 3
"""
CELLS = {tuple(line.split()[:2]): line.split()[2:] for line in MATRIX.strip().splitlines()[1:]}
STATUS = {"2": 200, "3": 403, "9": 409}


@pytest.fixture
async def project(engineer: Caller) -> int:
    """A project with an engineer, a second one, and two field workers."""
    number = await engineer.project()
    for sub, role in (("3", "field_worker"), ("6", "field_worker"), ("4", "engineer")):
        await engineer.made(f"/api/projects/{number}/members", {"sub": sub, "role": role})
    return number


@pytest.fixture
def other_worker(client: Any) -> Caller:
    """Another field worker of the project."""
    from tests.aiohttp.serving import token

    return Caller(client, token("field_worker", sub="6"))


async def move(by: Caller, order: dict[str, Any], status: str, **more: object) -> Answer:
    """Take an order to another state."""
    return await by("PUT", f"{ORDERS}/{order['id']}/status", json={"status": status, **more})


async def an_order_in(state: str, engineer: Caller, worker: Caller, project: int) -> dict[str, Any]:
    """An order that is assigned to the field worker, and in this state."""
    order = await an_order(engineer, project, assigned_to_sub="3", status="created")
    for step in WAYS[state]:
        by = worker if step in ("in_progress", "completed") else engineer
        done = await move(by, order, step, reason="no permit")
        assert 200 == done.status, done.json
        order = done.json
    assert state == order["status"]
    return order


def test_the_matrix_is_complete() -> None:
    """Every pair of states has its line."""
    assert {(a, b) for a, b in product(STATES, repeat=2) if a != b} == set(CELLS)


@pytest.mark.parametrize("old", STATES)
async def test_every_step(
    old: str, admin: Caller, engineer: Caller, worker: Caller, other_worker: Caller, project: int
) -> None:
    """What is answered to whom for every move from a state, and that nothing happened where it was refused."""
    people = dict(zip("AEWO", (admin, engineer, worker, other_worker), strict=True))
    for new in (state for state in STATES if state != old):
        for letter, expected in zip("AEWO", CELLS[old, new], strict=True):
            order = await an_order_in(old, engineer, worker, project)
            answer = await move(people[letter], order, new, reason="no permit")
            now = (await engineer("GET", f"{ORDERS}/{order['id']}")).json

            assert (old, new, letter, STATUS[expected]) == (old, new, letter, answer.status)
            assert (new if expected == "2" else old) == now["status"]
            if letter == "O":
                assert old not in answer.json["detail"], "somebody else's order says nothing of its state"


async def test_nobody_verifies_what_they_completed(
    admin: Caller, engineer: Caller, outsider: Caller, worker: Caller, project: int
) -> None:
    """SE-08: neither the assignee nor whoever completed it, also where it is handed to somebody else first."""
    order = await an_order_in("in_progress", engineer, worker, project)
    await move(engineer, order, "completed")
    own = await move(engineer, order, "verified")
    handed = await engineer("PUT", f"{ORDERS}/{order['id']}", json={"assigned_to_sub": "6"})
    still = await move(engineer, order, "verified")
    both = await engineer("PUT", f"{ORDERS}/{order['id']}", json={"assigned_to_sub": "2", "status": "verified"})
    right = await move(outsider, order, "verified")

    assert (403, 200, 403, 403) == (own.status, handed.status, still.status, both.status)
    assert "own work" in own.json["detail"]
    assert (200, "verified", "4") == (right.status, right.json["status"], right.json["verified_by_sub"])
    assert right.json["verified_at"]


async def test_two_at_once(admin: Caller, engineer: Caller, worker: Caller, project: int) -> None:
    """CO-02: of two moves that exclude each other one is made, and the other one is told that the state is another."""
    for _ in range(5):
        order = await an_order_in("completed", engineer, worker, project)
        answers = await asyncio.gather(
            move(engineer, order, "verified"), move(admin, order, "rejected", reason="no"),
        )  # fmt: skip
        now = (await engineer("GET", f"{ORDERS}/{order['id']}")).json["status"]

        assert [200, 409] == sorted(answer.status for answer in answers)
        assert {now} == {answer.json["status"] for answer in answers if answer.status == 200}


async def test_only_an_administrator_reopens(admin: Caller, engineer: Caller, worker: Caller, project: int) -> None:
    """SE-08: a verified order is not reopened by assigning it; when it is reopened, its history says by whom."""
    order = await an_order_in("completed", engineer, worker, project)
    await move(engineer, order, "verified")
    path = f"{ORDERS}/{order['id']}"
    for by in (engineer, admin):
        assert 409 == (await by("POST", f"{path}/assign", json={"assigned_to_sub": "6"})).status
    assert 403 == (await move(engineer, order, "in_progress")).status
    assert 200 == (await move(admin, order, "in_progress")).status
    audit = await admin("GET", f"/api/projects/{project}/audit?what=order.reopened")
    history = await engineer("GET", f"/api/projects/{project}/features/Work_orders/{order['uuid']}/history")

    newest, [entry] = history.json["versions"][0], audit.json["events"]

    assert ("1", "in_progress") == (newest["author"]["sub"], newest["values"]["status"])
    assert ("1", "order.reopened", order["id"], order["uuid"]) == (
        entry["by"]["sub"], entry["what"], entry["detail"]["id"], entry["detail"]["uuid"],
    )  # fmt: skip


async def test_assigning(engineer: Caller, worker: Caller, project: int) -> None:
    """In one call with the order, or later; the server says by whom; a field worker assigns nothing."""
    made = await an_order(engineer, project, assigned_to_sub="3")
    plain = await an_order(engineer, project)
    put = await engineer("PUT", f"{ORDERS}/{plain['id']}", json={"assigned_to_sub": "6"})
    given = await engineer("POST", f"{ORDERS}/{made['id']}/assign", json={"assigned_to_sub": "6"})

    assert ("assigned", "3", "2") == tuple(made[n] for n in ("status", "assigned_to_sub", "assigned_by_sub"))
    assert ("created", None, None) == tuple(plain[n] for n in ("status", "assigned_to_sub", "assigned_by_sub"))
    for answer in (put, given):
        assert ("assigned", "6", "2") == tuple(answer.json[n] for n in ("status", "assigned_to_sub", "assigned_by_sub"))
    assert 403 == (await worker("POST", f"{ORDERS}/{made['id']}/assign", json={"assigned_to_sub": "3"})).status
    for nobody in ({}, {"assigned_to_sub": None}, {"assigned_to_sub": " "}, {"assigned_to_sub": 3}):
        wrong = await engineer("POST", f"{ORDERS}/{made['id']}/assign", json=nobody)
        assert (422, {"assigned_to_sub"}) == (wrong.status, faults(wrong))


@pytest.mark.parametrize(
    "state, status", [("created", 200), ("in_progress", 200), ("rejected", 200), ("completed", 409)]
)
async def test_assigning_from_each_state(
    engineer: Caller, worker: Caller, project: int, state: str, status: int
) -> None:
    """Only what is under way, or was rejected, can be assigned."""
    order = await an_order_in(state, engineer, worker, project)
    answer = await engineer("POST", f"{ORDERS}/{order['id']}/assign", json={"assigned_to_sub": "6"})

    assert status == answer.status


async def test_a_rejection_says_why(engineer: Caller, worker: Caller, project: int) -> None:
    """Without a reason it is none; an earlier reason is not this one's; the reason is kept with the order."""
    order = await an_order_in("assigned", engineer, worker, project)
    for silent in ({}, {"reason": None}, {"reason": "  "}):
        wrong = await move(worker, order, "rejected", **silent)
        assert (422, {"rejection_reason"}) == (wrong.status, faults(wrong))
    declined = await move(worker, order, "rejected", reason="the road is closed")
    again = await move(engineer, order, "assigned")
    mute = await move(worker, order, "rejected")

    assert (200, "the road is closed") == (declined.status, declined.json["rejection_reason"])
    assert ("the road is closed", 422) == (again.json["rejection_reason"], mute.status)


@pytest.mark.parametrize("body", [{}, {"status": None}, {"status": 7}, {"status": "finished"}, {"status": ""}])
async def test_no_state_at_all(engineer: Caller, project: int, body: dict[str, Any]) -> None:
    """A state is one of the known ones."""
    order = await an_order(engineer, project)
    wrong = await engineer("PUT", f"{ORDERS}/{order['id']}/status", json=body)

    assert (422, {"status"}) == (wrong.status, faults(wrong))


async def test_times(engineer: Caller, worker: Caller, project: int) -> None:
    """The server's clock says when an order was made, begun and completed; starting over takes that back."""
    order = await an_order_in("completed", engineer, worker, project)
    assert order["created_at"] and order["started_at"] and order["completed_at"]
    await move(engineer, order, "rejected", reason="again")
    over = await move(engineer, order, "created")

    assert (None, None, order["created_at"]) == tuple(
        over.json[n] for n in ("started_at", "completed_at", "created_at")
    )


async def test_my_orders(engineer: Caller, worker: Caller, other_worker: Caller, project: int) -> None:
    """The most urgent first, then by due date; neither other people's nor what is over with."""
    for title, priority, due in (
        ("e", "low", None), ("d", "medium", None), ("c", "medium", "2026-05-02"), ("b", "high", "2030-01-01"),
        ("a", "urgent", None),
    ):  # fmt: skip
        await an_order(engineer, project, title=title, priority=priority, due_date=due, assigned_to_sub="3")
    await an_order(engineer, project, title="theirs", assigned_to_sub="6")
    over = await an_order(engineer, project, title="over", assigned_to_sub="3")
    await move(worker, over, "rejected", reason="no")

    assert list("abcde") == [one["title"] for one in (await worker("GET", f"{ORDERS}/my")).json]
    assert ["theirs"] == [one["title"] for one in (await other_worker("GET", f"{ORDERS}/my/")).json]


@pytest.fixture
async def order(engineer: Caller, worker: Caller, project: int) -> dict[str, Any]:
    """An order that is assigned to the field worker."""
    return await an_order_in("assigned", engineer, worker, project)


async def test_items(engineer: Caller, worker: Caller, order: dict[str, Any]) -> None:
    """Added, listed as they came, changed, deleted; each a part of its order only."""
    path = f"{ORDERS}/{order['id']}/items"
    target = "2b8f2a5e-3f39-4a53-9b52-0d4bb1f7c009"
    first = await engineer.made(path, {"item_type": "splice", "quantity": 2, "unit": "pcs", "target_layer": "OKNA"})
    second = await engineer.made(path, {"item_type": "other", "target_layer": "Poles_1", "target_fid": 7})
    lost = await engineer("POST", path, json={"item_type": "other", "target_uuid": target})
    changed = await engineer("PUT", f"{path}/{first['id']}", json={"quantity": 3})
    elsewhere = await an_order(engineer, order["project_id"])

    assert [changed.json, second] == (await worker("GET", path)).json
    assert (order["id"], "pending", "", 2.0, 3.0) == (
        first["work_order_id"], first["status"], first["description"], first["quantity"], changed.json["quantity"],
    )  # fmt: skip
    assert ("Poles_1", 7) == (second["target_layer"], second["target_fid"])
    assert (422, {"target_uuid"}) == (lost.status, faults(lost))
    assert 404 == (await engineer("GET", f"{ORDERS}/{elsewhere['id']}/items/{first['id']}")).status
    assert 403 == (await worker("POST", path, json={"item_type": "other"})).status
    assert 403 == (await worker("DELETE", f"{path}/{first['id']}")).status
    assert 204 == (await engineer("DELETE", f"{path}/{first['id']}")).status
    assert [second] == (await engineer("GET", f"{path}/")).json


async def test_items_that_are_sent_again(engineer: Caller, order: dict[str, Any]) -> None:
    """AP-11: the old client sends all items at every save; the same item of the same order is one, also when done."""
    path = f"{ORDERS}/{order['id']}/items"
    items: list[dict[str, Any]] = [
        {"item_type": "splice", "description": "", "quantity": 1, "unit": "pcs"},
        {"item_type": "splice", "description": None, "quantity": 2, "unit": None, "target_layer": None},
    ]
    first = [await engineer("POST", path, json=item) for item in items]
    await engineer("PUT", f"{path}/{first[0].json['id']}/complete")
    again = [await engineer("POST", path, json=item) for item in items]
    keyed = await engineer("POST", path, json=items[0], headers={"Idempotency-Key": "a-second-one"})

    assert [201, 201, 200, 200, 201] == [answer.status for answer in (*first, *again, keyed)]
    assert [a.json["id"] for a in first] == [a.json["id"] for a in again]
    assert 3 == len((await engineer("GET", path)).json)


async def test_items_that_are_done(
    engineer: Caller, worker: Caller, other_worker: Caller, order: dict[str, Any]
) -> None:
    """SE-09: by the assignee or an engineer, with who and when; it can be undone; there is no doing what is not there."""
    path = f"{ORDERS}/{order['id']}/items"
    item = await engineer.made(path, {"item_type": "splice"})
    one = f"{path}/{item['id']}"
    assert 403 == (await other_worker("PUT", f"{one}/complete")).status
    assert 404 == (await worker("PUT", f"{path}/{item['id'] + 99}/complete")).status
    done = await worker("PUT", f"{one}/complete?notes=two%20trays")
    twice = await engineer("PUT", f"{one}/complete/")

    assert (200, "ok", "done", "3", "two trays") == (
        done.status, done.json["status"], *(done.json["item"][n] for n in ("status", "completed_by_sub", "notes")),
    )  # fmt: skip
    assert done.json["item"]["completed_at"]
    assert done.json == twice.json
    assert 403 == (await other_worker("DELETE", f"{one}/complete")).status
    undone = await worker("DELETE", f"{one}/complete")
    assert ("pending", None, None) == tuple(
        undone.json["item"][n] for n in ("status", "completed_at", "completed_by_sub")
    )
    put = await worker("PUT", one, json={"status": "done", "notes": "by hand"})
    assert ("done", "3", "by hand") == tuple(put.json[n] for n in ("status", "completed_by_sub", "notes"))
    assert 403 == (await worker("PUT", one, json={"quantity": 5})).status


async def test_reports_about_an_order(
    worker: Caller, other_worker: Caller, engineer: Caller, order: dict[str, Any]
) -> None:
    """A field worker's report is their own: others read it, and only an engineer may change it too."""
    report = await worker.made(REPORTS, {"work_order_id": order["id"], "weather": "Rain"})
    path = f"{REPORTS}/{report['id']}"

    assert ("3", order["id"]) == (report["reported_by_sub"], report["work_order_id"])
    assert 200 == (await other_worker("GET", path)).status
    assert 403 == (await other_worker("PUT", path, json={"weather": "Sun"})).status
    assert 403 == (await other_worker("DELETE", path)).status
    assert 200 == (await worker("PUT", path, json={"weather": "Snow"})).status
    assert 204 == (await engineer("DELETE", path)).status
