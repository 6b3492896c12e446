"""The three-way merge of one row: laws over every triple, and S01–S11 as a table."""

from itertools import product

import pytest

from fiberq_core.merge import Merged, merge
from fiberq_core.registry import GEOMETRY
from fiberq_core.rows import Row, differing

ABSENT = None
ROWS = (
    ABSENT,
    Row({}),
    Row({"a": 1}),
    Row({"a": 2}),
    Row({"a": 1, "b": 1}),
    Row({"a": 3, "b": 1}),
    Row({"a": 1, "b": 2}),
)


def value(row: Row | None, name: str) -> object:
    """What a side says of a field; a row that is not there says nothing."""
    return row.get(name) if row else None


def an_uncontested_edit_lands(base, sent, server):
    """Where only one side changed the row, its side becomes current and nothing is contested."""
    out = merge(base, sent, server)

    if server == base:
        assert Merged(sent) == out
    if sent == base:
        assert Merged(server) == out
    if sent == server:
        assert Merged(server) == out


def the_sides_are_interchangeable(base, sent, server):
    """Which side is called the server only decides which of two contested values stays."""
    out, mirror = merge(base, sent, server), merge(base, server, sent)

    assert (out.contested, out.whole) == (mirror.contested, mirror.whole)
    if out.whole:
        assert (server, sent) == (out.after, mirror.after)
    else:
        assert differing(out.after, mirror.after) == out.contested
        assert (out.after is None) == (mirror.after is None)


def contested_fields_have_three_values(base, sent, server):
    """A field is contested if both sides changed it, and to different values; the server's stays."""
    out = merge(base, sent, server)

    expected = {n for n in "ab" if 3 == len({value(row, n) for row in (base, sent, server)})}
    if sent is not None and server is not None:
        assert expected == out.contested
    assert all(value(out.after, n) == value(server, n) for n in out.contested)


def a_row_is_contested_as_a_whole_if_one_side_deleted_what_the_other_changed(base, sent, server):
    """Deleting and changing one row cannot both be done (S09, S10); two deletions can (S11)."""
    out = merge(base, sent, server)

    one_deleted = base is not None and (sent is None) != (server is None)
    assert out.whole == (one_deleted and base not in (sent, server))
    assert not (out.whole and out.contested)


def a_retry_is_harmless(base, sent, server):
    """Merging the same edit into what came of it changes nothing and contests nothing more."""
    out = merge(base, sent, server)

    assert out == merge(base, sent, out.after)
    assert Merged(out.after) == merge(sent, sent, out.after)


def every_value_has_an_origin(base, sent, server):
    """No value is made up, and what no side changed stays as it was."""
    out = merge(base, sent, server)

    for name in "ab":
        assert value(out.after, name) in (value(base, name), value(sent, name), value(server, name))
        if out.after is not None and value(base, name) == value(sent, name):
            assert value(server, name) == value(out.after, name)


LAWS = (
    an_uncontested_edit_lands,
    the_sides_are_interchangeable,
    contested_fields_have_three_values,
    a_row_is_contested_as_a_whole_if_one_side_deleted_what_the_other_changed,
    a_retry_is_harmless,
    every_value_has_an_origin,
)


@pytest.mark.parametrize("base, sent, server", list(product(ROWS, repeat=3)))
def test_laws(base, sent, server):
    """Every law holds for every triple of six rows and "absent"."""
    for law in LAWS:
        law(base, sent, server)


HERE, THERE, ELSEWHERE = b"here", b"there", b"elsewhere"
BASE = Row({"f": "old", "g": "old", GEOMETRY: HERE})
CASES = {
    # case: (what the device made of it, what the server did since, what becomes of it)
    "S01": ({"f": "x"}, {}, Merged(BASE.with_values({"f": "x"}))),
    "S02": ({}, {"f": "y"}, Merged(BASE.with_values({"f": "y"}))),
    "S03": ({"f": "x"}, {"g": "y"}, Merged(BASE.with_values({"f": "x", "g": "y"}))),
    "S04": ({"f": "x"}, {"f": "x"}, Merged(BASE.with_values({"f": "x"}))),
    "S05": ({"f": "x", "g": "z"}, {"f": "y"}, Merged(BASE.with_values({"f": "y", "g": "z"}), frozenset("f"))),
    "S06": ({GEOMETRY: THERE}, {"f": "y"}, Merged(BASE.with_values({GEOMETRY: THERE, "f": "y"}))),
    "S07": (
        {GEOMETRY: THERE},
        {GEOMETRY: ELSEWHERE},
        Merged(BASE.with_values({GEOMETRY: ELSEWHERE}), frozenset({GEOMETRY})),
    ),
    "S08": (None, {}, Merged(None)),
    "S09": (None, {"f": "y"}, Merged(BASE.with_values({"f": "y"}), whole=True)),
    "S10": ({"f": "x"}, None, Merged(None, whole=True)),
    "S11": (None, None, Merged(None)),
    "S45": ({GEOMETRY: None}, {}, Merged(BASE.with_values({GEOMETRY: None}))),
    "cleared and changed": ({"f": None}, {"f": "y"}, Merged(BASE.with_values({"f": "y"}), frozenset("f"))),
}


@pytest.mark.parametrize("device, server, expected", CASES.values(), ids=CASES)
def test_cases(device, server, expected):
    """S01–S11 of the contract, and S45: NULL is a value."""
    sent, now = (None if edits is None else BASE.with_values(edits) for edits in (device, server))

    assert expected == merge(BASE, sent, now)


def test_equality_is_by_value():
    """1 is 1.0, so a number that came back in another type was not edited."""
    assert Merged(Row({"n": 2})) == merge(Row({"n": 1}), Row({"n": 1.0}), Row({"n": 2}))


def test_without_a_base_nothing_is_replaced():
    """Where nobody knows what the device saw, it adds what is missing, and what differs is contested (S31)."""
    out = merge(None, Row({"a": 1, "b": 2}), Row({"a": 3, "c": 4}))

    assert Merged(Row({"a": 3, "b": 2, "c": 4}), frozenset("a")) == out
