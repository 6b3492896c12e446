"""A project that is purged is in its backup, whole, and nowhere else; whatever else the store holds stays as it was."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fiberq_core.errors import Conflict, NotFound
from fiberq_core.ports import AuditQuery, Store
from fiberq_storage import backup, postgis, sqlite
from fiberq_storage.files.uploads import FileUploads
from fiberq_storage.holdings import StoreHoldings
from fiberq_storage.photos.folder import PhotoFolder
from fiberq_storage.photos.volume import Photos
from fiberq_storage.postgis import audit as database_audit
from fiberq_storage.sqlite import audit as embedded_audit
from tests.contracts.builders import ANA, BOJAN, T0, a_project, at, commit, edit, key, new, point
from tests.contracts.builders import gone as gone_row
from tests.moving.stores import POLES, SHADOWS, dump
from tests.postgis.cluster import psql

LIVED = 2  # the number of the project with a life; 1 is another one, archived and empty
NOTES = "audit"


class BrokenError(Exception):
    """What no part of the product raises."""


@pytest.fixture(params=["embedded", pytest.param("postgis", marks=pytest.mark.postgis)])
def place(request: pytest.FixtureRequest) -> Path | postgis.Settings:
    """A store that has lived."""
    if request.param == "embedded":
        folder: Path = request.getfixturevalue("old")
        return folder
    return postgis.Settings(request.getfixturevalue("filled"))


async def opened(place: Path | postgis.Settings) -> Any:
    """The store in a place."""
    return await (sqlite.open_store(place) if isinstance(place, Path) else postgis.open_store(place))


def holdings(store: Any, place: Path | postgis.Settings, folder: Path) -> StoreHoldings:
    """What a server with its files in *folder* holds."""
    photos = Photos(PhotoFolder(folder / "photos"), folder / "thumbnails")
    return StoreHoldings(store, place, photos, FileUploads(folder / "uploads"), folder / "gpkg", folder / "purged")


def tables(place: Path | postgis.Settings) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Every record of every table that is of projects."""
    return dict(_embedded(place) if isinstance(place, Path) else _in_database(place))


def _embedded(data: Path) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    with closing(sqlite3.connect(data / "fiberq.db")) as db:
        db.row_factory = sqlite3.Row
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if name.endswith(SHADOWS):
                continue
            records = [dict(record) for record in db.execute(f'SELECT * FROM "{name}"')]
            if name == "upload_rows":
                records = [{**r, "project_id": _project_of(db, r["upload"])} for r in records]
            yield name, records


def _project_of(db: sqlite3.Connection, upload: int) -> int:
    found: int = db.execute("SELECT project_id FROM uploads WHERE id = ?", (upload,)).fetchone()[0]
    return found


def _in_database(settings: postgis.Settings) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    named = "SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables"
    for name in psql(settings.url, f"{named} WHERE table_schema ~ '^fiberq' AND table_type = 'BASE TABLE'").split():
        lines = psql(settings.url, f"SELECT row_to_json(t) FROM {name} t").splitlines()
        yield name, [json.loads(line) for line in lines]


def of(records: Sequence[Mapping[str, Any]], project: int, name: str) -> list[Mapping[str, Any]]:
    """Those of *records* that belong to a project."""
    key = "id" if name.endswith("projects") else "first_project" if name.endswith("_rtree") else "project_id"
    return [record for record in records if record.get(key) == project]


async def archived(store: Store, project: int) -> Any:
    """The project, archived."""
    return await store.update_project(project, {"status": "archived"}, by=BOJAN, at=T0)


async def test_what_is_purged_is_gone_and_nothing_else(place: Path | postgis.Settings, tmp_path: Path) -> None:
    """No table of the store has a record of it; every other record is as it was; the audit says who it was."""
    store = await opened(place)
    project = await archived(store, LIVED)
    neighbour = await a_project(store, 903, "Neighbour")
    made = (await commit(store, neighbour, [new(n, POLES, geometry=point(20, n)) for n in range(1, 9)])).rows
    await commit(store, neighbour, [edit(made[key(1, POLES)], naziv="č"), gone_row(made[key(2, POLES)])])
    before = tables(place)
    gone = await holdings(store, place, tmp_path / "served").purge(project, by=ANA, at=at(30))
    after = tables(place)
    events = (await store.audit(AuditQuery(what="project.purged"), 9, None)).items
    with pytest.raises(NotFound):
        await store.project(LIVED)
    await store.close()

    assert sum(len(of(records, LIVED, name)) for name, records in before.items()) > 100
    for name, records in after.items():
        assert [] == of(records, LIVED, name), name
        kept = [record for record in before[name] if record not in of(before[name], LIVED, name)]
        grown = name.endswith(NOTES) or name == "sqlite_sequence"
        assert grown or sorted(map(str, kept)) == sorted(map(str, records)), name
    assert [(None, ANA, at(30))] == [(event.project, event.by, event.at) for event in events]
    assert {"project": LIVED, "name": "Selo ž", "backup": gone.backup}.items() <= events[0].detail.items()


async def test_the_backup_holds_the_project_whole(place: Path | postgis.Settings, tmp_path: Path) -> None:
    """It is one that `fiberq restore` takes, with all records, photos and raw uploads of the project, and no others."""
    served = tmp_path / "served"
    store = await opened(place)
    project = await archived(store, LIVED)
    held = holdings(store, place, served)
    for digest in ("a1" * 32, "b1" * 32):
        kept = held.uploads.path(digest)
        kept.parent.mkdir(parents=True)
        kept.write_text(digest)
    before = tables(place)
    gone = await held.purge(project, by=ANA, at=at(30))
    await store.close()
    backup.restore(served / "purged" / gone.backup, tmp_path / "back", backup.inside(tmp_path / "back", gone.files))
    back = tables(tmp_path / "back")

    counted = {name.rpartition(".")[2].strip('"'): len(of(records, LIVED, name)) for name, records in before.items()}
    assert counted["revisions"] == len(back["revisions"]) == gone.records["revisions"]
    for name, count in gone.records.items():
        if name in back:
            assert count == len(back[name]) == counted[name], name
    assert [("Selo ž", project.uuid)] == [(p["name"], p["uuid"]) for p in back["projects"]]
    assert [] == back["people"] == back["tokens"]
    assert 1 == gone.files["uploads"]
    assert "a1" * 32 == FileUploads(tmp_path / "back/uploads").path("a1" * 32).read_text()


async def test_an_embedded_backup_is_the_same_records(old: Path, tmp_path: Path) -> None:
    """In every table of it."""
    store = await opened(old)
    project = await archived(store, LIVED)
    await archived(store, 1)
    before = dump(old)
    gone = await holdings(store, old, tmp_path / "served").purge(project, by=ANA, at=at(30))
    await store.close()
    backup.restore(tmp_path / "served/purged" / gone.backup, tmp_path / "back", {})
    after = dump(tmp_path / "back")

    assert before["history"] == after["history"]
    assert before["inbox"] == after["inbox"]
    assert before["ftth_stubovi"] == after["ftth_stubovi"]
    assert before["ftth_stubovi_rtree"] == after["ftth_stubovi_rtree"]
    assert before["upload_rows"] == after["upload_rows"]


async def test_only_what_is_archived(place: Path | postgis.Settings, tmp_path: Path) -> None:
    """Somebody may have woken it meanwhile; then nothing is removed, and no backup stays."""
    store = await opened(place)
    project = await archived(store, LIVED)
    await store.update_project(LIVED, {"status": "paused"}, by=BOJAN, at=T0)
    before = tables(place)
    with pytest.raises(Conflict):
        await holdings(store, place, tmp_path / "served").purge(project, by=ANA, at=at(30))
    await store.close()

    assert before == tables(place)
    assert [] == list((tmp_path / "served/purged").iterdir())


async def test_what_cannot_be_removed_stays(
    place: Path | postgis.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault at the very last step takes everything back, the backup too."""
    store = await opened(place)
    project = await archived(store, LIVED)
    before = tables(place)

    def breaking(*_: object) -> None:
        raise BrokenError

    for audit in (embedded_audit, database_audit):
        monkeypatch.setattr(audit, "note", breaking)
    with pytest.raises(BrokenError):
        await holdings(store, place, tmp_path / "served").purge(project, by=ANA, at=at(30))
    await store.close()

    assert before == tables(place)
    assert [] == list((tmp_path / "served/purged").iterdir())


async def test_what_each_project_takes(place: Path | postgis.Settings, tmp_path: Path) -> None:
    """Rows, history and photos by the store; files as they lie."""
    served = tmp_path / "served"
    store = await opened(place)
    project = await store.project(LIVED)
    package = served / "gpkg" / project.uuid / "1-x.gpkg"
    package.parent.mkdir(parents=True)
    package.write_bytes(b"x" * 1000)
    empty, lived = await holdings(store, place, served).usage()
    async with store.reading(LIVED) as reader:
        counts = sum((await reader.counts()).values())
    await store.close()

    assert (1, LIVED) == (empty.project, lived.project)
    assert (0, 0) == (empty.rows.count, empty.history.size)
    assert counts == lived.rows.count
    assert lived.rows.size > 10 * counts
    assert (True, True) == (lived.history.count > 0, lived.history.size > lived.history.count)
    assert (1, 1000) == (lived.packages.count, lived.packages.size)
