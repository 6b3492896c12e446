"""An identity provider that several servers trust: two documents over HTTP, tokens that are really signed."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from attrs import define, field

from tests.core.tokens import PROJECT, a_jwk, a_payload, a_token

CLIENT = "client-1"
SECRET = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c"
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/oauth/v2/keys"


@define
class Provider:
    """What it is asked is counted in *asked*, by path."""

    address: str
    asked: list[str] = field(factory=list)

    def token(self, role: str = "engineer", sub: str = "elena") -> str:
        """A token of somebody with a role."""
        now = int(time.time())
        grants = {role: {"501": "acme.example.org"}}
        claims = {"iss": self.address, "sub": sub, "name": sub.title(), "iat": now - 10, "exp": now + 3600}
        return a_token(a_payload(**claims, **{"urn:zitadel:iam:org:project:roles": grants}))

    def env(self) -> dict[str, str]:
        """The settings of a server that trusts it."""
        ids = {"ZITADEL_CLIENT_ID": CLIENT, "ZITADEL_PROJECT_ID": PROJECT}
        return {"ZITADEL_DOMAIN": self.address, **ids, "API_SECRET_KEY": SECRET}

    def document(self, path: str) -> object:
        """What stands at a path. Raises: KeyError."""
        documents = {
            DISCOVERY: {"issuer": self.address, "jwks_uri": self.address + KEYS},
            KEYS: {"keys": [a_jwk()]},
        }
        return documents[path]


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider, until the block ends."""

    class Documents(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append(self.path)
            body = json.dumps(known.document(self.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Documents) as server:
        known = Provider(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield known
        server.shutdown()
