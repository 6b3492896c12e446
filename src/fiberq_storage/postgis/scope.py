"""What every query is about: one project in one transaction of one connection."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from attrs import frozen

from fiberq_core.ports import Project
from fiberq_core.rows import Key
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.tables import TABLES

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


@frozen
class Scope:
    """One project, as it is in the open transaction of *db*."""

    db: Connection
    project: Project


def uuids_of(values: Iterable[str]) -> list[str]:
    """Those of *values* that can be the uuid of a row; nothing else was ever stored."""
    return [value for value in values if _UUID.fullmatch(value)]


def by_layer(keys: Iterable[Key]) -> Mapping[str, list[str]]:
    """The uuids of *keys* by layer; what the store cannot have is left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        if key.layer in TABLES and _UUID.fullmatch(key.uuid):
            found[key.layer].append(key.uuid)
    return found
