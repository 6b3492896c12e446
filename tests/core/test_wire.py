"""What the values of the core look like as JSON."""

import json

import pytest

from fiberq_core.changes import Change, Op, Source
from fiberq_core.geojson import from_geojson
from fiberq_core.inbox import Author, Decided, Decision, Item, ItemKind
from fiberq_core.jsonvalues import value_json
from fiberq_core.ports import Revision, Version
from fiberq_core.registry import DATA_LAYERS, GEOMETRY, LAYER, LAYERS, Kind
from fiberq_core.rows import Key, Row, Stored
from fiberq_core.wire import change_json, feature_json, item_json, layer_json, version_json

POINT = {"type": "Point", "coordinates": [20.5, 44.25]}
ME = Author("180001", "Mira")
KEY = Key("OKNA", "8d6f0a52-0000-4000-8000-000000000001")
ROW = Row({"broj_okna": "7", GEOMETRY: from_geojson(POINT), "moja_boja": "plava", "slika": b"\x00\xff"})
STORED = Stored(KEY, ROW, id=12, fid=3, rev=41)
BY = Revision(41, ME, "2025-03-01T10:00:00.000Z", Source.UPLOAD, "sync-1")
JSON_COLUMN = next((layer.name, c.name) for layer in LAYERS for c in layer.columns if c.kind is Kind.JSON)


def test_feature() -> None:
    """A feature carries its uuid as id, every registered column, its numbers and, under extra, the unregistered."""
    feature = feature_json(STORED)
    properties = feature["properties"]

    assert ("Feature", KEY.uuid, POINT) == (feature["type"], feature["id"], feature["geometry"])
    assert isinstance(properties, dict)
    assert {c.name for c in LAYER["OKNA"].columns} | {"id", "fiberq_rev", "extra"} == set(properties)
    assert ("7", 12, 41) == (properties["broj_okna"], properties["id"], properties["fiberq_rev"])
    assert {"moja_boja": "plava", "slika": "AP8="} == properties["extra"]


@pytest.mark.parametrize("layer", DATA_LAYERS, ids=lambda layer: layer.name)
def test_empty_rows(layer) -> None:
    """An empty row of any layer has nulls, and a null geometry."""
    feature = feature_json(Stored(Key(layer.name, "u"), Row(), 1, 1, 1))

    assert feature["geometry"] is None
    assert {} == feature["properties"]["extra"]
    assert all(feature["properties"][c.name] is None for c in layer.columns if c.name != "id")


@pytest.mark.parametrize(
    "text, shown",
    [
        ('[{"a": 1.5}, null]', [{"a": 1.5}, None]),
        (' {"a": "š"}', {"a": "š"}),
        ("kopanje rova", "kopanje rova"),
        ("12", "12"),
        ('"12"', '"12"'),
        ("[NaN]", "[NaN]"),
        ("[1e999]", "[1e999]"),
        ("[1", "[1"),
        (f"[{10**30}]", f"[{10**30}]"),
        ('["\\ud800"]', '["\\ud800"]'),
        ("[" * 90 + "]" * 90, "[" * 90 + "]" * 90),
        ("[" * 100_000, "[" * 100_000),
        ("", ""),
    ],
)
def test_json_columns(text: str, shown: object) -> None:
    """Lists and objects are shown as such; free text, and what a JSON writer cannot take, as text."""
    assert shown == value_json(*JSON_COLUMN, text)


def test_version_and_deletion() -> None:
    """A version shows the values then; a deletion shows null."""
    version = version_json(Version(KEY, 12, 3, Op.UPDATE, ROW, Row(), BY))
    gone = version_json(Version(KEY, 12, 3, Op.DELETE, None, ROW, BY))

    assert (41, "update", "7", POINT) == (
        version["revision"],
        version["op"],
        version["values"]["broj_okna"],
        version["geometry"],
    )
    assert ({"sub": "180001", "name": "Mira"}, "upload", "sync-1") == (
        version["author"],
        version["source"],
        version["sync_id"],
    )
    assert (None, None, "delete") == (gone["values"], gone["geometry"], gone["op"])


def test_change_lists_what_differs() -> None:
    """A change has exactly the fields that differ, old and new, the geometry as GeoJSON."""
    before = ROW.with_values({"broj_okna": "6", GEOMETRY: None})
    change = change_json(Version(KEY, 12, 3, Op.UPDATE, ROW, before, BY))

    assert {
        "broj_okna": {"old": "6", "new": "7"},
        "geometry": {"old": None, "new": POINT},
    } == change["fields"]


def test_item_about_a_field() -> None:
    """An item about one field shows three values and the choices."""
    wanted = Change(KEY, Row({"broj_okna": "5"}), Row({"broj_okna": "6"}))
    item = Item("i-1", ItemKind.CONFLICT, "OKNA", KEY.uuid, "broj_okna", "Both changed it", (wanted,), author=ME)
    shown = item_json(item, STORED, ("keep_server", "take_mine"))

    assert ("5", "6", "7") == (shown["base"], shown["device"], shown["current"])
    assert (["keep_server", "take_mine"], "open", None, 12) == (
        shown["choices"],
        shown["state"],
        shown["decided"],
        shown["id"],
    )


def test_item_about_a_row_and_its_decision() -> None:
    """An item about a row shows rows; the decision says by whom and when."""
    decided = Decided(Decision.DISMISS, ME, "2025-03-02T10:00:00.000Z", "no")
    item = Item("i-2", ItemKind.HELD_DELETE, "OKNA", KEY.uuid, None, "r", (Change(KEY, ROW, None),), decided=decided)
    shown = item_json(item, None, ())

    assert (None, None, "decided") == (shown["device"], shown["current"], shown["state"])
    assert {"broj_okna": "7", "geometry": POINT, "moja_boja": "plava", "slika": "AP8="} == shown["base"]
    assert {"decision": "dismiss", "by": {"sub": "180001", "name": "Mira"}, "note": "no"} == {
        name: shown["decided"][name] for name in ("decision", "by", "note")
    }


@pytest.mark.parametrize(
    "raw, shown", [("12a", "12a"), (b"\x00", "AA=="), (float("nan"), "nan"), (10**40, str(10**40)), ("\ud800", "?")]
)
def test_item_with_a_value_as_typed(raw: object, shown: object) -> None:
    """A value that never fitted is shown as typed, and always as something that can be written."""
    item = Item("i-3", ItemKind.REJECTED, "OKNA", KEY.uuid, "broj_okna", "r", raw=raw)

    assert shown == item_json(item, None, ())["device"]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_layers_can_be_written(layer) -> None:
    """What the registry says of any layer is JSON."""
    shown = layer_json(layer, {"moja": "TEXT"}, 3)

    assert shown == json.loads(json.dumps(shown))
    assert {"moja": "TEXT"} == shown["extra"]
