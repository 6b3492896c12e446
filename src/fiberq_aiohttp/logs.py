"""Log lines for people and for machines, each with the id of the request that caused it."""

import json
import logging
import re
import secrets
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger
from aiohttp.typedefs import Handler

from fiberq_aiohttp.keys import REQUEST_ID

FORMAT: Final = "%(asctime)s [%(levelname)s] %(name)s: %(message)s"
HEADER: Final = "X-Request-ID"
FOREIGN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LOUD = ("fiberq", "aiohttp.server")  # what is shown; libraries' own loggers only from WARNING on
QUIET = ("asyncpg.pool",)  # says with a traceback, again and again, that the database is away: requests say it in words

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")


class TextFormatter(logging.Formatter):
    """One line per event, with the request id at its end; text from outside cannot begin a line of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """The line, without the traceback that may follow it."""
        line = super().formatMessage(record)
        if not line.isprintable():
            line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
        request = request_id.get()
        return f"{line} [{request}]" if request else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """The event with time (UTC), level, logger, message, request_id and, for errors, exception."""
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get() or None,
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def configure(level: str, *, as_json: bool = False, stream: TextIO | None = None) -> None:
    """Send log lines to *stream* (standard error by default); replaces what was configured before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter(FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in LOUD:
        logging.getLogger(name).setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


@web.middleware
async def request_ids(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name every request: by the id that a proxy in front gave it, if that is a plain one, else by our own."""
    given = request.headers.get(HEADER, "")
    name = given if FOREIGN_ID.fullmatch(given) else secrets.token_hex(6)
    request[REQUEST_ID] = name
    token = request_id.set(name)
    try:
        return await handler(request)
    finally:
        request_id.reset(token)


async def answer_with_request_id(request: web.Request, response: web.StreamResponse) -> None:
    """For `app.on_response_prepare`: tell the caller the id to quote when something went wrong."""
    if REQUEST_ID in request:
        response.headers[HEADER] = request[REQUEST_ID]


class AccessLogger(AbstractAccessLogger):
    """One line per request, without its query: tokens and names may be in it."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line; *time* is seconds."""
        name = request.get(REQUEST_ID, "")
        token = request_id.set(name)
        try:
            self.logger.info(
                "%s %s %s %d bytes %.0f ms",
                request.method,
                request.path,
                response.status,
                response.body_length,
                time * 1000,
            )
        finally:
            request_id.reset(token)
