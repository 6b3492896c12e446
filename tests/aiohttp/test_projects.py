"""Projects and members over HTTP: who sees what, and what may be changed."""

from urllib.parse import quote

import pytest
from yarl import URL

from fiberq_aiohttp.flows.projects import FIELDS
from tests.aiohttp.serving import Caller

pytestmark = pytest.mark.each_store


async def test_create_and_show(engineer: Caller) -> None:
    """Who makes a project is its engineer; an empty project has no extent."""
    made = await engineer("POST", "/api/projects", json={"name": "Selo", "description": None})
    shown = await engineer("GET", made.headers["Location"])

    assert (201, made.json) == (made.status, shown.json)
    assert {
        "name": "Selo",
        "description": "",
        "status": "planning",
        "conflict_policy": "hold",
        "revision": 0,
        "created_by_sub": "2",
        "extent": None,
        "bbox": None,
        "role": "engineer",
        "member_count": 1,
        "member_names": ["Ema"],
    } == {name: shown.json[name] for name in shown.json if name not in ("id", "uuid", "created_at", "members")}
    assert ["2"] == [member["sub"] for member in shown.json["members"]]


async def test_created_by_an_administrator(admin: Caller, engineer: Caller) -> None:
    """An administrator needs no membership, and leaves a project that nobody else sees."""
    project = await admin.project()

    assert [] == (await engineer("GET", "/api/projects")).json
    assert [project] == [p["id"] for p in (await admin("GET", "/api/projects")).json]


async def test_extent_and_revision_follow_the_data(engineer: Caller) -> None:
    """A project shows its revision and its extent."""
    project = await engineer.project()
    await engineer.pole(project)
    shown = (await engineer("GET", f"/api/projects/{project}")).json

    assert (1, [20.5, 44.25, 20.5, 44.25], "Polygon") == (shown["revision"], shown["bbox"], shown["extent"]["type"])


async def test_outsiders_learn_nothing(engineer: Caller, outsider: Caller) -> None:
    """A project of others answers exactly as one that does not exist, whatever is asked."""
    project = await engineer.project()
    asked = [
        ("GET", ""),
        ("PUT", ""),
        ("GET", "/members"),
        ("POST", "/members"),
        ("DELETE", "/members/2"),
        ("GET", "/layers"),
        ("GET", "/changes"),
        ("GET", "/inbox"),
        ("POST", "/inbox/x"),
        ("GET", "/features/OKNA"),
        ("POST", "/features/OKNA"),
    ]
    for method, path in asked:
        body = {"json": {"name": "x", "decision": "dismiss", "properties": {}}} if method in ("POST", "PUT") else {}
        theirs = await outsider(method, f"/api/projects/{project}{path}", **body)
        none = await outsider(method, f"/api/projects/999999{path}", **body)
        for answer in (theirs, none):
            answer.json.pop("request_id")

        assert (404, theirs.json) == (theirs.status, none.json), (method, path)


@pytest.mark.parametrize(
    "body, faults",
    [
        ({}, {"name"}),
        ({"name": " "}, {"name"}),
        ({"name": "x" * 201, "description": 1, "status": "gone", "conflict_policy": "last"}, set(FIELDS)),
        ({"name": None}, {"name"}),
        ({"name": "a\0b"}, {"name"}),
    ],
)
async def test_bad_projects(engineer: Caller, body: dict[str, object], faults: set[str]) -> None:
    """Every fault is named at once."""
    answer = await engineer("POST", "/api/projects", json=body)

    assert 422 == answer.status
    assert faults == {e["path"] for e in answer.json["errors"]}


async def test_update(engineer: Caller, worker: Caller, admin: Caller) -> None:
    """What GET gave can be PUT; a field worker cannot; nothing to change is said to be nothing."""
    project = await engineer.project()
    path = f"/api/projects/{project}"
    await engineer.made(f"{path}/members", {"user_sub": "3", "project_role": "engineer"})
    shown = (await engineer("GET", path)).json
    changed = await engineer("PUT", path, json={**shown, "status": "in_progress", "conflict_policy": "device_wins"})

    assert (200, "in_progress", "device_wins") == (
        changed.status,
        changed.json["status"],
        changed.json["conflict_policy"],
    )
    assert 403 == (await worker("PUT", path, json={"name": "x"})).status
    assert 422 == (await engineer("PUT", path, json={"id": 7})).status
    assert 404 == (await admin("PUT", "/api/projects/9", json={"name": "x"})).status


async def test_archive(admin: Caller, engineer: Caller) -> None:
    """An archived project is off the list, can be read, takes no changes, and an administrator can wake it."""
    project = await engineer.project()
    path = f"/api/projects/{project}"
    pole = await engineer.pole(project)

    assert 403 == (await engineer("DELETE", path)).status
    assert 403 == (await engineer("PUT", path, json={"status": "archived"})).status
    assert 403 == (await engineer("POST", "/api/projects", json={"name": "x", "status": "archived"})).status
    assert [204, 204] == [(await admin("DELETE", path)).status for _ in range(2)]
    assert [] == (await engineer("GET", "/api/projects")).json
    assert [project] == [p["id"] for p in (await engineer("GET", "/api/projects?archived=1")).json]
    assert "archived" == (await engineer("GET", path)).json["status"]
    assert 200 == (await engineer("GET", f"{path}/features/Stubovi/{pole['id']}")).status
    assert 409 == (await engineer("PUT", path, json={"name": "x"})).status
    assert 403 == (await engineer("PUT", path, json={"status": "paused"})).status
    assert 409 == (await engineer("POST", f"{path}/members", json={"sub": "9", "role": "engineer"})).status
    assert 409 == (await engineer("DELETE", f"{path}/members/2")).status
    assert 409 == (await engineer("POST", f"{path}/features/Stubovi", json={"properties": {}})).status
    assert 409 == (await engineer("POST", "/api/sync/upload", params={"project_id": project}, data=b"x")).status
    assert 200 == (await admin("PUT", path, json={"status": "paused"})).status


async def test_members(engineer: Caller, worker: Caller, outsider: Caller) -> None:
    """Membership opens a project, caps what somebody may do in it, and can be taken back."""
    project = await engineer.project()
    path = f"/api/projects/{project}"
    await engineer.made(f"{path}/members", {"sub": "4", "role": "field_worker", "name": "Mika"})

    assert "field_worker" == (await outsider("GET", path)).json["role"]
    assert 403 == (await outsider("PUT", path, json={"name": "x"})).status
    assert 403 == (await outsider("POST", f"{path}/members", json={"sub": "3", "role": "engineer"})).status
    assert [("2", "engineer", "Ema"), ("4", "field_worker", "Mika")] == [
        (m["sub"], m["role"], m["name"]) for m in (await outsider("GET", f"{path}/members")).json
    ]
    assert 404 == (await worker("GET", path)).status
    assert 204 == (await engineer("DELETE", f"{path}/members/4")).status
    assert 404 == (await outsider("GET", path)).status
    assert 404 == (await engineer("DELETE", f"{path}/members/4")).status


async def test_everyone_is_a_member(engineer: Caller, worker: Caller, nobody: Caller) -> None:
    """A membership of * opens a project to everyone who has a role, and to nobody else."""
    project = await engineer.project()
    await engineer.made(f"/api/projects/{project}/members/", {"sub": "*", "role": "field_worker"})

    assert [project] == [p["id"] for p in (await worker("GET", "/api/projects")).json]
    assert 403 == (await nobody("GET", f"/api/projects/{project}")).status
    assert 204 == (await engineer("DELETE", f"/api/projects/{project}/members/*/")).status
    assert 404 == (await worker("GET", f"/api/projects/{project}")).status


@pytest.mark.parametrize("sub", ["a/b", "auth0|1 2", "čika@selo.rs", "100%"])
async def test_members_with_odd_names(engineer: Caller, sub: str) -> None:
    """Whatever a provider calls people can stand in an address."""
    project = await engineer.project()
    await engineer.made(f"/api/projects/{project}/members", {"sub": sub, "role": "engineer"})
    url = URL(f"/api/projects/{project}/members/{quote(sub, safe='')}", encoded=True)

    assert 204 == (await engineer("DELETE", url)).status


@pytest.mark.parametrize(
    "body, paths",
    [
        ({}, {"sub", "role"}),
        ({"sub": 7, "role": "boss"}, {"sub", "role"}),
        ({"sub": " 3", "role": "engineer", "name": 1}, {"sub", "name"}),
        ({"sub": "x" * 256, "role": ["admin"]}, {"sub", "role"}),
    ],
)
async def test_bad_members(engineer: Caller, body: dict[str, object], paths: set[str]) -> None:
    """Every fault is named at once."""
    project = await engineer.project()
    answer = await engineer("POST", f"/api/projects/{project}/members", json=body)

    assert (422, paths) == (answer.status, {e["path"] for e in answer.json["errors"]})
