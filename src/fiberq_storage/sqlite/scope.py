"""What every query is about: one project in one transaction of one connection."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import apsw
from attrs import frozen

from fiberq_core.ports import Project
from fiberq_core.rows import Key
from fiberq_storage.rowjson import plain_text
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
    return plain_text(list(values))
