"""One table of statuses, one shape of errors, and a page that explains every code."""

import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from fiberq_aiohttp.problems import FIXED_DETAIL, HTTP_CODES, OTHER_HTTP, STATUS, described, problems, status_of
from fiberq_core import errors as e
from tests.aiohttp.serving import Caller

PAGE = (Path(__file__).parents[2] / "docs" / "problems.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z-]+)` \| (\S+) \|", re.MULTILINE)


def tree(root: type[e.FiberqError]) -> Iterator[type[e.FiberqError]]:
    """All classes below *root*."""
    for child in root.__subclasses__():
        yield child
        yield from tree(child)


ERRORS = [error for error in tree(e.FiberqError) if error.__module__ == e.__name__]


def test_every_error_has_a_status() -> None:
    """The table is total over the tree, and has nothing else."""
    assert set(ERRORS) == set(STATUS)


def test_codes_are_unique() -> None:
    """A code means one thing."""
    codes = [error.code for error in ERRORS]

    assert len(codes) == len(set(codes))


def test_every_5xx_has_a_fixed_text() -> None:
    """What a 5xx says never comes from what broke."""
    assert {error.code for error, status in STATUS.items() if status >= 500} | {"internal"} == set(FIXED_DETAIL)


def test_a_new_child_has_the_status_of_its_parent() -> None:
    """Until it gets a row of its own."""
    child = type("Child", (e.Stale,), {})

    assert 412 == status_of(child)


def test_every_code_is_documented() -> None:
    """The page explains every code, with its status, and no other."""
    statuses = {error.code: str(status) for error, status in STATUS.items()}
    statuses |= {code: str(status) for status, (code, _) in HTTP_CODES.items()}
    statuses |= {"internal": "500", OTHER_HTTP[0]: "4xx"}

    assert statuses == dict(ROW.findall(PAGE))
    assert set(described()) == set(statuses)


async def boom(request: web.Request) -> web.Response:
    """Raise what the address names."""
    raise RAISED[request.match_info["what"]]


SECRET = "/srv/data/fiberq.db: SELECT * FROM members"
RAISED: dict[str, BaseException] = {
    "bug": RuntimeError(SECRET),
    "store": e.StoreUnavailable(SECRET),
    "keys": e.KeysUnavailable(SECRET),
    "busy": e.Busy(SECRET),
    "stale": e.Stale("changed", {"id": "x"}),
    "invalid": e.Invalid("wrong", [e.Fault("a", "b"), e.Fault("c", "d")]),
    "large": e.TooLarge("too large", 7),
    "silent": e.NotFound(),
    "odd": web.HTTPLengthRequired(text="say how long"),
    "plain": web.HTTPUnsupportedMediaType(),
    "moved": web.HTTPFound("/elsewhere"),
}


@pytest.fixture
async def raising() -> AsyncIterator[Caller]:
    """A server that raises."""
    app = web.Application(middlewares=[problems])
    app.router.add_get("/{what}", boom)
    async with TestClient(TestServer(app)) as client:
        yield Caller(client, None)


@pytest.mark.parametrize(
    "what, status, code", [("bug", 500, "internal"), ("store", 503, "store-unavailable"), ("keys", 503, "keys-unavailable"), ("busy", 503, "busy")]
)  # fmt: skip
async def test_what_breaks_stays_here(
    raising: Caller, caplog: pytest.LogCaptureFixture, what: str, status: int, code: str
) -> None:
    """A 5xx is logged with its message, and answered without it."""
    with caplog.at_level(logging.ERROR, "fiberq"):
        answer = await raising("GET", f"/{what}")

    assert (status, code, "application/problem+json") == (
        answer.status,
        answer.json["code"],
        answer.headers["Content-Type"],
    )
    assert FIXED_DETAIL[code] == answer.json["detail"]
    assert b"/srv" not in answer.body
    assert SECRET in caplog.text
    assert ("10" if status == 503 else None) == answer.headers.get("Retry-After")


@pytest.mark.parametrize(
    "what, status, expected",
    [
        ("stale", 412, {"code": "stale", "current": {"id": "x"}, "type": "urn:fiberq:problem:stale"}),
        ("invalid", 422, {"errors": [{"path": "a", "message": "b"}, {"path": "c", "message": "d"}]}),
        ("large", 413, {"limit": 7, "detail": "too large"}),
        ("silent", 404, {"detail": e.NotFound.title}),
        ("odd", 411, {"code": "http", "detail": "say how long"}),
        ("plain", 415, {"code": "http", "detail": "Unsupported Media Type"}),
    ],
)
async def test_facts(raising: Caller, what: str, status: int, expected: dict[str, object]) -> None:
    """What a client may act on stands beside the standard members."""
    answer = await raising("GET", f"/{what}")

    assert (status, status) == (answer.status, answer.json["status"])
    assert expected == {name: answer.json[name] for name in expected}


async def test_redirects_pass(raising: Caller) -> None:
    """What is no error is left alone."""
    assert 302 == (await raising("GET", "/moved")).status
