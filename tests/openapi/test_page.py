"""The description over HTTP: the document as it is, and the page that is made of it."""

import re
import threading
from typing import Any

import pytest

from fiberq_aiohttp.app import ROUTES
from fiberq_aiohttp.openapi.document import document
from fiberq_aiohttp.openapi.page import chapters
from fiberq_aiohttp.routes import description
from tests.aiohttp.serving import Caller


async def test_document(stranger: Caller) -> None:
    """Anybody may read it; who has it already is told so."""
    answer = await stranger("GET", "/api/openapi.json")
    again = await stranger("GET", "/api/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})

    assert (200, document(ROUTES)) == (answer.status, answer.json)
    assert (304, b"") == (again.status, again.body)


async def test_page_shows_every_call_and_shape(stranger: Caller) -> None:
    """Each with a place of its own, and no reference that leads nowhere."""
    answer = await stranger("GET", "/api/docs")
    text = answer.body.decode()
    places = re.findall(r'id="([^"]+)"', text)
    described = document(ROUTES)
    calls = [operation["operationId"] for methods in described["paths"].values() for operation in methods.values()]
    named = [f"shape-{name}" for name in described["components"]["schemas"]]

    assert {*calls, *named} <= set(places)
    assert len(places) == len(set(places))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(places)


async def test_page_loads_nothing(stranger: Caller) -> None:
    """It works on a machine without internet: no scripts, no fonts, no images, nothing from elsewhere."""
    answer = await stranger("GET", "/api/docs")

    assert not re.search(rb"<script|<link|<img|@import|url\(|https?://", answer.body)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


async def test_page_is_worked_out_once(stranger: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask, so it costs nothing from the second time on, and never a moment of the event loop."""
    threads = []

    def watched(document: Any) -> Any:
        threads.append(threading.current_thread())
        return chapters(document)

    monkeypatch.setattr(description, "chapters", watched)
    pages = {(await stranger("GET", "/api/docs")).body for _ in range(3)}

    assert (1, 1) == (len(pages), len(threads))
    assert threading.current_thread() not in threads
