"""Rows of megabytes, and who may read the store's file."""

import os
from pathlib import Path
from typing import Any

import pytest

from fiberq_storage import paging
from fiberq_storage.sqlite.connection import FILE
from fiberq_storage.sqlite.store import open_store
from tests.aiohttp.serving import Caller, Client, token
from tests.aiohttp.test_sync import edited, sent


async def pages(caller: Caller, path: str, name: str) -> list[list[Any]]:
    """Every page of a list, as many entries in each as the server gives."""
    found: list[list[Any]] = []
    cursor = ""
    while True:
        answer = await caller("GET", path, params={"limit": "1000"} | ({"cursor": cursor} if cursor else {}))
        found.append(answer.json[name])
        cursor = answer.json["next"]
        if not cursor:
            return found


async def test_pages_of_heavy_rows(
    engineer: Caller, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page ends where it gets heavy, whatever number was asked for; all pages together hold everything once."""
    project = await engineer.project()
    await engineer.made(f"/api/projects/{project}/members", {"sub": "3", "role": "field_worker"})
    poles = [await engineer.pole(project, naziv=f"P-{n}", napomena="x" * 1000) for n in range(60)]
    data = await edited(engineer, project, tmp_path, naziv="device")
    for pole in poles[:4]:
        path = f"/api/projects/{project}/features/Stubovi/{pole['id']}"
        match = {"If-Match": f'"{pole["properties"]["fiberq_rev"]}"'}
        await engineer("PATCH", path, json={"properties": {"naziv": "office"}}, headers=match)
    await sent(Caller(client, token("field_worker", sub="3")), project, data)
    whole = [
        await pages(engineer, f"/api/projects/{project}/{path}", name)
        for path, name in (("features/Stubovi", "features"), ("changes", "changes"), ("inbox", "items"))
    ]
    monkeypatch.setattr(paging, "PAGE_BYTES", 1000)
    light = [
        await pages(engineer, f"/api/projects/{project}/{path}", name)
        for path, name in (("features/Stubovi", "features"), ("changes", "changes"), ("inbox", "items"))
    ]

    assert [1, 1, 1] == [len(found) for found in whole]
    assert all(len(found) > 1 for found in light)
    assert [found[0] for found in whole] == [[entry for part in found for entry in part] for found in light]


async def test_only_the_owner_reads_the_store(tmp_path: Path) -> None:
    """Whoever may look into the folder, the store's files are their owner's alone."""
    async with await open_store(tmp_path):
        modes = {entry.stat().st_mode & 0o077 for entry in os.scandir(tmp_path) if entry.name.startswith(FILE)}

    assert {0} == modes
