"""Whatever the document allows and forbids, sent to a real server by each role: nothing breaks, nothing is answered
that was not promised, and what is refused changes nothing.

`FIBERQ_TEST_CALLS` says how many calls of each kind, where somebody has the time.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core import NOT_SET
from schemathesis.core.result import Ok

from fiberq_aiohttp.app import ROUTES
from fiberq_aiohttp.openapi.document import document
from tests.e2e.provider import provider
from tests.e2e.serverprocess import Server
from tests.openapi.judging import Judge
from tests.openapi.seeds import LAYERS, World
from tests.postgis.databases import Databases

CALLS = int(os.environ.get("FIBERQ_TEST_CALLS", "2"))
SHORT = "FIBERQ_TEST_CALLS" not in os.environ  # then each operation has its turn on one of the stores
ROLES = ("stranger", "none", "field_worker", "engineer", "admin")
PLACE = "{layer}"
DOCUMENT = document(ROUTES)
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def per_layer(described: Mapping[str, Any]) -> dict[str, Any]:
    """The document, with an address for each of a few layers: a body is made up for its layer, not for any of all."""
    bodies = {body["title"]: body for body in described["components"]["schemas"]["NewFeature"]["anyOf"]}
    paths: dict[str, Any] = {}
    for path, methods in described["paths"].items():
        for layer in LAYERS if PLACE in path else [None]:
            paths[path.replace(PLACE, str(layer))] = {m: _of(layer, op, bodies) for m, op in methods.items()}
    return {**described, "paths": paths}


def _of(layer: str | None, operation: Mapping[str, Any], bodies: Mapping[str, Any]) -> dict[str, Any]:
    if layer is None:
        return dict(operation)
    named = {**operation, "parameters": [p for p in operation["parameters"] if p["name"] != "layer"]}
    named["operationId"] = f"{operation['operationId']}_{layer}"
    if "NewFeature" in str(operation.get("requestBody")):
        named["requestBody"] = {"required": True, "content": {"application/json": {"schema": bodies[layer]}}}
    return named


def operations() -> list[Any]:
    """Every operation, as schemathesis reads it."""
    read = schemathesis.openapi.from_dict(per_layer(DOCUMENT))
    found = list(read.get_all_operations())
    assert all(isinstance(one, Ok) for one in found)
    return [one.ok() for one in found if isinstance(one, Ok)]


OPERATIONS = operations()


@pytest.fixture(scope="module", params=["embedded", pytest.param("postgis", marks=pytest.mark.postgis)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A real server on each store, and who uses it."""
    folder: Path = tmp_path_factory.mktemp("world")
    databases: Databases | None = request.getfixturevalue("databases") if request.param == "postgis" else None
    dsn = databases.create() if databases else ""
    with provider() as known:
        env = {"DATABASE_URL": dsn, "LOG_LEVEL": "error"}
        server = Server(folder / "data", folder / "log.txt", env, provider=known).start()
        try:
            yield World(server.address, server.token, on_database=bool(dsn))
        finally:
            server.kill()
            if databases:
                databases.drop(dsn)
    assert [] == re.findall("^[\\w.]+(?:Error|Exception):.*", (folder / "log.txt").read_text(), re.MULTILINE)[:3]


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Who knows what was promised."""
    return Judge(DOCUMENT)


def template(path: str) -> tuple[str, str | None]:
    """The path as the document has it, and the layer that was put in."""
    layer = next((name for name in LAYERS if f"/features/{name}" in path), None)
    return (path.replace(f"/features/{layer}", f"/features/{PLACE}"), layer) if layer else (path, None)


def met(world: World, case: Case[Any], *, real: bool) -> Case[Any]:
    """*case*, *real*: at an address where there is something, with the ETag of what is there."""
    if not real:
        return case
    path, layer = template(case.path)
    known = world.real(path, layer)
    case.path_parameters = {n: known.get(n, v) for n, v in (case.path_parameters or {}).items()}
    for name in ("project_id", "related_id"):
        if case.query and name in case.query:
            case.query[name] = world.project if name == "project_id" else world.places["Stubovi"]
    if isinstance(case.body, dict) and "project_id" in case.body:
        case.body["project_id"] = world.project
    if case.headers and "If-Match" in case.headers:
        shown = world.ask("GET", case.formatted_path)
        case.headers["If-Match"] = shown.headers.get("ETag", '"1"')
    return case


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_made_up_calls(world: World, judge: Judge, operation: Any) -> None:
    """Of each kind some, by each role, right and wrong ones, at addresses where there is something and where not."""
    if SHORT and OPERATIONS.index(operation) % 2 == world.on_database:
        pytest.skip("its turn is on the other store")
    path, _ = template(operation.path)
    writes = operation.method.upper() not in ("GET", "HEAD")
    if writes or not world.project:
        world.seed()
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    bad = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    faulty = bad if operation.body or list(operation.iter_parameters()) else good

    @settings(
        max_examples=CALLS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate] if SHORT else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(good, good, faulty), st.sampled_from(ROLES), st.sampled_from([True, True, False]))
    def call(case: Case[Any], role: str, real: bool) -> None:
        case = met(world, case, real=real)
        before = world.state() if writes else None
        if case.body is None:
            case.body = NOT_SET if writes and not operation.body else case.body
        answer = case.call(base_url=world.address, headers=world.headers(role), timeout=60, session=world.session)
        media = (answer.headers.get("content-type") or [""])[0]
        said = f"{operation.label} by {role} as {case.as_curl_command()[:600]}\n{answer.status_code} {answer.content[:600]!r}"

        assert [] == list(judge.faults(operation.method, path, answer.status_code, media, answer.content)), said
        if writes and answer.status_code >= 400:
            assert before == world.state(), said

    call()
