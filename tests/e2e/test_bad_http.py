"""Bad input at the level of HTTP, at a real server process: a clear answer, nothing changed, and the server goes on."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.serverprocess import Server

PATIENCE = 60.0
POINT = {"type": "Point", "coordinates": [20.5, 44.25]}
POLE = {"geometry": POINT, "properties": {"naziv": "S-1"}}
DEEP = 10_000
HUGE = 50 << 20
pytestmark = [pytest.mark.each_store, pytest.mark.slow]


@pytest.fixture
def server(tmp_path: Path, database: str | None) -> Iterator[Server]:
    """A running server."""
    server = Server(tmp_path / "data", tmp_path / "log.txt", {"DATABASE_URL": database} if database else {})
    server.start()
    yield server
    server.kill()


@pytest.fixture
def project(server: Server) -> int:
    """A project that everybody belongs to."""
    return server.create_project()


def ask(server: Server, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
    """A request of an engineer."""
    sent = {"Authorization": f"Bearer {server.token()}"} | {name.replace("_", "-"): v for name, v in headers.items()}
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return requests.request(method, server.address + path, data=data, headers=sent, timeout=PATIENCE)


BODIES = [
    ("no JSON", b"naziv=S-1", 400),
    ("half of it", b'{"properties": {"naziv": ', 400),
    ("no text", b"\xff\xfe\x00", 400),
    ("no object", b"[1, 2]", 422),
    ("nothing", b"", 400),
    ("a list in a list", b"[" * DEEP + b"]" * DEEP, 400),
    ("an object in an object", b'{"a":' * DEEP + b"1" + b"}" * DEEP, 400),
    ("50 MB", b'{"properties": {"naziv": "' + b"x" * HUGE + b'"}}', 413),
]
PATHS = ["/api/projects", "/api/projects/{0}/features/Stubovi", "/api/work-orders", "/api/projects/{0}/members"]


def test_bodies(server: Server, project: int) -> None:
    """A body that cannot be read is refused with words, wherever it is sent, and nothing is made of it."""
    before = ask(server, "GET", "/api/projects").json()
    for path in PATHS:
        for what, body, status in BODIES:
            answer = ask(server, "POST", path.format(project), body)

            assert answer.status_code in (status, 422 if status == 400 else status), (path, what, answer.text)
            assert "application/problem+json" == answer.headers["Content-Type"], (path, what)
            assert answer.json()["detail"], (path, what)

    assert before == ask(server, "GET", "/api/projects").json()


def test_every_fault_with_its_path(server: Server, project: int) -> None:
    """One answer says all that is wrong."""
    wrong = {"geometry": {"type": "Line"}, "properties": {"visina": "tall", "godina_ugradnje": "soon"}}
    answer = ask(server, "POST", f"/api/projects/{project}/features/Stubovi", wrong)

    assert 422 == answer.status_code
    assert {"properties.visina", "properties.godina_ugradnje"} < {e["path"] for e in answer.json()["errors"]}
    assert any(e["path"].startswith("geometry") for e in answer.json()["errors"])


def test_a_flood_of_headers(server: Server) -> None:
    """Too many or too long headers are refused by the reading of HTTP itself; whoever comes next is served."""
    for lines in ([f"X-{n}: {'y' * 100}" for n in range(5000)], [f"X-Long: {'y' * 200_000}"]):
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall("\r\n".join(["GET /api/projects HTTP/1.1", "Host: x", *lines, "", ""]).encode())
            answer = connection.recv(4096)

        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 431"))
        assert b"Traceback" not in answer

    assert 200 == ask(server, "GET", "/health").status_code


@pytest.mark.parametrize(
    "path, body",
    [
        ("/api/projects/{0}/features/Stubovi", POLE),
        ("/api/work-orders", {"title": "Dig", "order_type": "repair", "project_id": "{0}"}),
    ],
)
def test_the_same_post_three_times(server: Server, project: int, path: str, body: dict[str, Any]) -> None:
    """With a name of its own it is made once, and answered the same each time; the name is good for nothing else."""
    body = json.loads(json.dumps(body).replace('"{0}"', str(project)))
    answers = [ask(server, "POST", path.format(project), body, Idempotency_Key="once") for _ in range(3)]
    revision = server.revision(project)
    other = ask(
        server,
        "POST",
        path.format(project),
        {**body, "title": "Other", "id": None, "properties": {}},
        Idempotency_Key="once",
    )

    assert {201} == {answer.status_code for answer in answers}, answers[0].text
    assert 1 == len({answer.text for answer in answers})
    assert (422, revision) == (other.status_code, server.revision(project))


def test_a_stale_if_match(server: Server, project: int) -> None:
    """Whoever edits an older version is shown the newer one, and overwrites nothing."""
    path = f"/api/projects/{project}/features/Stubovi"
    made = ask(server, "POST", path, POLE)
    one = f"{path}/{made.json()['id']}"
    first = ask(server, "PATCH", one, {"properties": {"naziv": "S-2"}}, If_Match=made.headers["ETag"])
    revision = server.revision(project)
    stale = [
        ask(server, method, one, body, If_Match=made.headers["ETag"])
        for method, body in (("PATCH", {"properties": {"naziv": "S-3"}}), ("PUT", POLE), ("DELETE", None))
    ]

    assert [412, 412, 412] == [answer.status_code for answer in stale]
    assert {"S-2"} == {answer.json()["current"]["properties"]["naziv"] for answer in stale}
    assert (200, revision) == (first.status_code, server.revision(project))
