"""Keys and answers that are used again for something else."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fiberq_aiohttp.flows import writing
from fiberq_core.changes import Source
from fiberq_core.errors import Conflict
from tests.aiohttp.serving import POINT, Caller, Client, token
from tests.aiohttp.test_inbox import conflict
from tests.aiohttp.test_sync import edited, sent

pytestmark = pytest.mark.each_store

__all__ = ["conflict"]  # a fixture

KEY = {"Idempotency-Key": "k-1"}


def a_pole(name: str) -> dict[str, object]:
    """A pole to be made."""
    return {"type": "Feature", "geometry": POINT, "properties": {"naziv": name}}


async def test_a_key_is_used_for_another_feature(engineer: Caller) -> None:
    """The second feature under one key is refused, not taken for a repeat of the first: it would be lost."""
    path = f"/api/projects/{await engineer.project()}/features/Stubovi"
    first, repeat, other = [
        await engineer("POST", path, json=a_pole(name), headers=KEY) for name in ("P-1", "P-1", "P-2")
    ]

    assert (201, 201, first.json["id"]) == (first.status, repeat.status, repeat.json["id"])
    assert (422, "Idempotency-Key") == (other.status, other.json["errors"][0]["path"])


async def test_a_decision_is_sent_three_times(engineer: Caller, conflict: tuple[str, str, dict[str, Any]]) -> None:
    """It is carried out once and answered the same each time, also when the pole was changed since; another is refused."""
    inbox, pole, item = conflict
    path, mine = f"{inbox}/{item['item_id']}", {"decision": "take_mine", "note": "seen"}
    first = await engineer("POST", path, json=mine, headers=KEY)
    decided = await engineer("GET", pole)
    match = {"If-Match": decided.headers["ETag"]}
    changed = await engineer("PATCH", pole, json={"properties": {"naziv": "P-later"}}, headers=match)
    repeats = [await engineer("POST", path, json=mine, headers=KEY) for _ in range(2)]
    other = await engineer("POST", path, json={"decision": "keep_server"}, headers=KEY)
    unnamed = await engineer("POST", path, json=mine)

    assert (200, "P-device", 200) == (first.status, decided.json["properties"]["naziv"], changed.status)
    assert [(200, first.json)] * 2 == [(again.status, again.json) for again in repeats]
    assert (422, "Idempotency-Key", 409) == (other.status, other.json["errors"][0]["path"], unnamed.status)
    assert changed.json == (await engineer("GET", pole)).json


async def test_an_undo_is_sent_three_times(engineer: Caller, tmp_path: Path) -> None:
    """The upload is taken back once, and each time the receipt of that is the answer."""
    project = await engineer.project()
    pole = await engineer.pole(project, naziv="P-1")
    taken = (await sent(engineer, project, await edited(engineer, project, tmp_path, naziv="P-device"))).json["sync_id"]
    path = f"/api/sync/receipts/{taken}/undo"
    first, *repeats = [await engineer("POST", path, headers=KEY) for _ in range(3)]

    assert (200, taken) == (first.status, first.json["undoes"])
    assert [(200, first.json)] * 2 == [(again.status, again.json) for again in repeats]
    assert 3 == (await engineer("GET", f"/api/projects/{project}")).json["revision"]
    shown = await engineer("GET", f"/api/projects/{project}/features/Stubovi/{pole['id']}")
    assert "P-1" == shown.json["properties"]["naziv"]


async def test_a_restore_is_sent_again_late(engineer: Caller) -> None:
    """A repeat does not take back what was written after the version was restored."""
    project = await engineer.project()
    pole = await engineer.pole(project, naziv="P-1")
    path = f"/api/projects/{project}/features/Stubovi/{pole['id']}"
    answers = []
    for match, name in (('"1"', "P-2"), ('"3"', "P-3")):
        await engineer("PATCH", path, json={"properties": {"naziv": name}}, headers={"If-Match": match})
        answers.append(await engineer("POST", f"{path}/restore", json={"revision": 1}, headers=KEY))
    last = answers[-1]

    assert (200, "P-1", '"3"') == (last.status, last.json["properties"]["naziv"], last.headers["ETag"])
    assert "P-3" == (await engineer("GET", path)).json["properties"]["naziv"]


async def test_a_restore_of_what_is_there_is_sent_again_late(engineer: Caller) -> None:
    """It changed nothing then, and takes back nothing now."""
    project = await engineer.project()
    pole = await engineer.pole(project, naziv="P-1")
    path = f"/api/projects/{project}/features/Stubovi/{pole['id']}"
    first = await engineer("POST", f"{path}/restore", json={"revision": 1}, headers=KEY)
    changed = await engineer("PATCH", path, json={"properties": {"naziv": "P-2"}}, headers={"If-Match": '"1"'})
    again = await engineer("POST", f"{path}/restore", json={"revision": 1}, headers=KEY)

    assert (200, 200, 200) == (first.status, changed.status, again.status)
    assert first.json == again.json
    assert changed.json == (await engineer("GET", path)).json


async def test_a_key_of_somebody_else(engineer: Caller, client: Client) -> None:
    """A key is its sender's own, also where a subject and a key together spell another's."""
    project = await engineer.project()
    for sub in ("x", "x|Stubovi"):
        await engineer.made(f"/api/projects/{project}/members", {"sub": sub, "role": "engineer"})
    first, second = Caller(client, token("engineer", sub="x")), Caller(client, token("engineer", sub="x|Stubovi"))
    path = f"/api/projects/{project}/features/Stubovi"
    one = await first("POST", path, json=a_pole("P"), headers={"Idempotency-Key": "Stubovi|k"})
    two = await second("POST", path, json=a_pole("P"), headers={"Idempotency-Key": "k"})

    assert one.json["id"] != two.json["id"]


async def test_an_answer_that_fails_half_way(
    engineer: Caller,
    conflict: tuple[str, str, dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An answer in the file that breaks off while it is written takes the whole upload with it (S48)."""
    inbox, pole, item = conflict
    project = int(inbox.split("/")[3])
    await edited(engineer, project, tmp_path)
    with sqlite3.connect(tmp_path / "edited.gpkg") as db:
        db.execute("UPDATE sync_issues SET decision = 'take_mine' WHERE fiberq_uuid = ?", (item["item_id"],))
    db.close()
    real = writing.apply

    async def breaks_off(unit: Any, plan: Any, source: Source, **more: Any) -> Any:
        done = await real(unit, plan, source, **more)
        if source is Source.INBOX:
            raise Conflict("it collides")
        return done

    monkeypatch.setattr(writing, "apply", breaks_off)
    answer = await sent(engineer, project, (tmp_path / "edited.gpkg").read_bytes())

    assert 409 == answer.status
    assert "P-office" == (await engineer("GET", pole)).json["properties"]["naziv"]
