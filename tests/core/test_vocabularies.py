"""The vocabularies against what files carry, written down by hand."""

from collections import Counter
from itertools import chain

import pytest

from fiberq_core.registry import LAYER, LAYERS, VOCABULARIES
from fiberq_core.registry.model import Column, Vocabulary
from fiberq_core.registry.names import layer_of_id

# code=label[/other spelling] as files carry them
VALUES = {
    ("Trasa", "tip_trase"): "vazdusna=Aerial, podzemna=Underground, kroz objekat=Through the object",
    ("Kablovi_podzemni", "tip"): "opticki=Optical, bakarnI=Copper",
    ("Kablovi_vazdusni", "podtip"): "glavni=Backbone, distributivni=Distribution/Distributive, razvodni=Drop/razvodnik",
    (
        "Kablovi_podzemni",
        "stanje",
    ): "Projektovano=Planned, Postojeće=Existing, U izgradnji=Under construction, Built=Built",
    ("Kablovi_podzemni", "cable_laying"): "Podzemno=Underground, Vazdusno=Aerial",
    ("Kablovi_podzemni", "color_standard"): "TIA-598-C=TIA-598-C, IEC 60304=IEC 60304, Custom=Custom",
    ("Opticke_rezerve", "lokacija"): "OKNO=Manhole, Stub=Pole, Objekat=Object, Auto=Automatic",
    ("Opticke_rezerve", "strana"): "od=From/FROM, do=To/TO, sredina=Mid span/MID SPAN",
    ("Opticke_rezerve", "tip"): "zavrsna=Terminal, prolazna=Mid-span/Mid span",
    ("Elements", "stanje"): "Planned=Planned, Built=Built, Existing=Existing",
    ("Elements", "tip"): """ODF=ODF, TB=TB (terminal box), Patch panel=Patch panel/Patch Panel/Patch_panel, OTB=OTB
        (termination box), Indoor OTB=Indoor OTB, Outdoor OTB=Outdoor OTB, Pole OTB=Pole OTB, TO=TO (outlet), Indoor TO=
        Indoor TO, Outdoor TO=Outdoor TO, Pole TO=Pole TO, Joint Closure TO=Joint closure TO, Splitter=Splitter, OLT=OLT,
        ONU=ONU""",
    ("OKNA", "stanje"): "Planned=Planned, Built=Built/Executed, Existing=Existing",
    ("OKNA", "vrsta_okna"): "Standard=Standard, Mounted=Mounted, Existing=Existing",
    ("Stubovi", "materijal"): "Wood=Wood, Concrete=Concrete, Steel=Steel, Composite=Composite",
    ("PE cevi", "materijal"): "PE / PVC=PE / PVC, PE=PE, Oki=Oki, FeZn=FeZn, PVC=PVC",
    ("PE cevi", "kapacitet"): "1x1=1x1, 1x2=1x2, 2x1=2x1, 2x2=2x2, 1x3=1x3, 2x3=2x3, 3x3=3x3",
    ("Splice_closures", "closure_type"): "dome=Dome, inline=Inline, wall-mount=Wall mount",
    ("fiber_splice_trays", "tray_type"): "6F=6F, 12F=12F, 24F=24F, 48F=48F",
    ("fiber_splices", "fiber_a_color"): """Blue=Blue, Orange=Orange, Green=Green, Brown=Brown, Slate=Slate, White=White,
        Red=Red, Black=Black, Yellow=Yellow, Violet=Violet, Rose=Rose/Pink, Aqua=Aqua""",
    ("fiber_patch_connections", "status"): "free=Free, connected=Connected, reserved=Reserved, faulty=Faulty",
    ("SMR_reports", "weather"): "Sunny=Sunny, Cloudy=Cloudy, Rain=Rain, Snow=Snow, Wind=Wind",
}

# what the system itself works by
CLOSED = {
    ("fiber_splices", "splice_type"): "fusion mechanical",
    ("fiber_splices", "status"): "planned spliced tested faulty",
    ("fiber_splices", "cable_a_end"): "from to",
    ("fiber_splices", "cable_b_end"): "from to",
    ("fiber_patch_connections", "fiber_cable_end"): "from to",
    ("Work_orders", "order_type"): "installation splice repair survey maintenance",
    ("Work_orders", "priority"): "low medium high urgent",
    ("Work_orders", "status"): "created assigned in_progress completed verified rejected",
    ("work_order_items", "item_type"): "cable_laying splice pole_install manhole_install duct_install other",
    ("work_order_items", "status"): "pending done",
    ("field_photos", "related_type"): None,
    ("sync_issues", "kind"): "conflict rejected refused held_delete held_deletes clash duplicate question",
    ("sync_issues", "decision"): "keep_server take_mine take_both restore dismiss",
}


COLUMNS = [(layer, column) for layer in LAYERS for column in layer.columns]


def listed(text: str) -> list[str]:
    return [" ".join(part.split()) for part in text.split(",")]


@pytest.mark.parametrize("where", VALUES, ids=".".join)
def test_vocabularies_know_what_files_carry(where: tuple[str, str]) -> None:
    """Codes, labels and older spellings all stand for the term; the lists are open."""
    layer, name = where
    vocabulary = _vocabulary(LAYER[layer].column(name))

    for entry in listed(VALUES[where]):
        code, _, spellings = entry.partition("=")
        for spelling in (code, *(s.strip() for s in spellings.split("/") if " / " not in entry)):
            term = vocabulary.term(spelling)
            assert term is not None
            assert code == term.code
        assert spellings.strip().split("/")[0] == vocabulary.term(code).labels.en or " / " in entry  # type: ignore[union-attr]
    assert not vocabulary.closed
    assert vocabulary.term("nešto drugo") is None


def test_manhole_types() -> None:
    """The plugin's seventeen, then the five of the old server's form."""
    codes = [term.code for term in _vocabulary(LAYER["OKNA"].column("tip")).terms]

    assert 22 == len(codes)
    assert ["D0", "D1", "D2", "D3", "D4"] == codes[17:]
    assert {"Standard octagonal cut 220x128x190", "Mounted mini manhole type Duct End (micro ducts)"} < set(codes[:17])


def test_closed_vocabularies() -> None:
    """The system works by these and by no others."""
    closed = {(layer.name, c.name): c.vocabulary for layer, c in COLUMNS if c.vocabulary and c.vocabulary.closed}

    assert set(CLOSED) == set(closed)
    for where, codes in CLOSED.items():
        assert codes is None or codes.split() == [term.code for term in closed[where].terms]


def test_photos_can_show_everything() -> None:
    """`related_type` is a layer by any of its names, or the short word that the old clients send."""
    column = LAYER["field_photos"].column("related_type")
    reference = LAYER["field_photos"].reference("related_uuid")
    vocabulary = _vocabulary(column)
    short = {
        "work_order": "Work_orders",
        "work_order_item": "work_order_items",
        "smr_report": "SMR_reports",
        "splice": "fiber_splices",
        "closure": "Splice_closures",
        "Poles": "Stubovi",
        "Indoor_OTB": "Elements",
    }

    assert reference is not None
    assert list(reference.targets) == [term.code for term in vocabulary.terms]
    assert all(layer == term.code for name, layer in short.items() if (term := vocabulary.term(name)))
    assert all(vocabulary.term(name) and layer_of_id(name) for name in short)
    assert all(
        (found := layer_of_id(alias)) and term.code == found.layer.name
        for term in vocabulary.terms
        for alias in term.aliases
    )


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda vocabulary: vocabulary.name)
def test_terms_are_unambiguous(vocabulary: Vocabulary) -> None:
    """A code, label or alias stands for one term only."""
    values = chain.from_iterable({t.code, t.labels.en, t.labels.sr, t.labels.bg, *t.aliases} for t in vocabulary.terms)

    assert [] == [value for value, times in Counter(values).items() if times > 1]


def test_vocabularies_are_listed_once() -> None:
    """All that columns use are in the list, under names of their own."""
    assert len(VOCABULARIES) == len({vocabulary.name for vocabulary in VOCABULARIES})
    assert {c.vocabulary.name for _, c in COLUMNS if c.vocabulary} <= {v.name for v in VOCABULARIES}
    assert {"relation_category"} == {v.name for v in VOCABULARIES} - {
        c.vocabulary.name for _, c in COLUMNS if c.vocabulary
    }


def _vocabulary(column: Column | None) -> Vocabulary:
    assert column is not None
    assert column.vocabulary is not None
    return column.vocabulary
