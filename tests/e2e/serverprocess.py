"""A real server in a process of its own, to be killed, starved or started twice."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, field

from fiberq_aiohttp.devkeys import issue_dev_token

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-c", "from fiberq_aiohttp.cli import main; main()")
START = 60.0  # seconds in which a server on a busy machine must answer


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@define
class Server:
    """`fiberq serve --dev` on a data folder. *before*: a command that runs the program (limits, say)."""

    data: Path
    log: Path
    env: Mapping[str, str] = field(factory=dict)
    before: Sequence[str] = ()
    port: int = field(factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the program; it may refuse."""
        path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": path, "LOG_LEVEL": "info", **self.env}
        command = [*self.before, *PROGRAM, "serve", "--dev", "--port", str(self.port), "--data", str(self.data)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        return self.process

    def start(self) -> "Server":
        """Start it and wait until it answers."""
        process, until = self.launch(), time.monotonic() + START
        while time.monotonic() < until and process.poll() is None:
            try:
                if self.ask("GET", "/health")[0] == 200:
                    return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError(self.log.read_text()[-2000:])

    def kill(self) -> None:
        """Kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As an administrator stops it."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        self.process = None

    def token(self, role: str = "engineer", sub: str = "elena") -> str:
        """A bearer token for it."""
        return issue_dev_token(self.data, self.address, role, sub, sub.title(), time.time())

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str | None = None,
        kind: str = "application/json",
    ) -> tuple[int, Any]:
        """A request; status and what was answered. Raises: OSError where nobody answers."""
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self.address + path, body, headers, method=method)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - our own server
                return answer.status, _content(answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, _content(refused.read())

    def upload(self, project: int, content: bytes, token: str) -> tuple[int, Any]:
        """Send a file. Raises: OSError where nobody answers."""
        path = f"/api/sync/upload?project_id={project}"
        return self.ask("POST", path, content, token=token, kind="application/geopackage+sqlite3")

    def create_project(self, name: str = "Crash") -> int:
        """A project that everybody belongs to."""
        token = self.token()
        _, project = self.ask("POST", "/api/projects", json.dumps({"name": name}).encode(), token=token)
        member = json.dumps({"sub": "*", "role": "engineer"}).encode()
        self.ask("POST", f"/api/projects/{project['id']}/members", member, token=token)
        return int(project["id"])

    def features(self, project: int, layer: str = "Stubovi") -> list[dict[str, Any]]:
        """All features of a layer."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            path = f"/api/projects/{project}/features/{layer}?limit=1000&cursor={cursor}"
            _, page = self.ask("GET", path, token=self.token())
            found += page["features"]
            cursor = page["next"]
            if not cursor:
                return found


def _content(content: bytes) -> Any:
    return json.loads(content) if content[:1] in (b"{", b"[") else content


def leftovers(data: Path) -> list[str]:
    """What lies in the folder of files that are being received."""
    return [p.name for p in (data / "incoming").glob("*")]
