"""This interface, described: for programs as OpenAPI, for people as a page."""

import hashlib
from collections.abc import Iterable
from typing import Final

import aiohttp_jinja2
from aiohttp import hdrs, web
from attrs import frozen

from fiberq_aiohttp.answering import PAGE_POLICY, encoded
from fiberq_aiohttp.caching import fresh, not_modified
from fiberq_aiohttp.guard import public
from fiberq_aiohttp.openapi.document import document
from fiberq_aiohttp.openapi.operation import IF_NONE_MATCH, JSON, Answer, documented
from fiberq_aiohttp.openapi.page import chapters, shapes
from fiberq_aiohttp.openapi.shapes import OBJECT, TEXT
from fiberq_aiohttp.routes.spelling import spelled

KEPT: Final = "no-cache"  # everybody may keep it, and must ask whether it is still so


@frozen
class Description:
    """The document, made once: as values, as bytes, and the ETag of those."""

    values: dict[str, object]
    body: bytes
    etag: str


DESCRIPTION: Final = web.AppKey("description", Description)


def description_of(routes: Iterable[web.RouteDef]) -> Description:
    """What *routes* look like to programs."""
    values = document(routes)
    body = encoded(values)
    return Description(values, body, f'"{hashlib.sha256(body).hexdigest()[:16]}"')


@public
@documented(Answer(OBJECT, headers=("ETag",)), headers=(IF_NONE_MATCH,))
async def openapi(request: web.Request) -> web.StreamResponse:
    """This document."""
    return _kept(request, web.Response(body=request.app[DESCRIPTION].body, content_type=JSON))


@public
@documented(Answer(TEXT, "text/html", headers=("ETag",)), headers=(IF_NONE_MATCH,))
async def page(request: web.Request) -> web.StreamResponse:
    """This document as a page for people; it loads nothing from elsewhere and can be printed."""
    values = request.app[DESCRIPTION].values
    context = {"info": values["info"], "chapters": chapters(values), "shapes": shapes(values)}
    answer = aiohttp_jinja2.render_template("api.html", request, context)
    answer.headers["Content-Security-Policy"] = PAGE_POLICY
    return _kept(request, answer)


def _kept(request: web.Request, answer: web.Response) -> web.StreamResponse:
    etag = request.app[DESCRIPTION].etag
    if fresh(request.headers, etag):
        return not_modified(etag)
    answer.headers[hdrs.ETAG], answer.headers[hdrs.CACHE_CONTROL] = etag, KEPT
    return answer


ROUTES = spelled(web.get("/api/openapi.json", openapi), web.get("/api/docs", page))
