"""A PostgreSQL for the measurements alone: in a folder of its own, with the settings that it comes with."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
USER = "postgres"  # whoever runs the programs where root may not, and the name of the superuser in the database
START_S = 60.0


@contextmanager
def database() -> Iterator[str]:
    """The address of a server that runs as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="fiberq-bench-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, USER, USER)
    data, port = folder / "data", _free_port()
    choices = ("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    subprocess.run(_as_user("initdb", "-D", str(data), "-U", USER, *choices), check=True, stdout=subprocess.DEVNULL)
    with (folder / "log").open("wb") as log:
        options = ("-D", str(data), "-p", str(port), "-k", str(folder))
        server = subprocess.Popen(_as_user("postgres", *options), stdout=log, stderr=log)
    try:
        _await(port)
        yield f"postgresql://{USER}@127.0.0.1:{port}"
    finally:
        server.terminate()  # waits for whoever is connected
        server.wait()
        shutil.rmtree(folder)


def new_database(server: str, name: str) -> str:
    """The address of a fresh database with PostGIS."""
    for database_, sql in (("postgres", f'CREATE DATABASE "{name}"'), (name, "CREATE EXTENSION postgis")):
        subprocess.run(["psql", "-X", "-q", "-d", f"{server}/{database_}", "-c", sql], check=True)
    return f"{server}/{name}"


def _as_user(program: str, *options: str) -> list[str]:
    """The command line of one of PostgreSQL's programs, which refuse to run as root and end with this process."""
    user = ["--reuid", USER, "--regid", USER, "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig", "INT", "--", str(BIN / program), *options]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _await(port: int) -> None:
    until = time.monotonic() + START_S
    while subprocess.run([BIN / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode:
        if time.monotonic() > until:
            raise RuntimeError("PostgreSQL does not start")
        time.sleep(0.05)
