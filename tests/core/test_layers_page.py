"""The page of the layers is what the registry says."""

import runpy
from pathlib import Path

from fiberq_core.registry import LAYERS, VOCABULARIES

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_up_to_date() -> None:
    """`scripts/make-docs` would change nothing."""
    page = runpy.run_path(str(ROOT / "scripts" / "make-docs"))["page"]

    assert (ROOT / "docs" / "layers.md").read_text("utf-8") == page()


def test_headings_are_anchors_once() -> None:
    """Links inside the page lead to one place: no layer and list share a heading."""
    names = [layer.name.casefold() for layer in LAYERS] + [v.name.casefold() for v in VOCABULARIES]

    assert len(names) == len(set(names))
