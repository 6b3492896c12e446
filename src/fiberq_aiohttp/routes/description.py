"""This interface, described: for programs as OpenAPI, for people as a page."""

import asyncio
import hashlib
from collections.abc import Iterable
from functools import cached_property
from typing import Final

import jinja2
from aiohttp import hdrs, web
from attrs import field, frozen

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
    """The document, made once: as values, as bytes, and the ETag of those. *pages* has the template of its page."""

    values: dict[str, object]
    body: bytes
    etag: str
    pages: jinja2.Environment = field(eq=False, repr=False)

    @cached_property
    def page(self) -> bytes:
        """It as a page for people. Working it out takes a while, once."""
        shown = {"info": self.values["info"], "chapters": chapters(self.values), "shapes": shapes(self.values)}
        return self.pages.get_template("api.html").render(shown).encode()


DESCRIPTION: Final = web.AppKey("description", Description)


def description_of(routes: Iterable[web.RouteDef], pages: jinja2.Environment) -> Description:
    """What *routes* look like to programs, and by a template among *pages* to people."""
    values = document(routes)
    body = encoded(values)
    return Description(values, body, f'"{hashlib.sha256(body).hexdigest()[:16]}"', pages)


@public
@documented(Answer(OBJECT, headers=("ETag",)), headers=(IF_NONE_MATCH,))
async def openapi(request: web.Request) -> web.StreamResponse:
    """This document."""
    return _kept(request, web.Response(body=request.app[DESCRIPTION].body, content_type=JSON))


@public
@documented(Answer(TEXT, "text/html", headers=("ETag",)), headers=(IF_NONE_MATCH,))
async def page(request: web.Request) -> web.StreamResponse:
    """This document as a page for people; it loads nothing from elsewhere and can be printed."""
    described = request.app[DESCRIPTION]
    body = await asyncio.to_thread(lambda: described.page)
    headers = {"Content-Security-Policy": PAGE_POLICY}
    return _kept(request, web.Response(body=body, content_type="text/html", charset="utf-8", headers=headers))


def _kept(request: web.Request, answer: web.Response) -> web.StreamResponse:
    etag = request.app[DESCRIPTION].etag
    if fresh(request.headers, etag):
        return not_modified(etag)
    answer.headers[hdrs.ETAG], answer.headers[hdrs.CACHE_CONTROL] = etag, KEPT
    return answer


ROUTES = spelled(web.get("/api/openapi.json", openapi), web.get("/api/docs", page))
