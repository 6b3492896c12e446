"""The change feed over HTTP."""

import pytest

from tests.aiohttp.serving import POINT, Caller

pytestmark = pytest.mark.each_store


async def test_feed(engineer: Caller) -> None:
    """Changes come oldest first, in pages, with old and new values and their author."""
    project = await engineer.project()
    pole = await engineer.pole(project, naziv="P-1")
    path = f"/api/projects/{project}/features/Stubovi/{pole['id']}"
    await engineer("PATCH", path, json={"properties": {"naziv": "P-2"}}, headers={"If-Match": '"1"'})
    await engineer("DELETE", path, headers={"If-Match": '"2"'})
    feed = f"/api/projects/{project}/changes"
    first = (await engineer("GET", feed, params={"limit": 1})).json
    rest = (await engineer("GET", feed, params={"cursor": first["next"]})).json
    since = (await engineer("GET", feed, params={"since": 2})).json

    assert (3, ["insert"], ["update", "delete"], None) == (
        first["revision"],
        [c["op"] for c in first["changes"]],
        [c["op"] for c in rest["changes"]],
        rest["next"],
    )
    assert {"old": None, "new": POINT} == first["changes"][0]["fields"]["geometry"]
    assert {"naziv": {"old": "P-1", "new": "P-2"}} == rest["changes"][0]["fields"]
    assert ({"sub": "2", "name": "Ema"}, "rest", "Stubovi", pole["id"]) == tuple(
        rest["changes"][0][name] for name in ("author", "source", "layer", "uuid")
    )
    assert [3] == [c["revision"] for c in since["changes"]]


@pytest.mark.parametrize("since", ["-1", "x", "9" * 30, ""])
async def test_bad_since(engineer: Caller, since: str) -> None:
    """Only a revision can be asked after."""
    project = await engineer.project()
    answer = await engineer("GET", f"/api/projects/{project}/changes", params={"since": since})

    assert (422, "since") == (answer.status, answer.json["errors"][0]["path"])


async def test_after_the_end(engineer: Caller) -> None:
    """After the last revision there is nothing, yet."""
    project = await engineer.project()

    assert {"revision": 0, "changes": [], "next": None} == (
        await engineer("GET", f"/api/projects/{project}/changes?since=900")
    ).json
