"""Somebody at QGIS Desktop who works on the tables of PostGIS."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.programs import DEBIAN, run

ROOT = Path(__file__).parents[2]
SCHEMA = "fiberq"


def desk(dsn: str, *commands: dict[str, Any], environment: Mapping[str, str] | None = None) -> list[Any]:
    """Let QGIS carry out *commands* (see `qgis_office`) as the user of *dsn*; their answers."""
    settings = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8", **(environment or {})}
    said = run(DEBIAN, "-m", "tests.e2e.qgis_office", dsn, SCHEMA, input=json.dumps(commands), env=settings, cwd=ROOT)
    return list(json.loads(said.splitlines()[-1])["answers"])


def opened(*tables: str, without_place: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Commands that open tables."""
    return [
        *({"do": "open", "table": table} for table in tables),
        *({"do": "open", "table": table, "place": None} for table in without_place),
    ]


def edit(*edits: dict[str, Any]) -> dict[str, Any]:
    """Edits, one session for each run of one layer."""
    return {"do": "edit", "edits": list(edits)}


def together(*edits: dict[str, Any]) -> dict[str, Any]:
    """Edits in one transaction."""
    return {"do": "together", "edits": list(edits)}


def change(layer: str, row: int, **values: object) -> dict[str, Any]:
    """Type into the form of the row with an id."""
    return {"layer": layer, "change": row, "values": values}


def add(layer: str, project: int, place: str | None = None, **values: object) -> dict[str, Any]:
    """Draw a new row."""
    return {"layer": layer, "add": place, "values": {"project_id": project, **values}}


def saved(answers: list[Any]) -> bool:
    """Whether the database refused none of the edits among *answers*."""
    return not [refused for answer in answers if isinstance(answer, list) for refused in answer]
