"""Who may come in: every route says what it is for, and one middleware turns tokens into people and holds to that.

Whether somebody may do it in the project of the address is decided by the flows, which know the members. Here
only those are stopped whose token could never allow it.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import hdrs, web
from aiohttp.helpers import ChainMapProxy
from aiohttp.typedefs import Handler

from fiberq_aiohttp.flows.tokens import holder_of
from fiberq_aiohttp.keys import ACTOR, ATTENDANCE, BEARER, PORTS, SETTINGS
from fiberq_core.errors import Fault, Forbidden, Invalid, Unauthenticated
from fiberq_core.policy import Action, Actor, allows
from fiberq_core.tokens import is_personal

H = TypeVar("H", bound=Callable[..., Any])

log = logging.getLogger("fiberq.auth")


def requires(action: Action | None, *, unless: Callable[[web.Request], bool] | None = None) -> Callable[[H], H]:
    """Declare what a handler is for; None: any signed-in person may call it, with or without a role.

    *unless* says of a request whether it shows in another way that it may, and raises where that is not true.
    """

    def declare(handler: H) -> H:
        handler.action = action  # type: ignore[attr-defined]
        handler.unless = unless  # type: ignore[attr-defined]
        return handler

    return declare


def public(handler: H) -> H:
    """Declare that a handler needs no sign-in."""
    handler.public = True  # type: ignore[attr-defined]
    return handler


def check_guards(app: web.Application) -> None:
    """Refuse to start with a route that does not say what it is for. Raises: Invalid."""
    faults = [
        Fault(
            f"{route.method} {route.resource.canonical if route.resource else ''}", "declares neither action nor public"
        )
        for route in app.router.routes()
        if not hasattr(route.handler, "action") and not hasattr(route.handler, "public")
    ]
    if faults:
        raise Invalid("Some routes are not guarded", faults)


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the sender into `request[ACTOR]`, or stop here. Raises: Unauthenticated, Forbidden, KeysUnavailable."""
    match = request.match_info
    if match.http_exception is not None or hasattr(match.handler, "public"):
        return await handler(request)
    unless: Callable[[web.Request], bool] | None = match.handler.unless  # type: ignore[attr-defined]
    if unless is not None and unless(request):
        return await handler(request)
    actor = await _actor(request)
    action: Action | None = match.handler.action  # type: ignore[attr-defined]
    if action is not None:
        _admit(actor, action)
    request[ACTOR] = actor
    return await handler(request)


async def _actor(request: web.Request) -> Actor:
    try:
        actor = await _sender(request.config_dict, bearer_token(request))
    except Unauthenticated as refused:
        log.info("refused %s %s: %s", request.method, request.path, refused)
        raise
    log.debug("%s %s by %s", request.method, request.path, actor.subject)
    return actor


async def _sender(app: ChainMapProxy, token: str) -> Actor:
    """Who sent *token*, one of the provider's or one of ours. Raises: Unauthenticated, KeysUnavailable."""
    if is_personal(token):
        actor = await holder_of(app[PORTS], token, app[SETTINGS].token_absence_days)
    else:
        actor = await app[BEARER].actor(token)
    app[ATTENDANCE].saw(actor)
    return actor


def bearer_token(request: web.Request) -> str:
    """The token in the header; never one in the address, which ends up in logs. Raises: Unauthenticated."""
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not headers:
        raise Unauthenticated("Send the header Authorization: Bearer TOKEN")
    if len(headers) > 1:
        raise Unauthenticated("Send one Authorization header, not several")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The Authorization header must read: Bearer TOKEN")
    return token.strip()


def _admit(actor: Actor, action: Action) -> None:
    """Stop those whose token allows *action* nowhere, not even on their own work."""
    if actor.role is None:
        raise Forbidden("You are signed in but have no role here; ask an administrator for one")
    if not allows(actor, action, owner=actor.subject):
        raise Forbidden(f"The role {actor.role.value} does not include {action.value}{_reach(actor)}")


def _reach(actor: Actor) -> str:
    return "" if actor.token is None else f", or your access token, which is for {actor.reach.value}, does not"
