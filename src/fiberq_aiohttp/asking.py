"""What a request asks: its path, query, headers and JSON body as checked values, each fault with its place."""

import asyncio
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import orjson
from aiohttp import web

from fiberq_aiohttp.flows.reading import Box, layer_named
from fiberq_aiohttp.keys import SETTINGS
from fiberq_core.errors import Fault, Invalid, TooLarge
from fiberq_core.registry.model import Layer

MAX_DEPTH: Final = 32  # levels of a body: a collection of multipolygons needs fewer than ten
LARGE: Final = 1 << 16  # bytes of a body from which on it is read beside the event loop
BODY_TIME: Final = 60.0  # seconds in which a JSON body must have come
LARGEST: Final = 10**18
LONGEST: Final = 255  # characters of a text in a query
MAX_NOTES: Final = 10_000  # characters
PAGE: Final = 100
MAX_PAGE: Final = 1000
WEST, SOUTH, EAST, NORTH = -180.0, -90.0, 180.0, 90.0

_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_FLAGS = {"": True, "1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def project_in_path(request: web.Request) -> int:
    """The project that the address names."""
    return int(request.match_info["project"])


def project_in_query(request: web.Request) -> int:
    """The project that `?project_id=` names. Raises: Invalid."""
    return whole(request, "project_id", None, 1, LARGEST)


def layer_in_path(request: web.Request) -> Layer:
    """The layer that the address names, by any of its names. Raises: NotFound."""
    return layer_named(request.match_info["layer"])


def uuid_in_path(request: web.Request) -> str:
    """The uuid in the address, as it is stored; what is none is left as it is, and will not be found."""
    text = request.match_info["uuid"]
    try:
        return str(UUID(text))
    except ValueError:
        return text


def uuid_in_query(request: web.Request, name: str) -> str | None:
    """A uuid of the query as it is stored, or None if it says nothing. Raises: Invalid."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        return str(UUID(text))
    except ValueError:
        raise _fault(name, "must be a uuid") from None


def number(request: web.Request, name: str) -> float | None:
    """A number of the query, or None if it says nothing. Raises: Invalid."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _fault(name, "must be a number")
    return value


def whole(request: web.Request, name: str, default: int | None, low: int, high: int) -> int:
    """A whole number of the query, from *low* to *high*. Raises: Invalid."""
    text = request.query.get(name)
    if text is None and default is not None:
        return default
    number = int(text) if text is not None and _WHOLE.fullmatch(text) else None
    if number is None or not low <= number <= high:
        raise _fault(name, f"must be a whole number from {low} to {high}")
    return number


def limit(request: web.Request) -> int:
    """How many entries of a list are asked for. Raises: Invalid."""
    return whole(request, "limit", PAGE, 1, MAX_PAGE)


def cursor(request: web.Request) -> str | None:
    """Where in a list to go on."""
    return request.query.get("cursor") or None


def flag(request: web.Request, name: str) -> bool:
    """A yes or no of the query; absent is no. Raises: Invalid."""
    said = _FLAGS.get(request.query.get(name, "0").lower())
    if said is None:
        raise _fault(name, "must be 1 or 0")
    return said


def choice(request: web.Request, name: str, known: tuple[str, ...]) -> str | None:
    """One of some words of the query, or None if it says nothing. Raises: Invalid."""
    text = request.query.get(name) or None
    if text is not None and text not in known:
        raise _fault(name, f"must be one of {', '.join(known)}")
    return text


def texts(request: web.Request, *names: str | None) -> tuple[str, ...]:
    """The texts that the query has under any of *names*, without empty ones. Raises: Invalid."""
    found = [(name, text) for name in names if name for text in request.query.getall(name, []) if text]
    if wrong := next((name for name, text in found if len(text) > LONGEST or "\0" in text), None):
        raise _fault(wrong, f"must be text of at most {LONGEST} characters")
    return tuple(text for _, text in found)


def bbox(request: web.Request) -> Box | None:
    """`west,south,east,north` in degrees. Raises: Invalid."""
    text = request.query.get("bbox")
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise _fault("bbox", "must be four numbers: west,south,east,north in degrees") from None
    inside = WEST <= west <= east <= EAST and SOUTH <= south <= north <= NORTH
    if not inside or not all(map(math.isfinite, (west, south, east, north))):
        raise _fault("bbox", "must be west,south,east,north in degrees, west before east and south before north")
    return west, south, east, north


def moment(request: web.Request, name: str) -> str | None:
    """A moment of the query, UTC where it does not say, in its canonical form; None if it says nothing. Raises: Invalid."""
    text = request.query.get(name)
    if not text:
        return None
    try:
        said = datetime.fromisoformat(text)
        utc = (said if said.tzinfo else said.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _fault(name, "must be a moment like 2026-11-24T13:05:40Z") from None
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def idempotency_key(request: web.Request) -> str | None:
    """The name that the sender gave to this request, so that a repeat has no second effect. Raises: Invalid."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise _fault("Idempotency-Key", "must be 1 to 255 plain characters")
    return key


async def json_object(request: web.Request, *, optional: bool = False) -> Mapping[str, object]:
    """The body, a JSON object; *optional*: an empty body stands for an empty one.

    Raises: TooLarge, Invalid, HTTPBadRequest, HTTPRequestTimeout.
    """
    body = await _body(request, request.config_dict[SETTINGS].max_json)
    if optional and not body.strip():
        return {}
    if len(body) < LARGE:
        return _object(body)
    return await asyncio.to_thread(_object, body)


def _object(body: bytes) -> Mapping[str, object]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as wrong:
        raise web.HTTPBadRequest(text=f"The body is not JSON: {wrong}") from None
    if not isinstance(value, dict):
        raise _fault("", "must be a JSON object")
    if _deeper(value, MAX_DEPTH):
        raise _fault("", f"must not be nested deeper than {MAX_DEPTH} levels")
    return value


async def _body(request: web.Request, most: int) -> bytes:
    if (request.content_length or 0) > most:
        raise _too_large(most)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIME):
            async for piece in request.content.iter_any():
                body += piece
                if len(body) > most:
                    raise _too_large(most)
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"The body did not come within {BODY_TIME:g} seconds") from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest(text="The body is broken or incomplete; send it again") from None
    return bytes(body)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than the {most} bytes that this server takes", most)


def _deeper(value: object, levels: int) -> bool:
    """Whether *value* is nested deeper than *levels*; walks level by level, so that no depth is too deep to ask."""
    level = [value]
    for _ in range(levels + 1):
        level = [v for x in level if isinstance(x, dict | list) for v in (x.values() if isinstance(x, dict) else x)]
        if not level:
            return False
    return True


def text_of(body: Mapping[str, object], name: str, longest: int, default: str | None = None) -> str:
    """A text of the body. Raises: Invalid."""
    value = body.get(name, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        raise _fault(name, f"must be text of at most {longest} characters")
    return value


def revision_of(body: Mapping[str, object]) -> int | None:
    """The `revision` of the body, if it names one. Raises: Invalid."""
    value = body.get("revision")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
        raise _fault("revision", "must be a whole number")
    return value


def _fault(path: str, message: str) -> Invalid:
    return Invalid(f"{path or 'The body'} {message}", [Fault(path, message)])
