"""JSON of answers: one writer, and what it makes of what people type."""

import ast
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fiberq_aiohttp
from fiberq_aiohttp.answering import answer
from fiberq_core.jsonvalues import typed_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
TYPED = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


def said(value: object) -> bytes:
    """The body of an answer."""
    body = answer(value).body
    assert isinstance(body, bytes)
    return body


def test_there_is_one_writer() -> None:
    """No other module of the transport makes JSON of an answer."""
    found = set()
    for path in Path(fiberq_aiohttp.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name("orjson"), attr="dumps") | ast.Attribute(attr="json_response"):
                    found.add(path.name)
    assert {"answering.py"} == found


@given(TYPED)
def test_whatever_was_typed_can_be_answered(raw: object) -> None:
    """Half characters, numbers without end, infinity: nothing that a store holds breaks an answer."""
    assert json.loads(said({"value": typed_json(raw)})) == {"value": typed_json(raw)}


@pytest.mark.parametrize(
    "value, written",
    [
        ("Ђорђа", '"Ђорђа"'),
        ("\u2028\x00", '"\u2028\\u0000"'),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        (1.0, "1.0"),
        (0.1 + 0.2, "0.30000000000000004"),
        (True, "true"),
        (None, "null"),
        ({"b": 1, "a": [1, 2]}, '{"b":1,"a":[1,2]}'),
    ],
)
def test_how_values_are_written(value: object, written: str) -> None:
    """UTF-8, no spaces, members in the order in which they were made, numbers to the last digit."""
    assert written.encode() == said(value)
