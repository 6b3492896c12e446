"""`fiberq serve`, `token` and `sync` in processes of their own, as somebody uses them."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fiberq_aiohttp.cli.exits import Exit
from tests.aiohttp.serving import ENV
from tests.cli.running import PROGRAM, Terminal, edit, program_env, start

WAIT = 60.0  # seconds; a busy machine may need some of them

Server = subprocess.Popen[str]


@pytest.fixture
def port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers on a data folder; whatever still runs at the end is stopped."""
    started: list[Server] = []

    def run(*args: object, **env: str) -> Server:
        started.append(start("serve", *args, data=tmp_path / "data", env=env))
        return started[-1]

    yield run
    for server in started:
        server.kill()
        server.communicate(timeout=WAIT)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a line of a shell in which `fiberq` is on the path."""
    program = tmp_path / "bin" / "fiberq"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(PROGRAM)} "$@"\n')
    program.chmod(0o700)
    env = {**program_env(tmp_path / "data"), "PATH": f"{program.parent}:{os.environ['PATH']}"}

    def line(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=WAIT, check=False
        )

    return line


def five_lines(server: Server) -> list[str]:
    """What the server says when it is ready."""
    assert server.stdout is not None
    return [server.stdout.readline().rstrip("\n") for _ in range(5)]


def ended(server: Server) -> tuple[int, str, str]:
    """How a server ended: exit code, the rest of stdout, stderr."""
    out, err = server.communicate(timeout=WAIT)
    return server.returncode, out, err


def as_curl(line: str, folder: Path) -> bytes:
    """Do what a line of curl would do in *folder*: take something, or send a file as a form."""
    words = shlex.split(line[line.index("curl") :])
    name, _, value = words[words.index("-H") + 1].partition(": ")
    request = urllib.request.Request(words[-1], headers={name: value})  # noqa: S310
    if "-F" in words:
        field, _, file = words[words.index("-F") + 1].partition("=@")
        head = f'--x\r\nContent-Disposition: form-data; name="{field}"; filename="{file}"\r\n\r\n'.encode()
        request.data = head + (folder / file).read_bytes() + b"\r\n--x--\r\n"
        request.add_header("Content-Type", "multipart/form-data; boundary=x")
    with urllib.request.urlopen(request, timeout=WAIT) as answer:  # noqa: S310
        body = bytes(answer.read())
    if "-o" in words:
        (folder / words[words.index("-o") + 1]).write_bytes(body)
    return body


def test_from_nothing_to_a_merged_edit(
    serve: Callable[..., Server],
    run: Callable[..., subprocess.CompletedProcess[str]],
    port: int,
    tmp_path: Path,
) -> None:
    """The five lines, followed as they stand, then a graceful end."""
    server = serve("--dev", "--port", port)
    address, take, give, ask, where = five_lines(server)

    assert f"http://127.0.0.1:{port}" in address and "Demo village" in address
    assert str(tmp_path / "data") in where

    as_curl(take, tmp_path)
    edit(tmp_path / "village.gpkg", "UPDATE Stubovi SET naziv = 'renamed' WHERE fid = 1")

    [inner] = re.findall(r"\$\((.+?)\)", give)
    assert inner in ask
    receipt = json.loads(as_curl(give.replace(f"$({inner})", run(inner).stdout.strip()), tmp_path))
    assert (1, "export") == (receipt["updated"], receipt["base"])
    again = json.loads(run("fiberq sync village.gpkg --json").stdout)
    assert receipt["sync_id"] == again["sync_id"]  # the same bytes are the same upload, whichever way they come

    server.send_signal(signal.SIGTERM)
    code, rest, err = ended(server)
    assert (0, "") == (code, rest)
    assert re.search(
        r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[INFO\] fiberq: serving on 127\.0\.0\.1 port", err, re.MULTILINE
    )
    assert "Traceback" not in err


@pytest.mark.postgis
def test_it_says_that_rows_are_in_the_database(
    serve: Callable[..., Server], port: int, dsn: str, tmp_path: Path
) -> None:
    """Whoever copies the folder then, copies no row. The address, which may hold a password, is not said."""
    where = five_lines(serve("--dev", "--port", port, DATABASE_URL=dsn))[-1]

    assert f"Rows lie in the database, files and the development sign-in in {tmp_path / 'data'}" == where


def test_the_command_line_works_beside_a_server(
    serve: Callable[..., Server], run: Callable[..., subprocess.CompletedProcess[str]], port: int, tmp_path: Path
) -> None:
    """Both see what the other did."""
    server = serve("--dev", "--port", port)
    take = five_lines(server)[1]
    assert 0 == run("fiberq export 'Demo village' mine.gpkg").returncode
    edit(tmp_path / "mine.gpkg", "UPDATE Stubovi SET naziv = 'renamed' WHERE fid = 1")

    done = run("fiberq sync mine.gpkg --json --fail-on-held")

    assert (0, 1) == (done.returncode, json.loads(done.stdout)["updated"])
    as_curl(take, tmp_path)
    assert [("renamed",)] == edit(tmp_path / "village.gpkg", "SELECT naziv FROM Stubovi WHERE fid = 1")
    assert "a server runs" in run("fiberq doctor --dev").stdout


def test_a_second_server_on_the_folder_is_refused(
    serve: Callable[..., Server], run: Callable[..., subprocess.CompletedProcess[str]], port: int, tmp_path: Path
) -> None:
    """And the first one's tokens stay good: the second wrote nothing."""
    take = five_lines(serve("--dev", "--port", port))[1]

    code, out, err = ended(serve("--dev", "--port", port + 1))

    assert (Exit.BUSY, "") == (code, out)
    assert "Another FiberQ server is running on this data folder" in err and "Traceback" not in err
    token = run("fiberq token --dev --role engineer").stdout.strip()
    assert as_curl(re.sub(r"Bearer [^\"]+", f"Bearer {token}", take), tmp_path).startswith(b"SQLite format 3")


def test_a_port_that_is_taken(serve: Callable[..., Server]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        code, out, err = ended(serve("--dev", "--port", port))

    assert (Exit.BUSY, "") == (code, out)
    assert f"Port {port} is taken" in err and "Traceback" not in err


def test_ctrl_c_is_a_good_end(serve: Callable[..., Server], port: int) -> None:
    server = serve("--dev", "--port", port)
    five_lines(server)

    server.send_signal(signal.SIGINT)

    assert (0, "") == ended(server)[:2]


@pytest.mark.parametrize(
    "args, words",
    [
        (("--dev", "--host", "0.0.0.0"), "for this machine only"),  # noqa: S104
        (("--dev", "--host", "192.0.2.1"), "for this machine only"),
        ((), "ZITADEL_DOMAIN"),
    ],
)
def test_what_would_be_insecure_does_not_start(fq: Terminal, args: tuple[str, ...], words: str) -> None:
    said = fq("serve", *args)

    assert (Exit.USAGE, "") == (said.code, said.out)
    assert words in said.err
    assert not fq.data.exists()


def test_an_address_of_another_machine(fq: Terminal) -> None:
    said = fq("serve", "--host", "192.0.2.1", **ENV)

    assert Exit.USAGE == said.code and "cannot listen" in said.err


def test_tokens_are_for_development(fq: Terminal) -> None:
    assert Exit.USAGE == fq("token", "--role", "admin").code


def test_no_token_without_a_server(fq: Terminal) -> None:
    said = fq("token", "--dev", "--role", "admin")

    assert Exit.NOT_FOUND == said.code and "--dev" in said.err
    assert not fq.data.exists()


def test_whose_token_it_is(serve: Callable[..., Server], tmp_path: Path, port: int) -> None:
    """The server takes it for whom it names; without a name, for the role's first person."""
    five_lines(serve("--dev", "--port", port))
    fq = Terminal(tmp_path / "data")

    def taken_for(*args: str) -> tuple[str, str]:
        token = fq.ok("token", "--dev", *args).strip()
        header = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/api/auth/me", headers=header)
        with urllib.request.urlopen(request, timeout=WAIT) as answer:  # noqa: S310
            me = json.load(answer)
        return me["sub"], me["name"]

    assert ("elena", "Elena Engineer") == taken_for("--role", "engineer")
    assert ("frida", "Frida Field") == taken_for("--role", "field_worker", "--sub", "frida")
    assert ("x1", "Xenia") == taken_for("--role", "admin", "--sub", "x1", "--name", "Xenia")
    assert ("x2", "x2") == taken_for("--role", "admin", "--sub", "x2")
