"""Layers and features over HTTP: preconditions, faults, pages, history, and names in every dialect."""

from typing import Any
from uuid import uuid4

import pytest

from fiberq_core.registry import DATA_LAYERS
from tests.aiohttp.serving import POINT, Caller

pytestmark = pytest.mark.each_store

ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def project(engineer: Caller) -> int:
    """A project of the engineer."""
    return await engineer.project()


@pytest.fixture
async def pole(engineer: Caller, project: int) -> dict[str, Any]:
    """A pole in it."""
    return await engineer.pole(project, naziv="P-1")


def path_of(project: int, layer: str = "Stubovi", *more: str) -> str:
    """The address of a layer, or of what is in it."""
    return "/".join((f"/api/projects/{project}/features/{layer}", *more))


async def test_layers(engineer: Caller, project: int, pole: dict[str, Any]) -> None:
    """Every layer is listed, with its columns and how many rows the project has."""
    shown = (await engineer("GET", f"/api/projects/{project}/layers")).json
    layers = {layer["name"]: layer for layer in shown["layers"]}

    assert [layer.name for layer in DATA_LAYERS] == list(layers)
    assert (1, 1, "Point") == (shown["revision"], layers["Stubovi"]["count"], layers["Stubovi"]["geometry"])
    assert "naziv" in {column["name"] for column in layers["Stubovi"]["columns"]}


async def test_create(engineer: Caller, project: int) -> None:
    """A new feature has an address and a validator; an own uuid is kept."""
    uuid = str(uuid4())
    body = {"type": "Feature", "id": uuid, "geometry": POINT, "properties": {"naziv": "P-2", "moja": "x"}}
    made = await engineer("POST", path_of(project), json=body)
    shown = await engineer("GET", made.headers["Location"])

    assert (201, uuid, "application/geo+json", '"1"') == (
        made.status,
        made.json["id"],
        made.headers["Content-Type"],
        made.headers["ETag"],
    )
    assert (made.json, POINT, "P-2", {"moja": "x"}) == (
        shown.json,
        shown.json["geometry"],
        shown.json["properties"]["naziv"],
        shown.json["properties"]["extra"],
    )


async def test_create_once(engineer: Caller, project: int) -> None:
    """A repeat with the same key has no second effect; a uuid that is taken is a conflict."""
    body = {"geometry": POINT, "properties": {"naziv": "P-2"}}
    first, again = [
        await engineer("POST", path_of(project), json=body, headers={"Idempotency-Key": "k-1"}) for _ in range(2)
    ]
    taken = await engineer("POST", path_of(project), json={**body, "id": first.json["id"]})

    assert (201, 201, first.json) == (first.status, again.status, again.json)
    assert (409, "conflict") == (taken.status, taken.json["code"])
    assert 1 == len((await engineer("GET", path_of(project))).json["features"])


async def test_every_fault_at_once(engineer: Caller, project: int) -> None:
    """Values that do not fit are named together, and nothing is written."""
    body = {"geometry": {"type": "Nope"}, "properties": {"visina": "tall", "godina_ugradnje": "12a"}}
    answer = await engineer("POST", path_of(project), json=body)

    assert (422, {"geometry.type", "properties.visina", "properties.godina_ugradnje"}) == (
        answer.status,
        {fault["path"] for fault in answer.json["errors"]},
    )
    assert 0 == (await engineer("GET", f"/api/projects/{project}")).json["revision"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "given, status, code",
    [
        (None, 428, "precondition-required"),
        ("*", 428, "precondition-required"),
        ('"1", "2"', 428, "precondition-required"),
        ('"7"', 412, "stale"),
        ('W/"1"', 412, "stale"),
        ("nonsense", 412, "stale"),
    ],
)
async def test_preconditions(
    engineer: Caller, project: int, pole: dict[str, Any], method: str, given: str | None, status: int, code: str
) -> None:
    """A write names the one version that it was made from; a stale one gets the current feature."""
    headers = {"If-Match": given} if given else {}
    body = {} if method == "DELETE" else {"json": {"properties": {"naziv": "x"}}}
    answer = await engineer(method, path_of(project, "Stubovi", pole["id"]), headers=headers, **body)

    assert (status, code) == (answer.status, answer.json["code"])
    assert (pole if status == 412 else None) == answer.json.get("current")


async def test_patch_and_put(engineer: Caller, project: int, pole: dict[str, Any]) -> None:
    """PATCH changes what it names, PUT replaces the whole; each answers with the new validator."""
    path = path_of(project, "Stubovi", pole["id"])
    patched = await engineer("PATCH", path, json={"properties": {"visina": 9}}, headers={"If-Match": '"1"'})
    whole = {"geometry": POINT, "properties": {"naziv": "P-9"}}
    put = await engineer("PUT", path, json=whole, headers={"If-Match": patched.headers["ETag"]})

    assert (200, '"2"', 9.0, "P-1") == (
        patched.status,
        patched.headers["ETag"],
        patched.json["properties"]["visina"],
        patched.json["properties"]["naziv"],
    )
    assert (200, '"3"', None, "P-9") == (
        put.status,
        put.headers["ETag"],
        put.json["properties"]["visina"],
        put.json["properties"]["naziv"],
    )


@pytest.mark.parametrize("body", [{}, {"geometry": POINT}, {"properties": None}, {"naziv": "P-2"}])
async def test_put_needs_the_columns(
    engineer: Caller, project: int, pole: dict[str, Any], body: dict[str, object]
) -> None:
    """A body that names no columns at all is not taken for a wish to clear them all."""
    path = path_of(project, "Stubovi", pole["id"])
    answer = await engineer("PUT", path, json=body, headers={"If-Match": '"1"'})

    assert (422, ["properties"]) == (answer.status, [fault["path"] for fault in answer.json["errors"]])
    assert pole == (await engineer("GET", path)).json


async def test_not_modified(engineer: Caller, project: int, pole: dict[str, Any]) -> None:
    """Who has a feature gets 304."""
    answer = await engineer("GET", path_of(project, "Stubovi", pole["id"]), headers={"If-None-Match": '"1"'})

    assert (304, b"") == (answer.status, answer.body)


async def test_delete_and_restore(engineer: Caller, project: int, pole: dict[str, Any]) -> None:
    """A deleted feature is gone, its history is not, and it can be brought back."""
    path = path_of(project, "Stubovi", pole["id"])
    deleted = await engineer("DELETE", path, headers={"If-Match": '"1"'})
    gone = await engineer("GET", path)
    history = (await engineer("GET", f"{path}/history")).json["versions"]
    back = await engineer("POST", f"{path}/restore/")

    assert (204, 404) == (deleted.status, gone.status)
    assert [(2, "delete", None), (1, "insert", "P-1")] == [
        (v["revision"], v["op"], v["values"] and v["values"]["naziv"]) for v in history
    ]
    assert (200, pole["id"], "P-1") == (back.status, back.json["id"], back.json["properties"]["naziv"])


async def test_restore_an_older_version(engineer: Caller, project: int, pole: dict[str, Any]) -> None:
    """Any version can be made current again."""
    path = path_of(project, "Stubovi", pole["id"])
    await engineer("PATCH", path, json={"properties": {"naziv": "P-2"}}, headers={"If-Match": '"1"'})
    back = await engineer("POST", f"{path}/restore", json={"revision": 1})
    wrong = await engineer("POST", f"{path}/restore", json={"revision": "1"})

    assert (200, "P-1", 422) == (back.status, back.json["properties"]["naziv"], wrong.status)


async def test_pages_and_boxes(engineer: Caller, project: int) -> None:
    """Pages follow one another to the end; a box shows what lies in it."""
    for i in range(5):
        body = {"geometry": {"type": "Point", "coordinates": [20 + i, 44]}, "properties": {"naziv": str(i)}}
        await engineer.made(path_of(project), body)
    names, cursor = [], ""
    while cursor is not None:
        page = (await engineer("GET", path_of(project), params={"limit": 2, "cursor": cursor})).json
        names += [feature["properties"]["naziv"] for feature in page["features"]]
        cursor = page["next"]
    box = (await engineer("GET", path_of(project), params={"bbox": "20.5,43,22.5,45"})).json

    assert ["0", "1", "2", "3", "4"] == names
    assert ("FeatureCollection", {"1", "2"}) == (box["type"], {f["properties"]["naziv"] for f in box["features"]})


@pytest.mark.parametrize(
    "query, path",
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"bbox": "1,2,3"}, "bbox"),
        ({"bbox": "1,2,3,x"}, "bbox"),
        ({"bbox": "3,2,1,4"}, "bbox"),
        ({"bbox": "nan,2,3,4"}, "bbox"),
        ({"bbox": "-181,2,3,4"}, "bbox"),
        ({"cursor": "zz"}, "cursor"),
    ],
)
async def test_bad_questions(engineer: Caller, project: int, query: dict[str, str], path: str) -> None:
    """What cannot be understood is named."""
    answer = await engineer("GET", path_of(project), params=query)

    assert (422, path) == (answer.status, answer.json["errors"][0]["path"])


@pytest.mark.parametrize("name", ["Stubovi", "Poles", "ftth_stubovi", "stubovi"])
async def test_layer_names(engineer: Caller, project: int, pole: dict[str, Any], name: str) -> None:
    """A layer is found by any name that it has anywhere."""
    assert [pole] == (await engineer("GET", path_of(project, name))).json["features"]


@pytest.mark.parametrize("name", ["Nope", "sync_issues", "ODF"])
async def test_unknown_layers(engineer: Caller, project: int, name: str) -> None:
    """An unknown layer is answered with those that there are."""
    answer = await engineer("GET", path_of(project, name))

    assert 404 == answer.status
    assert "Stubovi" in answer.json["detail"]


async def test_table_without_places(engineer: Caller, project: int) -> None:
    """Tables without geometry are read and written the same way, but not by place."""
    made = await engineer("POST", path_of(project, "_fiberq_metadata"), json={"properties": {"key": "k", "value": "v"}})
    boxed = await engineer("GET", path_of(project, "_fiberq_metadata"), params={"bbox": "1,2,3,4"})

    assert (201, None, 422) == (made.status, made.json["geometry"], boxed.status)


@pytest.mark.parametrize("uuid", [ABSENT, "nonsense", "../../x"])
async def test_unknown_features(engineer: Caller, project: int, uuid: str) -> None:
    """What is not there is 404."""
    assert 404 == (await engineer("GET", path_of(project, "Stubovi", uuid))).status
    assert 404 == (await engineer("GET", path_of(project, "Stubovi", uuid, "history"))).status


async def test_uuid_spellings(engineer: Caller, project: int, pole: dict[str, Any]) -> None:
    """A uuid is one whatever its spelling."""
    assert pole == (await engineer("GET", path_of(project, "Stubovi", pole["id"].upper().replace("-", "")))).json


async def test_what_a_role_may_not_write(engineer: Caller, worker: Caller, project: int) -> None:
    """A write that the role does not include is refused, not held."""
    await engineer.made(f"/api/projects/{project}/members", {"sub": "3", "role": "field_worker"})
    answer = await worker("POST", path_of(project, "Work_orders"), json={"properties": {"title": "x"}})

    assert (403, "forbidden") == (answer.status, answer.json["code"])
    assert [] == (await engineer("GET", f"/api/projects/{project}/inbox")).json["items"]
