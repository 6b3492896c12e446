"""The inbox over HTTP. What comes to lie in it, and what decisions do, is tested case by case elsewhere."""

from pathlib import Path
from typing import Any

import pytest

from tests.aiohttp.serving import Caller
from tests.aiohttp.test_sync import edited, sent

pytestmark = pytest.mark.each_store


@pytest.fixture
async def conflict(engineer: Caller, tmp_path: Path) -> tuple[str, str, dict[str, Any]]:
    """A pole that both sides renamed: the addresses of inbox and pole, and the item."""
    project = await engineer.project()
    pole = await engineer.pole(project, naziv="P-1")
    data = await edited(engineer, project, tmp_path, naziv="P-device")
    path = f"/api/projects/{project}/features/Stubovi/{pole['id']}"
    await engineer("PATCH", path, json={"properties": {"naziv": "P-office"}}, headers={"If-Match": '"1"'})
    assert 1 == (await sent(engineer, project, data)).json["conflicts"]
    inbox = f"/api/projects/{project}/inbox"
    (item,) = (await engineer("GET", inbox, params={"state": "open"})).json["items"]
    return inbox, path, item


async def test_item(conflict: tuple[str, str, dict[str, Any]]) -> None:
    """An item shows the three values, whose it is, and what may be decided."""
    _, _, item = conflict

    assert ("conflict", "Stubovi", "naziv", "P-1", "P-device", "P-office", "open") == tuple(
        item[name] for name in ("kind", "layer", "field", "base", "device", "current", "state")
    )
    assert {"keep_server", "take_mine"} <= set(item["choices"])
    assert {"sub": "2", "name": "Ema"} == item["author"]


async def test_decide(engineer: Caller, conflict: tuple[str, str, dict[str, Any]]) -> None:
    """A decision is carried out and remembered, once."""
    inbox, pole, item = conflict
    answer = await engineer("POST", f"{inbox}/{item['item_id']}/", json={"decision": "take_mine", "note": "seen"})
    again = await engineer("POST", f"{inbox}/{item['item_id']}", json={"decision": "take_mine"})

    assert (200, "decided", "take_mine", "seen") == (
        answer.status,
        answer.json["state"],
        answer.json["decided"]["decision"],
        answer.json["decided"]["note"],
    )
    assert "P-device" == (await engineer("GET", pole)).json["properties"]["naziv"]
    assert 409 == again.status
    assert [] == (await engineer("GET", f"{inbox}?state=open")).json["items"]
    assert 1 == len((await engineer("GET", f"{inbox}?state=decided")).json["items"])


@pytest.mark.parametrize("body", [{}, {"decision": 7}, {"decision": "nonsense"}, {"decision": "take_mine", "note": []}])
async def test_bad_decisions(
    engineer: Caller, conflict: tuple[str, str, dict[str, Any]], body: dict[str, object]
) -> None:
    """What is no decision here changes nothing."""
    inbox, _, item = conflict

    assert 422 == (await engineer("POST", f"{inbox}/{item['item_id']}", json=body)).status
    assert 1 == len((await engineer("GET", f"{inbox}?state=open")).json["items"])


async def test_unknown(engineer: Caller, conflict: tuple[str, str, dict[str, Any]]) -> None:
    """Unknown items and states are named as such."""
    inbox, _, _ = conflict

    assert 404 == (await engineer("POST", f"{inbox}/nonsense", json={"decision": "dismiss"})).status
    assert 422 == (await engineer("GET", f"{inbox}?state=gone")).status
