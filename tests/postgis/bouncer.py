"""The real PgBouncer in transaction mode, before a database."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.postgis.cluster import SECONDS, SYSTEM_USER, _unprivileged, free_port, psql_says

BOUNCER = "/usr/sbin/pgbouncer"


@contextmanager
def bouncing(dsn: str) -> Iterator[str]:
    """The address of a PgBouncer before the server of *dsn*, for as long as the block lasts."""
    parts, port = urlsplit(dsn), free_port()
    through = urlunsplit(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}"))
    with tempfile.TemporaryDirectory() as folder:
        users, settings = Path(folder, "users"), Path(folder, "ini")
        users.write_text(f'"{parts.username}" "{parts.password}"\n')
        settings.write_text(
            f"[databases]\n* = host={parts.hostname} port={parts.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {users}\n"
            "pool_mode = transaction\n"
        )
        if os.geteuid() == 0:
            shutil.chown(folder, SYSTEM_USER)
        with subprocess.Popen([*_unprivileged(), BOUNCER, str(settings)], stderr=subprocess.DEVNULL) as process:
            try:
                _wait(process, through)
                yield through
            finally:
                process.terminate()


def _wait(process: "subprocess.Popen[bytes]", dsn: str) -> None:
    until = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < until:
        if psql_says(dsn, "SELECT 1") == "1":
            return
        time.sleep(0.05)
    raise AssertionError("PgBouncer did not start")
