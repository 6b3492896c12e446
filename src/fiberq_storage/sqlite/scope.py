"""What every query is about: one project in one transaction of one connection."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import apsw
from attrs import frozen

from fiberq_core.errors import Fault, Invalid
from fiberq_core.ports import Project
from fiberq_core.rows import Key
from fiberq_storage.sqlite.tables import TABLES


@frozen
class Scope:
    """One project, as it is in the open transaction of *db*."""

    db: apsw.Connection
    project: Project


def by_layer(keys: Iterable[Key]) -> Mapping[str, list[str]]:
    """The uuids of *keys* by layer; layers that the store does not have are left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        if key.layer in TABLES:
            found[key.layer].append(key.uuid)
    return found


def array(values: Iterable[object]) -> str:
    """Values as one parameter for `json_each`."""
    return json.dumps(list(values))


def cursor_text(*parts: int | str) -> str:
    """A place in a list, as an opaque cursor."""
    return json.dumps(parts, separators=(",", ":")).encode().hex()


def cursor_parts(cursor: str, kinds: Sequence[type]) -> list[int | str]:
    """The parts of a cursor. Raises: Invalid."""
    try:
        parts = json.loads(bytes.fromhex(cursor))
    except (ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds):
        raise Invalid("The cursor is not one that this list gave", [Fault("cursor", "Begin again without it")])
    return parts
