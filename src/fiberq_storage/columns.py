"""Which columns a store keeps of a layer, and what all stores say of a change that comes too late."""

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from fiberq_core.registry.model import GEOMETRY, Column, Kind, Layer
from fiberq_core.rows import Row, Value
from fiberq_storage.sql import ident

MOVED = "The project has changed since this was decided. Nothing was changed; try again"
# the type that an unregistered column is declared with, by its first value
DECLARED: Mapping[type, str] = {bool: "BOOLEAN", int: "INTEGER", float: "REAL", str: "TEXT", bytes: "BLOB"}


def stored_columns(layer: Layer) -> dict[str, Kind]:
    """The columns in which *layer*'s rows are stored: its own and those of its references."""
    columns = {column.name: column.kind for column in layer.columns}
    for reference in layer.references:
        columns.setdefault(reference.column, Kind.UUID)
        if reference.local_fid:
            columns.setdefault(reference.local_fid, Kind.INTEGER)
        if reference.local_layer:
            columns.setdefault(reference.local_layer, Kind.TEXT)
    return columns


def sought_by(layer: Layer) -> Iterator[str]:
    """The columns by which people and the server look for rows of *layer*: references, the owner, the state."""
    yield from (reference.column for reference in layer.references)
    yield from (column.name for column in layer.columns if column.name == layer.owner or _is_state(column))


def _is_state(column: Column) -> bool:
    return column.vocabulary is not None and column.vocabulary.closed and column.name == "status"


@frozen(eq=False)  # there is one of each
class LayerTable:
    """A layer as a table of a store: its quoted name, its columns, and which of a row's values stand in none of them."""

    layer: Layer
    columns: Mapping[str, Kind] = field(init=False)
    name: str = field(init=False)
    _own: frozenset[str] = field(init=False, repr=False)

    @columns.default
    def _columns(self) -> Mapping[str, Kind]:
        return stored_columns(self.layer)

    @name.default
    def _name(self) -> str:
        return ident(self.layer.table)

    @_own.default
    def _own_names(self) -> frozenset[str]:
        return frozenset(self.columns) | ({GEOMETRY} if self.layer.spatial else frozenset())

    def unregistered(self, row: Row) -> Mapping[str, Value]:
        """What the row says under names that the registry does not know."""
        if row.values.keys() <= self._own:
            return {}
        return {name: value for name, value in row.values.items() if name not in self._own}
