"""The real nginx before several servers, as in production: one address, and whoever is up answers."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from attrs import frozen

from tests.e2e.provider import Provider
from tests.e2e.remote import Remote
from tests.postgis.cluster import free_port

NGINX = "/usr/sbin/nginx"
SECONDS = 20.0

# Another server is tried where the first cannot be connected to. A request that reached one is never sent
# to another by nginx itself: sending it again is the device's business.
CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log warn; {user}
events {{ worker_connections 512; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream servers {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location = /nginx {{ return 200; }}
    location / {{
      proxy_pass http://servers; proxy_http_version 1.1; proxy_connect_timeout 2s; proxy_read_timeout 60s;
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }}
  }}
}}
"""


@frozen
class Proxy(Remote):
    """A running nginx."""

    port: int
    provider: Provider

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def token(self, role: str = "engineer", sub: str = "elena") -> str:
        return self.provider.token(role, sub)


@contextmanager
def nginx(folder: Path, ports: Sequence[int], provider: Provider) -> Iterator[Proxy]:
    """An nginx before the servers at *ports*, with all its files in *folder*."""
    proxy = Proxy(free_port(), provider)
    servers = " ".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in ports)
    user = "user root;" if os.geteuid() == 0 else ""
    (file := folder / "nginx.conf").write_text(
        CONFIGURATION.format(folder=folder, user=user, servers=servers, port=proxy.port)
    )
    with subprocess.Popen([NGINX, "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(file)]) as process:
        try:
            _wait(process, proxy, folder / "nginx.log")
            yield proxy
        finally:
            process.terminate()
            process.wait(SECONDS)


def _wait(process: "subprocess.Popen[bytes]", proxy: Proxy, log: Path) -> None:
    until = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(f"{proxy.address}/nginx", timeout=SECONDS):  # noqa: S310 - our own
                return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(log.read_text() if log.exists() else "nginx did not start")
