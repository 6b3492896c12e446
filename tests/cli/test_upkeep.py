"""`fiberq backup`, `restore`, `doctor`."""

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fiberq_aiohttp.cli import checks
from fiberq_aiohttp.cli.exits import Exit
from fiberq_aiohttp.readiness import TOO_LITTLE
from fiberq_core.photos import JPEG, name_of, shelf
from tests.aiohttp.pictures import picture
from tests.aiohttp.serving import ENV
from tests.buckets import a_bucket, s3_server
from tests.cli.running import Terminal

GONE = {"ZITADEL_DOMAIN": "https://127.0.0.1:9"}  # nobody listens there


def states(fq: Terminal, *args: object, **env: str) -> Mapping[str, list[Any]]:
    """What the doctor says, by what it looked at."""
    findings = fq("doctor", "--json", *args, **env).json
    return {f["what"]: [f["state"], f["found"], f["do"]] for f in findings}


def test_backup_and_restore(village: Terminal, tmp_path: Path) -> None:
    """Everything is there again in another folder, with its history."""
    village.ok("backup", tmp_path / "kept")
    other = Terminal(tmp_path / "other")

    said = other.ok("restore", tmp_path / "kept")

    assert "1 uploads" in said
    assert village.get("project", "show", "1") == other.get("project", "show", "1")


def test_photos_go_from_a_folder_into_a_bucket_and_back(
    village: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By backup and restore; the last backup holds what the first one held."""
    content = picture()
    photo = village.data / "photos" / shelf(name_of(sha256(content).hexdigest(), JPEG))
    photo.parent.mkdir(parents=True)
    photo.write_bytes(content)
    with s3_server() as address:
        bucket = {"PHOTO_STORE": a_bucket(address, "photos", monkeypatch)}
        other, back = Terminal(tmp_path / "other"), Terminal(tmp_path / "back")
        assert {"photos": 1, "uploads": 1} == village.get("backup", tmp_path / "one")["files"]
        assert Exit.OK == other("restore", tmp_path / "one", **bucket).code
        assert Exit.OK == other("backup", tmp_path / "two", **bucket).code
    back.ok("restore", tmp_path / "two")

    assert not (other.data / "photos").exists()
    assert content == (back.data / photo.relative_to(village.data)).read_bytes()
    assert files_in(tmp_path / "one") == files_in(tmp_path / "two")
    assert village.get("project", "show", "1") == back.get("project", "show", "1")


def files_in(folder: Path) -> Mapping[str, bytes]:
    """The photos and uploads in a backup."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for name in ("photos", "uploads")
        for path in (folder / name).rglob("*")
        if path.is_file()
    }


def test_a_bucket_that_does_not_answer_makes_no_backup(
    village: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    said = village("backup", tmp_path / "kept", PHOTO_STORE="s3://fiberq/photos")

    assert Exit.STORE == said.code and "does not answer" in said.err
    assert not (tmp_path / "kept").exists()


def test_restore_overwrites_nothing(village: Terminal, tmp_path: Path) -> None:
    village.ok("backup", tmp_path / "kept")

    assert Exit.CONFLICT == village("restore", tmp_path / "kept").code


def test_backup_overwrites_nothing(village: Terminal, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()

    assert Exit.CONFLICT == village("backup", tmp_path / "kept").code


def test_restore_of_something_else(fq: Terminal, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()

    assert Exit.USAGE == fq("restore", tmp_path / "photos").code
    assert not fq.data.exists()


def test_a_backup_with_links_is_not_restored(village: Terminal, tmp_path: Path) -> None:
    """Otherwise somebody else's backup could show any file of this machine as a photo."""
    village.ok("backup", tmp_path / "kept")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "kept" / "photos").mkdir(exist_ok=True)
    (tmp_path / "kept" / "photos" / "0.jpg").symlink_to(tmp_path / "secret")
    other = Terminal(tmp_path / "other")

    done = other("restore", tmp_path / "kept")

    assert Exit.USAGE == done.code and "links" in done.err
    assert not other.data.exists()


def test_backup_of_nothing(fq: Terminal, tmp_path: Path) -> None:
    assert Exit.NOT_FOUND == fq("backup", tmp_path / "kept").code


def test_a_healthy_folder(village: Terminal) -> None:
    found = states(village, "--dev")

    assert {"ok"} == {state for state, _, _ in found.values()}
    assert "1 projects" in found["store"][1] and "sound" in found["store"][1]
    assert all(name in found["versions"][1] for name in ("SQLite", "GDAL", "PROJ", "Python", "FiberQ"))
    assert Exit.OK == village("doctor", "--dev").code


def test_the_doctor_changes_nothing(fq: Terminal) -> None:
    assert Exit.OK == fq("doctor", "--dev").code
    assert not fq.data.exists()


def test_settings_that_are_missing_are_all_named(fq: Terminal) -> None:
    said = fq("doctor", API_SECRET_KEY="secret")

    assert Exit.REFUSED == said.code
    assert all(
        name in said.out for name in ("ZITADEL_DOMAIN", "ZITADEL_CLIENT_ID", "ZITADEL_PROJECT_ID", "API_SECRET_KEY")
    )
    assert "doctor --dev" in said.out


def test_a_setting_that_even_development_refuses(fq: Terminal) -> None:
    said = fq("doctor", "--dev", MAX_UPLOAD_MB="much")

    assert Exit.REFUSED == said.code and "MAX_UPLOAD_MB" in said.out


def test_a_provider_that_does_not_answer(fq: Terminal) -> None:
    found = states(fq, **{**ENV, **GONE})

    assert ("ok", "wrong") == (found["settings"][0], found["sign-in"][0])
    assert GONE["ZITADEL_DOMAIN"] in found["sign-in"][2]


def test_a_folder_that_others_can_read(village: Terminal) -> None:
    village.data.chmod(0o755)

    assert "chmod 700" in states(village, "--dev")["data folder"][2]


def test_a_signing_key_that_others_can_read(village: Terminal) -> None:
    (village.data / "dev-signing-key.pem").touch(0o644)

    found = states(village, "--dev")["sign-in"]

    assert "wrong" == found[0] and "chmod 600" in found[2]


def test_a_folder_that_cannot_be_written(village: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: path != village.data)  # root may write anywhere

    assert "wrong" == states(village, "--dev")["data folder"][0]


def test_a_file_in_the_place_of_the_folder(fq: Terminal) -> None:
    fq.data.write_text("")

    assert "wrong" == states(fq, "--dev")["data folder"][0]


@pytest.mark.parametrize("free, state", [(checks.LITTLE, "ok"), (checks.LITTLE - 1, "note"), (TOO_LITTLE - 1, "wrong")])
def test_disk_space(fq: Terminal, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=free))

    assert state == states(fq, "--dev")["disk"][0]


def test_a_store_of_a_newer_fiberq(village: Terminal) -> None:
    with closing(sqlite3.connect(village.data / "fiberq.db")) as db, db:
        db.execute("INSERT INTO schema_version VALUES (99)")

    found = states(village, "--dev")["store"]

    assert "wrong" == found[0] and "99" in found[1]
    assert Exit.STORE == village("project", "list").code


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + bytes(5000)])
def test_a_store_that_is_none(village: Terminal, content: bytes) -> None:
    for path in village.data.glob("fiberq.db*"):
        path.unlink()
    (village.data / "fiberq.db").write_bytes(content)

    assert "wrong" == states(village, "--dev")["store"][0]
    assert Exit.STORE == village("project", "list").code


def test_a_damaged_store(village: Terminal) -> None:
    """A page in the middle is overwritten."""
    with closing(sqlite3.connect(village.data / "fiberq.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (village.data / "fiberq.db").open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096 * 3)

    found = states(village, "--dev")["store"]

    assert "wrong" == found[0] and "restore" in found[2]
