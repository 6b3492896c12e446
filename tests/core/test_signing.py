"""Signed addresses: ours are good for a while, all others never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiberq_core.errors import Forbidden
from fiberq_core.signing import Signed, sign, verify

SECRET, NAME = b"9f86d081884c7d659a2feaa0c55ad015", "photo.jpg"
NOW = 1_700_000_000.5


@given(st.floats(1, 1e10), st.integers(1, 10**6), st.floats(0, 1))
def test_good_for_as_long_as_was_said_and_at_most_twice(now: float, valid: int, part: float) -> None:
    """An address is good from now on for *valid* seconds, and after twice that for sure no more."""
    signed = sign(SECRET, NAME, now, valid)

    verify(SECRET, NAME, str(signed.until), signed.signature, now + valid * part)
    with pytest.raises(Forbidden, match="expired"):
        verify(SECRET, NAME, str(signed.until), signed.signature, now + 2 * valid + 1)


def test_the_last_moment() -> None:
    signed = sign(SECRET, NAME, NOW, 900)

    verify(SECRET, NAME, str(signed.until), signed.signature, signed.until - 0.001)
    with pytest.raises(Forbidden, match="expired"):
        verify(SECRET, NAME, str(signed.until), signed.signature, signed.until)


def test_asked_again_soon_it_is_the_same() -> None:
    """So that a browser finds in its cache what it has."""
    assert sign(SECRET, NAME, 900.0, 900) == sign(SECRET, NAME, 1799.9, 900)
    assert sign(SECRET, NAME, 900.0, 900) != sign(SECRET, NAME, 1800.0, 900)


GOOD = sign(SECRET, NAME, NOW, 900)
ALTERED = [
    (SECRET, "other.jpg", str(GOOD.until), GOOD.signature),
    (b"another secret", NAME, str(GOOD.until), GOOD.signature),
    (SECRET, NAME, str(GOOD.until + 1), GOOD.signature),
    (SECRET, NAME, f" {GOOD.until}", GOOD.signature),
    (SECRET, NAME, f"0{GOOD.until}", GOOD.signature),
    (SECRET, NAME, str(GOOD.until).replace("1", "\u0661"), GOOD.signature),
    (SECRET, NAME, "", GOOD.signature),
    (SECRET, NAME, "-1", GOOD.signature),
    (SECRET, NAME, "9" * 5000, GOOD.signature),
    (SECRET, NAME, str(GOOD.until), ""),
    (SECRET, NAME, str(GOOD.until), GOOD.signature[:-1]),
    (SECRET, NAME, str(GOOD.until), GOOD.signature.upper()),
    (SECRET, NAME, str(GOOD.until), "ž" * 64),
    (SECRET, NAME, str(GOOD.until), "\ud800"),
]


@pytest.mark.parametrize("secret, name, until, signature", ALTERED)
def test_altered_addresses_are_refused(secret: bytes, name: str, until: str, signature: str) -> None:
    with pytest.raises(Forbidden, match="not one that this server gave"):
        verify(secret, name, until, signature, NOW)


@given(st.text(), st.text(), st.text())
def test_nothing_made_up_is_let_in(name: str, until: str, signature: str) -> None:
    with pytest.raises(Forbidden):
        verify(SECRET, name, until, signature, NOW)


def test_an_address_does_not_hold_the_secret() -> None:
    assert Signed(GOOD.until, GOOD.signature) == GOOD
    assert 64 == len(GOOD.signature)
