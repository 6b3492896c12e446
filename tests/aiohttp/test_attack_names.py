"""Names that somebody invents for columns: none may make a project one that cannot be exported or sent back."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fiberq_storage.packaging import MAX_EXTRA
from tests.aiohttp.serving import POINT, Caller
from tests.aiohttp.test_sync import edited, sent

pytestmark = pytest.mark.each_store


async def written(caller: Caller, project: int, extra: dict[str, Any]) -> Any:
    """A pole with unregistered columns, sent over REST."""
    body = {"type": "Feature", "geometry": POINT, "properties": extra}
    return await caller("POST", f"/api/projects/{project}/features/Stubovi", json=body)


async def round_trip(caller: Caller, project: int, folder: Path) -> tuple[int, Any, list[str]]:
    """How an export and an upload of it, edited, are answered, and the columns of the poles."""
    data = await edited(caller, project, folder, napomena="seen")
    with sqlite3.connect(folder / "edited.gpkg") as db:
        columns = [row[1] for row in db.execute('PRAGMA table_info("Stubovi")')]
    db.close()
    answer = await sent(caller, project, data)
    return answer.status, answer.json.get("updated"), columns


@pytest.mark.parametrize("name", ["", "a\0b", "n" * 129, "fid", "Geom", "geometry", "ID", "Fiberq_UUID"])
async def test_names_that_no_table_can_have(engineer: Caller, name: str) -> None:
    """A column that no package could hold is refused over REST, by its name."""
    project = await engineer.project()
    answer = await written(engineer, project, {name: "x"})

    assert (422, f"properties.{name}") == (answer.status, answer.json["errors"][0]["path"])


async def test_too_many_columns(engineer: Caller, tmp_path: Path) -> None:
    """However many columns somebody invents, the project can be exported and sent back, and the values stay."""
    project = await engineer.project()
    made = await written(engineer, project, {f"c{number}": number for number in range(2100)})
    status, updated, columns = await round_trip(engineer, project, tmp_path)
    path = f"/api/projects/{project}/features/Stubovi/{made.json['id']}"
    kept = (await engineer("GET", path)).json["properties"]["extra"]

    assert (201, 200, 1) == (made.status, status, updated)
    assert MAX_EXTRA == sum(name.startswith("c") and name[1:].isdigit() for name in columns)
    assert 2100 == len(kept)


async def test_a_column_without_a_name_in_a_file(engineer: Caller, tmp_path: Path) -> None:
    """SQLite lets a column be called nothing: its value is kept, and the project can still be exported."""
    project = await engineer.project()
    await engineer.pole(project, naziv="P-1")
    await edited(engineer, project, tmp_path)
    with sqlite3.connect(tmp_path / "edited.gpkg") as db:
        db.execute('ALTER TABLE "Stubovi" ADD COLUMN "" INTEGER')
        db.execute(f'ALTER TABLE "Stubovi" ADD COLUMN "{"n" * 100_000}" INTEGER')
        db.execute('UPDATE "Stubovi" SET "" = 5')
    db.close()
    answer = await sent(engineer, project, (tmp_path / "edited.gpkg").read_bytes())
    status, updated, columns = await round_trip(engineer, project, tmp_path)
    (pole,) = (await engineer("GET", f"/api/projects/{project}/features/Stubovi")).json["features"]

    assert (200, 200, 1) == (answer.status, status, updated)
    assert {"": 5} == pole["properties"]["extra"]
    assert "" not in columns
