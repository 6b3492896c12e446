"""The registry: every kind of record that FiberQ knows, in one place.

From these values everything else is derived: tables, GeoPackage layers, forms, JSON, documentation.
A column or a layer is added here and nowhere else. `model` says how entries look, `names` finds
the layer behind any name that is met in a file.
"""

from collections.abc import Mapping

from fiberq_core.registry.areas import AREA_LAYERS
from fiberq_core.registry.fibre import FIBRE_LAYERS
from fiberq_core.registry.model import (
    GEOMETRY,
    Column,
    Kind,
    Labels,
    Layer,
    Reference,
    Rights,
    Shape,
    Term,
    Vocabulary,
    by_name,
)
from fiberq_core.registry.network import NETWORK_LAYERS
from fiberq_core.registry.special import METADATA, SYNC_ISSUES
from fiberq_core.registry.system import ID, MODIFIED_AT, MODIFIED_BY, PROJECT, REV, SYSTEM, UUID
from fiberq_core.registry.vocabularies import VOCABULARIES as _VOCABULARIES
from fiberq_core.registry.work import RELATED_TYPE, WORK_LAYERS

__all__ = [
    "DATA_LAYERS",
    "GEOMETRY",
    "ID",
    "LAYER",
    "LAYERS",
    "MODIFIED_AT",
    "MODIFIED_BY",
    "PROJECT",
    "REV",
    "SYSTEM",
    "UUID",
    "VOCABULARIES",
    "Column",
    "Kind",
    "Labels",
    "Layer",
    "Reference",
    "Rights",
    "Shape",
    "Term",
    "Vocabulary",
    "by_name",
]

# Parents come before what refers to them.
DATA_LAYERS: tuple[Layer, ...] = (*NETWORK_LAYERS, *AREA_LAYERS, *FIBRE_LAYERS, *WORK_LAYERS, METADATA)
LAYERS: tuple[Layer, ...] = (*DATA_LAYERS, SYNC_ISSUES)
LAYER: Mapping[str, Layer] = by_name(LAYERS)
VOCABULARIES: tuple[Vocabulary, ...] = (*_VOCABULARIES, RELATED_TYPE)
