"""Every error answer: one status table, one shape (RFC 9457), one middleware.

What clients may act on is in `code` and the facts beside it. `detail` is always a plain sentence, as old
clients expect. The text of a 5xx is fixed, because the message of what broke may hold paths or data.
"""

import http
import logging
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from fiberq_aiohttp.answering import answer
from fiberq_aiohttp.logs import request_id
from fiberq_core import errors as e

log = logging.getLogger("fiberq.http")

STATUS: Final[Mapping[type[e.FiberqError], int]] = {
    e.Unauthenticated: 401,
    e.UnknownKey: 401,
    e.KeysUnavailable: 503,
    e.Forbidden: 403,
    e.NotFound: 404,
    e.Conflict: 409,
    e.WrongProject: 409,
    e.Stale: 412,
    e.Busy: 503,
    e.GaveWay: 503,
    e.PreconditionRequired: 428,
    e.Invalid: 422,
    e.BadPackage: 422,
    e.BadPhoto: 422,
    e.TooLarge: 413,
    e.StoreUnavailable: 503,
    e.StoreMismatch: 503,
}

HTTP_CODES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad-request", "The request cannot be understood"),
    404: ("no-such-path", "There is nothing at this address"),
    405: ("method-not-allowed", "This address does not take that method"),
    408: ("too-slow", "The request did not arrive in time"),
    413: ("too-large", e.TooLarge.title),
    416: ("range-not-satisfiable", "The file has no such range"),
}
HTTP_ADVICE: Final[Mapping[int, str]] = {
    404: "Check the address; /api/docs lists all of them",
    405: "The methods that this address takes are in the header Allow",
}
OTHER_HTTP: Final = ("http", "The request was refused")
VANISHED: Final = 499  # as nginx calls it: whoever asked is gone; for figures and logs, since nobody gets it
INTERNAL: Final = ("internal", "Something broke here; it was logged")

FIXED_DETAIL: Final[Mapping[str, str]] = {
    e.KeysUnavailable.code: "The identity provider does not answer; try again in a minute",
    e.Busy.code: "Somebody else is writing here; nothing was changed, try again in a few seconds",
    e.GaveWay.code: "Somebody is changing the same rows in the database; nothing was changed, try again soon",
    e.StoreUnavailable.code: "The store cannot be used right now; nothing was changed, try again later",
    e.StoreMismatch.code: "The store was written by another version of FiberQ; its administrator must look",
    INTERNAL[0]: "Nothing was changed by this request unless you were told so; quote the request_id when you report it",
}
RETRY_AFTER: Final = "10"  # seconds, with every 503
KEPT_HEADERS: Final = ("Allow", "Content-Range", "Retry-After")
CONTENT_TYPE: Final = "application/problem+json"


def status_of(error: type[e.FiberqError]) -> int:
    """The HTTP status of an error class, or of its nearest ancestor in the table."""
    return next(STATUS[c] for c in error.__mro__ if c in STATUS)


def problem(
    status: int,
    code_title: tuple[str, str],
    *,
    detail: str,
    facts: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A problem document. *facts* stand beside the standard members and never replace them."""
    code, title = code_title
    own = {"type": f"urn:fiberq:problem:{code}", "title": title, "status": status, "code": code, "detail": detail}
    body = {**(facts or {}), **own, "request_id": request_id.get()}
    return answer(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def of_error(request: web.BaseRequest, error: e.FiberqError) -> web.Response:
    """The answer to an error of ours."""
    status = status_of(type(error))
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s: %s", request.method, request.path, error.code, error)
        detail, headers = FIXED_DETAIL[error.code], {"Retry-After": RETRY_AFTER}
    else:
        detail, headers = str(error) or error.title, _challenge(request, status)
    return problem(status, (error.code, error.title), detail=detail, facts=error.facts(), headers=headers)


def of_http(error: web.HTTPException) -> web.Response:
    """The answer to an error that aiohttp raises: unknown paths, methods, limits."""
    code_title = HTTP_CODES.get(error.status, OTHER_HTTP)
    own = error.text if error.text and not error.text.startswith(f"{error.status}:") else ""
    said = own or HTTP_ADVICE.get(error.status, error.reason)
    kept = {name: error.headers[name] for name in KEPT_HEADERS if name in error.headers}
    return problem(error.status, code_title, detail=said, headers=kept)


def _challenge(request: web.BaseRequest, status: int) -> dict[str, str]:
    """RFC 6750: who sent no token is asked for one; who sent a bad one is told so."""
    if status != http.HTTPStatus.UNAUTHORIZED:
        return {}
    fault = ', error="invalid_token"' if "Authorization" in request.headers else ""
    return {"WWW-Authenticate": f'Bearer realm="fiberq"{fault}'}


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into a problem document. That a phone lost its signal is nobody's fault."""
    try:
        return await handler(request)
    except e.FiberqError as exc:
        return of_error(request, exc)
    except web.HTTPException as exc:
        if exc.status < http.HTTPStatus.BAD_REQUEST:
            raise
        return of_http(exc)
    except Exception as exc:
        if isinstance(exc, ConnectionError) and _is_gone(request):
            return web.Response(status=VANISHED)
        log.exception("unhandled: %s %s", request.method, request.path)
        return problem(500, INTERNAL, detail=FIXED_DETAIL[INTERNAL[0]])


def _is_gone(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


def described() -> dict[str, Any]:
    """Every code that a problem document can carry, with its title; the documentation is held against it."""
    ours = {error.code: error.title for error in STATUS}
    return {**dict(HTTP_CODES.values()), **ours, **dict([OTHER_HTTP, INTERNAL])}
