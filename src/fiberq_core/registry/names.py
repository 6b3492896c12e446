"""Which layer and which column is meant by a name in somebody's file.

Names come in the dialects of the plugin, of the old server and of PostGIS, with spaces or
underscores, with or without diacritics, and with the `_2` that the plugin adds when a name is taken.
"""

import re
from collections.abc import Mapping

from attrs import field, frozen

from fiberq_core.registry import LAYERS
from fiberq_core.registry.model import Column, Layer

_PLAIN = str.maketrans({"č": "c", "ć": "c", "š": "s", "ž": "z", "đ": "dj"})
_ALSO_D = str.maketrans({"đ": "d"})
_NUMBERED = re.compile(r"_(?:[2-9]|[1-9]\d+)$")
_LAYER_ID = re.compile(r"[ _][0-9a-f]{8}(?:[_-][0-9a-f]{4}){3}[_-][0-9a-f]{12}$", re.IGNORECASE)


@frozen
class Recognised:
    """The layer behind a name. *fixed*: what the name itself says of every row ({"tip": "ODF"})."""

    layer: Layer
    fixed: Mapping[str, str] = field(factory=dict)


def normalised(name: str) -> str:
    """*name* in lower case, without diacritics, and with one `_` for whatever is not a letter or digit."""
    return re.sub(r"[\W_]+", "_", name.casefold().translate(_PLAIN)).strip("_")


def _index() -> Mapping[str, Recognised]:
    known: dict[str, Recognised] = {}
    for layer in LAYERS:
        plain = Recognised(layer)
        spellings = [(name, plain) for name in (layer.name, layer.table, layer.plugin, *layer.aliases) if name]
        if layer.variant_column:
            column = layer.variant_column
            spellings += [(variant, Recognised(layer, {column: variant})) for variant in layer.variants]
        for name, recognised in spellings:
            known[normalised(name)] = recognised
            known[normalised(name.casefold().translate(_ALSO_D))] = recognised
    return known


_KNOWN = _index()
_COLUMNS: Mapping[str, Mapping[str, Column]] = {
    layer.name: {name.casefold(): c for c in reversed(layer.columns) for name in (*c.aliases, c.name)}
    for layer in LAYERS
}


def recognise(table_name: str) -> Recognised | None:
    """The layer that a table of that name holds; None for one that is not ours."""
    name = normalised(table_name)
    return _KNOWN.get(name) or _KNOWN.get(_NUMBERED.sub("", name))


def name_of_id(layer_id: str) -> str:
    """The name, normalised, in a QGIS layer id (name, `_`, uuid with underscores), or the bare name that it is."""
    return normalised(_LAYER_ID.sub("", layer_id))


def layer_of_id(layer_id: str) -> Recognised | None:
    """The layer behind a QGIS layer id or behind a bare name."""
    return recognise(name_of_id(layer_id))


def column_of(layer: Layer, field_name: str) -> Column | None:
    """The registered column of *layer* that a field of that name holds; None for an unregistered one."""
    return _COLUMNS[layer.name].get(field_name.casefold())
