"""The shapes of rows, derived from the registry: GeoJSON Features of each layer, and what stands around them."""

from typing import Final

from fiberq_aiohttp.openapi.shapes import OBJECT, TEXT, WHOLE, Schema, Shape, maybe, page_of, partial, record
from fiberq_core.registry import DATA_LAYERS
from fiberq_core.registry.model import Layer
from fiberq_core.registry.model import Shape as Geometry
from fiberq_core.schema import GEOMETRIES, geometry_schema, properties_given, properties_taken

LAYER_NAMES: Final = tuple(layer.name for layer in DATA_LAYERS)

GEOJSON: Final = {name: Shape(name, geometry_schema(name)) for name in GEOMETRIES[Geometry.ANY]}
ANY_GEOMETRY: Final = Shape("Geometry", {"anyOf": list(GEOJSON.values())})


def _word(layer: Layer) -> str:
    """The layer's name as a part of a shape's."""
    return layer.table.removeprefix("ftth_").title().replace("_", "")


def _geometry(layer: Layer, *, writing: bool) -> Schema:
    kinds = [GEOJSON[name] for name in GEOMETRIES[layer.shape]]
    needed = writing and layer.geometry_required
    return {"anyOf": [*kinds, *([] if needed else [{"type": "null"}])]}


def _given(layer: Layer) -> Shape:
    members = {"type": {"const": "Feature"}, "id": TEXT, "geometry": _geometry(layer, writing=False)}
    return Shape(f"Feature{_word(layer)}", record(**members, properties=properties_given(layer)))


def _taken(layer: Layer) -> Schema:
    members = {"id": TEXT, "geometry": _geometry(layer, writing=True), "properties": properties_taken(layer)}
    return {"title": layer.name, **partial("properties", **members)}


FEATURE: Final = Shape("Feature", {"anyOf": [_given(layer) for layer in DATA_LAYERS]})
NEW_FEATURE: Final = Shape("NewFeature", {"anyOf": [_taken(layer) for layer in DATA_LAYERS]})
FEATURES: Final = Shape("Features", page_of("features", FEATURE, type={"const": "FeatureCollection"}, revision=WHOLE))
FEATURE_PATCH: Final = Shape(
    "FeaturePatch", partial(geometry=maybe(ANY_GEOMETRY), properties={**OBJECT, "description": "only what changes"})
)
