"""A PostgreSQL of the tests' own. Nothing of it is left when the tests are over."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field

BIN = Path("/usr/lib/postgresql/15/bin")
SUPERUSER, SYSTEM_USER = "postgres", "postgres"
SECONDS = 60.0  # in which a server on a busy machine must start or stop

# What a crash of the machine would spoil, and no test of ours crashes the machine.
QUICK: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}
MEMORY, ROOM = Path("/dev/shm"), 2 << 30  # where such a server's files lie, if there are so many bytes free
DURABLE: Mapping[str, str] = {}  # PostgreSQL's own defaults


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _unprivileged() -> Sequence[str]:
    """What stands before PostgreSQL's programs: they refuse to run as root, and end with the tests whatever happens."""
    user = ("--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--clear-groups") if os.geteuid() == 0 else ()
    return ("setpriv", *user, "--pdeathsig", "INT", "--")


def _place() -> Path | None:
    """Where files lie that need not last; None: where temporary files do."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


@define
class Cluster:
    """A PostgreSQL server in a new folder; on a loopback port (with a password) and a socket in the folder."""

    settings: Mapping[str, str] = field(default=QUICK)
    port: int = field(factory=free_port)
    password: str = field(factory=secrets.token_hex, repr=False)
    folder: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def create(self) -> "Cluster":
        """Make the folder and what is in it."""
        self.folder = Path(
            tempfile.mkdtemp(prefix="fiberq-pg-", dir=_place() if self.settings.get("fsync") == "off" else None)
        )
        (secret := self.folder / "secret").write_text(self.password)
        if os.geteuid() == 0:
            for path in (self.folder, secret):
                shutil.chown(path, SYSTEM_USER, SYSTEM_USER)
        choices = (
            "--no-sync --no-instructions --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256"
        )
        made = [str(BIN / "initdb"), "-D", str(self.folder / "data"), "-U", SUPERUSER, f"--pwfile={secret}"]
        subprocess.run([*_unprivileged(), *made, *choices.split()], check=True, stdout=subprocess.DEVNULL)
        return self

    def start(self, **settings: str) -> None:
        """Start it, with *settings* beside its own, and wait until it answers."""
        options = {**self.settings, **settings, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [*_unprivileged(), str(BIN / "postgres"), "-D", str(self.folder / "data"), *given]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + SECONDS
        while self.process.poll() is None and time.monotonic() < until:
            if psql_says(self.dsn(), "SELECT 1") == "1":
                return
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        """As an administrator does: whoever is connected is thrown out."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill -9 all of its processes, as when the machine dies; the files stay as they are."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)  # it must not restart its children
            for child in children(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self.process.kill()
            self.process.wait(SECONDS)
            self.process = None

    def remove(self) -> None:
        """End it and leave nothing."""
        self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(SECONDS)
            self.process = None

    def dsn(self, database: str = "postgres") -> str:
        """Where a database is."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"


@contextmanager
def running(settings: Mapping[str, str] = QUICK) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts."""
    cluster = Cluster(settings).create()
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


def children(parent: int) -> Iterator[int]:
    """The processes that *parent* started."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            after_name = status.read_text().rpartition(")")[2].split()
            if int(after_name[1]) == parent:
                yield int(status.parent.name)


def run_psql(dsn: str, statements: str) -> "subprocess.CompletedProcess[str]":
    """What psql makes of *statements*, each a transaction of its own; it stops at the first that fails."""
    program = BIN / "psql" if (BIN / "psql").exists() else "psql"
    options = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", dsn)
    return subprocess.run([program, *options], input=statements, capture_output=True, text=True, check=False)


def psql(dsn: str, statements: str) -> str:
    """What psql prints for *statements*, which must succeed: a row per line, columns by `|`."""
    done = run_psql(dsn, statements)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def psql_says(dsn: str, statement: str) -> str | None:
    """The same, or None where it fails."""
    done = run_psql(dsn, statement)
    return done.stdout.strip() if done.returncode == 0 else None
