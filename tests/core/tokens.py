"""Signed tokens for tests: the smallest legal ones, and the means to make them wrong."""

from collections.abc import Mapping
from functools import cache

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from fiberq_core.claims import TokenRules

NOW = 1_800_000_000.0
ISSUER = "https://id.example.org"
PROJECT = "2700"
RULES = TokenRules(issuer=ISSUER, audiences=frozenset({"client-1", "client-2", PROJECT}), project_id=PROJECT)


@cache
def _key(_name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def a_key(name: str = "key-1", bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key; the same one each time for the same name."""
    return _key(name, bits)


def a_jwk(name: str = "key-1", bits: int = 2048, **changes: object) -> dict[str, object]:
    """The public half as a provider publishes it."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(a_key(name, bits).public_key(), as_dict=True)
    return {"kty": "RSA", "n": public["n"], "e": public["e"], "kid": name, "use": "sig", "alg": "RS256"} | changes


def a_payload(**changes: object) -> dict[str, object]:
    """The claims of an access token; None leaves a claim out."""
    claims = {
        "iss": ISSUER,
        "aud": ["client-1", PROJECT],
        "sub": "180001",
        "iat": int(NOW) - 10,
        "exp": int(NOW) + 3600,
        "urn:zitadel:iam:org:project:roles": {"engineer": {"501": "acme.example.org"}},
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def a_token(payload: Mapping[str, object] | None = None, key: str = "key-1", **head: object) -> str:
    """A token signed with *key*."""
    claims = dict(a_payload() if payload is None else payload)
    return jwt.encode(claims, a_key(key), algorithm="RS256", headers={"typ": "JWT", "kid": key} | head)
