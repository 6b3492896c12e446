"""Crews at work against a server that comes and goes: they edit their files, and send them until they are told."""

import random
import sqlite3
import time
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from tests.e2e.device import GEOMETRY_FUNCTIONS, point
from tests.e2e.remote import Remote

POLE = "Stubovi"
GIVE_UP = 120.0  # seconds after which a phone that was never answered says that its crew's work is stuck
RETRIED = frozenset((502, 503, 504))  # what the answer to says: nothing was done, come again


def edited(content: bytes, path: Path, name: str, rows: int, changed: str = "fid = 1") -> bytes:
    """A file in which *rows* poles called *name* were added, and the material of *changed* (SQL) became that name."""
    path.write_bytes(content)
    connection = sqlite3.connect(path)
    for function, what in GEOMETRY_FUNCTIONS.items():
        connection.create_function(function, 1, what)
    place = random.Random(name).uniform(0, 1)
    new = [(name, f"{n}", point(20 + n / 1000, 43 + place)) for n in range(rows)]
    with connection:
        connection.executemany(f"INSERT INTO {POLE} (naziv, napomena, geom) VALUES (?, ?, ?)", new)
        connection.execute(f"UPDATE {POLE} SET materijal = ? WHERE {changed}", (name,))
    connection.close()
    return path.read_bytes()


def poles_by_name(remote: Remote, project: int) -> dict[str, int]:
    """How many poles there are of each name."""
    counts: dict[str, int] = {}
    for feature in remote.features(project):
        name = feature["properties"]["naziv"]
        counts[name] = counts.get(name, 0) + 1
    return counts


@frozen
class Told:
    """An upload that was answered: the poles' name, the bytes, the receipt, and how often it was sent."""

    name: str
    content: bytes
    receipt: dict[str, Any]
    sent: int


@define
class Crew:
    """Somebody with a phone at a bad place. *trouble* is what was answered beside receipts, by status (0: nothing)."""

    remote: Remote
    sub: str
    project: int
    folder: Path
    told: list[Told] = field(factory=list)
    trouble: dict[int, int] = field(factory=dict)

    def day(self, uploads: int, rows: int) -> None:
        """Download, add poles, send; again and again."""
        for number in range(uploads):
            name = f"{self.sub}-{number}"
            content = self.until_answered("GET", f"/api/sync/download/{self.project}")
            body = edited(content, self.folder / f"{name}.gpkg", name, rows)
            before = sum(self.trouble.values())
            receipt = self.send(body)
            self.told.append(Told(name, body, receipt, 1 + sum(self.trouble.values()) - before))

    def send(self, body: bytes) -> dict[str, Any]:
        """Send a file until there is a receipt."""
        receipt: dict[str, Any] = self.until_answered("POST", f"/api/sync/upload?project_id={self.project}", body)
        return receipt

    def until_answered(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Ask until there is an answer. Raises: AssertionError for one that no retry would change."""
        until = time.monotonic() + GIVE_UP
        while time.monotonic() < until:
            try:
                status, answer = self.remote.ask(method, path, body, token=self.remote.token(sub=self.sub))
            except OSError:
                status, answer = 0, None
            if status == 200:
                return answer
            assert status == 0 or status in RETRIED, (status, answer)
            self.trouble[status] = self.trouble.get(status, 0) + 1
            time.sleep(0.1)
        raise AssertionError(f"{self.sub} was never answered: {self.trouble}")
