"""A real server in a process of its own, to be killed, starved or started twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from fiberq_aiohttp.devkeys import issue_dev_token
from tests.e2e.provider import Provider
from tests.e2e.remote import Remote
from tests.postgis.cluster import free_port

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-c", "from fiberq_aiohttp.cli import main; main()")
START = 60.0  # seconds in which a server on a busy machine must answer


@define
class Server(Remote):
    """`fiberq serve` on a data folder. *before*: a command that runs the program (limits, say).

    Without a *provider* it is a development server, which signs people in itself.
    """

    data: Path
    log: Path
    env: Mapping[str, str] = field(factory=dict)
    before: Sequence[str] = ()
    provider: Provider | None = None
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
        env |= self.provider.env() if self.provider else {}
        command = [*self.before, *PROGRAM, "serve", "--port", str(self.port), "--data", str(self.data)]
        with self.log.open("ab") as log:
            dev = () if self.provider else ("--dev",)
            self.process = subprocess.Popen([*command, *dev], env=env, stdout=log, stderr=log)
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

    def is_receiving(self) -> bool:
        """Whether it is at a file that somebody sends."""
        assert self.process is not None
        with suppress(OSError):  # a file that was closed meanwhile
            return any("/incoming/" in str(file.readlink()) for file in Path(f"/proc/{self.process.pid}/fd").iterdir())
        return False

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
        if self.provider:
            return self.provider.token(role, sub)
        return issue_dev_token(self.data, self.address, role, sub, sub.title(), time.time())


def leftovers(data: Path) -> list[str]:
    """What lies in the folder of files that are being received."""
    return [p.name for p in (data / "incoming").glob("*")]
