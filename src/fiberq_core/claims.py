"""From a signed payload to an `Actor`: what a token must say, and in which shapes Zitadel says it.

The signature is `keyset`'s matter. Here it is checked that the token was made by our provider, for us, as an
access token, and that it is valid *now* (seconds since the epoch, an argument like everything else).
"""

import math
from collections.abc import Callable, Iterator, Mapping

from attrs import field, frozen, validators

from fiberq_core.errors import Unauthenticated
from fiberq_core.policy import EVERYONE, Actor, Role

Payload = Mapping[str, object]

MAX_LEEWAY = 60.0  # seconds: more than clocks may differ, less than a stolen token is worth
MAX_SUBJECT = 255  # characters, the limit of OpenID Connect
MAX_LABEL = 200  # characters of a name or address that are kept

PROJECT_ROLES = "urn:zitadel:iam:org:project:roles"
ONE_PROJECT = "urn:zitadel:iam:org:project:"
ROLES_SUFFIX = ":roles"

# What only id tokens (the first four) and logout tokens carry: they prove something else than the right to call us.
NOT_FOR_ACCESS = ("nonce", "at_hash", "c_hash", "s_hash", "events")

NAME_CLAIMS = ("name", "given_name", "preferred_username")
EMAIL_CLAIMS = ("email", "preferred_username")


@frozen
class TokenRules:
    """What tokens must say here. *audiences* are client ids and project id, any of which will do; *leeway* is seconds.

    Roles count only in the project *project_id* and, where *org_ids* is not empty, only as granted by one of these
    organisations.
    """

    issuer: str = field(validator=validators.min_len(1))
    audiences: frozenset[str] = field(validator=validators.min_len(1))
    project_id: str = field(validator=validators.min_len(1))
    org_ids: frozenset[str] = frozenset()
    leeway: float = field(default=MAX_LEEWAY, validator=[validators.ge(0), validators.le(MAX_LEEWAY)])


def actor_of(payload: Payload, rules: TokenRules, now: float) -> Actor:
    """The person that a *payload* with a good signature stands for. Raises: Unauthenticated."""
    for check in CHECKS:
        check(payload, rules, now)
    return Actor(
        _subject(payload),
        roles_of(payload, rules),
        _label(payload, NAME_CLAIMS),
        email=_label(payload, EMAIL_CLAIMS),
        signed_in=_seconds(payload, "iat"),
    )


def expires_at(payload: Payload, rules: TokenRules) -> float:
    """The first moment at which a token is no longer taken. Raises: Unauthenticated."""
    return _seconds(payload, "exp") + rules.leeway


def roles_of(payload: Payload, rules: TokenRules) -> frozenset[Role]:
    """The roles that count: known ones, of our project, granted by an organisation that may grant them."""
    granted = {name for name, orgs in _grants(_role_claim(payload, rules)) if _counts(orgs, rules)}
    return frozenset(role for role in Role if role.value in granted)


def _check_kind(payload: Payload, _rules: TokenRules, _now: float) -> None:
    if any(name in payload for name in NOT_FOR_ACCESS):
        raise Unauthenticated("This is not an access token; send the access token of the same sign-in")


def _check_issuer(payload: Payload, rules: TokenRules, _now: float) -> None:
    if payload.get("iss") != rules.issuer:
        raise Unauthenticated("The token comes from another identity provider than this server trusts")


def _check_audience(payload: Payload, rules: TokenRules, _now: float) -> None:
    said = payload.get("aud")
    audiences = said if isinstance(said, list) else [said]
    if not any(isinstance(audience, str) and audience in rules.audiences for audience in audiences):
        raise Unauthenticated("The token was issued for another application")


def _check_expiry(payload: Payload, rules: TokenRules, now: float) -> None:
    if now >= expires_at(payload, rules):
        raise Unauthenticated("The token has expired; sign in again")


def _check_issued(payload: Payload, rules: TokenRules, now: float) -> None:
    if _seconds(payload, "iat") > now + rules.leeway:
        raise Unauthenticated("The token was issued in the future; check the clock of this server")


def _check_not_before(payload: Payload, rules: TokenRules, now: float) -> None:
    if "nbf" in payload and _seconds(payload, "nbf") > now + rules.leeway:
        raise Unauthenticated("The token is not valid yet; check the clock of this server")


CHECKS: tuple[Callable[[Payload, TokenRules, float], None], ...] = (
    _check_kind,
    _check_issuer,
    _check_audience,
    _check_expiry,
    _check_issued,
    _check_not_before,
)


def _seconds(payload: Payload, name: str) -> float:
    value = payload.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unauthenticated(f"The token has no usable {name}")
    return value


def _subject(payload: Payload) -> str:
    subject = payload.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
        raise Unauthenticated("The token has no usable sub")
    if not subject.isprintable() or subject != subject.strip() or subject == EVERYONE:
        raise Unauthenticated("The token has no usable sub")
    return subject


def _label(payload: Payload, names: tuple[str, ...]) -> str:
    """The first of these claims that says something, as text for people."""
    for name in names:
        value = payload.get(name)
        text = "".join(c for c in value if c.isprintable()).strip() if isinstance(value, str) else ""
        if text:
            return text[:MAX_LABEL]
    return ""


def _role_claim(payload: Payload, rules: TokenRules) -> object:
    """The claim of our project; the claim without a project id only where no project is named at all.

    Beside claims that name projects, Zitadel's claim without one speaks of the project whose application asked for
    the token. If ours is not among the named, that is another project.
    """
    ours = f"{ONE_PROJECT}{rules.project_id}{ROLES_SUFFIX}"
    if any(_names_project(claim) for claim in payload):
        return payload.get(ours)
    return payload.get(PROJECT_ROLES)


def _names_project(claim: str) -> bool:
    return claim.startswith(ONE_PROJECT) and claim.endswith(ROLES_SUFFIX) and claim != PROJECT_ROLES


def _grants(claim: object) -> Iterator[tuple[str, object]]:
    """Role name and granting organisations, from an object or an array of objects; anything else grants nothing."""
    for part in claim if isinstance(claim, list) else [claim]:
        if isinstance(part, Mapping):
            yield from part.items()


def _counts(orgs: object, rules: TokenRules) -> bool:
    if not isinstance(orgs, Mapping) or not orgs:
        return False
    return not rules.org_ids or not rules.org_ids.isdisjoint(orgs)
