"""Whoever may send little may not keep others from sending: stalls, endless forms, and work on the event loop."""

import asyncio
import io
import json
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fiberq_aiohttp import asking, receiving
from fiberq_aiohttp.app import UPLOADS_AT_ONCE
from fiberq_aiohttp.flows import aside, features, sync
from fiberq_aiohttp.keys import UPLOAD_SLOTS
from fiberq_aiohttp.spool import PARTS
from fiberq_core.receipt import receipt
from tests.aiohttp.serving import Caller, Client, token
from tests.aiohttp.test_spool import caller, left, pieces
from tests.aiohttp.test_sync import edited, sent

__all__ = ["caller"]  # a fixture

FORM = {"Content-Type": "multipart/form-data; boundary=B"}
PART = b'--B\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'


async def test_a_stall_between_parts(caller: Caller) -> None:
    """Who sends nothing for too long before the first part or between two is given up like any other."""
    before = await caller("POST", "/", data=pieces(b"--B", b"x", pause=0.5), headers=FORM)
    between = await caller("POST", "/", data=pieces(PART % (b"file", b"1") + b"--B\r\n", b"x", pause=0.4), headers=FORM)

    assert (408, 408) == (before.status, between.status)
    assert [] == left(caller)


async def test_many_parts(caller: Caller) -> None:
    """A form has few parts; one that goes on with empty ones is refused at once."""
    few = await caller(
        "POST", "/", data=PART % (b"x", b"") * (PARTS - 2) + PART % (b"file", b"1") + b"--B--\r\n", headers=FORM
    )
    many = await caller("POST", "/", data=PART % (b"x", b"") * 500, headers=FORM)

    assert (200, 422) == (few.status, many.status)
    assert [] == left(caller)


async def test_a_charset_that_is_none(caller: Caller) -> None:
    """A part `_charset_` with nonsense in it is the sender's fault."""
    answer = await caller("POST", "/", data=PART % (b"_charset_", b"n" * 50) + PART % (b"file", b"1"), headers=FORM)

    assert 400 == answer.status


async def test_one_person_cannot_take_all_turns(engineer: Caller, client: Client) -> None:
    """However many uploads one person keeps open, there are turns left for others."""
    project = await engineer.project()
    app = client.app
    assert app is not None
    gate = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x"
        await gate.wait()

    stuck = [asyncio.create_task(sent(engineer, project, endless())) for _ in range(UPLOADS_AT_ONCE)]
    await asyncio.sleep(0.3)  # in which the others would take all turns
    admin = Caller(client, token("admin", sub="1"))
    other = await asyncio.wait_for(sent(admin, project, b"x"), 5)
    gate.set()
    ends = [(await task).status for task in stuck]

    assert (422, {422}) == (other.status, set(ends))
    assert UPLOADS_AT_ONCE == app[UPLOAD_SLOTS]._value


async def test_a_long_queue_of_one_person(engineer: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has as many uploads under way as one may is told to come again."""
    project = await engineer.project()
    monkeypatch.setattr(receiving, "QUEUE", 0.05)
    monkeypatch.setattr(receiving, "ONE_PERSON", 0)
    answer = await sent(engineer, project, b"x")

    assert (503, "busy") == (answer.status, answer.json["code"])


async def test_tables_that_pretend_to_have_no_row_numbers(engineer: Caller, tmp_path: Path) -> None:
    """A table's SQL of a hostile length is read in no time: while it was, nobody was answered."""
    project = await engineer.project()
    await edited(engineer, project, tmp_path)
    with sqlite3.connect(tmp_path / "edited.gpkg") as db:
        db.execute('DROP TABLE "Stubovi"')
        db.execute(f'CREATE TABLE "Stubovi" (fid TEXT, naziv TEXT /* {"WITHOUT ROWID " * 60_000} */)')
    db.close()
    data = (tmp_path / "edited.gpkg").read_bytes()
    started = time.monotonic()
    answer = await asyncio.wait_for(sent(engineer, project, io.BytesIO(data)), 20)

    assert answer.status in (200, 422)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("path", ["inbox", "changes", "features/Stubovi"])
async def test_a_deep_cursor(engineer: Caller, path: str) -> None:
    """A cursor that is nested without end is one that the list did not give."""
    project = await engineer.project()
    answer = await engineer("GET", f"/api/projects/{project}/{path}", params={"cursor": (b"[" * 3000).hex()})

    assert 422 == answer.status


async def test_what_an_undo_did_is_put_together_beside_the_event_loop(
    engineer: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of an upload: both may be about a hundred thousand rows."""
    project = await engineer.project()
    await engineer.pole(project)
    upload = await sent(engineer, project, await edited(engineer, project, tmp_path, naziv="P-2"))
    threads = []

    def watched(*given: Any) -> Any:
        threads.append(threading.current_thread())
        return receipt(*given)

    monkeypatch.setattr(sync, "receipt", watched)
    monkeypatch.setattr(aside, "ROWS", 0)  # then one is many
    undone = await engineer("POST", f"/api/sync/receipts/{upload.json['sync_id']}/undo")

    assert (200, [False]) == (undone.status, [thread is threading.current_thread() for thread in threads])


async def test_large_bodies_are_read_beside_the_event_loop(engineer: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """A feature of hundreds of thousands of points keeps nobody waiting: no part of the reading is done by the loop."""
    project = await engineer.project()
    loop = asyncio.get_running_loop()
    on_the_loop = []

    def watched(module: object, name: str) -> None:
        real = getattr(module, name)

        def call(*given: object) -> object:
            try:
                on_the_loop.append((name, asyncio.get_running_loop() is loop))
            except RuntimeError:
                on_the_loop.append((name, False))
            return real(*given)

        monkeypatch.setattr(module, name, call)

    for module, name in ((asking, "_object"), (features, "parse"), (features, "feature_json")):
        watched(module, name)
    line = {"type": "LineString", "coordinates": [[20 + n * 1e-6, 44.1] for n in range(10_000)]}
    body = json.dumps({"type": "Feature", "geometry": line, "properties": {}})
    answer = await engineer("POST", f"/api/projects/{project}/features/Trasa", data=body)

    assert 201 == answer.status
    assert [("_object", False), ("parse", False), ("feature_json", False)] == on_the_loop
