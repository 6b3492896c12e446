"""Personal access tokens: making, listing, ending them; and who stands behind one."""

from collections.abc import Mapping
from typing import Final

from fiberq_aiohttp.flows.access import author_of
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import Fault, Forbidden, Invalid, NotFound, Unauthenticated
from fiberq_core.people import person_of
from fiberq_core.policy import Action, Actor, Reach, allows
from fiberq_core.ports import Page
from fiberq_core.tokens import (
    LONGEST_LABEL,
    MOST_DAYS,
    MOST_TOKENS,
    REFUSED,
    SECRET_BYTES,
    USUAL_DAYS,
    Token,
    digest_of_secret,
    expiry,
    holder,
    secret_of,
)

Json = dict[str, object]

REACHES: Final = tuple(reach.value for reach in Reach)
SIGN_IN_FIRST: Final = (
    "Sign in to do this: an access token cannot make, list or revoke access tokens, except end itself"
)
NONE_OF_YOURS: Final = "There is no such access token of yours"


async def holder_of(ports: Ports, text: str, absence_days: int) -> Actor:
    """Who sent an access token. Raises: Unauthenticated."""
    try:
        token, person = await ports.store.token_behind(digest_of_secret(text))
    except NotFound:
        raise Unauthenticated(REFUSED) from None
    return holder(token, person, now=ports.now(), absence_days=absence_days)


async def make(ports: Ports, actor: Actor, body: Mapping[str, object]) -> Json:
    """A new token of *actor*; only this answer ever shows it. Raises: Forbidden, Invalid, Conflict (too many)."""
    _demand_sign_in(actor)
    if actor.role is None:
        raise Forbidden("You have no role here, so an access token would be good for nothing")
    said = _read(body)
    await ports.store.saw(person_of(actor))
    return await _make(ports, actor, actor.subject, *said)


async def make_for(ports: Ports, actor: Actor, sub: str, body: Mapping[str, object]) -> Json:
    """A new token of somebody who has signed in before, made by whoever oversees tokens. Raises: Forbidden, NotFound, Invalid."""
    _demand_sign_in(actor)
    _demand_oversight(actor)
    said = _read(body)
    if sub not in await ports.store.known_people([sub]):
        raise NotFound("Nobody with this subject has signed in here yet, so a token would have no roles")
    return await _make(ports, actor, sub, *said)


async def _make(ports: Ports, by: Actor, sub: str, label: str, reach: Reach, days: int) -> Json:
    at, secret = ports.now(), secret_of(ports.random_bytes(SECRET_BYTES))
    token = Token(ports.new_uuid(), sub, label, reach, at, expiry(at, days))
    await ports.store.save_token(token, digest_of_secret(secret), by=author_of(by), most=MOST_TOKENS)
    return {"token": secret, **token_json(token)}


async def listed(
    ports: Ports, actor: Actor, sub: str | None, limit: int, cursor: str | None, *, everybodys: bool = False
) -> Page[Json]:
    """The tokens of *actor*; of *sub*, or *everybodys*, for whoever oversees them. Raises: Forbidden, Invalid."""
    _demand_sign_in(actor)
    if everybodys or sub not in (None, actor.subject):
        _demand_oversight(actor)
    found = await ports.store.tokens(None if everybodys else sub or actor.subject, limit, cursor)
    return Page(tuple(token_json(token) for token in found.items), found.next)


async def revoke(ports: Ports, actor: Actor, token_id: str) -> None:
    """End a token of *actor*, or of anybody for whoever oversees them. Raises: NotFound, Forbidden."""
    if actor.token != token_id:
        _demand_sign_in(actor)
    try:
        token = await ports.store.token(token_id)
    except NotFound:
        raise NotFound(NONE_OF_YOURS) from None
    if token.sub != actor.subject and not allows(actor, Action.TOKENS_OVERSEE):
        raise NotFound(NONE_OF_YOURS)
    await ports.store.revoke_token(token_id, by=author_of(actor), at=ports.now())


def token_json(token: Token) -> Json:
    """A token as it is listed: everything but the secret."""
    return {
        "id": token.id,
        "name": token.label,
        "scope": token.reach.value,
        "user_sub": token.sub,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    }


def _demand_sign_in(actor: Actor) -> None:
    if actor.token is not None:
        raise Forbidden(SIGN_IN_FIRST)


def _demand_oversight(actor: Actor) -> None:
    if not allows(actor, Action.TOKENS_OVERSEE):
        raise Forbidden("You may list your own access tokens; those of others only an administrator may")


def _read(body: Mapping[str, object]) -> tuple[str, Reach, int]:
    """Name, scope and days of a new token. Raises: Invalid, with every fault."""
    label, reach, days = body.get("name"), body.get("scope", Reach.SYNC.value), body.get("days", USUAL_DAYS)
    faults = []
    if not isinstance(label, str) or not label.strip() or not label.isprintable() or len(label) > LONGEST_LABEL:
        faults.append(Fault("name", f"must say what the token is for, in at most {LONGEST_LABEL} characters"))
    if reach not in REACHES:
        faults.append(Fault("scope", f"must be one of {', '.join(REACHES)}"))
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        faults.append(Fault("days", f"must be a whole number from 1 to {MOST_DAYS}"))
    if faults:
        raise Invalid("No access token was made; see the errors", faults)
    assert isinstance(label, str)
    assert isinstance(days, int)
    return label, Reach(reach), days
