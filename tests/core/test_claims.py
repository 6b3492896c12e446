"""What a token must say, and who its bearer is then. The signature is tested in test_keyset."""

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fiberq_core.claims import TokenRules, actor_of
from fiberq_core.errors import Unauthenticated
from fiberq_core.policy import Actor, Role
from tests.core.tokens import NOW, PROJECT, RULES, a_payload

GENERIC = "urn:zitadel:iam:org:project:roles"
OURS = f"urn:zitadel:iam:org:project:{PROJECT}:roles"
THEIRS = "urn:zitadel:iam:org:project:9999:roles"
ACME, OTHER = {"501": "acme.example.org"}, {"777": "other.example.org"}


def roles(claims: dict[str, object], rules: TokenRules = RULES) -> set[str]:
    """The names of the roles that a token with these claims gives."""
    return {role.value for role in actor_of(a_payload(**{GENERIC: None}) | claims, rules, NOW).roles}


def test_a_good_token() -> None:
    """A token that is in order stands for its subject, with roles, name and address."""
    payload = a_payload(name="Elena Engineer", email="elena@example.org")

    assert Actor("180001", frozenset({Role.ENGINEER}), "Elena Engineer", email="elena@example.org") == actor_of(
        payload, RULES, NOW
    )


BAD = {
    "expired": {"exp": NOW - 60},
    "exp missing": {"exp": None},
    "exp text": {"exp": "1900000000"},
    "exp true": {"exp": True},
    "exp not a number": {"exp": float("nan")},
    "exp infinite": {"exp": float("inf")},
    "iat true": {"iat": True},
    "iat missing": {"iat": None},
    "iat in the future": {"iat": NOW + 61},
    "nbf in the future": {"nbf": NOW + 61},
    "nbf text": {"nbf": "soon"},
    "iss missing": {"iss": None},
    "iss of another": {"iss": "https://id.example.com"},
    "iss with a slash more": {"iss": "https://id.example.org/"},
    "iss as a list": {"iss": ["https://id.example.org"]},
    "aud missing": {"aud": None},
    "aud of another": {"aud": "client-3"},
    "aud empty": {"aud": []},
    "aud nested": {"aud": [["client-1"]]},
    "aud as an object": {"aud": {"client-1": True}},
    "aud that contains ours": {"aud": "client-12"},
    "sub missing": {"sub": None},
    "sub empty": {"sub": ""},
    "sub a number": {"sub": 180001},
    "sub too long": {"sub": "x" * 256},
    "sub with NUL": {"sub": "a\0b"},
    "sub with a line break": {"sub": "a\nb"},
    "sub with a surrogate": {"sub": "a\ud800"},
    "sub with blanks around": {"sub": " 180001"},
    "sub that stands for everyone": {"sub": "*"},
    "id token (nonce)": {"nonce": "n"},
    "id token (at_hash)": {"at_hash": "h"},
    "id token (c_hash)": {"c_hash": "h"},
    "id token (s_hash)": {"s_hash": "h"},
    "logout token": {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_bad_claims_are_refused(changes: dict[str, object]) -> None:
    """A token with such a claim says nothing about who sent it."""
    with pytest.raises(Unauthenticated):
        actor_of(a_payload(**changes), RULES, NOW)


GOOD = {
    "expired within the leeway": {"exp": NOW - 59},
    "issued by a clock that is ahead": {"iat": NOW + 60},
    "valid from by a clock that is ahead": {"nbf": NOW + 60},
    "fractions of seconds": {"exp": NOW + 0.5},
    "one audience": {"aud": "client-2"},
    "project as audience": {"aud": [PROJECT]},
    "ours among others": {"aud": ["client-9", "client-2"]},
    "a subject of 255 characters": {"sub": "x" * 255},
    "a subject in any script": {"sub": "Јелена Đ."},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD)
def test_lawful_claims_are_taken(changes: dict[str, object]) -> None:
    """Standards and differing clocks allow these."""
    payload = a_payload(**changes)

    assert payload["sub"] == actor_of(payload, RULES, NOW).subject


def test_without_leeway_the_second_counts() -> None:
    """A token is good up to its expiry and not at it."""
    strict = evolve(RULES, leeway=0)
    assert actor_of(a_payload(exp=NOW + 1), strict, NOW).subject == "180001"

    with pytest.raises(Unauthenticated):
        actor_of(a_payload(exp=NOW), strict, NOW)


@pytest.mark.parametrize(
    "changes",
    [{"leeway": 61}, {"leeway": -1}, {"issuer": ""}, {"audiences": frozenset()}, {"project_id": ""}],
    ids=str,
)
def test_lax_rules_cannot_be_made(changes: dict[str, Any]) -> None:
    """Rules that would accept anything are refused when they are made."""
    with pytest.raises(ValueError):
        evolve(RULES, **changes)


SHAPES = {
    "none": ({}, set()),
    "object": ({GENERIC: {"engineer": ACME, "field_worker": ACME}}, {"engineer", "field_worker"}),
    "array of objects": ({GENERIC: [{"engineer": ACME}, {"admin": ACME}]}, {"engineer", "admin"}),
    "array with rubbish": ({GENERIC: [{"engineer": ACME}, "admin", None, 1]}, {"engineer"}),
    "text": ({GENERIC: "admin"}, set()),
    "list of names": ({GENERIC: ["admin"]}, set()),
    "null": ({GENERIC: None}, set()),
    "number": ({GENERIC: 1}, set()),
    "nested arrays": ({GENERIC: [[{"admin": ACME}]]}, set()),
    "unknown names": ({GENERIC: {"owner": ACME, "ADMIN": ACME, "admin ": ACME, "engineer": ACME}}, {"engineer"}),
    "granted by nobody": ({GENERIC: {"admin": {}}}, set()),
    "granted oddly": ({GENERIC: {"admin": "501", "engineer": True, "field_worker": None}}, set()),
    "our project": ({OURS: {"field_worker": ACME}}, {"field_worker"}),
    "our project beats the general claim": ({OURS: {"field_worker": ACME}, GENERIC: {"admin": ACME}}, {"field_worker"}),
    "our project with nothing": ({OURS: {}, GENERIC: {"admin": ACME}}, set()),
    "another project": ({THEIRS: {"admin": ACME}}, set()),
    "another project and its general claim": ({THEIRS: {"admin": ACME}, GENERIC: {"admin": ACME}}, set()),
    "two projects": ({THEIRS: {"admin": ACME}, OURS: {"engineer": ACME}}, {"engineer"}),
    "other claims": ({"roles": ["admin"], "groups": ["admin"], "role": "admin"}, set()),
}


@pytest.mark.parametrize("claims, expected", SHAPES.values(), ids=SHAPES)
def test_role_claims(claims: dict[str, object], expected: set[str]) -> None:
    """Zitadel's shapes give roles of our project; nothing else does."""
    assert expected == roles(claims)


def test_only_listed_organisations_grant_roles() -> None:
    """With a list of organisations, a role counts if one of them granted it."""
    rules = evolve(RULES, org_ids=frozenset({"501", "502"}))
    granted = {"admin": OTHER, "engineer": OTHER | ACME, "field_worker": ACME}

    assert {"engineer", "field_worker"} == roles({GENERIC: granted}, rules)
    assert {"admin", "engineer", "field_worker"} == roles({GENERIC: granted})


LABELS = [
    ({}, ("", "")),
    ({"name": "Elena", "given_name": "E", "email": "e@x.org"}, ("Elena", "e@x.org")),
    ({"given_name": "E", "preferred_username": "el@x.org"}, ("E", "el@x.org")),
    ({"preferred_username": "el@x.org"}, ("el@x.org", "el@x.org")),
    ({"name": "", "given_name": "E"}, ("E", "")),
    ({"name": ["Elena"], "given_name": "E", "email": 5}, ("E", "")),
    ({"name": "Ele\0na\n\u202e ", "email": "e\r\n@x.org"}, ("Elena", "e@x.org")),
    ({"name": "x" * 500}, ("x" * 200, "")),
]


@pytest.mark.parametrize("claims, expected", LABELS)
def test_names_for_people(claims: dict[str, object], expected: tuple[str, str]) -> None:
    """Name and address come from the first claim that says something, cleaned and cut to length."""
    actor = actor_of(a_payload(**claims), RULES, NOW)

    assert expected == (actor.name, actor.email)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
CLAIM = st.sampled_from(["iss", "aud", "sub", "exp", "iat", "nbf", "name", "email", GENERIC, OURS, THEIRS])


@given(st.dictionaries(CLAIM, JSON, max_size=4))
def test_whatever_a_token_says(claims: dict[str, object]) -> None:
    """Any JSON in any claim gives a person or a refusal, never another error."""
    try:
        actor = actor_of(a_payload() | claims, RULES, NOW)
    except Unauthenticated:
        return

    assert actor.subject.isprintable()
