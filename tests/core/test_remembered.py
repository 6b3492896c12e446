"""Verified tokens are remembered. The law: remembering changes the time that an answer takes, and no answer."""

import base64
import json
import timeit
from collections.abc import Callable

import jwt
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from fiberq_core.errors import FiberqError, KeysUnavailable, Unauthenticated, UnknownKey
from fiberq_core.keyset import SIGNATURE_ONLY, NeedKeys, TokenVerifier
from fiberq_core.policy import Actor
from fiberq_core.remembered import Remembered, TokenMemory, digest_of
from tests.core.tokens import NOW, RULES, a_jwk, a_payload, a_token

ANA, BOB, CECA = Actor("ana"), Actor("bob"), Actor("ceca")


def a_verifier(memory: TokenMemory | None = None) -> TokenVerifier:
    """A verifier that has just received one key."""
    verifier = TokenVerifier(RULES, memory=memory or TokenMemory())
    verifier.keys_received({"keys": [a_jwk()]}, now=NOW)
    return verifier


def entry(actor: Actor, since: float = NOW, until: float = NOW + 100) -> Remembered:
    """A token of *actor*."""
    return Remembered(actor, since, until)


def tampered(token: str) -> str:
    """The same head, nearly the same payload, the same signature: another subject."""
    head, payload, signature = token.split(".")
    said = base64.urlsafe_b64decode(payload + "==").replace(b"180001", b"180002")
    return f"{head}.{base64.urlsafe_b64encode(said).rstrip(b'=').decode()}.{signature}"


# --- the law ---

TOKENS = {
    "good": a_token(),
    "another person's": a_token(a_payload(sub="180002")),
    "short": a_token(a_payload(exp=int(NOW) + 40)),
    "not yet": a_token(a_payload(nbf=int(NOW) + 200)),
    "from the future": a_token(a_payload(iat=int(NOW) + 200)),
    "of the second key": a_token(key="key-2"),
    "expired": a_token(a_payload(exp=int(NOW) - 100)),
    "for others": a_token(a_payload(aud="client-9")),
    "tampered": tampered(a_token()),
    "garbage": "a.b.c",
}
KEY_SETS = {"first": ["key-1"], "second": ["key-2"], "both": ["key-1", "key-2"], "none": []}
STEPS = st.one_of(
    st.tuples(st.just("verify"), st.sampled_from(sorted(TOKENS))),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 29.0, 31.0, 120.0, 301.0, 4_000.0, 90_000.0, -50.0, -400.0])),
    st.tuples(st.just("keys"), st.sampled_from(sorted(KEY_SETS))),
    st.tuples(st.just("outage"), st.none()),
)


def outcome(verifier: TokenVerifier, token: str, now: float) -> object:
    """What a verifier says, as something to compare."""
    try:
        return verifier.verify(token, now=now)
    except FiberqError as refused:
        return type(refused), str(refused)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_a_memory_changes_no_answer(steps: list[tuple[str, object]]) -> None:
    """Whatever happens with clock, keys and provider: with a memory or without, the answers are the same."""
    twins, now = (a_verifier(), a_verifier(TokenMemory(most=0))), NOW
    for what, value in steps:
        if what == "wait":
            now += float(str(value))
        for twin in twins:
            if what == "outage":
                twin.fetch_failed(now=now)
            elif what == "keys":
                document = {"keys": [a_jwk(name) for name in KEY_SETS[str(value)]]}
                try:
                    twin.keys_received(document, now=now)
                except ValueError:
                    twin.fetch_failed(now=now)
        if what == "verify":
            remembering, forgetful = (outcome(twin, TOKENS[str(value)], now) for twin in twins)
            assert forgetful == remembering


# --- what it must and must not remember ---


def test_a_known_token_costs_a_twentieth_of_its_signature() -> None:
    """The second time, no signature is checked."""
    verifier, token, key = a_verifier(), a_token(a_payload(name="Ana Petrović", padding="x" * 500)), jwt.PyJWK(a_jwk())
    verifier.verify(token, now=NOW)

    def best(what: Callable[[], object], times: int) -> float:
        return min(timeit.repeat(what, number=times, repeat=7)) / times

    decoding = best(lambda: jwt.decode(token, key, algorithms=["RS256"], options=SIGNATURE_ONLY), 30)
    assert decoding / 20 >= best(lambda: verifier.verify(token, now=NOW), 300)


@pytest.mark.parametrize("later, comes_in", [(0.0, True), (59.9, True), (100.0, False)])
def test_a_remembered_token_expires(later: float, comes_in: bool) -> None:
    """To the second, leeway included, as if it had never been seen before."""
    verifier, token = a_verifier(), a_token(a_payload(exp=int(NOW) + 40))
    verifier.verify(token, now=NOW)

    if comes_in:
        assert isinstance(verifier.verify(token, now=NOW + later), Actor)
    else:
        with pytest.raises(Unauthenticated, match="expired"):
            verifier.verify(token, now=NOW + later)


def test_a_withdrawn_key_ends_its_tokens() -> None:
    """With the next key set they are refused, however well they were known."""
    verifier, token = a_verifier(), a_token()
    verifier.verify(token, now=NOW)

    verifier.keys_received({"keys": [a_jwk("key-2")]}, now=NOW + 1)

    with pytest.raises(UnknownKey):
        verifier.verify(token, now=NOW + 2)


def test_another_key_of_the_same_name_ends_its_tokens() -> None:
    """A key is what it is, not what it is called."""
    verifier, token = a_verifier(), a_token()
    verifier.verify(token, now=NOW)

    verifier.keys_received({"keys": [a_jwk("key-2", kid="key-1")]}, now=NOW + 1)

    with pytest.raises(Unauthenticated, match="signature"):
        verifier.verify(token, now=NOW + 2)


def test_known_tokens_do_not_keep_old_keys_alive() -> None:
    """A known token asks for keys as an unknown one does, when they are no longer fresh."""
    verifier, token = a_verifier(), a_token()
    verifier.verify(token, now=NOW)

    assert isinstance(verifier.verify(token, now=NOW + 300), NeedKeys)


def test_known_tokens_are_known_through_an_outage() -> None:
    """While keys cannot be renewed, no signature is checked twice either; after a day nobody comes in."""
    verifier, token = a_verifier(), a_token(a_payload(exp=int(NOW) + 200_000))
    verifier.memory.keep(digest_of(token), entry(ANA, until=NOW + 200_000))

    verifier.fetch_failed(now=NOW + 86_399)

    assert ANA == verifier.verify(token, now=NOW + 86_399)
    with pytest.raises(KeysUnavailable):
        verifier.verify(token, now=NOW + 86_400)


def test_a_clock_set_back_makes_known_tokens_unknown() -> None:
    """A token that comes from the future now is refused, though it was taken a moment ago."""
    verifier, token = a_verifier(), a_token(a_payload(iat=int(NOW) + 200))
    assert isinstance(verifier.verify(token, now=NOW + 150), Actor)

    with pytest.raises(Unauthenticated, match="future"):
        verifier.verify(token, now=NOW)


def test_a_tampered_token_is_not_the_known_one() -> None:
    """It shares head, signature and most of the payload with a token that is known, and is refused every time."""
    verifier, token = a_verifier(), a_token()
    verifier.verify(token, now=NOW)

    for _ in range(2):
        with pytest.raises(Unauthenticated):
            verifier.verify(tampered(token), now=NOW)
    assert "180002" in json.dumps(jwt.decode(tampered(token), options={"verify_signature": False}))


@pytest.mark.parametrize("name", ["expired", "for others", "tampered", "garbage", "of the second key", "not yet"])
def test_a_refused_token_leaves_nothing_behind(name: str) -> None:
    """A flood of bad tokens pushes no good one out."""
    memory = TokenMemory()

    with pytest.raises(Unauthenticated):
        a_verifier(memory).verify(TOKENS[name], now=NOW)
    assert memory.find(digest_of(TOKENS[name]), now=NOW) is None


def test_no_token_is_kept() -> None:
    """What is in memory cannot be sent to anybody as a token."""
    verifier, token = a_verifier(), a_token()
    verifier.verify(token, now=NOW)

    shown = repr(verifier) + repr(evolve(verifier.memory)) + repr(verifier.memory._known)
    assert all(part not in shown for part in token.split("."))


def test_the_least_used_makes_room() -> None:
    """The memory is bounded; who comes again stays."""
    memory = TokenMemory(most=2)
    memory.keep(b"a", entry(ANA))
    memory.keep(b"b", entry(BOB))
    memory.find(b"a", now=NOW)
    memory.keep(b"c", entry(CECA))

    assert [ANA, None, CECA] == [memory.find(digest, now=NOW) for digest in (b"a", b"b", b"c")]


def test_an_entry_counts_from_since_to_before_until() -> None:
    """Before *since* the clock was set back; at *until* it is over."""
    memory = TokenMemory()
    memory.keep(b"a", entry(ANA, NOW, NOW + 10))

    found = [memory.find(b"a", now=NOW + seconds) for seconds in (-0.1, 0, 9.9, 10)]
    assert [None, ANA, ANA, None] == found


@given(st.text(), st.text())
def test_digests_tell_tokens_apart(one: str, other: str) -> None:
    """Any text has a digest, broken Unicode too; two texts have two."""
    assert (one == other) == (digest_of(one) == digest_of(other))


def test_broken_unicode_has_a_digest() -> None:
    """Headers are bytes of strangers."""
    assert digest_of("\udcff") != digest_of("\udcfe")
