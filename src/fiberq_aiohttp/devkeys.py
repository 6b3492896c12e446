"""The development sign-in's people, its signing key in the data folder, and the Zitadel-shaped tokens it signs."""

import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import jwt
from attrs import field, frozen
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fiberq_aiohttp.settings import DEV_CLIENT
from fiberq_core.claims import PROJECT_ROLES
from fiberq_core.errors import Fault, Invalid, NotFound, StoreUnavailable
from fiberq_core.keyset import ALGORITHM
from fiberq_core.policy import Role

KEY_FILE: Final = "dev-signing-key.pem"
ISSUER_FILE: Final = "dev-issuer.txt"
KEY_SIZE: Final = 2048  # bits
TOKEN_LIFE: Final = 12 * 3600  # seconds, as Zitadel has it
ORGANISATION: Final = {"fiberq-dev-org": "fiberq-dev.localhost"}


@frozen
class Person:
    """Somebody whom one can sign in as."""

    sub: str
    name: str
    roles: tuple[Role, ...] = ()

    @property
    def email(self) -> str:
        """An address that never leaves this machine."""
        return f"{self.sub}@fiberq-dev.localhost"


PEOPLE: Final = (
    Person("ana", "Ana Admin", (Role.ADMIN,)),
    Person("elena", "Elena Engineer", (Role.ENGINEER,)),
    Person("filip", "Filip Field", (Role.FIELD_WORKER,)),
    Person("frida", "Frida Field", (Role.FIELD_WORKER,)),
    Person("nobody", "Nino Norole"),
)


@frozen
class Signer:
    """A signing key and the id that it is published under."""

    key: rsa.RSAPrivateKey = field(repr=False)
    key_id: str

    def sign(self, claims: Mapping[str, object]) -> str:
        """A token with these claims."""
        head = {"typ": "JWT", "kid": self.key_id}
        return jwt.encode(dict(claims), self.key, algorithm=ALGORITHM, headers=head)

    def jwks(self) -> dict[str, object]:
        """The key set that verifies what this signs."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.key_id, "use": "sig", "alg": ALGORITHM}]}


def load_signer(data: Path) -> Signer:
    """The signing key of the data folder, made on first use for its owner's eyes only. Raises: StoreUnavailable."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (data / KEY_FILE).exists():
            _create_key(data / KEY_FILE)
        key = serialization.load_pem_private_key((data / KEY_FILE).read_bytes(), password=None)
    except (OSError, ValueError) as broken:
        raise StoreUnavailable(f"{KEY_FILE} in the data folder cannot be used: {broken}") from broken
    if not isinstance(key, rsa.RSAPrivateKey):
        raise StoreUnavailable(f"{KEY_FILE} in the data folder is no RSA key; remove it and a new one is made")
    return Signer(key, _thumbprint(key))


def remember_issuer(data: Path, issuer: str) -> None:
    """Note in the data folder which server serves it, for `issue_dev_token`. Raises: StoreUnavailable."""
    try:
        (data / ISSUER_FILE).write_text(issuer + "\n", encoding="ascii")
    except OSError as broken:
        raise StoreUnavailable(f"{ISSUER_FILE} in the data folder cannot be written: {broken}") from broken


def remembered_issuer(data: Path) -> str:
    """The issuer of the server that last ran on this folder with development sign-in. Raises: NotFound."""
    try:
        return (data / ISSUER_FILE).read_text(encoding="ascii").strip()
    except OSError:
        raise NotFound("No server has run on this data folder with --dev yet; start one first") from None


def issue_dev_token(data: Path, issuer: str, role: str | None, sub: str, name: str, now: float) -> str:
    """An access token that the development server of this data folder takes for twelve hours from *now*.

    *role* None gives somebody without a role. Raises: Invalid, StoreUnavailable.
    """
    known = [known.value for known in Role]
    if role is not None and role not in known:
        raise Invalid("There is no such role", [Fault("--role", f"must be one of {', '.join(known)}")])
    person = Person(sub, name, (Role(role),) if role else ())
    return load_signer(data).sign(access_claims(issuer, person, now))


def access_claims(issuer: str, person: Person, now: float) -> dict[str, object]:
    """The claims of an access token, shaped as Zitadel's; beyond those it carries name and address."""
    return {
        **_times(issuer, person, now),
        **profile(person),
        "aud": [DEV_CLIENT],
        "client_id": DEV_CLIENT,
        "jti": secrets.token_hex(8),
    }


def id_claims(issuer: str, person: Person, now: float, *, access_token: str, nonce: str) -> dict[str, object]:
    """The claims of an id token; `at_hash` ties it to *access_token* and tells it from one."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    claims = {**_times(issuer, person, now), **profile(person), "aud": DEV_CLIENT, "azp": DEV_CLIENT}
    claims |= {"auth_time": int(now), "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode()}
    return claims | ({"nonce": nonce} if nonce else {})


def profile(person: Person) -> dict[str, object]:
    """Who somebody is, as userinfo and tokens say it."""
    claims: dict[str, object] = {
        "sub": person.sub,
        "name": person.name,
        "preferred_username": person.email,
        "email": person.email,
        "email_verified": True,
    }
    roles = {role.value: ORGANISATION for role in person.roles}
    return claims | {
        name: roles for name in (PROJECT_ROLES, f"urn:zitadel:iam:org:project:{DEV_CLIENT}:roles") if roles
    }


def _times(issuer: str, person: Person, now: float) -> dict[str, object]:
    return {"iss": issuer, "sub": person.sub, "iat": int(now), "exp": int(now) + TOKEN_LIFE}


def _create_key(path: Path) -> None:
    """Write a new key beside *path*, then give it that name; a process that was faster keeps its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_SIZE)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    fresh = path.with_name(f"{KEY_FILE}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _thumbprint(key: rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]
