"""A real server in a process of its own, and what requests to it cost."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from bench.figures import Cost
from bench.places import Place
from fiberq_aiohttp.devkeys import issue_dev_token
from fiberq_aiohttp.settings import dev_provider

CHUNK = 1 << 20


@frozen
class Server:
    """A server on a store."""

    place: Place
    port: int

    def token(self, who: str = "bench") -> str:
        """A token of an engineer."""
        issuer = dev_provider("127.0.0.1", self.port).issuer
        return issue_dev_token(self.place.data, issuer, "engineer", who, who, time.time())

    @property
    def packages(self) -> Path:
        """The folder of kept exports."""
        return self.place.data / "gpkg_sync"

    def client(self, who: str = "bench") -> "Client":
        """Somebody who is signed in."""
        return Client(self.port, self.token(who))

    def reset(self) -> None:
        """Begin to count anew."""
        Client(self.port, "").text("GET", "/bench/reset")

    def cost(self, seconds: float) -> Cost:
        """What the server has cost since."""
        found = json.loads(Client(self.port, "").text("GET", "/bench/report"))
        return Cost(seconds, found["peak_mb"], found["stall_ms"])

    def resident_mb(self) -> float:
        """The memory of the server now."""
        return float(json.loads(Client(self.port, "").text("GET", "/bench/report"))["now_mb"])


@frozen
class Client:
    """A device."""

    port: int
    token: str

    def text(self, method: str, path: str, body: Path | None = None) -> bytes:
        """The answer to a request; *body* is a file."""
        with self._asked(method, path, body, {}) as answer:
            return answer.read()

    def upload(self, project: int, file: Path) -> dict[str, object]:
        """The receipt of an upload."""
        receipt: dict[str, object] = json.loads(self.text("POST", f"/api/sync/upload?project_id={project}", file))
        return receipt

    def download(self, project: int, into: Path | None = None, tag: str | None = None) -> tuple[float, float, str]:
        """Seconds to the first byte of a project's package and to the last, and its tag.

        *into*: where it is kept; without it, only the beginning is read. *tag*: what the client has already.
        """
        begun = time.perf_counter()
        with self._asked("GET", f"/api/sync/download/{project}", None, {"If-None-Match": tag} if tag else {}) as answer:
            answer.read(1)
            first = time.perf_counter() - begun
            if into is not None:
                with into.open("wb") as file:
                    file.write(b"S")
                    shutil.copyfileobj(answer, file, CHUNK)
            return first, time.perf_counter() - begun, answer.headers["ETag"]

    @contextmanager
    def _asked(
        self, method: str, path: str, body: Path | None, headers: dict[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/octet-stream", **headers}
        try:
            if body is None:
                connection.request(method, path, headers=headers)
            else:
                with body.open("rb") as file:
                    connection.request(method, path, file, {**headers, "Content-Length": str(body.stat().st_size)})
            answer = connection.getresponse()
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {answer.read(500)!r}")
            yield answer
        finally:
            connection.close()


@contextmanager
def served(place: Place) -> Iterator[Server]:
    """A server on a store for as long as the block lasts, which can say what it costs."""
    port = free_port()
    with running([sys.executable, "-m", "bench.server", str(place.data), str(port)], port, "/health", _database(place)):
        yield Server(place, port)


@contextmanager
def program(place: Place) -> Iterator[Server]:
    """The program on a store, as an administrator runs it: it writes its log."""
    port = free_port()
    program = "from fiberq_aiohttp.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--dev", "--log-json", "--port", str(port)]
    settings = {"LOG_LEVEL": "info", **_database(place)}
    command += ["--data", str(place.data)]
    with (place.folder / "log").open("wb") as log, running(command, port, "/health", settings, log):
        yield Server(place, port)


@contextmanager
def running(
    command: list[str], port: int, path: str, env: Mapping[str, str], log: BinaryIO | None = None
) -> Iterator[None]:
    """A program that answers at *path* once it runs, for as long as the block lasts; *log*: where it writes to."""
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log)
    try:
        _await(port, path)
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _database(place: Place) -> dict[str, str]:
    return {"DATABASE_URL": place.database} if place.database else {}


def _await(port: int, path: str) -> None:
    for _ in range(400):
        try:
            Client(port, "").text("GET", path)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not start")
