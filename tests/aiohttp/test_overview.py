"""Projects as clients know them: members in both wordings, figures, recent activity, and the audit."""

import asyncio
from typing import Any

import pytest

from tests.aiohttp.serving import Caller, token

pytestmark = pytest.mark.each_store
LINE = {"type": "LineString", "coordinates": [[20.0, 44.0], [20.0, 44.01]]}


async def cable(person: Caller, project: int, layer: str = "Kablovi_podzemni") -> dict[str, Any]:
    """A cable of some 1,111 metres."""
    body = {"type": "Feature", "geometry": LINE, "properties": {}}
    made: dict[str, Any] = await person.made(f"/api/projects/{project}/features/{layer}", body)
    return made


async def upload(person: Caller, project: int) -> None:
    """What was taken away, sent back as it is."""
    package = (await person("GET", f"/api/sync/download/{project}")).body
    assert 200 == (await person("POST", "/api/sync/upload", params={"project_id": project}, data=package)).status


ROLES = [
    ({"user_sub": "4"}, "field_worker"),
    ({"user_sub": "4", "project_role": "specialist"}, "field_worker"),
    ({"user_sub": "4", "project_role": "manager"}, "engineer"),
    ({"user_sub": "4", "project_role": "engineer", "user_email": "x@y"}, "engineer"),
    ({"sub": "4", "role": "field_worker"}, "field_worker"),
]


@pytest.mark.parametrize("body, role", ROLES, ids=str)
async def test_members_in_both_wordings(engineer: Caller, outsider: Caller, body: dict[str, str], role: str) -> None:
    """What older clients say means the same; who is added without a role has the least."""
    project = await engineer.project()
    made = await engineer.made(f"/api/projects/{project}/members", {**body, "user_display_name": "Mika"})

    assert {"id": "4", "user_sub": "4", "role": role, "project_role": role, "user_display_name": "Mika"}.items() <= (
        made.items()
    )
    assert role == (await outsider("GET", f"/api/projects/{project}")).json["role"]
    assert 204 == (await engineer("DELETE", f"/api/projects/{project}/members/{made['id']}")).status


async def test_nobody_gets_more_than_was_meant(engineer: Caller, outsider: Caller) -> None:
    """Who was to look only is not made somebody who edits."""
    project = await engineer.project()
    body = {"user_sub": "4", "project_role": "observer"}
    answer = await engineer("POST", f"/api/projects/{project}/members", json=body)

    assert (422, ["role"]) == (answer.status, [e["path"] for e in answer.json["errors"]])
    assert 404 == (await outsider("GET", f"/api/projects/{project}")).status


async def test_a_project_tells_of_its_members(engineer: Caller, worker: Caller) -> None:
    """By the names that they were given, and else by those they signed in with; in the list as well."""
    project = await engineer.project()
    for sub in ("3", "unknown"):
        await engineer.made(f"/api/projects/{project}/members", {"user_sub": sub})
    assert 200 == (await worker("POST", "/api/auth/record-login")).status
    shown = (await engineer("GET", f"/api/projects/{project}")).json
    listed = (await engineer("GET", "/api/projects?extent=1")).json[0]

    assert (["Ema", "Vuk", "unknown"], 3) == (shown["member_names"], shown["member_count"])
    assert ["2", "3", "unknown"] == [member["user_sub"] for member in shown["members"]]
    assert (3, None) == (listed["member_count"], listed["extent"])
    assert "extent" not in (await engineer("GET", "/api/projects")).json[0]
    await engineer.pole(project)
    assert "Polygon" == (await engineer("GET", "/api/projects?extent=1")).json[0]["extent"]["type"]


async def test_who_can_be_assigned(engineer: Caller, worker: Caller, nobody: Caller, outsider: Caller) -> None:
    """Everybody with a role who ever signed in; asked by who may change members, and by nobody else."""
    project = await engineer.project()
    path = f"/api/projects/{project}/assignable-users"
    await engineer.made(f"/api/projects/{project}/members", {"user_sub": "3"})
    for person in (engineer, worker, nobody):
        await person("POST", "/api/auth/record-login")
    found = (await engineer("GET", path)).json["users"]

    assert [("2", "Ema", "engineer"), ("3", "Vuk", "field_worker")] == [
        (u["user_sub"], u["user_display_name"], u["project_role"]) for u in found if u["user_sub"] in "235"
    ]
    assert 403 == (await worker("GET", path)).status == (await nobody("GET", path)).status
    assert 404 == (await outsider("GET", path)).status


async def test_addresses_of_members_are_for_those_who_change_them(engineer: Caller, worker: Caller) -> None:
    """A colleague sees names only."""
    engineer = Caller(engineer.client, token("engineer", sub="2", email="ema@example.org"))
    project = await engineer.project()
    path = f"/api/projects/{project}"
    await engineer.made(f"{path}/members", {"user_sub": "3"})
    await engineer("POST", "/api/auth/record-login")
    for person, shown in ((engineer, "ema@example.org"), (worker, "")):
        lists = (await person("GET", f"{path}/members")).json, (await person("GET", path)).json["members"]

        assert [shown, shown] == [m["user_email"] for members in lists for m in members if m["sub"] == "2"]


async def test_figures_of_a_project(engineer: Caller, worker: Caller, outsider: Caller) -> None:
    """Counted from the rows as they are, measured on the ellipsoid, and never those of another project."""
    project, other = await engineer.project(), await engineer.project("Other")
    await engineer.pole(other)
    empty = (await engineer("GET", f"/api/projects/{project}/stats")).json
    await engineer.pole(project)
    for layer in ("Kablovi_podzemni", "Kablovi_vazdusni"):
        await cable(engineer, project, layer)
    await upload(engineer, project)
    found = (await engineer("GET", f"/api/projects/{project}/stats")).json

    assert {"closures": 0, "poles": 0, "cables": 0, "cable_length_m": 0, "team_size": 1} | {
        "last_sync_at": None,
        "last_sync_features": None,
    } == empty
    assert (1, 2, 1) == (found["poles"], found["cables"], found["team_size"])
    assert 2 * 1111.0 == pytest.approx(found["cable_length_m"], abs=1)
    assert (0, True) == (found["last_sync_features"], found["last_sync_at"].endswith("Z"))
    assert 404 == (await outsider("GET", f"/api/projects/{project}/stats")).status
    assert 404 == (await worker("GET", f"/api/projects/{project}/stats")).status


async def test_recent_activity(engineer: Caller, admin: Caller, outsider: Caller) -> None:
    """In the words of older clients, newest first, walked by the moment of the last entry."""
    project = await engineer.project()
    path = f"/api/projects/{project}"
    for step in (
        lambda: engineer.made(f"{path}/members", {"user_sub": "4"}),
        lambda: engineer("DELETE", f"{path}/members/4"),
        lambda: engineer("PUT", path, json={"status": "in_progress"}),
        lambda: engineer("PUT", path, json={"name": "Other"}),
        lambda: upload(engineer, project),
    ):
        await asyncio.sleep(0.002)  # another moment
        await step()
    seen, before, more = [], "", True
    while more:
        page = (await engineer("GET", f"{path}/activity?limit=2{before}")).json
        seen += [entry["event_type"] for entry in page["entries"]]
        before, more = f"&before={page['entries'][-1]['event_at']}", page["has_more"]

    assert ["sync_upload", "project_changed", "status_change", "member_removed", "member_assigned"] == seen[:5]
    assert {"project_created", "member_assigned"} == set(seen[5:])
    assert 404 == (await outsider("GET", f"{path}/activity")).status
    assert 422 == (await engineer("GET", f"{path}/activity?before=yesterday")).status
    assert 422 == (await engineer("GET", f"{path}/activity?limit=101")).status


async def test_the_audit_is_read_by_whom_it_concerns(
    admin: Caller, engineer: Caller, worker: Caller, outsider: Caller
) -> None:
    """An administrator reads all of it, an engineer that of their projects, a field worker nothing."""
    project = await engineer.project()
    await engineer.made(f"/api/projects/{project}/members", {"user_sub": "3"})
    await admin.project("Other")
    of_project = f"/api/projects/{project}/audit"
    everything = (await admin("GET", "/api/audit")).json["events"]
    theirs = (await engineer("GET", of_project)).json["events"]

    assert {None, project} < {None, *(event["project_id"] for event in everything)}
    assert {project} == {event["project_id"] for event in theirs}
    assert ["member.set", "member.set", "project.created"] == [event["what"] for event in theirs]
    assert {"sub": "2", "name": "Ema"} == theirs[0]["by"]
    assert theirs == (await admin("GET", f"/api/audit?project_id={project}")).json["events"]
    assert 403 == (await engineer("GET", "/api/audit")).status == (await worker("GET", of_project)).status
    assert 404 == (await outsider("GET", of_project)).status


async def test_filters_of_the_audit(admin: Caller, engineer: Caller) -> None:
    """Each narrows it, together they narrow it more; a filter of one project never shows another."""
    project = await engineer.project()
    await admin.made(f"/api/projects/{project}/members", {"user_sub": "3"})
    path = f"/api/projects/{project}/audit"

    async def found(query: str) -> list[str]:
        return [event["what"] for event in (await admin("GET", f"{path}?{query}")).json["events"]]

    assert ["member.set"] == await found("person=1")
    assert ["member.set", "member.set"] == await found("what=member.")
    assert ["project.created"] == await found("what=project.created&person=2")
    assert [] == await found("until=2000-01-01") == await found("since=2999-01-01T00:00:00Z")
    assert 3 == len(await found("since=2000-01-01&project_id=99"))
    first = (await admin("GET", f"{path}?limit=1")).json
    assert ["member.set"] == [
        e["what"] for e in (await admin("GET", f"{path}?limit=1&cursor={first['next']}")).json["events"]
    ]
    assert 422 == (await admin("GET", f"{path}?since=x")).status == (await admin("GET", f"{path}?cursor=x")).status
