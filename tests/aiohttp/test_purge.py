"""The end of a project over HTTP: who may, that it takes two requests and its name, and what is left."""

from pathlib import Path
from typing import Any

import pytest

from tests.aiohttp.serving import Caller, token
from tests.aiohttp.test_sync import edited, sent

pytestmark = pytest.mark.each_store


async def archived(engineer: Caller, admin: Caller) -> str:
    """The address of an archived project with a pole, an upload and members."""
    project = await engineer.project()
    await engineer.pole(project)
    package = (await engineer("GET", f"/api/sync/download/{project}")).body
    assert 200 == (await engineer("POST", "/api/sync/upload", params={"project_id": project}, data=package)).status
    path = f"/api/projects/{project}"
    assert 204 == (await admin("DELETE", path)).status
    return path


async def code(admin: Caller, path: str) -> str:
    """The answer to the first request."""
    answer = await admin("POST", f"{path}/purge")
    assert (200, False, "Selo") == (answer.status, answer.json["purged"], answer.json["name"])
    return str(answer.json["code"])


async def test_a_project_is_purged_by_who_asks_twice(admin: Caller, engineer: Caller, tmp_path: Path) -> None:
    """Then it is gone for everybody, its backup is there, and the audit tells of it; the next project is another one."""
    path = await archived(engineer, admin)
    neighbour = await engineer.project("Neighbour")
    pole = await engineer.pole(neighbour)
    said = await code(admin, path)
    assert 200 == (await engineer("GET", path)).status
    gone = (await admin("POST", f"{path}/purge", json={"code": said, "name": "Selo"})).json

    assert (True, 2) == (gone["purged"], gone["records"]["projects"] + gone["records"]["uploads"])
    assert [gone["backup"]] == [found.name for found in (tmp_path / "data/purged").iterdir()]
    for person in (admin, engineer):
        assert 404 == (await person("GET", path)).status
        assert ["Neighbour"] == [p["name"] for p in (await person("GET", "/api/projects?archived=1")).json]
    assert 404 == (await admin("POST", f"{path}/purge", json={"code": said, "name": "Selo"})).status
    assert 200 == (await engineer("GET", f"/api/projects/{neighbour}/features/Stubovi/{pole['id']}")).status
    event = (await admin("GET", "/api/audit?what=project.purged")).json["events"][0]
    assert (None, "Selo", gone["backup"]) == (event["project_id"], event["detail"]["name"], event["detail"]["backup"])
    assert await engineer.project("Next") > neighbour


async def test_a_backup_can_be_restored(admin: Caller, engineer: Caller, tmp_path: Path) -> None:
    """Everything of the project is in it, the raw upload too."""
    path = await archived(engineer, admin)
    gone = (await admin("POST", f"{path}/purge", json={"code": await code(admin, path), "name": "Selo"})).json
    backup = tmp_path / "data/purged" / gone["backup"]

    assert 1 == gone["files"]["uploads"]
    assert 1 == len(list((backup / "uploads").glob("??/*")))
    assert (backup / "fiberq.db").stat().st_size > 10_000


async def test_an_upload_that_was_taken_back(admin: Caller, engineer: Caller, tmp_path: Path) -> None:
    """The undo has a receipt and no file: what the project takes is told all the same, and the project can go."""
    project = await engineer.project()
    await engineer.pole(project)
    taken = (await sent(engineer, project, await edited(engineer, project, tmp_path, napomena="lid cracked"))).json
    path = f"/api/projects/{project}"

    assert 200 == (await engineer("POST", f"/api/sync/receipts/{taken['sync_id']}/undo")).status
    assert 204 == (await admin("DELETE", path)).status
    assert 1 == (await admin("GET", "/api/admin/storage")).json["projects"][0]["uploads"]["count"]
    gone = (await admin("POST", f"{path}/purge", json={"code": await code(admin, path), "name": "Selo"})).json
    assert (True, 1) == (gone["purged"], gone["files"]["uploads"])


async def test_only_administrators_and_only_what_is_archived(
    admin: Caller, engineer: Caller, worker: Caller, outsider: Caller
) -> None:
    """An engineer may not; nobody may where people still work."""
    alive = await engineer.project()
    assert 409 == (await admin("POST", f"/api/projects/{alive}/purge")).status
    path = await archived(engineer, admin)

    assert 403 == (await engineer("POST", f"{path}/purge")).status
    assert 403 == (await worker("POST", f"{path}/purge")).status == (await outsider("POST", f"{path}/purge")).status
    assert 404 == (await admin("POST", "/api/projects/999/purge")).status
    assert 401 == (await Caller(admin.client, None)("POST", f"{path}/purge")).status


async def test_neither_a_token_for_less(admin: Caller, engineer: Caller) -> None:
    """Whatever the person may, a token for syncing purges nothing."""
    path = await archived(engineer, admin)
    said = await admin.made("/api/auth/tokens", {"name": "x", "scope": "sync"})

    assert 403 == (await Caller(admin.client, said["token"])("POST", f"{path}/purge")).status


WRONG: list[dict[str, Any]] = [
    {"name": "Selo"},
    {"code": "", "name": "Selo"},
    {"code": "1-" + "0" * 64, "name": "Selo"},
    {"code": 7, "name": "Selo"},
    {"code": None, "name": None},
]


@pytest.mark.parametrize("body", WRONG, ids=str)
async def test_guesses(admin: Caller, engineer: Caller, body: dict[str, Any]) -> None:
    """No code but the one that was given does anything."""
    path = await archived(engineer, admin)
    answer = await admin("POST", f"{path}/purge", json=body)

    assert (422, True) == (answer.status, "code" in {e["path"] for e in answer.json["errors"]})
    assert 200 == (await admin("GET", path)).status


async def test_a_code_is_good_for_one_project_and_person(admin: Caller, engineer: Caller) -> None:
    """Not for another one, not for another administrator, not with a wrong name, not when it was altered."""
    path, other = await archived(engineer, admin), await archived(engineer, admin)
    said = await code(admin, path)
    second = Caller(admin.client, token("admin", sub="77"))
    until, _, signature = said.partition("-")
    for person, where, body in (
        (admin, other, {"code": said, "name": "Selo"}),
        (second, path, {"code": said, "name": "Selo"}),
        (admin, path, {"code": said, "name": "selo"}),
        (admin, path, {"code": said}),
        (admin, path, {"code": f"{int(until) + 1}-{signature}", "name": "Selo"}),
    ):
        assert 422 == (await person("POST", f"{where}/purge", json=body)).status
    for where in (path, other):
        assert 200 == (await admin("GET", where)).status


async def test_what_the_projects_take(admin: Caller, engineer: Caller) -> None:
    """Told to administrators, archived projects too."""
    await archived(engineer, admin)
    await engineer.project("Empty")
    found = (await admin("GET", "/api/admin/storage")).json
    first, second = found["projects"]

    assert ("Selo", 1, 1, 1) == (
        first["name"],
        first["rows"]["count"],
        first["uploads"]["count"],
        first["packages"]["count"],
    )
    assert first["bytes"] > first["packages"]["bytes"] > 10_000
    assert ("Empty", 0) == (second["name"], second["bytes"])
    assert found["bytes"] == first["bytes"]
    assert 403 == (await engineer("GET", "/api/admin/storage")).status
