"""A project with its photos goes into the other kind of store by a backup and is the same, file by file and row by row.

`FIBERQ_TEST_BACKUP=full` takes 10,000 features and 500 photos.
"""

import os
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bench.places import Place  # its data has every kind of value
from fiberq_aiohttp.settings import Settings, from_env
from fiberq_aiohttp.wiring import back_up, restore
from tests.aiohttp.pictures import picture
from tests.e2e.serverprocess import Server
from tests.moving.stores import dump

pytestmark = [pytest.mark.postgis, pytest.mark.slow]

FEATURES, PHOTOS = (10_000, 500) if os.environ.get("FIBERQ_TEST_BACKUP") == "full" else (400, 24)
SENDERS = 4
BY_INDEX = ("bbox", "extent")  # of a project: as exact as the store's spatial index, of which one has 32 bits


def environment(data: Path, dsn: str | None) -> Settings:
    """The settings of a server on that place."""
    return from_env({"DATABASE_URL": dsn or ""}, dev=True, data=data)


@contextmanager
def server(settings: Settings, log: Path) -> Iterator[Server]:
    """A running server."""
    running = Server(settings.data, log, {"DATABASE_URL": settings.database.url} if settings.database else {})
    running.start()
    try:
        yield running
    finally:
        running.stop()


def content_of(number: int) -> bytes:
    """A photo, another one for each number."""
    return picture(colour=(number % 256, number // 256, 7)) + number.to_bytes(4, "big")


def fill(settings: Settings, folder: Path) -> int:
    """A project with features, photos, and an upload's receipt; its number."""
    place = Place("x", folder, settings.database.url if settings.database else None)
    assert place.data == settings.data
    (project,) = place.fill(FEATURES)
    with server(settings, folder / "log") as running, ThreadPoolExecutor(SENDERS) as crews:
        token = running.token()

        def send(number: int) -> int:
            how = ("PUT", f"?path=DCIM/{number}.jpg") if number % 3 else ("POST", "")
            path = f"/api/projects/{project}/photos{how[1]}"
            return running.ask(how[0], path, content_of(number), token=token, kind="image/jpeg")[0]

        assert {200, 201} >= set(crews.map(send, range(PHOTOS)))
        status, package = running.ask("GET", f"/api/sync/download/{project}", token=token)
        assert 200 == status and 200 == running.upload(project, package, token)[0]
    return project


def files(settings: Settings) -> dict[str, str]:
    """Digests of photos and raw uploads."""
    roots = (settings.photos_dir, settings.data / "uploads")
    return {
        str(p.relative_to(root)): sha256(p.read_bytes()).hexdigest()
        for root in roots
        for p in root.rglob("*")
        if p.is_file()
    }


def rows(package: Path) -> dict[str, Any]:
    """What a package says of each layer, without what only that export has."""
    with closing(sqlite3.connect(package)) as db:
        names = [name for (name,) in db.execute("SELECT table_name FROM gpkg_contents WHERE data_type = 'features'")]
        return {name: sorted(db.execute(f'SELECT * FROM "{name}"'), key=repr) for name in names}


@pytest.mark.parametrize("there", ["into a database", "into a folder"])
def test_equal_by_content(there: str, dsn: str, bare_dsn: str, tmp_path: Path) -> None:
    """The next package says the same, every photo is given out byte for byte, and back again it is the same store."""
    into_database = there == "into a database"
    for name in ("old", "new", "back"):
        (tmp_path / name).mkdir()
    old = environment(tmp_path / "old" / "data", None if into_database else dsn)
    new = environment(tmp_path / "new" / "data", bare_dsn if into_database else None)
    project = fill(old, tmp_path / "old")

    kept = back_up(old, tmp_path / "kept")
    assert kept == restore(new, tmp_path / "kept")
    again = environment(tmp_path / "back" / "data", None)
    back_up(new, tmp_path / "again")
    restore(again, tmp_path / "again")

    assert PHOTOS == kept.files["photos"] and files(old) == files(new) == files(again)
    assert digest(tmp_path / "kept") == digest(tmp_path / "again")
    seen = {}
    for settings in (old, new):
        with server(settings, settings.data.parent / "log") as running:
            seen[settings.data] = what_is_seen(running, project, settings.data.parent)
    for name, what in seen[old.data].items():
        assert what == seen[new.data][name], name


def digest(kept: Path) -> dict[str, Any]:
    """All that the store in a backup says."""
    return dict(dump(kept))


def what_is_seen(running: Server, project: int, folder: Path) -> dict[str, Any]:
    """Project, rows of the package, photos and those that are awaited, as a client sees them."""
    token = running.token()

    def ask(path: str) -> Any:
        return running.ask("GET", f"/api/projects/{project}{path}", token=token)[1]

    _, content = running.ask("GET", f"/api/sync/download/{project}", token=token)
    (package := folder / "seen.gpkg").write_bytes(content)
    photos = [{k: v for k, v in photo.items() if k != "url"} for photo in ask("/photos?limit=1000")["photos"]]
    some = [photo["file"]["name"] for photo in photos[:5]]
    pictures = [sha256(running.ask("GET", f"/storage/photos/{name}", token=token)[1]).hexdigest() for name in some]
    return {
        "project": {name: value for name, value in ask("").items() if name not in BY_INDEX},
        "rows": rows(package),
        "photos": photos,
        "awaited": ask("/photos/awaited"),
        "pictures": pictures,
    }
