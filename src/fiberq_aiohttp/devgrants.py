"""What the development sign-in has promised and not yet given: codes, device codes, refresh tokens.

Plain state: no clock (*now* is seconds since the epoch) and no HTTP. Codes come from *random*. A refusal is a
value, since OAuth clients are told of it by name. Everything is bounded, expires, and is lost when the server stops.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Final, TypeVar

from attrs import define, evolve, field, frozen

from fiberq_aiohttp.devkeys import Person

CODE_LIFE: Final = 60.0  # seconds
DEVICE_LIFE: Final = 300.0  # seconds, as long as the plugin waits
REFRESH_LIFE: Final = 30 * 86_400.0  # seconds
INTERVAL: Final = 5.0  # seconds between polls of one device; each poll too early adds as much (RFC 8628)
MAX_OPEN: Final = 256  # of each kind; then the oldest goes
USER_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words
USER_LENGTH: Final = 8
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")

T = TypeVar("T")


@frozen
class Refused:
    """An OAuth error: its registered name and a sentence for whoever debugs the client."""

    error: str
    description: str


@frozen
class Grant:
    """Somebody let a client act for them."""

    person: Person
    scopes: frozenset[str]
    nonce: str = ""


@frozen
class Code:
    """An authorisation code that waits to be exchanged."""

    grant: Grant
    redirect_uri: str
    challenge: str
    expires_at: float


@frozen
class Device:
    """A device that waits for somebody to approve it."""

    user_code: str
    scopes: frozenset[str]
    expires_at: float
    interval: float = INTERVAL
    polled_at: float = float("-inf")
    person: Person | None = None
    denied: bool = False


def _secret() -> str:
    return secrets.token_urlsafe(32)


@define
class Grants:
    """Everything that is open."""

    random: Callable[[], str] = _secret
    _codes: dict[str, Code] = field(factory=dict, init=False, repr=False)
    _devices: dict[str, Device] = field(factory=dict, init=False, repr=False)
    _refreshes: dict[str, tuple[Grant, float]] = field(factory=dict, init=False, repr=False)

    def start_code(self, grant: Grant, redirect_uri: str, challenge: str, now: float) -> str:
        """A code that the client of *redirect_uri* may exchange once, with the verifier of *challenge*."""
        return self._add(self._codes, Code(grant, redirect_uri, challenge, now + CODE_LIFE))

    def exchange_code(self, code: str, redirect_uri: str, verifier: str, now: float) -> Grant | Refused:
        """What *code* stands for. It is used up, whatever comes of it."""
        found = self._codes.pop(code, None)
        if found is None or now >= found.expires_at:
            return Refused("invalid_grant", "The code is unknown, used or expired")
        if redirect_uri != found.redirect_uri:
            return Refused("invalid_grant", "redirect_uri is not the one that the code was sent to")
        if not VERIFIER.fullmatch(verifier) or not hmac.compare_digest(challenge_of(verifier), found.challenge):
            return Refused("invalid_grant", "code_verifier does not match the code_challenge")
        return found.grant

    def start_device(self, scopes: frozenset[str], now: float) -> tuple[str, Device]:
        """The secret that the device polls with, and what it shows to its user."""
        letters = "".join(secrets.choice(USER_ALPHABET) for _ in range(USER_LENGTH))
        device = Device(f"{letters[:4]}-{letters[4:]}", scopes, now + DEVICE_LIFE)
        return self._add(self._devices, device), device

    def waiting(self, user_code: str, now: float) -> Device | None:
        """The device that shows *user_code*, however that is written, if it still waits for an answer."""
        found = self._find(user_code, now)
        return self._devices[found] if found else None

    def decide(self, user_code: str, person: Person | None, now: float) -> bool:
        """Approve the device for *person*, or deny it with None. False: no such device waits."""
        found = self._find(user_code, now)
        if found:
            self._devices[found] = evolve(self._devices[found], person=person, denied=person is None)
        return bool(found)

    def poll(self, device_code: str, now: float) -> Grant | Refused:
        """What became of a device. An approved one is used up."""
        device = self._devices.get(device_code)
        if device is None:
            return Refused("invalid_grant", "The device code is unknown or used")
        if now >= device.expires_at:
            return Refused("expired_token", "Nobody approved the device in time; start again")
        if now - device.polled_at < device.interval:
            self._devices[device_code] = evolve(device, polled_at=now, interval=device.interval + INTERVAL)
            return Refused("slow_down", f"Wait {device.interval + INTERVAL:.0f} seconds between polls")
        self._devices[device_code] = evolve(device, polled_at=now)
        if not device.person and not device.denied:
            return Refused("authorization_pending", "Nobody has approved the device yet")
        del self._devices[device_code]
        if device.person is None:
            return Refused("access_denied", "The sign-in was refused")
        return Grant(device.person, device.scopes)

    def start_refresh(self, grant: Grant, now: float) -> str:
        """A refresh token for *grant*."""
        return self._add(self._refreshes, (evolve(grant, nonce=""), now + REFRESH_LIFE))

    def refresh(self, token: str, now: float) -> Grant | Refused:
        """What a refresh token stands for. It is used up; the answer brings a new one."""
        grant, expires_at = self._refreshes.pop(token, (None, 0.0))
        if grant is None or now >= expires_at:
            return Refused("invalid_grant", "The refresh token is unknown, used or expired; sign in again")
        return grant

    def _add(self, kind: dict[str, T], item: T) -> str:
        while len(kind) >= MAX_OPEN:
            del kind[next(iter(kind))]
        name = self.random()
        kind[name] = item
        return name

    def _find(self, user_code: str, now: float) -> str | None:
        letters = "".join(c for c in user_code.upper() if c in USER_ALPHABET)
        for code, device in self._devices.items():
            open_still = now < device.expires_at and not device.person and not device.denied
            if open_still and device.user_code.replace("-", "") == letters:
                return code
        return None


def challenge_of(verifier: str) -> str:
    """The S256 challenge of RFC 7636."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
