"""The table of settings is what the code says."""

import runpy
from pathlib import Path

from fiberq_aiohttp.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "howto-admin.md"


def test_the_table_is_up_to_date() -> None:
    """`scripts/make-settings-page` would change nothing."""
    page = runpy.run_path(str(ROOT / "scripts" / "make-settings-page"))["page"]

    assert PAGE.read_text("utf-8") == page(PAGE.read_text("utf-8"))


def test_every_setting_has_its_row() -> None:
    text = PAGE.read_text("utf-8")

    assert [] == [setting.name for setting in SETTINGS if f"| `{setting.name}` |" not in text]
