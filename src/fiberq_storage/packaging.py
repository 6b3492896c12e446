"""What packages look like whichever store they come from: their layers, and the rows of `sync_issues`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from fiberq_core.geopackage import FID, GEOM, PackageLayer, package_layer
from fiberq_core.gpb import encode_gpb
from fiberq_core.inbox import Item
from fiberq_core.issues import issue
from fiberq_core.registry import ID, LAYER, MODIFIED_AT, MODIFIED_BY, PROJECT, REV, UUID
from fiberq_core.registry.special import SYNC_ISSUES
from fiberq_core.rows import Key, Stored, Value
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


@frozen
class OpenItem:
    """An inbox item: its number, the revision that opened it, and itself as it was while it was open."""

    number: int
    opened: int
    item: Item

    @property
    def key(self) -> Key | None:
        """The row that it is about."""
        return Key(self.item.layer, self.item.uuid) if self.item.layer and self.item.uuid else None


def open_item(record: Sequence[Any]) -> OpenItem:
    """An inbox item from its number, the revision that opened it, and its text."""
    number, opened, text = record
    return OpenItem(number, opened, evolve(item_of(text), decided=None))


def issue_records(
    layer: PackageLayer, items: Iterable[OpenItem], rows: Mapping[Key, Stored], project: int
) -> Iterator[tuple[Value | None, ...]]:
    """*items* as rows of `sync_issues`, in the order of the layer's columns, each placed where its row of *rows* was."""
    for waiting in items:
        row = issue(waiting.item, rows.get(waiting.key) if waiting.key else None)
        key = Key(SYNC_ISSUES.name, waiting.item.item_id)
        stored = Stored(key, row, waiting.number, waiting.number, waiting.opened)
        yield _issue_record(layer, stored, project, waiting.item)


def _issue_record(layer: PackageLayer, stored: Stored, project: int, item: Item) -> tuple[Value | None, ...]:
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
