"""A backup of either store fills an empty one of either kind, equal in everything; also while somebody writes."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fiberq_core.errors import Conflict, Invalid, NotFound
from fiberq_storage import backup, moving, postgis
from fiberq_storage.moving import Place
from tests.contracts.builders import T0
from tests.moving.stores import database_dump, dump, folder, in_database
from tests.postgis.cluster import psql

pytestmark = pytest.mark.postgis

POLE = "INSERT INTO fiberq.ftth_stubovi (project_id, geom) VALUES (1, 'SRID=4326;POINT (1 2)')"


def keep(place: Place, target: Path) -> backup.Kept:
    """A backup of what is there."""
    if isinstance(place.store, Path):
        return backup.backup(place.store, target, place.volumes, at=T0)
    return moving.back_up(place.store, target, place.volumes, at=T0)


def put(source: Path, place: Place, beside: Path) -> backup.Kept:
    """A backup is restored there."""
    if isinstance(place.store, Path):
        return backup.restore(source, place.store, place.volumes)
    return moving.restore(source, place.store, place.volumes, beside=beside)


def files(place: Place) -> dict[str, bytes]:
    """Every file in the folders of a place."""
    return {
        str(path.relative_to(volume.folder)): path.read_bytes()
        for volume in place.volumes.values()
        if volume.folder
        for path in volume.folder.rglob("*")
        if path.is_file()
    }


def test_from_a_folder_into_a_database(old: Path, bare_dsn: str, tmp_path: Path) -> None:
    """And, to be compared, by a backup of that into a folder again: the store that went is the one that comes."""
    source, there, back = folder(old), in_database(bare_dsn, tmp_path / "served"), folder(tmp_path / "back")

    first = keep(source, tmp_path / "first")
    assert first == put(tmp_path / "first", there, tmp_path / "served")
    assert first == keep(there, tmp_path / "second")
    assert first == put(tmp_path / "second", back, tmp_path)

    assert dump(old) == dump(tmp_path / "back")
    assert files(source) == files(there) == files(back) != {}
    assert {"photos", "uploads"} == {path.name for path in (tmp_path / "served").iterdir()}


def test_from_a_database_into_a_folder(filled: str, bare_dsn: str, tmp_path: Path) -> None:
    """And from there into another database."""
    source, there, back = in_database(filled, tmp_path), folder(tmp_path / "new"), in_database(bare_dsn, tmp_path / "b")

    keep(source, tmp_path / "first")
    put(tmp_path / "first", there, tmp_path)
    keep(there, tmp_path / "second")
    put(tmp_path / "second", back, tmp_path / "b")

    assert database_dump(filled) == database_dump(bare_dsn)


def test_both_kinds_of_backup_look_alike(old: Path, filled: str, tmp_path: Path) -> None:
    """They are files, which `sha256sum` can check, and which may lie where nothing can be written."""
    keep(folder(old), tmp_path / "folder")
    keep(in_database(filled, old), tmp_path / "database")

    for kept in (tmp_path / "folder", tmp_path / "database"):
        assert {"SHA256SUMS", "backup.json", "fiberq.db", "photos", "uploads"} == {path.name for path in kept.iterdir()}
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=kept, check=True)


@contextmanager
def somebody_drawing(dsn: str) -> Iterator[list[int]]:
    """Somebody draws one pole after the other, each a revision; how many is counted."""
    drawn, enough = [0], threading.Event()

    def draw() -> None:
        while not enough.is_set():
            psql(dsn, POLE)
            drawn[0] += 1

    thread = threading.Thread(target=draw)
    thread.start()
    try:
        while not drawn[0]:
            enough.wait(0.01)
        yield drawn
    finally:
        enough.set()
        thread.join()


def test_it_is_one_moment_of_a_database_that_is_worked_on(filled: str, bare_dsn: str, tmp_path: Path) -> None:
    """Every pole that is in it has its revision in it, and the other way round; nobody waits for it, server or editor."""
    before = int(psql(filled, "SELECT count(*) FROM fiberq.ftth_stubovi WHERE project_id = 1"))
    with psql_open(filled), somebody_drawing(filled) as drawn:
        keep(in_database(filled, tmp_path), tmp_path / "first")
        during = drawn[0]
    put(tmp_path / "first", in_database(bare_dsn, tmp_path / "b"), tmp_path / "b")

    poles = int(psql(bare_dsn, "SELECT count(*) FROM fiberq.ftth_stubovi WHERE project_id = 1"))
    newest = "SELECT p.revision = max(r.revision) AND p.revision = max(s.fiberq_rev) FROM fiberq.projects p"
    newest += " JOIN fiberq.revisions r ON r.project_id = p.id JOIN fiberq.ftth_stubovi s ON s.project_id = p.id"

    assert during > 1 and before < poles <= before + during
    assert "t" == psql(bare_dsn, f"{newest} WHERE p.id = 1 GROUP BY p.id")


@contextmanager
def psql_open(dsn: str) -> Iterator[None]:
    """A FiberQ server is connected."""
    command = ["psql", "-X", "-q", "-d", dsn, "-c", "SET application_name = 'FiberQ server'; SELECT pg_sleep(600)"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


def test_only_into_an_empty_database(old: Path, filled: str, tmp_path: Path) -> None:
    keep(folder(old), tmp_path / "first")
    before = database_dump(filled)

    with pytest.raises(Conflict, match="in the database already"):
        put(tmp_path / "first", in_database(filled, tmp_path / "b"), tmp_path / "b")

    assert before == database_dump(filled)
    assert {} == files(in_database(filled, tmp_path / "b"))


def test_a_byte_that_changed_is_seen(old: Path, bare_dsn: str, tmp_path: Path) -> None:
    """Nothing is written then."""
    keep(folder(old), tmp_path / "first")
    photo = next(path for path in (tmp_path / "first" / "photos").rglob("*") if path.is_file())
    photo.write_bytes(photo.read_bytes()[:-1] + b"?")

    with pytest.raises(Invalid, match="1 files in this backup"):
        put(tmp_path / "first", in_database(bare_dsn, tmp_path / "b"), tmp_path / "b")

    assert "" == psql(bare_dsn, "SELECT to_regclass('fiberq.projects')")
    assert not (tmp_path / "b").exists()


def test_a_database_without_a_store(bare_dsn: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        moving.back_up(postgis.Settings(bare_dsn), tmp_path / "first", {}, at=T0)

    assert [] == list(tmp_path.iterdir())
