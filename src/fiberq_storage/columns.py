"""Which columns a store keeps of a layer, and what all stores say of a change that comes too late."""

from collections.abc import Mapping

from fiberq_core.registry.model import Kind, Layer

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
