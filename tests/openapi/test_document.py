"""The OpenAPI document says everything that is served, nothing else, and is valid."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from fiberq_aiohttp.app import ROUTES
from fiberq_aiohttp.openapi.document import document, template
from fiberq_core.policy import POLICY, Action
from fiberq_core.registry import DATA_LAYERS
from fiberq_core.registry.model import Kind, Shape
from fiberq_core.schema import GEOMETRIES, KINDS, column_schema, properties_given, properties_taken

SHOWN = [route for route in ROUTES if route.path == "/" or not route.path.endswith("/")]


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """The document."""
    return document(ROUTES)


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of everything that is described."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_document_is_valid(described: dict[str, Any]) -> None:
    """By an independent judge of OpenAPI 3.1."""
    validate(described)


def test_every_route_is_in_it_and_no_other(described: dict[str, Any]) -> None:
    """In one spelling."""
    assert {(r.method, template(r.path)) for r in SHOWN} == {(m, p) for m, p, _ in operations(described)}


def test_every_handler_says_what_it_takes_and_answers() -> None:
    """Beside its guard; a route without it would be described by what follows from its address alone."""
    assert [] == [(r.method, r.path) for r in SHOWN if not hasattr(r.handler, "operation")]


def test_every_success_has_a_schema(described: dict[str, Any]) -> None:
    """But for those that have no body."""
    for method, path, operation in operations(described):
        good = {
            status: answer
            for status, answer in operation["responses"].items()
            if status < "400" and "$ref" not in answer
        }

        assert good, (method, path)
        for status, answer in good.items():
            schemas = [content["schema"] for content in answer.get("content", {}).values()]
            assert (status in ("204", "304")) == (not schemas), (method, path, status)
            assert all(schemas), (method, path, status)


def test_every_operation_says_who_may(described: dict[str, Any]) -> None:
    """What the guard goes by, and what the policy says of it."""
    for method, path, operation in operations(described):
        handler = next(r.handler for r in SHOWN if (r.method, template(r.path)) == (method, path))

        if hasattr(handler, "public"):
            assert [] == operation["security"]
        else:
            action = handler.action  # type: ignore[union-attr]
            assert [{"bearer": []}, *([{}] if handler.unless else [])] == operation["security"]  # type: ignore[union-attr]
            assert (action.value if action else None) == operation["x-fiberq-action"]
            if action:
                assert [s.value for s in POLICY[Action(action)]] == list(operation["x-fiberq-roles"].values())


def test_every_place_of_a_path_is_a_parameter(described: dict[str, Any]) -> None:
    """In its order."""
    for method, path, operation in operations(described):
        named = [p["name"] for p in operation["parameters"] if p["in"] == "path"]

        assert re.findall(r"\{(\w+)\}", path) == named, (method, path)


def test_every_operation_has_a_summary_and_its_own_id(described: dict[str, Any]) -> None:
    """From the handler's docstring, and from its address."""
    found = list(operations(described))

    assert all(operation["summary"] for _, _, operation in found)
    assert len(found) == len({operation["operationId"] for _, _, operation in found})


def test_problems_have_the_shape_of_problems(described: dict[str, Any]) -> None:
    """Every refusal is a problem document, wherever it is met."""
    for answer in described["components"]["responses"].values():
        assert {"application/problem+json"} == set(answer["content"])
        assert answer["description"]


def test_nothing_is_described_that_nobody_uses(described: dict[str, Any]) -> None:
    """Every shape is referred to."""
    text = str({**described, "components": described["components"] | {"schemas": None}}) + str(
        list(described["components"]["schemas"].values())
    )

    assert [] == [name for name in described["components"]["schemas"] if f"schemas/{name}'" not in text]


def test_every_kind_and_shape_has_a_schema() -> None:
    """The tables are total."""
    assert (set(Kind), set(Shape)) == (set(KINDS), set(GEOMETRIES))


@pytest.mark.parametrize("layer", DATA_LAYERS, ids=lambda layer: layer.name)
def test_every_column_of_the_registry_is_in_it(layer: Any) -> None:
    """Going out they are all there; coming in none needs to be, and null is taken everywhere."""
    names = [column.name for column in layer.columns]
    given, taken = properties_given(layer), properties_taken(layer)

    assert {*names, "id", "fiberq_rev", "extra"} == set(given["properties"]) == set(given["required"])
    assert names == list(taken["properties"])
    assert "required" not in taken
    assert all("null" in column_schema(c, writing=w)["type"] for c in layer.columns for w in (True, False))


def test_only_words_that_the_system_works_by_are_demanded() -> None:
    """An open vocabulary describes; of a closed one, codes are what is taken, and null."""
    columns = [c for layer in DATA_LAYERS for c in layer.columns if c.vocabulary]
    for column in columns:
        schema = column_schema(column, writing=True)
        assert column.vocabulary
        codes = [term.code for term in column.vocabulary.terms]

        assert ([*codes, None] if column.vocabulary.closed else None) == schema.get("enum")

    assert {True, False} == {c.vocabulary.closed for c in columns if c.vocabulary}
