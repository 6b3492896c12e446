"""Daily reports on paper and in tables. The reports themselves are among `records`."""

import asyncio
from functools import partial
from typing import Final

import aiohttp_jinja2
from aiohttp import hdrs, web

from fiberq_aiohttp import asking, sheets
from fiberq_aiohttp.answering import PAGE_POLICY
from fiberq_aiohttp.flows import daybook
from fiberq_aiohttp.guard import requires
from fiberq_aiohttp.keys import ACTOR, PORTS
from fiberq_aiohttp.openapi.operation import Answer, Parameter, documented
from fiberq_aiohttp.openapi.records import asked
from fiberq_aiohttp.openapi.shapes import FILE, TEXT, one_of
from fiberq_aiohttp.routes.records import NUMBER, asked_of, number_in_path, paths_of
from fiberq_aiohttp.routes.spelling import spelled
from fiberq_core.daybook import LANGUAGES, Daybook, plain, said, spoken, words
from fiberq_core.policy import Action
from fiberq_core.records import REPORTS

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LANGUAGE: Final = Parameter("lang", "the language of headings", one_of(*LANGUAGES))
PERIOD: Final = tuple(p for p in asked(REPORTS) if p.name not in ("limit", "cursor"))


@requires(Action.PROJECT_READ)
@documented(Answer(FILE, CSV), query=(*PERIOD, LANGUAGE), problems=(404, 422))
async def table(request: web.Request) -> web.StreamResponse:
    """The reports of a period as CSV."""
    book = await daybook.period(request.app[PORTS], request[ACTOR], asked_of(request, REPORTS))
    return _file(await asyncio.to_thread(sheets.csv_of, book, _language(request)), CSV, "csv")


@requires(Action.PROJECT_READ)
@documented(Answer(FILE, XLSX), query=(*PERIOD, LANGUAGE), problems=(404, 422))
async def workbook(request: web.Request) -> web.StreamResponse:
    """The reports of a period as XLSX, with the materials of each and in total."""
    book = await daybook.period(request.app[PORTS], request[ACTOR], asked_of(request, REPORTS))
    return _file(await asyncio.to_thread(sheets.xlsx_of, book, _language(request)), XLSX, "xlsx")


@requires(Action.PROJECT_READ)
@documented(Answer(TEXT, "text/html"), query=(*PERIOD, LANGUAGE), problems=(404, 422))
async def pages(request: web.Request) -> web.StreamResponse:
    """The reports of a period as a page to be printed on A4; it loads nothing from elsewhere."""
    return await _page(request, await daybook.period(request.app[PORTS], request[ACTOR], asked_of(request, REPORTS)))


@requires(Action.PROJECT_READ)
@documented(Answer(TEXT, "text/html"), query=(LANGUAGE,), problems=(422,))
async def page(request: web.Request) -> web.StreamResponse:
    """One report as a page to be printed on A4; it loads nothing from elsewhere."""
    return await _page(request, await daybook.one(request.app[PORTS], request[ACTOR], number_in_path(request)))


def _language(request: web.Request) -> str:
    return asking.choice(request, "lang", LANGUAGES) or LANGUAGES[0]


async def _page(request: web.Request, book: Daybook) -> web.StreamResponse:
    """*book* as a page. There may be thousands of reports in it: it is filled in beside the event loop."""
    language = _language(request)
    shown = {"said": said, "plain": plain, "spoken": partial(spoken, language=language)}
    context = {"book": book, "t": words(language), "language": language, **shown}
    text = await asyncio.to_thread(aiohttp_jinja2.render_string, "reports.html", request, context)
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": PAGE_POLICY})


def _file(body: bytes, media: str, ending: str) -> web.StreamResponse:
    charset = "utf-8" if media == CSV else None
    headers = {hdrs.CONTENT_DISPOSITION: f'attachment; filename="reports.{ending}"'}
    return web.Response(body=body, content_type=media, charset=charset, headers=headers)


ROUTES = spelled(
    *(
        route
        for path in paths_of(REPORTS)
        for route in (
            web.get(f"{path}/export.csv", table),
            web.get(f"{path}/export.xlsx", workbook),
            web.get(f"{path}/print", pages),
            web.get(f"{path}/{NUMBER}/print", page),
        )
    )
)
