"""Validators and ranges (RFC 9110 sections 13 and 14): who has it already gets a 304, who has half gets the rest."""

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web
from attrs import frozen

from fiberq_core.errors import PreconditionRequired

PRIVATE: Final = "private, no-cache"  # may be kept by the person who asked, and must be asked about again
NEVER: Final = -1  # the revision that an If-Match names which no ETag of ours can be

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*\Z", re.ASCII | re.IGNORECASE)
_REVISION = re.compile(r'"?(\d{1,18})"?\Z', re.ASCII)


@frozen
class Span:
    """*size* bytes from *start* on, of *total*. *partial*: as was asked for, even where that is all."""

    start: int
    size: int
    total: int
    partial: bool = True

    @property
    def content_range(self) -> str:
        """As the header says it."""
        return f"bytes {self.start}-{self.start + self.size - 1}/{self.total}"


def revision_tag(revision: int) -> str:
    """The ETag of something that is known by the revision that wrote it."""
    return f'"{revision}"'


def fresh(headers: Mapping[str, str], etag: str) -> bool:
    """Whether the caller has what *etag* names: the comparison of `If-None-Match` is the weak one."""
    given = [part.strip().removeprefix("W/") for part in headers.get(hdrs.IF_NONE_MATCH, "").split(",")]
    return etag in given or given == ["*"]


def had(headers: Mapping[str, str], tag: str) -> str | None:
    """The ETag under which the caller has what *tag* stands for, in whatever bytes that was; None if they have it not.

    Whoever wants to go on with their bytes needs the very ETag of them, so this is what a 304 has to say.
    """
    given = [part.strip().removeprefix("W/") for part in headers.get(hdrs.IF_NONE_MATCH, "").split(",")]
    if given == ["*"]:
        return f'W/"{tag}"'
    return next((etag for etag in given if etag == f'"{tag}"' or etag.startswith(f'"{tag}-')), None)


def if_match(headers: Mapping[str, str]) -> int | None:
    """The revision that a write was made from; None if it does not say, `NEVER` if it names something else.

    Raises: PreconditionRequired, if it names anything at all (`*`): that is not a version that somebody saw.
    """
    given = headers.get(hdrs.IF_MATCH, "").strip()
    if not given:
        return None
    if given == "*" or "," in given:
        raise PreconditionRequired(
            "Send the one ETag that you edited as If-Match, so that nobody's work is overwritten"
        )
    match = _REVISION.match(given)
    return int(match.group(1)) if match else NEVER


def span(headers: Mapping[str, str], etag: str, total: int) -> Span:
    """The part that is asked for. Several ranges, or none that can be read, stand for the whole file.

    Raises: HTTPRequestRangeNotSatisfiable.
    """
    whole = Span(0, total, total, partial=False)
    match = _RANGE.match(headers.get(hdrs.RANGE, "").strip())
    if match is None or headers.get(hdrs.IF_RANGE, etag).strip() != etag:
        return whole
    first, last = match.groups()
    if not first and not last:
        return whole
    start = int(first) if first else max(0, total - int(last))
    end = min(total, int(last) + 1) if first and last else total
    if first and last and int(last) < start:
        return whole
    if start >= end:
        raise web.HTTPRequestRangeNotSatisfiable(
            headers={hdrs.CONTENT_RANGE: f"bytes */{total}"}, text=f"The file has {total} bytes"
        )
    return Span(start, end - start, total)


def not_modified(etag: str) -> web.Response:
    """What somebody gets who has it already."""
    return web.Response(status=304, headers={hdrs.ETAG: etag, hdrs.CACHE_CONTROL: PRIVATE})
