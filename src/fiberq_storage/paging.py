"""Lists in pages: cursors, and how much one page holds."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from fiberq_core.errors import Fault, Invalid
from fiberq_core.ports import Page

T = TypeVar("T")
Record = TypeVar("Record", bound=Sequence[Any])
LARGEST = 2**63 - 1  # number of a row, of a revision
PAGE_BYTES = 16 << 20  # what a page holds at the most, but for its last entry: a row may have megabytes


def cursor_text(*parts: int | str) -> str:
    """A place in a list, as an opaque cursor."""
    return json.dumps(parts, separators=(",", ":")).encode().hex()


def cursor_parts(cursor: str, kinds: Sequence[type]) -> list[int | str]:
    """The parts of a cursor. Raises: Invalid."""
    try:
        parts = json.loads(bytes.fromhex(cursor))
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds) or not all(map(_fits, parts)):
        raise Invalid("The cursor is not one that this list gave", [Fault("cursor", "Begin again without it")])
    return parts


def _fits(part: int | str) -> bool:
    return isinstance(part, str) or abs(part) <= LARGEST


def too_heavy(weight: int) -> bool:
    """Whether *weight* bytes of entries are enough for one page."""
    return weight > PAGE_BYTES


def light(records: Iterable[Record], limit: int) -> tuple[list[Record], int]:
    """*records* of a page of *limit* at the most, up to the first that makes it too heavy; how many are of the page."""
    found: list[Record] = []
    weight = 0
    for record in records:
        found.append(record)
        if too_heavy(weight):
            return found, len(found) - 1
        weight += sum(len(value) for value in record if isinstance(value, str | bytes))
    return found, limit


def page(found: Sequence[T], limit: int, cursor: Callable[[T], str]) -> Page[T]:
    """A page of *limit* of the *limit* + 1 that were asked for."""
    return Page(tuple(found[:limit]), cursor(found[limit - 1]) if len(found) > limit else None)
