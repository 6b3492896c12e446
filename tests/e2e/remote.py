"""Whoever answers at an address: a server of ours, or what stands before several. Plain requests, as a phone makes them."""

import http.client
import json
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from typing import Any

PATIENCE = 60.0  # seconds for one answer
TYPE = "application/geopackage+sqlite3"


class Remote(ABC):
    """An address, and people who may ask there."""

    @property
    @abstractmethod
    def address(self) -> str:
        """Where it answers."""

    @abstractmethod
    def token(self, role: str = "engineer", sub: str = "elena") -> str:
        """A bearer token for it."""

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str | None = None,
        kind: str = "application/json",
    ) -> tuple[int, Any]:
        """A request; status and what was answered. Raises: OSError where nobody answers to the end."""
        status, content, _ = self.exchange(method, path, body, token=token, kind=kind)
        return status, content

    def exchange(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        token: str | None = None,
        kind: str = "application/json",
    ) -> tuple[int, Any, dict[str, str]]:
        """A request; status, what was answered, and the headers. Raises: OSError where nobody answers to the end."""
        headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self.address + path, body, headers, method=method)  # noqa: S310 - our own server
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - our own server
                return answer.status, _content(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, _content(refused.read()), dict(refused.headers)
        except http.client.HTTPException as broken:
            raise ConnectionError("the answer broke off") from broken

    def upload(self, project: int, content: bytes, token: str) -> tuple[int, Any]:
        """Send a file. Raises: OSError where nobody answers."""
        return self.ask("POST", f"/api/sync/upload?project_id={project}", content, token=token, kind=TYPE)

    def create_project(self, name: str = "Crash") -> int:
        """A project that everybody belongs to."""
        token = self.token()
        _, project = self.ask("POST", "/api/projects", json.dumps({"name": name}).encode(), token=token)
        member = json.dumps({"sub": "*", "role": "engineer"}).encode()
        self.ask("POST", f"/api/projects/{project['id']}/members", member, token=token)
        return int(project["id"])

    def revision(self, project: int) -> int:
        """The project's revision."""
        return int(self.ask("GET", f"/api/projects/{project}", token=self.token())[1]["revision"])

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
