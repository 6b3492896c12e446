"""Which requests the development sign-in answers: those of this machine, of known shape."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

from aiohttp import hdrs, web
from attrs import frozen

from fiberq_aiohttp.addresses import host_of, is_loopback
from fiberq_aiohttp.devgrants import VERIFIER, Refused
from fiberq_aiohttp.settings import DEV_CLIENT
from fiberq_core.errors import Forbidden

SCOPES: Final = ("openid", "profile", "email", "offline_access", "urn:zitadel:iam:org:project:roles")
PROXY_HEADERS: Final = re.compile(
    "Forwarded|X-Forwarded.*|X-Original.*|X-Real-IP|X-Client-IP|True-Client-IP|CF-Connecting-IP|Via", re.IGNORECASE
)
PLAIN_HOST: Final = re.compile(r"(?:[a-z0-9.]+|\[[0-9a-f:]+\])(?::\d{1,5})?", re.IGNORECASE)
UNKNOWN_CLIENT: Final = Refused("invalid_client", f"The development sign-in knows one client, {DEV_CLIENT}")


@frozen
class Asked:
    """A request for an authorisation code that is in order."""

    redirect_uri: str
    challenge: str
    scopes: frozenset[str]
    state: str
    nonce: str

    def back(self, **answer: str) -> str:
        """The address to send the browser back to."""
        given = answer | ({"state": self.state} if self.state else {})
        return f"{self.redirect_uri}{'&' if urlsplit(self.redirect_uri).query else '?'}{urlencode(given)}"


def stay_local(request: web.BaseRequest) -> None:
    """Stop whatever was not sent on this machine, to this machine, directly. Raises: Forbidden.

    The `Host` header is looked at because a page elsewhere can make its own name point here (DNS rebinding).
    """
    near = is_loopback(request.remote or "") and is_loopback(host_of(request.host))
    if not near or any(map(PROXY_HEADERS.fullmatch, request.headers)):
        raise Forbidden("Development sign-in answers on this machine only; for others, configure ZITADEL_DOMAIN")


def same_origin(request: web.BaseRequest) -> None:
    """Stop forms that pages of others sent here. Raises: Forbidden."""
    stay_local(request)
    if request.headers.get(hdrs.ORIGIN) != f"http://{request.host}":
        raise Forbidden("Sign in on the page of this server itself")


def asked_of(params: Mapping[str, str]) -> Asked | Refused:
    """The request for a code that *params* make, or what is wrong with it; none is ever answered by a redirect."""
    if params.get("client_id") != DEV_CLIENT:
        return UNKNOWN_CLIENT
    redirect_uri = params.get("redirect_uri", "")
    if not _is_local_redirect(redirect_uri):
        return Refused("invalid_request", "redirect_uri must be http on this machine, like http://localhost:7070/")
    if params.get("response_type") != "code":
        return Refused("unsupported_response_type", "response_type must be code")
    challenge = params.get("code_challenge", "")
    if params.get("code_challenge_method") != "S256" or not VERIFIER.fullmatch(challenge):
        return Refused("invalid_request", "PKCE is required: code_challenge with code_challenge_method=S256")
    return Asked(redirect_uri, challenge, scopes_of(params), params.get("state", ""), params.get("nonce", ""))


def _is_local_redirect(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    plain = uri.isascii() and uri.isprintable() and not {" ", "\\", "#"} & set(uri)
    plain = plain and PLAIN_HOST.fullmatch(parts.netloc) is not None
    return plain and parts.scheme == "http" and is_loopback(parts.hostname or "")


def scopes_of(params: Mapping[str, str]) -> frozenset[str]:
    """What a client asks for, as far as there is such a thing."""
    return frozenset(params.get("scope", "openid").split()) & frozenset(SCOPES)
