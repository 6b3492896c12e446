"""The token verifier: signatures, and when it asks for keys. No network, no clock."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st

from fiberq_core.errors import KeysUnavailable, Unauthenticated, UnknownKey
from fiberq_core.keyset import NeedKeys, TokenVerifier
from fiberq_core.policy import Actor
from tests.core.tokens import ISSUER, NOW, RULES, a_jwk, a_key, a_payload, a_token

ASKS = NeedKeys(ISSUER)


def a_verifier(*jwks: dict[str, object], now: float = NOW) -> TokenVerifier:
    """A verifier that has just received these keys."""
    verifier = TokenVerifier(RULES)
    verifier.keys_received({"keys": list(jwks) or [a_jwk()]}, now=now)
    return verifier


def b64(data: bytes) -> str:
    """Unpadded base64, as tokens are written."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def by_hand(head: object, payload: object, sign: Callable[[bytes], bytes] = lambda _: b"") -> str:
    """A token put together without a library that would refuse to."""
    body = ".".join(b64(json.dumps(part).encode()) for part in (head, payload))
    return f"{body}.{b64(sign(body.encode()))}"


def confused() -> str:
    """A token signed with HMAC, the published public key as the secret."""
    pem = a_key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "JWT", "kid": "key-1"}
    return by_hand(head, a_payload(), lambda body: hmac.digest(pem, body, hashlib.sha256))


def tampered() -> str:
    """A good token whose payload was exchanged."""
    head, _, signature = a_token().split(".")
    return f"{head}.{b64(json.dumps(a_payload(sub='another')).encode())}.{signature}"


def test_a_good_token_is_taken() -> None:
    """A token signed with a published key stands for its subject."""
    actor = a_verifier().verify(a_token(), now=NOW)

    assert isinstance(actor, Actor)
    assert "180001" == actor.subject


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_types_of_access_tokens(typ: str) -> None:
    """RFC 7519 and RFC 9068 tokens are taken, however their type is written."""
    assert isinstance(a_verifier().verify(a_token(typ=typ), now=NOW), Actor)


FORGED: dict[str, Callable[[], str]] = {
    "garbage": lambda: "garbage",
    "empty": lambda: "",
    "dots": lambda: "..",
    "two parts": lambda: a_token().rsplit(".", 1)[0],
    "four parts": lambda: a_token() + ".x",
    "not base64": lambda: "!.!.!",
    "not latin": lambda: "тoken.тoken.тoken",
    "a surrogate": lambda: "\ud800.a.b",
    "well signed but too long": lambda: a_token(a_payload(padding="x" * 16_384)),
    "1 MB": lambda: "a" * 1_000_000,
    "deep": lambda: f"{b64(b'[' * 10_000)}.e30.e30",
    "deep inside": lambda: f"{b64(b'{' + b'%d:' % 0 + b'[' * 8_000)}.e30.e30",
    "huge number": lambda: f'{b64(b"""{"alg":"RS256","x":""" + b"9" * 9_000 + b"}")}.e30.e30',
    "head is a list": lambda: by_hand([], a_payload()),
    "unsigned": lambda: by_hand({"alg": "none", "typ": "JWT", "kid": "key-1"}, a_payload()),
    "unsigned, None": lambda: by_hand({"alg": "None", "typ": "JWT", "kid": "key-1"}, a_payload()),
    "signature left out": lambda: a_token().rsplit(".", 1)[0] + ".",
    "alg missing": lambda: by_hand({"typ": "JWT", "kid": "key-1"}, a_payload()),
    "alg a list": lambda: by_hand({"alg": ["RS256"], "typ": "JWT", "kid": "key-1"}, a_payload()),
    "HMAC with the public key": confused,
    "tampered": tampered,
    "another key under this id": lambda: a_token(key="key-2", kid="key-1"),
    "PS256": lambda: jwt.encode(a_payload(), a_key(), algorithm="PS256", headers={"kid": "key-1"}),
    "RS512": lambda: jwt.encode(a_payload(), a_key(), algorithm="RS512", headers={"kid": "key-1"}),
    "typ of an id token": lambda: a_token(typ="id+jwt"),
    "typ of a logout token": lambda: a_token(typ="logout+jwt"),
    "typ missing": lambda: by_hand({"alg": "RS256", "kid": "key-1"}, a_payload()),
    "typ a number": lambda: by_hand({"alg": "RS256", "typ": 1, "kid": "key-1"}, a_payload()),
    "kid missing": lambda: by_hand({"alg": "RS256", "typ": "JWT"}, a_payload()),
    "kid a number": lambda: by_hand({"alg": "RS256", "typ": "JWT", "kid": 1}, a_payload()),
    "kid too long": lambda: by_hand({"alg": "RS256", "typ": "JWT", "kid": "k" * 256}, a_payload()),
    "critical extension": lambda: a_token(crit=["exp"]),
    "key brought along": lambda: a_token(key="key-2", kid="key-1", jwk=a_jwk("key-2")),
    "expired": lambda: a_token(a_payload(exp=NOW - 60)),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_forged_tokens_are_refused(token: Callable[[], str]) -> None:
    """Nothing that is not an RS256 access token signed with the named, published key is believed."""
    with pytest.raises(Unauthenticated) as caught:
        a_verifier().verify(token(), now=NOW)

    assert token() not in str(caught.value) or not token()


@pytest.mark.parametrize("name", [name for name in FORGED if name.startswith(("garbage", "unsigned", "typ", "1 MB"))])
def test_hopeless_tokens_do_not_cause_a_fetch(name: str) -> None:
    """A token that no key could make good is refused before keys are asked for."""
    with pytest.raises(Unauthenticated):
        TokenVerifier(RULES).verify(FORGED[name](), now=NOW)


@settings(max_examples=50)
@given(st.text() | st.lists(st.binary().map(b64), min_size=3, max_size=3).map(".".join))
def test_any_text_is_refused(text: str) -> None:
    """Whatever is sent as a token, the answer is a refusal and not another error."""
    with pytest.raises(Unauthenticated):
        a_verifier().verify(text, now=NOW)


def test_the_first_token_asks_for_keys() -> None:
    """Without keys, verification asks for them, as often as it is called, and changes nothing."""
    verifier = TokenVerifier(RULES)

    assert [ASKS, ASKS] == [verifier.verify(a_token(), now=NOW) for _ in range(2)]


def test_without_keys_and_provider_nobody_is_let_in() -> None:
    """When the first fetch fails, the answer is that keys are missing, until it is time to ask again."""
    verifier = TokenVerifier(RULES)
    verifier.fetch_failed(now=NOW)

    with pytest.raises(KeysUnavailable):
        verifier.verify(a_token(), now=NOW + 29.9)
    assert ASKS == verifier.verify(a_token(), now=NOW + 30)


def test_fresh_keys_are_used_without_asking() -> None:
    """For five minutes keys are used as they are; then they are asked for again."""
    verifier = a_verifier()

    assert isinstance(verifier.verify(a_token(), now=NOW + 299.9), Actor)
    assert ASKS == verifier.verify(a_token(), now=NOW + 300)


def test_stale_keys_carry_through_an_outage() -> None:
    """While the provider is away, the last keys serve for a day, and no longer."""
    verifier = a_verifier()
    token = a_token(a_payload(exp=NOW + 200_000))

    verifier.fetch_failed(now=NOW + 86_399)
    assert isinstance(verifier.verify(token, now=NOW + 86_399), Actor)

    with pytest.raises(KeysUnavailable):
        verifier.verify(token, now=NOW + 86_400)


def test_unknown_keys_are_asked_for_at_most_once_per_gap() -> None:
    """However many tokens with made-up keys come, one fetch per gap is caused."""
    verifier = a_verifier()
    made_up = a_token(kid="made-up")

    with pytest.raises(UnknownKey):
        verifier.verify(made_up, now=NOW + 1)
    assert ASKS == verifier.verify(made_up, now=NOW + 30)

    verifier.keys_received({"keys": [a_jwk()]}, now=NOW + 30)
    with pytest.raises(UnknownKey):
        verifier.verify(made_up, now=NOW + 59.9)


def test_a_new_key_is_found() -> None:
    """After the provider changed keys, the new one works and the old one is revoked."""
    verifier = a_verifier()
    assert ASKS == verifier.verify(a_token(key="key-2"), now=NOW + 30)

    verifier.keys_received({"keys": [a_jwk("key-2")]}, now=NOW + 30)

    assert isinstance(verifier.verify(a_token(key="key-2"), now=NOW + 31), Actor)
    with pytest.raises(UnknownKey):
        verifier.verify(a_token(), now=NOW + 31)


def test_a_clock_set_back_does_not_freeze_the_keys() -> None:
    """Keys received in what is now the future are asked for again, and used meanwhile."""
    verifier = a_verifier(now=NOW + 1_000_000)
    assert ASKS == verifier.verify(a_token(), now=NOW)

    verifier.fetch_failed(now=NOW)

    assert isinstance(verifier.verify(a_token(), now=NOW), Actor)


USELESS: dict[str, object] = {
    "nothing": None,
    "text": "keys",
    "no keys": {},
    "keys not a list": {"keys": {"kid": a_jwk()}},
    "empty": {"keys": []},
    "rubbish": {"keys": [None, 1, "x", [], {}]},
    "for encryption": {"keys": [a_jwk(use="enc")]},
    "of another algorithm": {"keys": [a_jwk(alg="RS512")]},
    "too short": {"keys": [a_jwk("short", 1024)]},
    "without id": {"keys": [{k: v for k, v in a_jwk().items() if k != "kid"}]},
    "id a number": {"keys": [a_jwk(kid=1)]},
    "elliptic": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "key-1"}]},
    "symmetric": {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "key-1"}]},
    "private": {"keys": [jwt.algorithms.RSAAlgorithm.to_jwk(a_key(), as_dict=True) | {"kid": "key-1"}]},
    "broken": {"keys": [a_jwk(n="!")]},
    "modulus missing": {"keys": [{"kty": "RSA", "kid": "key-1"}]},
    "modulus a number": {"keys": [a_jwk(n=5)]},
    "kty missing": {"keys": [{k: v for k, v in a_jwk().items() if k != "kty"}]},
}


@pytest.mark.parametrize("document", USELESS.values(), ids=USELESS)
def test_a_useless_document_changes_nothing(document: object) -> None:
    """A key set without one usable key is refused, and what we had stays."""
    verifier = a_verifier()

    with pytest.raises(ValueError, match="no usable RSA key"):
        verifier.keys_received(document, now=NOW + 100)
    assert isinstance(verifier.verify(a_token(), now=NOW + 100), Actor)
    assert ASKS == verifier.verify(a_token(), now=NOW + 300)


def test_other_keys_are_passed_over() -> None:
    """Beside keys of kinds that we do not use, the RSA key is found, with or without use and alg."""
    plain = {name: value for name, value in a_jwk().items() if name not in ("use", "alg")}
    others = [
        a_jwk("other", **odd)
        for odd in ({"use": "enc"}, {"alg": "RS512"}, {"kty": "oct"}, {"n": "!"}, {"kid": 1}, {"kty": "EC"})
    ]

    assert isinstance(a_verifier(*others, plain).verify(a_token(), now=NOW), Actor)


def test_the_first_key_of_an_id_counts() -> None:
    """A second key under the same id does not replace the first."""
    twice = a_verifier(a_jwk(), a_jwk("key-2", kid="key-1"))

    assert isinstance(twice.verify(a_token(), now=NOW), Actor)
