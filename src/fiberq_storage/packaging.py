"""What packages look like whichever store they come from: their layers, and the rows of `sync_issues`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve

from fiberq_core.geopackage import FID, GEOM, PackageLayer, package_layer
from fiberq_core.gpb import encode_gpb
from fiberq_core.inbox import Item
from fiberq_core.registry import ID, LAYER, MODIFIED_AT, MODIFIED_BY, PROJECT, REV, UUID
from fiberq_core.rows import Stored, Value
from fiberq_storage.rowjson import item_of

# What of the unregistered columns goes into packages: whoever may write a row may invent names, and a package must
# still be one that SQLite makes and that the reader of strangers' files takes back.
MAX_EXTRA = 300  # columns of a layer, the oldest first
MAX_NAME = 128  # characters


def layers_with(extra: Iterable[Sequence[Any]], last: Mapping[str, int]) -> Sequence[PackageLayer]:
    """The tables of a package. *extra*: layer, name and type of unregistered columns, oldest first; *last*: highest fids."""
    columns: dict[str, dict[str, str]] = {}
    for layer, name, declared in extra:
        mine = columns.setdefault(layer, {})
        if _can_be_column(name) and len(mine) < MAX_EXTRA:
            mine[name] = declared
    return [package_layer(layer, columns.get(name, {}), last.get(name, 0)) for name, layer in LAYER.items()]


def waiting_item(text: str) -> Item:
    """An inbox item as it was when it waited."""
    return evolve(item_of(text), decided=None)


def issue_record(layer: PackageLayer, stored: Stored, project: int, item: Item) -> tuple[Value | None, ...]:
    """*item* as a row of `sync_issues`, in the order of the layer's columns."""
    system: dict[str, Value | None] = {
        FID: stored.fid,
        GEOM: None if stored.row.geometry is None else encode_gpb(stored.row.geometry),
        UUID: stored.key.uuid,
        ID: stored.id,
        REV: stored.rev,
        PROJECT: project,
        MODIFIED_BY: item.author.sub,
        MODIFIED_AT: item.created_at,
    }
    return tuple(system[name] if name in system else stored.row.get(name) for name in layer.names)


def _can_be_column(name: str) -> bool:
    """Whether a table can have a column of this name; a value without one stays in the store."""
    return 0 < len(name) <= MAX_NAME and "\0" not in name
