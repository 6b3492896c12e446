"""Every name that a layer is met under, written down by hand."""

from collections import Counter

import pytest

from fiberq_core.registry import LAYER, LAYERS
from fiberq_core.registry.model import Layer, Shape
from fiberq_core.registry.names import layer_of_id, normalised, recognise

LEGACY = """OKNA,Stubovi,Kablovi_podzemni,Kablovi_vazdusni,Trasa,PE cevi,Nastavci,Prekid vlakna,Elements,
Splice_closures,Work_orders,SMR_reports"""

# layer: geometry: every name that it goes by in somebody's file or database
NAMES = """
OKNA: Point: Manholes, OKNA, Okna, ftth_okna
Stubovi: Point: Poles, Stubovi, ftth_stubovi
Kablovi_podzemni: LineString: Underground cables, Underground_cables, Kablovi_podzemni, ftth_kablovi_podzemni
Kablovi_vazdusni: LineString: Aerial cables, Aerial_cables, Kablovi_vazdusni, Kablovi_vazdušni, ftth_kablovi_nadzemni
Trasa: LineString: Route, Trasa, ftth_trase
PE cevi: LineString: PE pipes, PE_pipes, PE cevi, PE_cevi, PE_ducts, ftth_cevi
Prelazne_cevi: LineString: Transition pipes, Transition_pipes, Prelazne cevi, Prelazne_cevi, Transition_ducts
Nastavci: Point: Joint Closures, Joint_Closures, Nastavci, Joint_closures, ftth_mufovi
Prekid vlakna: Point: Fiber break, Fiber_break, Prekid vlakna, Prekid_vlakna, Fiber_breaks, ftth_spojevi
Opticke_rezerve: Point: Optical slack, Optical_slack, Optical_slacks, Optical slacks, Opticke_rezerve, Optičke rezerve, Rezerve
Elements: Point: Elements, ftth_elements
Service_Area: Polygon: Service Area, Service_Area, Service area, Rejon, Zona opsluživanja, Zona_opsluzivanja
Objects: Polygon: Objects, Objekti
Drawings: Geometry: Drawings, Crtezi, Crteži
Splice_closures: Point: Splice_closures, Splice Closures, fiber_splice_closures, closure
fiber_splice_trays: none: fiber_splice_trays
fiber_splices: none: fiber_splices, splice
fiber_patch_connections: none: fiber_patch_connections
Work_orders: Polygon: Work_orders, Work Orders, work_orders, work_order
work_order_items: none: work_order_items, work_order_item
SMR_reports: Point: SMR_reports, SMR Reports, smr_reports, smr_report
field_photos: Point: field_photos, Field Photos
_fiberq_metadata: none: _fiberq_metadata
sync_issues: Point: sync_issues
"""

ELEMENT_LAYERS = """ODF,TB,Patch panel,OTB,Indoor OTB,Outdoor OTB,Pole OTB,TO,Indoor TO,Outdoor TO,Pole TO,
Joint Closure TO"""


every_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)


def listed(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(",")]


def test_the_twelve_legacy_names_are_exact() -> None:
    """The old server's twelve layers keep their names to the letter."""
    assert set(listed(LEGACY)) <= set(LAYER)
    assert 12 == len(set(listed(LEGACY)))


@pytest.mark.parametrize("line", NAMES.strip().splitlines())
def test_every_name_is_recognised(line: str) -> None:
    """Whatever a layer is called, with a plugin's number behind it or as a QGIS layer id, it is found."""
    layer, shape, names = (part.strip() for part in line.split(":"))

    assert Shape(shape) is LAYER[layer].shape
    for name in listed(names):
        for spelling in (name, name.upper(), name.replace(" ", "_"), f"{name}_2", f"{name} 13"):
            found = recognise(spelling)
            assert found is not None
            assert (layer, {}) == (found.layer.name, found.fixed)
        by_id = layer_of_id(f"{name.replace(' ', '_')}_f5205a25_f262_4502_a6f7_1f8d4646bcaa")
        assert by_id is not None
        assert layer == by_id.layer.name


def test_all_layers_are_in_the_list_of_names() -> None:
    """Nothing stands in the registry that this page does not know."""
    assert {line.split(":")[0] for line in NAMES.strip().splitlines()} == set(LAYER)


@pytest.mark.parametrize("name", listed(ELEMENT_LAYERS))
def test_element_layers_are_elements_of_a_type(name: str) -> None:
    """The plugin's twelve element layers are one layer here; their name becomes the type."""
    for spelling in (name, name.replace(" ", "_"), name.title().replace("Odf", "ODF"), f"{name.replace(' ', '_')}_2"):
        found = recognise(spelling)
        assert found is not None
        assert ("Elements", {"tip": name}) == (found.layer.name, found.fixed)

    assert listed(ELEMENT_LAYERS) == list(LAYER["Elements"].variants)


@pytest.mark.parametrize("name", ["", "_", "layer_styles", "gpkg_contents", "OKNA_x", "Manholes_1", "ODF_old", "Шахти"])
def test_other_tables_are_not_ours(name: str) -> None:
    """A name that is not on the list is nobody's."""
    assert recognise(name) is None


@pytest.mark.parametrize("name", ["Međa", "Medja"])
def test_diacritics_do_not_matter(name: str) -> None:
    """`đ` is `dj`, as crews write it on a phone."""
    assert "medja" == normalised(name)


@every_layer
def test_layer_ids_may_be_bare_names(layer: Layer) -> None:
    """Our own exports name the layer itself where a QGIS id could stand."""
    found = layer_of_id(layer.name)

    assert found is not None
    assert layer is found.layer


def test_no_two_layers_claim_one_name() -> None:
    """A table's name decides: it may not mean two layers, or a layer and an element's type."""
    claims = [
        (normalised(name), layer.name)
        for layer in LAYERS
        for name in (layer.name, layer.table, layer.plugin, *layer.aliases, *layer.variants)
        if name
    ]

    assert {name: 1 for name, _ in claims} == Counter(name for name, _ in set(claims))
    assert len(LAYERS) == len(LAYER) == len({layer.table for layer in LAYERS})
