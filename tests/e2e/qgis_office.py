"""QGIS Desktop at work on the tables of PostGIS, through its own provider: run with Debian's Python, which has QGIS.

    /usr/bin/python3 -m tests.e2e.qgis_office DSN SCHEMA < commands.json

Commands are a JSON list of {"do": one of `COMMANDS`, …}; printed is the JSON list of their answers. An edit is
{"layer", and "change": id with "values", "move": id with "wkt", "add": wkt or null with "values", "copy": id with
"values", or "delete": id}.
"""

import json
import os
import sys
from collections.abc import Callable
from itertools import groupby
from typing import Any
from urllib.parse import unquote, urlsplit

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsDataSourceUri,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProject,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)

Edit = dict[str, Any]


class Desk:
    """QGIS with the tables of one schema, as far as somebody has asked for them."""

    def __init__(self, dsn: str, schema: str) -> None:
        self.at, self.schema = urlsplit(dsn), schema
        self.layers: dict[str, QgsVectorLayer] = {}
        self.said: list[str] = []
        QgsApplication.messageLog().messageReceived.connect(self._heard)

    def _heard(self, text: str, topic: str, level: int) -> None:
        if level in (Qgis.Warning, Qgis.Critical):
            self.said.append(f"{topic}: {text}")

    def open(self, table: str, place: str | None = "geom", where: str = "") -> dict[str, Any]:
        """Add a table to the project; what QGIS makes of it."""
        uri = QgsDataSourceUri()
        password = unquote(self.at.password or "")
        uri.setConnection(self.at.hostname, str(self.at.port), self.at.path[1:], self.at.username, password)
        uri.setDataSource(self.schema, table, place, where, "id")
        layer = QgsVectorLayer(uri.uri(False), table, "postgres")
        QgsProject.instance().addMapLayer(layer)
        self.layers[table] = layer
        return {"valid": layer.isValid(), "crs": layer.crs().authid(), "count": layer.featureCount()}

    def rows(self, layer: str) -> list[dict[str, Any]]:
        """The attributes of a table as QGIS reads them."""
        self.layers[layer].reload()
        names = self.layers[layer].fields().names()
        return [dict(zip(names, map(_plain, f.attributes()), strict=True)) for f in self.layers[layer].getFeatures()]

    def edit(self, edits: list[Edit]) -> list[str]:
        """One edit session for each layer, one after the other, each saved; what the database refused."""
        refused: list[str] = []
        for name, its in groupby(edits, lambda edit: edit["layer"]):
            layer = self.layers[name]
            assert layer.startEditing(), name
            for one in its:
                assert self._do(layer, one), one
            if not layer.commitChanges():
                refused += layer.commitErrors()
                layer.rollBack()
        return refused

    def together(self, edits: list[Edit]) -> list[str]:
        """All in one transaction, as with *transaction groups* in the project's properties; what the database refused."""
        QgsProject.instance().setAutoTransaction(True)
        first = self.layers[edits[0]["layer"]]
        assert first.startEditing()
        refused = [str(one) for one in edits if not self._do(self.layers[one["layer"]], one)]
        saved = first.commitChanges() if not refused else first.rollBack()
        QgsProject.instance().setAutoTransaction(False)
        return [*refused, *([] if saved else first.commitErrors())]

    def _do(self, layer: QgsVectorLayer, edit: Edit) -> bool:
        verb = next(name for name in VERBS if name in edit)
        return VERBS[verb](layer, edit)


def _at(layer: QgsVectorLayer, number: int) -> int:
    """QGIS's number of the row with an id."""
    return int(next(layer.getFeatures(QgsFeatureRequest().setFilterExpression(f"id = {number}"))).id())


def _index(layer: QgsVectorLayer, name: str) -> int:
    at: int = layer.fields().lookupField(name)
    assert at >= 0, name
    return at


def _change(layer: QgsVectorLayer, edit: Edit) -> bool:
    row = _at(layer, edit["change"])
    return all(layer.changeAttributeValue(row, _index(layer, n), v) for n, v in edit["values"].items())


def _move(layer: QgsVectorLayer, edit: Edit) -> bool:
    return bool(layer.changeGeometry(_at(layer, edit["move"]), QgsGeometry.fromWkt(edit["wkt"])))


def _add(layer: QgsVectorLayer, edit: Edit) -> bool:
    place = QgsGeometry.fromWkt(edit["add"]) if edit["add"] else QgsGeometry()
    values = {_index(layer, name): value for name, value in edit["values"].items()}
    return bool(layer.addFeature(QgsVectorLayerUtils.createFeature(layer, place, values)))


def _copy(layer: QgsVectorLayer, edit: Edit) -> bool:
    """Copy a feature and paste it into its own layer: whatever it says goes with it, but for the key."""
    source = layer.getFeature(_at(layer, edit["copy"]))
    values = dict(enumerate(source.attributes())) | {_index(layer, n): v for n, v in edit["values"].items()}
    del values[_index(layer, "id")]
    return bool(layer.addFeature(QgsVectorLayerUtils.createFeature(layer, source.geometry(), values)))


def _delete(layer: QgsVectorLayer, edit: Edit) -> bool:
    return bool(layer.deleteFeature(_at(layer, edit["delete"])))


VERBS: dict[str, Callable[[QgsVectorLayer, Edit], bool]] = {
    "change": _change,
    "move": _move,
    "add": _add,
    "copy": _copy,
    "delete": _delete,
}
COMMANDS = ("open", "rows", "edit", "together")


def _plain(value: Any) -> Any:
    if value is None or (hasattr(value, "isNull") and value.isNull()):
        return None
    return value if isinstance(value, str | int | float | bool | dict | list) else value.toString(1)


def main() -> None:
    """Carry out the commands."""
    application = QgsApplication([], False)
    application.initQgis()
    desk = Desk(sys.argv[1], sys.argv[2])
    answers = []
    for command in json.load(sys.stdin):
        name = command.pop("do")
        assert name in COMMANDS, name
        answers.append(getattr(desk, name)(**command))
    desk.layers.clear()
    QgsProject.instance().clear()
    application.exitQgis()
    print(json.dumps({"answers": answers, "said": desk.said}), flush=True)  # noqa: T201 (this is its answer)
    os._exit(0)  # what Python would take apart now, QGIS has taken apart


if __name__ == "__main__":
    main()
