"""The nginx that we ship, made from its templates as its container makes it, with folders and ports of the test's own."""

import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from tests.e2e.nginx import NGINX, SECONDS
from tests.e2e.provider import Provider
from tests.e2e.remote import Remote
from tests.postgis.cluster import free_port

SHIPPED = Path(__file__).parents[2] / "deploy" / "nginx"
DOMAIN = "fiberq.example.org"


@frozen
class Site(Remote):
    """A running nginx of ours. *port* is that of HTTP, *tls* that of HTTPS, where there is one."""

    folder: Path
    port: int
    tls: int
    provider: Provider

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def token(self, role: str = "engineer", sub: str = "elena") -> str:
        return self.provider.token(role, sub)

    @property
    def log(self) -> str:
        """What nginx wrote."""
        return (self.folder / "log").read_text()

    def trusting(self) -> ssl.SSLContext:
        """Who trusts its certificate."""
        return ssl.create_default_context(cafile=str(self.folder / "tls" / "fullchain.pem"))


def made(template: str, values: Mapping[str, str]) -> str:
    """What the container makes of a template: `envsubst` with our variables alone."""
    return re.sub(r"\$\{(\w+)}", lambda found: values[found[1]], template)


@contextmanager
def deployed(
    folder: Path, api: int, provider: Provider, *, mode: str = "tunnel", photos: Path | None = None
) -> Iterator[Site]:
    """Our nginx before the server at the port *api*; everything of it lies in the new *folder*."""
    site = Site(folder, free_port(), free_port(), provider)
    values = {
        "FIBERQ_API": f"127.0.0.1:{api}", "FIBERQ_RESOLVER": "127.0.0.1", "FIBERQ_MAX_BODY": "2g",
        "FIBERQ_LISTEN_HTTP": f"127.0.0.1:{site.port}", "FIBERQ_LISTEN_HTTPS": f"127.0.0.1:{site.tls}",
        "FIBERQ_PHOTOS": str(photos or folder), "FIBERQ_TRUSTED_PROXY": "127.0.0.0/8",
        "FIBERQ_TLS": str(folder / "tls"), "SERVER_DOMAIN": DOMAIN,
    }  # fmt: skip
    _lay_out(folder, mode, values)
    if mode == "tls":
        certify(folder / "tls")
    plain = "daemon off; master_process on;" + (" user root;" if os.geteuid() == 0 else "")
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [NGINX, "-p", str(folder), "-e", "stderr", "-g", plain, "-c", str(folder / "nginx.conf")],
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait(process, site)
        yield site
    finally:
        process.terminate()
        process.wait(SECONDS)


def _lay_out(folder: Path, mode: str, values: Mapping[str, str]) -> None:
    """The files as they are in the container, under *folder* instead of /."""
    (folder / "tmp").mkdir(parents=True)
    places = {"/etc/nginx/": f"{folder}/", " /tmp/": f" {folder}/tmp/", "/dev/stdout": f"{folder}/access.log"}

    def put(source: Path, target: Path, **values: str) -> None:
        text = re.sub("|".join(places), lambda found: places[found[0]], source.read_text())
        target.parent.mkdir(exist_ok=True)
        target.write_text(made(text, values))

    put(SHIPPED / "nginx.conf", folder / "nginx.conf")
    for part in (SHIPPED / "fiberq").iterdir():
        put(part, folder / "fiberq" / part.name)
    put(SHIPPED / mode / "fiberq.conf.template", folder / "conf.d" / "fiberq.conf", **values)
    shutil.copy("/etc/nginx/mime.types", folder)


def certify(folder: Path) -> None:
    """A certificate for this machine, signed by itself."""
    folder.mkdir()
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    where = ("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem"))
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    subprocess.run([*command, "-addext", names, *where], check=True, capture_output=True)


def _wait(process: "subprocess.Popen[bytes]", site: Site) -> None:
    until = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            site.ask("GET", "/health")
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(site.log)
