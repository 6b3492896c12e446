"""One round of measurements against a running server and its peers."""

import asyncio
import http.client
import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from attrs import frozen

from bench.dataset import SHARES, writes
from fiberq_aiohttp.devkeys import issue_dev_token
from fiberq_aiohttp.settings import dev_provider
from fiberq_aiohttp.wiring import new_uuid, now
from fiberq_core.changes import Source
from fiberq_core.inbox import Author
from fiberq_core.policy import Role
from fiberq_core.ports import Changeset
from fiberq_storage.sqlite.store import open_store

BY = Author("bench", "Bench")
BATCH = 20_000  # rows in one transaction while filling
CHUNK = 1 << 20


@frozen
class Figures:
    """What something cost: seconds, peak of resident memory in MB, longest stall of the event loop in ms."""

    seconds: float
    peak_mb: float
    stall_ms: float


@frozen
class Server:
    """A running server with one project, and a file that was downloaded from it."""

    folder: Path
    port: int
    token: str
    project: int

    @property
    def packages(self) -> Path:
        """The kept exports."""
        return self.folder / "data" / "gpkg_sync"

    def request(self, method: str, path: str, body: Path | None = None, into: Path | None = None) -> bytes:
        """One request; the answer's body, or nothing where it went to a file."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/octet-stream"}
        if body is None:
            connection.request(method, path, headers=headers)
        else:
            with body.open("rb") as file:
                connection.request(method, path, file, {**headers, "Content-Length": str(body.stat().st_size)})
        answer = connection.getresponse()
        if into is None:
            text = answer.read()
        else:
            text = b""
            with into.open("wb") as file:
                shutil.copyfileobj(answer, file, CHUNK)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:500]!r}")
        connection.close()
        return text

    def measured(
        self, method: str, path: str, body: Path | None = None, into: Path | None = None
    ) -> tuple[Figures, bytes]:
        """One request with what it cost the server."""
        self.request("GET", "/bench/reset")
        begun = time.perf_counter()
        text = self.request(method, path, body, into)
        seconds = time.perf_counter() - begun
        cost = json.loads(self.request("GET", "/bench/report"))
        return Figures(seconds, cost["peak_mb"], cost["stall_ms"]), text


@contextmanager
def served(size: int, folder: Path) -> Iterator[Server]:
    """A server whose project holds about *size* features."""
    data = folder / "data"
    data.mkdir()
    project = asyncio.run(_fill(data, size))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "bench.server", str(data), str(port)])
    try:
        token = issue_dev_token(data, dev_provider("127.0.0.1", port).issuer, "engineer", "bench", "Bench", time.time())
        server = Server(folder, port, token, project)
        _await(server)
        yield server
    finally:
        process.terminate()
        process.wait()


async def _fill(data: Path, size: int) -> int:
    async with await open_store(data) as store:
        project = await store.create_project("Bench", "", uuid=new_uuid(), by=BY, at=now(), owner_role=Role.ENGINEER)
        rows = writes(size)
        while batch := tuple(islice(rows, BATCH)):
            async with store.unit(project.id) as unit:
                await unit.apply(Changeset(BY, now(), Source.REST, writes=batch))
        return project.id


def _await(server: Server) -> None:
    for _ in range(200):
        try:
            server.request("GET", "/health")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not start")


def one_round(server: Server) -> Iterator[tuple[str, Figures]]:
    """Every technique once."""
    base, edited = server.folder / "base.gpkg", server.folder / "edited.gpkg"
    download, upload = f"/api/sync/download/{server.project}", f"/api/sync/upload?project_id={server.project}"
    shutil.rmtree(server.packages, ignore_errors=True)
    yield "export", server.measured("HEAD", download)[0]
    yield "hand out (kept export)", server.measured("GET", download, into=base)[0]
    yield "ogr2ogr", _ogr2ogr(base, server.folder / "converted.gpkg")
    same = server.folder / "same.gpkg"
    _touched(base, same)
    figures, receipt = server.measured("POST", upload, same)
    _expect(receipt, 0)
    yield "upload without changes", figures
    count = _edit(base, edited)
    yield "find 1 % edits", _child("diff", base, edited)
    yield "pygeodiff", _child("geodiff", base, edited)
    figures, receipt = server.measured("POST", upload, edited)
    _expect(receipt, count)
    yield "upload with 1 % edits", figures


def _expect(receipt: bytes, updated: int) -> None:
    found = json.loads(receipt)
    if (found["updated"], found["inserted"], found["held"], found["conflicts"]) != (updated, 0, 0, 0):
        raise RuntimeError(f"expected {updated} updates: { {k: v for k, v in found.items() if isinstance(v, int)} }")


def _touched(base: Path, copy: Path) -> None:
    """A copy whose bytes differ and whose rows do not, as if somebody had opened and closed it."""
    shutil.copyfile(base, copy)
    with sqlite3.connect(copy) as file:
        file.execute(
            "UPDATE gpkg_contents SET last_change = ?",
            (time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()) + str(time.time_ns())[-6:],),
        )
    file.close()


def _edit(base: Path, copy: Path) -> int:
    """A copy with one row in a hundred changed; how many there are."""
    shutil.copyfile(base, copy)
    number, count = random.randrange(10**9), 0
    with sqlite3.connect(copy) as file:
        for name in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            file.create_function(name, 1, lambda _blob: 0)
        for layer in SHARES:
            marked = f'UPDATE "{layer}" SET napomena = ? WHERE fid % 100 = 7'
            count += file.execute(marked, (f"edited {number}",)).rowcount
    file.close()
    return count


def _ogr2ogr(source: Path, target: Path) -> Figures:
    target.unlink(missing_ok=True)
    return _timed(["ogr2ogr", "-q", "-f", "GPKG", str(target), str(source), *SHARES], {"OGR_SQLITE_SYNCHRONOUS": "OFF"})


def _child(what: str, base: Path, edited: Path) -> Figures:
    return _timed([sys.executable, "-m", "bench.finding", what, str(base), str(edited)], {})


def _timed(command: list[str], environment: dict[str, str]) -> Figures:
    """Run a program; its own measure of time where it prints one, else that of the process."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **environment}, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed")
    own: Any = json.loads(said) if said.strip() else {}
    return Figures(own.get("seconds", seconds), own.get("peak_mb", usage.ru_maxrss / 1024), 0.0)
