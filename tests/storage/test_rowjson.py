"""What the store keeps as JSON text comes back as it was."""

import json

from hypothesis import given
from hypothesis import strategies as st

from fiberq_core.jsonvalues import typed_json
from fiberq_storage.rowjson import mapping_of, plain_text, values_of, values_text

INTEGERS = st.integers(-(2**63), 2**63 - 1)
ANY_TEXT = st.text(st.characters(), max_size=20) | st.text('\ud800\udfffaЂ\0\u2028"\\', max_size=5)
VALUES = st.dictionaries(
    ANY_TEXT, st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT | st.binary()
)
SAID = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_values_come_back(values: dict[str, bool | int | float | str | bytes]) -> None:
    """Bytes, numbers to the last digit, half characters too: the store refuses those, in its own words."""
    back = values_of(values_text(values))

    assert values == back
    assert [type(value) for value in values.values()] == [type(value) for value in back.values()]


@given(st.dictionaries(ANY_TEXT, SAID))
def test_receipts_come_back(said: dict[str, object]) -> None:
    """Whatever an answer holds, under whatever names: what was typed by a device is in it."""
    receipt = {name: typed_json(value) for name, value in said.items()}

    assert json.loads(json.dumps(receipt)) == mapping_of(plain_text(receipt))


def test_receipts_of_earlier_versions_are_read() -> None:
    """They are in ASCII, half characters and all."""
    receipt = {"a": "Ђ\ud800", "b": [1, None, 0.5]}

    assert receipt == mapping_of(json.dumps(receipt))
