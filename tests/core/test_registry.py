"""The registry against the facts of the field, written down here a second time by hand."""

import pytest

from fiberq_core.policy import Action
from fiberq_core.registry import DATA_LAYERS, GEOMETRY, LAYER, LAYERS, SYSTEM, VOCABULARIES
from fiberq_core.registry.model import Kind, Labels, Layer
from fiberq_core.registry.names import column_of, recognise
from tests.core.field_facts import FOREIGN_KEYS, PLUGIN, SERVER

_CABLES = "Kablovi_podzemni Kablovi_vazdusni"
_PLACES = """OKNA Stubovi Trasa Kablovi_podzemni Kablovi_vazdusni PE_cevi Prelazne_cevi Nastavci Prekid_vlakna
Opticke_rezerve Elements Service_Area Objects Drawings Splice_closures fiber_splice_trays fiber_splices
fiber_patch_connections"""

# layer.column, local layer column, local fid column, flags, targets
REFERENCES = f"""
Prekid vlakna.kabl_uuid, kabl_layer_id, kabl_fid, , {_CABLES}
Opticke_rezerve.kabl_uuid, kabl_layer_id, kabl_fid, , {_CABLES}
Splice_closures.muf_uuid, , muf_fid, , Nastavci
fiber_splice_trays.closure_uuid, , closure_fid, owned required, Splice_closures
fiber_splices.tray_uuid, , tray_fid, owned required, fiber_splice_trays
fiber_splices.cable_a_uuid, cable_a_layer_id, cable_a_fid, , {_CABLES}
fiber_splices.cable_b_uuid, cable_b_layer_id, cable_b_fid, , {_CABLES}
fiber_patch_connections.element_uuid, element_layer_id, element_fid, , Elements
fiber_patch_connections.fiber_cable_uuid, fiber_cable_layer_id, fiber_cable_fid, , {_CABLES}
fiber_patch_connections.connected_to_uuid, , connected_to_fid, , fiber_patch_connections
work_order_items.work_order_uuid, , work_order_fid, owned required, Work_orders
work_order_items.target_uuid, target_layer, target_fid, , {" ".join(_PLACES.split())}
SMR_reports.work_order_uuid, , work_order_fid, , Work_orders
field_photos.related_uuid, related_type, related_fid, , {" ".join(_PLACES.split())} Work_orders work_order_items SMR_reports
"""

RIGHTS = """
OKNA Stubovi Trasa Kablovi_podzemni Kablovi_vazdusni PE_cevi Prelazne_cevi Nastavci Prekid_vlakna Opticke_rezerve Elements Service_Area Objects Drawings: network
Splice_closures fiber_splice_trays fiber_splices fiber_patch_connections: fibre
Work_orders work_order_items: order
SMR_reports: report
field_photos: photo
"""

COLUMNS = [(layer, column) for layer in LAYERS for column in layer.columns]
every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)


@pytest.mark.parametrize(
    "layer, fact", [(layer, fact) for layer, facts in SERVER.items() for fact in facts.split()], ids=":".join
)
def test_every_server_column_has_its_place(layer: str, fact: str) -> None:
    """The old server's columns are there, in the right kind and unit; lengths and losses in double precision."""
    name, kind, unit = f"{fact}::".split(":")[:3]
    column = LAYER[layer].column(name)

    assert column is not None
    assert (Kind(kind or "text"), unit) == (column.kind, column.unit)


@pytest.mark.parametrize(
    "table, fact", [(table, fact) for table, facts in PLUGIN.items() for fact in facts.split()], ids=":".join
)
def test_every_plugin_field_has_its_column(table: str, fact: str) -> None:
    """Nothing that the plugin stores has nowhere to go."""
    found = recognise(table)
    name, _, expected = fact.partition(">")
    assert found is not None
    for spelling in (name, name.upper()):
        column = column_of(found.layer, spelling)
        assert column is not None
        assert (expected or name) == column.name


def test_unregistered_fields_have_no_column() -> None:
    """What the registry does not know is not guessed at; system columns are not data."""
    assert column_of(LAYER["OKNA"], "boja_poklopca") is None
    assert all(column_of(layer, system.name) is None for layer in LAYERS for system in SYSTEM)


@every_layer
def test_columns_are_named_once(layer: Layer) -> None:
    """Within a layer no name and no alias means two columns, or the geometry, in any case."""
    names = [name.casefold() for column in layer.columns for name in (column.name, *column.aliases)]
    reserved = {"fid", "geom", GEOMETRY, "extra", *(column.name for column in SYSTEM)}

    assert len(names) == len(set(names))
    assert not reserved & set(names)
    assert all(name.isascii() and name.isidentifier() for name in names)


@pytest.mark.parametrize("line", REFERENCES.strip().splitlines())
def test_references(line: str) -> None:
    """Who points at whom, and by which columns of a file."""
    path, local_layer, local_fid, flags, targets = (part.strip() for part in line.split(","))
    layer, column = path.rsplit(".", 1)
    found = LAYER[layer].reference(column)

    assert found is not None
    assert (local_layer or None, local_fid or None) == (found.local_layer, found.local_fid)
    assert set(flags.split()) == {flag for flag in ("owned", "required") if getattr(found, flag)}
    assert set(targets.split()) == {target.replace(" ", "_") for target in found.targets}
    assert len(found.targets) == len(set(found.targets))
    assert set(found.targets) <= set(LAYER)


@every_layer
def test_references_stand_on_columns(layer: Layer) -> None:
    """The columns that a reference names exist and have the right kind; every uuid column is a reference."""
    by_kind = {Kind.UUID: set[str](), Kind.INTEGER: set[str](), Kind.TEXT: set[str]()}
    for reference in layer.references:
        by_kind[Kind.UUID].add(reference.column)
        by_kind[Kind.INTEGER] |= {reference.local_fid} if reference.local_fid else set()
        by_kind[Kind.TEXT] |= {reference.local_layer} if reference.local_layer else set()

    assert by_kind[Kind.UUID] == {column.name for column in layer.columns if column.kind is Kind.UUID}
    assert all(name in {c.name for c in layer.columns if c.kind is kind} for kind in by_kind for name in by_kind[kind])
    assert all(reference.required for reference in layer.references if reference.owned)


def test_all_references_are_listed() -> None:
    """The list above is the whole of it, and the old server's foreign keys are read."""
    listed_here = {line.split(",")[0].strip() for line in REFERENCES.strip().splitlines()}
    legacy = {layer.name: r.legacy_id for layer in LAYERS for r in layer.references if r.legacy_id}

    assert listed_here == {f"{layer.name}.{r.column}" for layer in LAYERS for r in layer.references}
    assert legacy == FOREIGN_KEYS


def test_parents_come_first() -> None:
    """A layer stands after those that own its rows."""
    order = [layer.name for layer in LAYERS]

    assert all(
        order.index(target) < order.index(layer.name)
        for layer in LAYERS
        for reference in layer.references
        for target in reference.targets
        if target != layer.name
    )
    assert order == [*(layer.name for layer in DATA_LAYERS), "sync_issues"]


def test_rights() -> None:
    """Each layer's write and delete rights."""
    expected = {"_fiberq_metadata": ("metadata.write",) * 2, "sync_issues": ("inbox.decide",) * 2}
    for line in RIGHTS.strip().splitlines():
        names, family = line.split(": ")
        expected |= dict.fromkeys(names.split(), (f"{family}.write", f"{family}.delete"))

    found = {x.name.replace(" ", "_"): (x.rights.write.value, x.rights.delete.value) for x in LAYERS}
    assert expected == found


def test_rights_of_single_columns() -> None:
    """What a crew may do to an order that it may not edit."""
    assert {
        ("Work_orders", "status"): Action.ORDER_ADVANCE,
        ("Work_orders", "rejection_reason"): Action.ORDER_ADVANCE,
        ("Work_orders", "started_at"): Action.ORDER_ADVANCE,
        ("Work_orders", "completed_at"): Action.ORDER_ADVANCE,
        ("Work_orders", "verified_at"): Action.ORDER_REOPEN,
        ("Work_orders", "verified_by_sub"): Action.ORDER_REOPEN,
        ("work_order_items", "status"): Action.ITEM_COMPLETE,
        ("work_order_items", "completed_at"): Action.ITEM_COMPLETE,
        ("work_order_items", "completed_by_sub"): Action.ITEM_COMPLETE,
        ("work_order_items", "notes"): Action.ITEM_COMPLETE,
    } == {(layer.name, column.name): column.action for layer, column in COLUMNS if column.action}


def test_owners() -> None:
    """Whose own work a row is."""
    owners = {layer.name: layer.owner for layer in LAYERS if layer.owner}
    via = {layer.name: layer.owner_via for layer in LAYERS if layer.owner_via}

    assert owners == {
        "Work_orders": "assigned_to_sub",
        "SMR_reports": "reported_by_sub",
        "field_photos": "taken_by_sub",
    }
    assert via == {"work_order_items": "work_order_uuid"}


@every_layer
def test_special_columns_exist(layer: Layer) -> None:
    """Title, kind, owner, variant and natural key name columns of the layer."""
    named = (layer.title, layer.kind_column, layer.owner, layer.owner_via, layer.variant_column, layer.natural_key)

    assert all(layer.column(name) is not None for name in named if name)
    assert layer.title
    assert bool(layer.variants) == bool(layer.variant_column)
    assert not layer.geometry_required or layer.spatial


def test_required_columns() -> None:
    """Without these a row cannot stand."""
    assert {
        "fiber_splice_trays.tray_number",
        "fiber_splices.position_in_tray",
        "fiber_patch_connections.port_number",
        "Work_orders.title",
        "Work_orders.order_type",
        "work_order_items.item_type",
        "field_photos.photo_path",
        "_fiberq_metadata.key",
    } == {f"{layer.name}.{column.name}" for layer, column in COLUMNS if column.required}


def test_defaults() -> None:
    """Only what the system works by is filled in, and the port's connector; descriptions stay NULL if nobody says."""
    assert {
        "fiber_splices.splice_type": "fusion",
        "fiber_splices.status": "planned",
        "fiber_patch_connections.connector_type": "SC/APC",
        "fiber_patch_connections.status": "free",
        "Work_orders.priority": "medium",
        "Work_orders.status": "created",
        "work_order_items.status": "pending",
    } == {f"{layer.name}.{column.name}": column.default for layer, column in COLUMNS if column.default is not None}


def test_labels_are_there_in_three_languages() -> None:
    """Nobody sees a blank; Serbian is in Latin script, Bulgarian is not."""
    texts: list[Labels] = [layer.labels for layer in LAYERS]
    texts += [column.labels for _, column in COLUMNS] + [column.labels for column in SYSTEM]
    descriptions = list(texts)
    texts += [term.labels for vocabulary in VOCABULARIES for term in vocabulary.terms]

    assert all(text.strip() == text and text for labels in texts for text in (labels.en, labels.sr, labels.bg))
    assert all(not _cyrillic(labels.en) and not _cyrillic(labels.sr) for labels in texts)
    assert all(_cyrillic(labels.bg) for labels in descriptions)


def test_numbers_have_units_and_text_has_not() -> None:
    """Every real number says what it counts, except a quantity, whose unit stands beside it."""
    assert {"quantity"} == {column.name for _, column in COLUMNS if column.kind is Kind.REAL and not column.unit}
    assert all(column.kind in (Kind.REAL, Kind.INTEGER) for _, column in COLUMNS if column.unit)


def test_every_kind_is_used() -> None:
    """A kind that no column has would be untested in every dialect."""
    assert set(Kind) == {column.kind for _, column in COLUMNS} | {column.kind for column in SYSTEM}


def _cyrillic(text: str) -> bool:
    return any("\u0400" <= letter <= "\u04ff" for letter in text)
