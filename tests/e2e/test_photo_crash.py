"""The server is killed at any moment while crews send photos: each that was acknowledged is there, whole, once.

`FIBERQ_TEST_PHOTO_KILLS` says how often, where somebody has the time.
"""

import hashlib
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fiberq_core.photos import media_in
from tests.aiohttp.pictures import picture
from tests.e2e.serverprocess import Server, leftovers

KILLS = int(os.environ.get("FIBERQ_TEST_PHOTO_KILLS", "4"))
PHOTOS = 200  # that are on their way all in all
SENDERS = 4  # at the same time
OLD = 3 * 86_400  # seconds: older than anybody's upload
BULK = os.urandom(1 << 18)  # behind the picture, so that there are moments in each


@pytest.fixture
def server(tmp_path: Path, database: str | None) -> Iterator[Server]:
    """A running server."""
    server = Server(tmp_path / "data", tmp_path / "log.txt", {"DATABASE_URL": database} if database else {})
    server.start()
    yield server
    server.kill()


def content_of(number: int) -> bytes:
    """A photo, another one for each number."""
    return picture(colour=(number % 256, number // 256, 7)) + BULK + number.to_bytes(4, "big")


class Crews:
    """People who send photos, half of them as rows of their own, half for rows of devices; each until it is acknowledged."""

    def __init__(self, server: Server, project: int) -> None:
        self.server, self.project, self.token = server, project, server.token()
        self.waiting = list(range(PHOTOS))
        self.acknowledged: dict[int, str] = {}  # number → name
        self.stop = threading.Event()
        self.silent = 0

    def path(self, number: int) -> str:
        """Where a photo is sent."""
        return f"/api/projects/{self.project}/photos" + (f"?path=DCIM/{number}.jpg" if number % 2 else "")

    def send(self) -> None:
        """Send one after the other. What got no answer is sent again later."""
        while not self.stop.is_set():
            try:
                number = self.waiting.pop(0)
            except IndexError:
                return
            answer: tuple[int, Any] | None = None
            method = "PUT" if number % 2 else "POST"
            with suppress(OSError):
                answer = self.server.ask(
                    method, self.path(number), content_of(number), token=self.token, kind="image/jpeg"
                )
            if answer is None:
                self.silent += 1
                self.waiting.append(number)
                time.sleep(0.02)
            else:
                assert answer[0] in (200, 201), answer
                self.acknowledged[number] = answer[1]["file"]["name"]

    def run(self, seconds: float | None) -> None:
        """Let all send for a while and kill the server then; None: until everything is sent."""
        self.stop.clear()
        senders = [threading.Thread(target=self.send) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        if seconds is not None:
            time.sleep(seconds)
            self.stop.set()
            self.server.kill()
        for sender in senders:
            sender.join(60)
            assert not sender.is_alive()


def listed(server: Server, project: int) -> list[dict[str, Any]]:
    """All photos of the project."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        path = f"/api/projects/{project}/photos?limit=1000&cursor={cursor}"
        _, page = server.ask("GET", path, token=server.token())
        found, cursor = found + page["photos"], page["next"]
    return found


def volume(server: Server) -> dict[str, Path]:
    """The photos that lie in their place, by name; not those that a kill left half-written beside it."""
    return {path.name: path for path in everything(server) if path.parent.suffix != ".part"}


def everything(server: Server) -> list[Path]:
    """Every file in the folder of the photos."""
    return [path for path in (server.data / "photos").rglob("*") if path.is_file()]


def check(crews: Crews) -> None:
    """Whatever was acknowledged is there, whole; whatever is there has its row, or is nobody's yet."""
    server, lying = crews.server, volume(crews.server)
    rows = listed(server, crews.project)
    names = [row["file"]["name"] for row in rows]
    assert len(names) == len(set(names)), "a photo is there twice"
    assert set(names) <= lying.keys(), "a row without its photo"
    for number, name in list(crews.acknowledged.items()):
        assert number % 2 or name in names, "an acknowledged photo has no row"
        assert content_of(number) == lying[name].read_bytes(), "an acknowledged photo is gone or broken"
    for name, path in lying.items():
        assert media_in(name)
        assert name.startswith(hashlib.sha256(path.read_bytes()).hexdigest()), "a photo is there in part"


@pytest.mark.slow
@pytest.mark.each_store
def test_photos_survive_any_kill(server, database):
    """Kill -9 during 200 uploads: every acknowledged photo is there, whole, once; after the sweep there is no other."""
    chance = random.Random(30)
    project = server.create_project()
    crews = Crews(server, project)
    for _ in range(KILLS):
        crews.run(chance.uniform(0.05, 0.4))
        server.start()
        assert [] == leftovers(server.data)
        check(crews)
    assert crews.silent, "no kill came in between"
    orphans = leave_orphans(server)
    crews.run(None)
    check(crews)
    assert PHOTOS == len(crews.acknowledged)
    assert PHOTOS // 2 == len(listed(server, project))
    _the_rows_of_devices_come(crews)
    _the_sweep_leaves_nothing_else(crews, orphans)


def leave_orphans(server: Server) -> int:
    """Photos whose row never came, as a crash between the two leaves them, and half a photo; how many files."""
    for number in range(PHOTOS, PHOTOS + 3):
        content = content_of(number)
        name = f"{hashlib.sha256(content).hexdigest()}.jpg"
        place = server.data / "photos" / name[:2]
        place.mkdir(exist_ok=True, parents=True)
        (place / name).write_bytes(content)
    half = server.data / "photos" / "ab" / "tmp1.part"
    half.mkdir(exist_ok=True, parents=True)
    (half / f"{'ab' * 32}.jpg").write_bytes(b"half")
    return 4


def _the_rows_of_devices_come(crews: Crews) -> None:
    """Those photos that came by path find their rows."""
    for number in range(1, PHOTOS, 2):
        row = b'{"properties": {"photo_path": "DCIM/%d.jpg", "taken_by_sub": "elena"}}' % number
        path = f"/api/projects/{crews.project}/features/field_photos"
        assert 201 == crews.server.ask("POST", path, row, token=crews.token)[0]
    _, waiting = crews.server.ask("GET", f"/api/projects/{crews.project}/photos/awaited", token=crews.token)
    assert [] == waiting["awaited"]
    assert PHOTOS == len(listed(crews.server, crews.project))


def _the_sweep_leaves_nothing_else(crews: Crews, orphans: int) -> None:
    """Days later, at its next start, the server removes what belongs to nobody."""
    server = crews.server
    server.stop()
    assert len(everything(server)) >= PHOTOS + orphans
    long_ago = time.time() - OLD
    for path in (server.data / "photos").rglob("*"):
        os.utime(path, (long_ago, long_ago))
    server.start()
    until = time.monotonic() + 20
    while len(everything(server)) > PHOTOS and time.monotonic() < until:
        time.sleep(0.05)
    assert sorted(crews.acknowledged.values()) == sorted(path.name for path in everything(server))
    check(crews)
