"""QGIS at work on a GeoPackage, as a person sits before it: run with Debian's Python, which has QGIS.

    /usr/bin/python3 qgis_edit.py FILE.gpkg < commands.json

Commands are a JSON list of {"do": one of `COMMANDS`, …}, each of which is one edit session of one
layer; printed is the JSON list of their answers. Warnings of the provider are answers too.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProject,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)


class Desk:
    """QGIS with every layer of one file in its project."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.layers: dict[str, QgsVectorLayer] = {}
        self.said: list[str] = []
        self.browsed: list[Any] = []
        QgsApplication.messageLog().messageReceived.connect(self._heard)
        for found in QgsProviderRegistry.instance().querySublayers(path):
            if found.name() == "_fiberq_metadata":
                continue  # the plugin's own table: without a row number, and not registered as a layer
            layer = QgsVectorLayer(found.uri(), found.name(), "ogr")
            QgsProject.instance().addMapLayer(layer)
            self.layers[found.name()] = layer

    def _heard(self, text: str, topic: str, level: int) -> None:
        if level in (Qgis.Warning, Qgis.Critical):
            self.said.append(f"{topic}: {text}")

    def look(self) -> dict[str, Any]:
        """What QGIS makes of every layer."""
        return {name: _seen(layer) for name, layer in self.layers.items()}

    def rows(self, layer: str) -> list[dict[str, Any]]:
        """The attributes of a layer as QGIS reads them."""
        return [
            {name: _plain(value) for name, value in zip(f.fields().names(), f.attributes(), strict=True)}
            for f in self.layers[layer].getFeatures()
        ]

    def browse(self, layer: str) -> None:
        """Begin to read a layer, as an open attribute table does, and stay at its first row."""
        self.browsed.append(self.layers[layer].getFeatures())
        next(self.browsed[-1])

    def change(self, layer: str, values: dict[str, Any], uuid: str | None = None, fid: int | None = None) -> None:
        """Type values into the form of one feature."""
        at = self._one(layer, uuid, fid).id()
        self._session(layer, lambda its: [its.changeAttributeValue(at, _index(its, n), v) for n, v in values.items()])

    def move(self, layer: str, uuid: str, wkt: str | None) -> None:
        """Drag one feature elsewhere; without *wkt* take its geometry away."""
        at = self._one(layer, uuid, None).id()
        place = QgsGeometry.fromWkt(wkt) if wkt else QgsGeometry()
        self._session(layer, lambda its: [its.changeGeometry(at, place)])

    def add(self, layer: str, values: dict[str, Any], wkt: str | None = None) -> int:
        """Draw a feature and fill in its form; returns the fid that QGIS gave it."""
        return self._added(layer, QgsGeometry.fromWkt(wkt) if wkt else QgsGeometry(), values)

    def copy(self, layer: str, uuid: str, values: dict[str, Any], wkt: str | None = None) -> int:
        """Copy a feature and paste it into its own layer; then type values into the copy."""
        source = self._one(layer, uuid, None)
        attributes = dict(zip(source.fields().names(), source.attributes(), strict=True))
        place = QgsGeometry.fromWkt(wkt) if wkt else source.geometry()
        return self._added(layer, place, {**attributes, **values})

    def delete(self, layer: str, uuid: str | None = None, fid: int | None = None) -> None:
        """Delete one feature."""
        at = self._one(layer, uuid, fid).id()
        self._session(layer, lambda its: [its.deleteFeature(at)])

    def style(self, layer: str) -> str:
        """Save the layer's style into the file (`layer_styles`)."""
        return str(self.layers[layer].saveStyleToDatabase("as seen", "", True, "") or "")

    def save_as(self, to: str, layers: list[str] | None = None) -> None:
        """Export layers into a new file."""
        for name in layers or list(self.layers):
            options = QgsVectorFileWriter.SaveVectorOptions()
            options.driverName, options.layerName = "GPKG", name
            if Path(to).exists():
                options.actionOnExistingFile = QgsVectorFileWriter.CreateOrOverwriteLayer
            context = QgsProject.instance().transformContext()
            answer = QgsVectorFileWriter.writeAsVectorFormatV3(self.layers[name], to, context, options)
            assert answer[0] == QgsVectorFileWriter.NoError, answer

    def copy_open(self, to: str) -> bool:
        """Copy the file while QGIS has it open, with what lies beside it; whether a `-wal` did."""
        shutil.copy(self.path, to)
        beside = Path(f"{self.path}-wal")
        if beside.exists():
            shutil.copy(beside, f"{to}-wal")
        return beside.exists() and beside.stat().st_size > 0

    def _one(self, layer: str, uuid: str | None, fid: int | None) -> QgsFeature:
        request = QgsFeatureRequest(fid) if fid else QgsFeatureRequest().setFilterExpression(f"fiberq_uuid = '{uuid}'")
        return next(self.layers[layer].getFeatures(request))

    def _added(self, name: str, place: QgsGeometry, values: dict[str, Any]) -> int:
        layer = self.layers[name]
        fids: list[int] = []
        feature = QgsVectorLayerUtils.createFeature(layer, place, {_index(layer, n): v for n, v in values.items()})
        layer.committedFeaturesAdded.connect(lambda _, features: fids.extend(f.id() for f in features))
        self._session(name, lambda its: [its.addFeature(feature)])
        return fids[-1]

    def _session(self, name: str, work: Any) -> None:
        layer = self.layers[name]
        assert layer.startEditing() and all(work(layer)) and layer.commitChanges(), layer.commitErrors()


def _index(layer: QgsVectorLayer, name: str) -> int:
    at: int = layer.fields().lookupField(name)
    assert at >= 0, name
    return at


def _seen(layer: QgsVectorLayer) -> dict[str, Any]:
    return {
        "valid": layer.isValid(),
        "crs": layer.crs().authid(),
        "count": layer.featureCount(),
        "read": sum(1 for _ in layer.getFeatures()),
        "spatial": layer.isSpatial(),
    }


def _plain(value: Any) -> Any:
    if value is None or (hasattr(value, "isNull") and value.isNull()):
        return None
    return value if isinstance(value, str | int | float | bool) else value.toString(1)


COMMANDS = ("look", "rows", "browse", "change", "move", "add", "copy", "delete", "style", "save_as", "copy_open")


def main() -> None:
    """Carry out the commands and put the file away."""
    application = QgsApplication([], False)
    application.initQgis()
    desk = Desk(sys.argv[1])
    answers = []
    for command in json.load(sys.stdin):
        name = command.pop("do")
        assert name in COMMANDS, name
        answers.append(getattr(desk, name)(**command))
    desk.browsed.clear()
    desk.layers.clear()
    QgsProject.instance().clear()
    application.exitQgis()
    print(json.dumps({"answers": answers, "said": desk.said}), flush=True)  # noqa: T201 (this is its answer)
    os._exit(0)  # what Python would take apart now, QGIS has taken apart


if __name__ == "__main__":
    main()
