"""S34, S35: the server is killed at any moment, or the sender is gone; an upload is wholly there or not at all.

`FIBERQ_TEST_KILLS` says how often, where somebody has the time.
"""

import os
import random
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.device import GEOMETRY_FUNCTIONS, point
from tests.e2e.serverprocess import Server, leftovers
from tests.postgis.cluster import DURABLE, Cluster, running
from tests.postgis.databases import prepared

POLE = "Stubovi"
KILLS = int(os.environ.get("FIBERQ_TEST_KILLS", "16"))
LOSSES = int(os.environ.get("FIBERQ_TEST_LOSSES", "5"))  # of PostgreSQL
A_PROJECT = 20  # kills per project, so that a long run does not become one of large projects
ROWS = 400  # in each upload, so that there are moments in it


@pytest.fixture
def server(tmp_path: Path, database: str | None) -> Iterator[Server]:
    """A running server with one project of ours beside the demo's."""
    server = Server(tmp_path / "data", tmp_path / "log.txt", {"DATABASE_URL": database} if database else {})
    server.start()
    yield server
    server.kill()


@pytest.fixture
def project(server: Server) -> int:
    """A project that everybody belongs to."""
    return server.create_project()


def edited(content: bytes, folder: Path, number: int) -> bytes:
    """A file in which poles were added, all of one *number*, and an earlier number's were renamed."""
    path = folder / f"{number}.gpkg"
    path.write_bytes(content)
    connection = sqlite3.connect(path)
    for name, function in GEOMETRY_FUNCTIONS.items():
        connection.create_function(name, 1, function)
    rows = [(f"U-{number}", f"{n}", point(20 + n / 1000, 43 + number / 100)) for n in range(ROWS)]
    with connection:
        connection.executemany(f"INSERT INTO {POLE} (naziv, napomena, geom) VALUES (?, ?, ?)", rows)
        connection.execute(f"UPDATE {POLE} SET materijal = ? WHERE fid = 1", (f"M-{number}",))
    connection.close()
    return path.read_bytes()


def per_upload(server: Server, project: int) -> dict[str, int]:
    """How many poles of each upload are there."""
    counts: dict[str, int] = {}
    for feature in server.features(project):
        name = feature["properties"]["naziv"]
        counts[name] = counts.get(name, 0) + 1
    return counts


@pytest.mark.slow
@pytest.mark.each_store
def test_s35_killed_at_any_moment(server, tmp_path, database):
    """S35: after every kill each upload is wholly there or not at all, once; a retry ends in one effect."""
    chance = random.Random(35)
    silent = 0
    for first in range(0, KILLS, A_PROJECT):
        silent += _kill_again_and_again(server, tmp_path, range(first, min(first + A_PROJECT, KILLS)), chance)
    assert silent > 0
    server.stop()
    if database is None:
        _is_sound(server.data / "fiberq.db")


def _kill_again_and_again(server: Server, folder: Path, numbers: range, chance: random.Random) -> int:
    """Kill the server at every number's upload into one project; how often that was before the answer."""
    project, token = server.create_project(), server.token()
    acknowledged: dict[str, object] = {}
    silent, longest = 0, 0.3
    for number in numbers:
        status, content = server.ask("GET", f"/api/sync/download/{project}", token=token)
        assert status == 200
        name, body = f"U-{number}", edited(content, folder, number)
        answers: list[tuple[int, object]] = []

        def send(body: bytes = body, answers: list[tuple[int, object]] = answers) -> None:
            with suppress(OSError):
                answers.append(server.upload(project, body, token))

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(chance.uniform(0, longest))
        server.kill()
        sender.join(60)
        longest *= 0.9 if answers else 1.1  # so that all of an upload's moments have their turn, on any machine
        assert not sender.is_alive()
        silent += not answers
        server.start()
        assert [] == leftovers(server.data)
        counts = per_upload(server, project)
        assert set(counts.values()) <= {ROWS}, "an upload is there in part"
        assert acknowledged.keys() <= counts.keys(), "an acknowledged upload is gone"
        if answers:
            assert (200, ROWS) == (answers[0][0], counts.get(name))
        first = server.upload(project, body, token)
        again = server.upload(project, body, token)
        assert first == again and 200 == first[0] and (not answers or answers[0] == first)
        acknowledged[name] = first[1]
        assert dict.fromkeys(acknowledged, ROWS) == per_upload(server, project)
    assert len(numbers) == server.revision(project)
    return silent


def _is_sound(store: Path) -> None:
    connection = sqlite3.connect(store)
    try:
        assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
        assert [] == connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()


def test_a_connection_from_before_the_stop_is_answered(server):
    """A server that is told to stop takes nothing new, and still answers who was connected already, as nginx may be."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        time.sleep(0.1)  # it is accepted, and nothing was asked yet
        server.process.terminate()
        until = time.monotonic() + 5
        while time.monotonic() < until and not _refused(server.port):
            time.sleep(0.005)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
    assert 0 == server.process.wait(20)


def _refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.slow
@pytest.mark.postgis
def test_s35_postgresql_killed_at_any_moment(tmp_path):
    """S35: PostgreSQL with its own settings dies again and again; the server goes on by itself, and nothing is lost."""
    with running(DURABLE) as cluster, prepared(cluster.dsn()) as databases:
        server = Server(tmp_path / "data", tmp_path / "log.txt", {"DATABASE_URL": databases.create()})
        server.start()
        try:
            _lose_postgresql_again_and_again(cluster, server, tmp_path)
        finally:
            server.kill()


def _lose_postgresql_again_and_again(cluster: Cluster, server: Server, folder: Path) -> None:
    chance, project, token = random.Random(36), server.create_project(), server.token()
    acknowledged: list[str] = []
    said: list[int] = []
    for number in range(LOSSES):
        status, content = server.ask("GET", f"/api/sync/download/{project}", token=token)
        assert status == 200
        body = edited(content, folder, number)

        def send(body: bytes = body) -> None:
            said.append(server.upload(project, body, token)[0])

        sender = threading.Thread(target=send)
        sender.start()
        time.sleep(chance.uniform(0, 0.3))
        cluster.kill()
        sender.join(120)
        assert not sender.is_alive() and said[-1] in (200, 503)
        assert 503 == server.ask("GET", f"/api/projects/{project}", token=token)[0]
        cluster.start()
        assert per_upload(server, project).keys() >= {*acknowledged, *([f"U-{number}"] if said[-1] == 200 else [])}
        assert 200 == server.upload(project, body, token)[0]
        acknowledged.append(f"U-{number}")
        assert dict.fromkeys(acknowledged, ROWS) == per_upload(server, project)
    assert 503 in said
    assert LOSSES == server.ask("GET", f"/api/projects/{project}", token=token)[1]["revision"]


def test_s34_a_sender_that_vanishes_leaves_nothing(server, project, tmp_path):
    """S34: the connection breaks in mid-upload, as a form and as a bare body; nothing applied, no file left."""
    token = server.token()
    _, content = server.ask("GET", f"/api/sync/download/{project}", token=token)
    body = edited(content, tmp_path, 1)
    for kind in ("application/octet-stream", "multipart/form-data; boundary=xx"):
        head = (
            f"POST /api/sync/upload?project_id={project} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        start = (
            b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.gpkg"\r\n\r\n' if "form" in kind else b""
        )
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.encode() + start + body[: len(body) // 2])
            until = time.monotonic() + 10
            while not leftovers(server.data) and time.monotonic() < until:
                time.sleep(0.02)
            assert leftovers(server.data), "the upload has not begun"
        until = time.monotonic() + 10
        while leftovers(server.data) and time.monotonic() < until:
            time.sleep(0.02)
        assert [] == leftovers(server.data)
    assert 0 == server.ask("GET", f"/api/projects/{project}", token=token)[1]["revision"]
    assert 200 == server.upload(project, body, token)[0]


def test_what_a_killed_server_was_receiving_is_swept_away(server, project, tmp_path):
    """S34, S35: half of a file lies in the folder of incoming files when the server dies; the next start removes it."""
    token = server.token()
    head = (
        f"POST /api/sync/upload?project_id={project} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/octet-stream\r\nContent-Length: 9000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + bytes(3_000_000))
        until = time.monotonic() + 10
        while not leftovers(server.data) and time.monotonic() < until:
            time.sleep(0.02)
        server.kill()
    assert leftovers(server.data)
    server.start()
    assert [] == leftovers(server.data)


def test_a_second_server_on_the_same_folder_is_refused(server, tmp_path):
    """A second server says in words why it does not start, and does not touch what the first one does."""
    second = Server(server.data, tmp_path / "second.txt")
    process = second.launch()
    assert 0 != process.wait(60)
    said = second.log.read_text()
    assert "Another FiberQ server is running on this data folder" in said
    assert "Traceback" not in said and str(server.data) not in said
    assert 200 == server.ask("GET", "/health")[0]
    assert 200 == server.ask("GET", "/api/projects", token=server.token())[0]


def test_a_folder_may_be_served_again_at_once(server, tmp_path):
    """After a kill, no lock is left: the next server starts on the same folder, also elsewhere."""
    server.kill()
    moved = tmp_path / "moved"
    shutil.move(server.data, moved)
    again = Server(moved, server.log)
    try:
        again.start()
        assert 200 == again.ask("GET", "/api/projects", token=again.token())[0]
    finally:
        again.kill()
