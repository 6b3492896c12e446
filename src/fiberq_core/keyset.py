"""Verify bearer tokens against a rotating key set, without I/O: the machine asks for keys by returning `NeedKeys`.

Theory of operation. Keys are *fresh* for a while after they came, then they are asked for again, and *usable* for
much longer, so that the provider's outage logs nobody out. A token that names an unknown key may mean that the
provider has changed its keys, so that asks too; but whatever callers send, keys are asked for at most once per
`min_gap`, because callers need no right to send us tokens. The driver fetches, reports, and verifies again.

A token that was found good is remembered until it expires or keys come, whichever is first: what a withdrawn key
signed is looked at anew and refused. Remembering changes the time that an answer takes, and no answer.

The algorithm belongs to the key, never to the token: every key here verifies RS256 and nothing else.
"""

import math
from collections.abc import Mapping

import jwt
from attrs import define, field, frozen
from jwt.types import Options

from fiberq_core.claims import Payload, TokenRules, actor_of, expires_at
from fiberq_core.errors import KeysUnavailable, Unauthenticated, UnknownKey
from fiberq_core.policy import Actor
from fiberq_core.remembered import Remembered, TokenMemory, digest_of

ALGORITHM = "RS256"
TOKEN_TYPES = frozenset({"jwt", "at+jwt"})
MAX_TOKEN = 16_384  # characters; Zitadel's tokens with many roles are some 4,000
MAX_KEY_ID = 255  # characters
KEY_BITS = range(2048, 16_384 + 1)  # RFC 7518 section 3.3; a signature of a longer key is dear to check

# `claims` checks these with our clock; PyJWT would read its own.
SIGNATURE_ONLY: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


@frozen
class NeedKeys:
    """Effect: fetch the key set of *issuer*, report by `keys_received` or `fetch_failed`, then verify again."""

    issuer: str


@define
class TokenVerifier:
    """Check bearer tokens. `verify` changes nothing that an answer depends on; only the two reports do.

    *now* is seconds since the epoch; every duration is in seconds.
    """

    rules: TokenRules
    fresh_for: float = 300.0
    usable_for: float = 86_400.0
    min_gap: float = 30.0
    memory: TokenMemory = field(factory=TokenMemory, repr=False)
    _keys: Mapping[str, jwt.PyJWK] = field(factory=dict, init=False, repr=False)
    _received_at: float = field(default=-math.inf, init=False)
    _reported_at: float = field(default=-math.inf, init=False)

    def verify(self, token: str, *, now: float) -> Actor | NeedKeys:
        """Who sent *token*. Raises: Unauthenticated (or its child UnknownKey), KeysUnavailable."""
        if len(token) > MAX_TOKEN:
            raise Unauthenticated("The token is too long")
        digest = digest_of(token)
        known = self.memory.find(digest, now=now) if self._settled(now) else None
        return known or self._examine(token, digest, now)

    def _settled(self, now: float) -> bool:
        """Whether the keys at hand are those to go by: neither to be asked for nor too old to use."""
        return (self._fresh(now) or self._resting(now)) and now - self._received_at < self.usable_for

    def _examine(self, token: str, digest: bytes, now: float) -> Actor | NeedKeys:
        key_id = _key_id(token)
        if (key_id not in self._keys or not self._fresh(now)) and not self._resting(now):
            return NeedKeys(self.rules.issuer)
        if now - self._received_at >= self.usable_for:
            raise KeysUnavailable("The identity provider's keys cannot be fetched; try again in a minute")
        if key_id not in self._keys:
            raise UnknownKey("The token is signed with a key that the provider does not publish; sign in again")
        payload = _signed_payload(token, self._keys[key_id])
        actor = actor_of(payload, self.rules, now)
        self.memory.keep(digest, Remembered(actor, since=now, until=expires_at(payload, self.rules)))
        return actor

    def age(self, *, now: float) -> float:
        """Seconds since keys were received; infinite where there never were any."""
        return now - self._received_at

    def wants_keys(self, *, now: float) -> bool:
        """Whether the keys should be fetched now: they are old, and nobody has tried a moment ago."""
        return not self._fresh(now) and not self._resting(now)

    def keys_received(self, document: object, *, now: float) -> None:
        """Replace all keys by those of a JWKS *document*: one that is gone was revoked.

        Raises: ValueError, if no key of it is usable; then nothing has changed.
        """
        self._keys = _keys_of(document)
        self.memory.forget_all()
        self._received_at = self._reported_at = now

    def fetch_failed(self, *, now: float) -> None:
        """Keep what we have: the provider's outage must not log people out."""
        self._reported_at = now

    # Both windows are open at their start too: a clock that was set back must not freeze the keys.
    def _fresh(self, now: float) -> bool:
        return 0 <= now - self._received_at < self.fresh_for

    def _resting(self, now: float) -> bool:
        return 0 <= now - self._reported_at < self.min_gap


def _key_id(token: str) -> str:
    """The key that *token* claims to be signed with, if its head is one that we might accept at all."""
    try:
        head = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):  # the last from older releases of PyJWT
        raise Unauthenticated("This is not a signed token (JWT)") from None
    if head.get("alg") != ALGORITHM:
        raise Unauthenticated(f"The token must be signed with {ALGORITHM}")
    if _type_of(head) not in TOKEN_TYPES:
        raise Unauthenticated("This is not an access token: its typ is neither JWT nor at+jwt")
    key_id = head.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= MAX_KEY_ID:
        raise Unauthenticated("The token does not name its signing key")
    return key_id


def _type_of(head: Mapping[str, object]) -> str:
    """`typ` in short form; RFC 7515 lets the prefix `application/` be left out, and case does not matter."""
    kind = head.get("typ")
    return kind.lower().removeprefix("application/") if isinstance(kind, str) else ""


def _signed_payload(token: str, key: jwt.PyJWK) -> Payload:
    try:
        payload: Payload = jwt.decode(token, key, algorithms=[ALGORITHM], options=SIGNATURE_ONLY)
    except (jwt.PyJWTError, ValueError):
        raise Unauthenticated("The token's signature is wrong") from None
    return payload


def _keys_of(document: object) -> Mapping[str, jwt.PyJWK]:
    """The usable keys of a JWKS document by id. Raises: ValueError."""
    entries = document.get("keys") if isinstance(document, Mapping) else None
    keys: dict[str, jwt.PyJWK] = {}
    for entry in entries if isinstance(entries, list) else []:
        key = _key_of(entry)
        if key is not None and key.key_id is not None:
            keys.setdefault(key.key_id, key)
    if not keys:
        raise ValueError("no usable RSA key in the key set")
    return keys


def _key_of(entry: object) -> jwt.PyJWK | None:
    """A public RSA key for signatures, or None for everything that a provider may publish beside it."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or "d" in entry:
        return None
    if any(entry.get(name, wanted) != wanted for name, wanted in (("use", "sig"), ("alg", ALGORITHM))):
        return None
    try:
        key = jwt.PyJWK(entry, algorithm=ALGORITHM)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if key.key.key_size in KEY_BITS else None
