"""Access tokens: what they look like, what is kept of them, and whom they stand for."""

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from fiberq_core.errors import Unauthenticated
from fiberq_core.people import Person, person_of, roles_of_text, roles_text
from fiberq_core.policy import Actor, Reach, Role
from fiberq_core.tokens import Token, digest_of_secret, expiry, holder, is_personal, secret_of

NOW = "2026-11-24T12:00:00.000Z"
MIRA = Person("mira", "Mira", "m@x", frozenset({Role.ENGINEER}), "2026-01-01T00:00:00.000Z", "2026-11-01T12:00:00.000Z")
TOKEN = Token("t", "mira", "Laptop", Reach.SYNC, "2026-11-02T00:00:00.000Z", "2026-12-01T00:00:00.000Z")


@given(st.binary(min_size=32, max_size=32))
def test_a_token_is_all_of_its_randomness(randomness: bytes) -> None:
    """It has one form, and its digest is taken of all of it."""
    secret = secret_of(randomness)

    assert re.fullmatch(r"fq_[A-Za-z0-9_-]{43}", secret) and is_personal(secret)
    assert re.fullmatch(r"[0-9a-f]{64}", digest_of_secret(secret))
    assert secret not in digest_of_secret(secret)


@given(st.lists(st.binary(min_size=32, max_size=32), unique=True, min_size=2, max_size=5))
def test_no_two_tokens_are_the_same(many: list[bytes]) -> None:
    """As no two of what they are made of are."""
    assert len(many) == len({digest_of_secret(secret_of(one)) for one in many})


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_less_randomness_makes_no_token(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        secret_of(bytes(length))


@pytest.mark.parametrize(
    "text", ["", "fq_", "fq_" + "a" * 42, "fq_" + "a" * 44, "fq_" + "a" * 42 + "\n", "xq_" + "a" * 43]
)
def test_what_looks_like_no_token_is_refused(text: str) -> None:
    """In the same words as an unknown one."""
    with pytest.raises(Unauthenticated, match="unknown, expired or revoked"):
        digest_of_secret(text)


def test_a_token_stands_for_its_person() -> None:
    """As they are now, and no further than it reaches."""
    actor = holder(TOKEN, MIRA, now=NOW, absence_days=30)

    assert Actor("mira", MIRA.roles, "Mira", email="m@x", reach=Reach.SYNC, token="t") == actor


REFUSED = [
    (evolve(TOKEN, revoked_at=NOW), MIRA, 30),
    (evolve(TOKEN, expires_at=NOW), MIRA, 30),
    (TOKEN, None, 30),
    (TOKEN, MIRA, 23),
]


@pytest.mark.parametrize("token, person, days", REFUSED, ids=["revoked", "expired", "never signed in", "away"])
def test_whom_a_token_does_not_stand_for(token: Token, person: Person | None, days: int) -> None:
    """At the very moment from which on it does not."""
    with pytest.raises(Unauthenticated):
        holder(token, person, now=NOW, absence_days=days)


def test_a_day_less_away() -> None:
    """And one millisecond before the token expires."""
    token = evolve(TOKEN, expires_at="2026-11-24T12:00:00.001Z")

    assert "mira" == holder(token, MIRA, now=NOW, absence_days=24).subject


@pytest.mark.parametrize("days, then", [(1, "2026-11-25"), (90, "2027-02-22"), (366, "2027-11-25")])
def test_expiry(days: int, then: str) -> None:
    """In days, to the millisecond."""
    assert f"{then}T12:00:00.000Z" == expiry(NOW, days)


@given(st.frozensets(st.sampled_from(Role)))
def test_roles_come_back(roles: frozenset[Role]) -> None:
    """From the text in which they are kept."""
    assert roles == roles_of_text(roles_text(roles))


def test_a_sign_in_counts_from_when_its_token_was_issued() -> None:
    """In UTC, whatever the machine's own time."""
    person = person_of(Actor("mira", MIRA.roles, "Mira", signed_in=1_795_521_600.25))

    assert ("2026-11-24T12:00:00.250Z", True) == (person.last_sign_in, person.first_sign_in == person.last_sign_in)
