"""A place that somebody sent as GeoJSON, as a layer can hold it."""

from collections.abc import Sequence

from fiberq_core.errors import Fault, Invalid
from fiberq_core.geojson import from_geojson
from fiberq_core.geometry import check
from fiberq_core.registry.model import Layer


def geometry_of(layer: Layer, raw: object, path: str) -> tuple[bytes | None, Sequence[Fault]]:
    """The geometry as canonical WKB (None: nowhere), and what is wrong with it."""
    if raw is None:
        return None, ()
    try:
        wkb = from_geojson(raw, path)
    except Invalid as error:
        return None, error.faults
    wrong = check(layer.shape, wkb) if layer.spatial else f"{layer.labels.en} have no place"
    return wkb, [Fault(path, wrong)] if wrong else []
