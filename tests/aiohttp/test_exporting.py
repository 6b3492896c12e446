"""What a download costs and says: nobody has a package built for asking about it, bytes are never mixed up."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError

from fiberq_aiohttp.caching import had
from fiberq_aiohttp.flows import exporting
from tests.aiohttp.serving import Caller


@pytest.fixture
async def project(engineer: Caller) -> int:
    """A project of one pole."""
    project = await engineer.project()
    await engineer.pole(project)
    return project


def packages(folder: Path) -> list[Path]:
    """The packages that were built."""
    return list((folder / "data" / "gpkg_sync").glob("*/*.gpkg"))


def path(project: int) -> str:
    """Where it is downloaded."""
    return f"/api/sync/download/{project}"


async def test_head_builds_nothing(engineer: Caller, project: int, tmp_path: Path) -> None:
    """Before anybody took the package HEAD knows which it will be, and no more."""
    head = await engineer("HEAD", path(project))

    assert (200, [], None) == (head.status, packages(tmp_path), head.headers.get("Content-Length"))
    tag = head.headers["ETag"].removeprefix('W/"').removesuffix('"')
    assert (await engineer("GET", path(project))).headers["ETag"].startswith(f'"{tag}-')


@pytest.mark.parametrize("weak", [False, True])
async def test_who_has_it_has_nothing_built(engineer: Caller, project: int, tmp_path: Path, *, weak: bool) -> None:
    """A 304 needs no package, neither for who downloaded it nor for who only asked; it says what they have."""
    etag = (await engineer("HEAD" if weak else "GET", path(project))).headers["ETag"]
    for package in packages(tmp_path):
        package.unlink()

    same = await engineer("GET", path(project), headers={"If-None-Match": etag})

    assert (304, [], etag.removeprefix("W/")) == (same.status, packages(tmp_path), same.headers["ETag"])


async def test_bytes_of_two_makings_are_not_mixed(engineer: Caller, project: int, tmp_path: Path) -> None:
    """Who wants the rest of a package that was made anew since gets the whole of the new one."""
    first = await engineer("GET", path(project))
    for package in packages(tmp_path):
        package.unlink()

    rest = await engineer("GET", path(project), headers={"Range": "bytes=1000-", "If-Range": first.headers["ETag"]})

    assert (200, len(first.body)) == (rest.status, len(rest.body))
    assert rest.headers["ETag"] != first.headers["ETag"]


async def test_a_repeat_is_no_news(engineer: Caller, admin: Caller, project: int) -> None:
    """The same export taken again, or not even taken, is one exchange; another person's is another."""
    etag = (await engineer("GET", path(project))).headers["ETag"]
    for headers in ({}, {"If-None-Match": etag}, {"Range": "bytes=0-0"}):
        await engineer("GET", path(project), headers=headers)
    await admin("GET", path(project))

    found = (await engineer("GET", "/api/sync/status", params={"project_id": str(project)})).json

    assert ["1", "2"] == sorted(sync["user_sub"] for sync in found)


async def test_an_export_is_known_again(engineer: Caller, project: int, tmp_path: Path) -> None:
    """Who has an export that the store forgot, since a backup was restored, need not take it again: asking is enough."""
    etag = (await engineer("GET", path(project))).headers["ETag"]
    with sqlite3.connect(tmp_path / "data" / "fiberq.db") as db:
        db.execute("DELETE FROM exports")
    db.close()

    await engineer("GET", path(project), headers={"If-None-Match": etag})

    found = (await engineer("GET", "/api/sync/status", params={"project_id": str(project)})).json
    assert ["download"] == [sync["sync_type"] for sync in found]


@pytest.mark.parametrize("broken", [OSError("the disk is gone"), 0], ids=["it fails", "it ends early"])
async def test_a_download_that_breaks_off(
    engineer: Caller, project: int, monkeypatch: pytest.MonkeyPatch, *, broken: OSError | int
) -> None:
    """When the file fails half-way the connection is cut: half a file never looks like a whole one."""

    async def sent(*_: object) -> int:
        if isinstance(broken, OSError):
            raise broken
        return broken

    with monkeypatch.context() as patched:
        patched.setattr(asyncio.get_running_loop(), "sendfile", sent)
        with pytest.raises(ClientError):
            await engineer("GET", path(project))

    assert 200 == (await engineer("GET", path(project))).status


async def test_a_package_that_is_gone(
    engineer: Caller, project: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that was removed in the last moment is an error with words, and there again for the next one."""
    await engineer("GET", path(project))
    real = exporting.take

    async def late(*args: Any) -> exporting.Download:
        taken = await real(*args)
        Path(taken.package.path).unlink()  # noqa: ASYNC240
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(exporting, "take", late)
        assert 503 == (await engineer("GET", path(project))).status

    assert 200 == (await engineer("GET", path(project))).status


async def test_others_are_served_meanwhile(engineer: Caller, project: int) -> None:
    """Many downloads at the same time, each is whole."""
    whole = (await engineer("GET", path(project))).body

    found = await asyncio.gather(*(engineer("GET", path(project)) for _ in range(20)))

    assert {whole} == {answer.body for answer in found}


@pytest.mark.parametrize(
    "given, etag",
    [
        ('"7-ab-01"', '"7-ab-01"'),
        ('"x", W/"7-ab"', '"7-ab"'),
        ('"7-ab-01", "7-ab-02"', '"7-ab-01"'),
        ("*", 'W/"7-ab"'),
        ('"7-abc-01"', None),
        ('"17-ab-01"', None),
        ("7-ab-01", None),
        ("", None),
    ],
)
def test_had(given: str, etag: str | None) -> None:
    """Whoever names a making of the same content has it."""
    assert etag == had({"If-None-Match": given}, "7-ab")
