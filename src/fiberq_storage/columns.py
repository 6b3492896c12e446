"""Which columns a store keeps of a layer."""

from fiberq_core.registry.model import Kind, Layer


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
