"""One value as JSON: geometry as GeoJSON, bytes as base64, lists and objects as such, everything else as it is stored.

What not every JSON writer can take is shown as text: numbers of more than 64 bits or none at all, half characters,
deep nesting.
"""

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from fiberq_core.geojson import to_geojson
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY, Kind

MAX_NESTING: Final = 32  # levels of lists and objects that are shown as such
LARGEST: Final = 2**63
_BRACKETS: Final = ("[", "{")  # what JSON that is more than a value begins with
_BROKEN: Final = re.compile("[\ud800-\udfff]")  # half characters, which are in no UTF-8


def value_json(layer: str | None, name: str | None, value: object) -> object:
    """The value of field *name* (a column, registered or not, or the geometry) of *layer*."""
    if isinstance(value, str) and value.lstrip()[:1] in _BRACKETS and _is_json(layer, name):
        return parsed(value)
    if name == GEOMETRY and isinstance(value, bytes):
        return to_geojson(value)
    return typed_json(value)


def typed_json(raw: object) -> object:
    """A value as it was typed, whether it fits a column or not: bytes as base64, text where JSON has no form for it."""
    if raw is None or (isinstance(raw, str) and not _BROKEN.search(raw)):
        return raw
    if isinstance(raw, bytes):
        return base64.b64encode(raw).decode("ascii")
    if isinstance(raw, Mapping):
        return {str(name): typed_json(value) for name, value in raw.items()}
    return raw if _writable(raw) else str(raw).encode("utf-8", "replace").decode("utf-8")


def parsed(text: str) -> object:
    """The list or object that *text* is as JSON, if every JSON writer can take it; *text* itself where it is anything else."""
    if text.lstrip()[:1] not in _BRACKETS:
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if _writable(value) else text


def _is_json(layer: str | None, name: str | None) -> bool:
    known = LAYER.get(layer or "")
    column = known.column(name) if known and name else None
    return column is not None and column.kind is Kind.JSON


def _writable(value: object, depth: int = 0) -> bool:
    """Whether every JSON writer can take *value*: finite and 64-bit numbers, valid Unicode, bounded nesting."""
    if value is None or isinstance(value, str):
        return not _BROKEN.search(value or "")
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return depth < MAX_NESTING and all(_writable(k) and _writable(v, depth + 1) for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return depth < MAX_NESTING and all(_writable(v, depth + 1) for v in value)
    return isinstance(value, int) and -LARGEST <= value < LARGEST
