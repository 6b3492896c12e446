"""Many devices come back from the field in the same minute."""

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench import packages
from bench.figures import Line, within
from bench.serving import Client, Server

DEVICES, ROWS = 50, 1_000  # features of a project; a device changes one row in fifty of them
SECONDS = 60.0  # in which all of them come
P95_S = 1.0


def crowd(server: Server) -> Iterator[Line]:
    """Fifty devices send twenty edits each: into one project within a minute, into fifty, and into fifty at once."""
    one, many = server.place.fill(ROWS), server.place.fill(ROWS, DEVICES)
    yield _round(server, "50 devices, one project, in a minute (p95)", one * DEVICES, SECONDS)
    yield _round(server, "50 devices, 50 projects, in a minute (p95)", many, SECONDS)
    yield _round(server, "50 devices, 50 projects, all at once (p95)", many, 0.0)


def _round(server: Server, what: str, projects: Sequence[int], within_s: float) -> Line:
    devices = [_Device(server, number, project) for number, project in enumerate(projects)]
    server.reset()
    with ThreadPoolExecutor(DEVICES) as threads:
        took = sorted(threads.map(lambda device: device.send(random.uniform(0, within_s)), devices))
    cost = server.cost(took[int(len(took) * 0.95) - 1])
    _nothing_lost(server, devices)
    return Line(what, server.place.name, ROWS, cost, target=within(P95_S))


def _nothing_lost(server: Server, devices: Sequence["_Device"]) -> None:
    """Every edit of every device is in its project. Raises: RuntimeError."""
    for project in {device.project for device in devices}:
        found = server.place.folder / "found.gpkg"
        server.client().download(project, found)
        for device in devices:
            if device.project == project and packages.notes(found, device.text) != device.count:
                raise RuntimeError(f"edits of {device.text} are lost")


class _Device:
    """One device with an edited file."""

    def __init__(self, server: Server, number: int, project: int) -> None:
        self.project, self.text = project, f"device {number} {random.random()}"
        self._client: Client = server.client(f"device-{number}")
        self._file: Path = server.place.folder / f"device-{number}.gpkg"
        base = server.place.folder / "taken.gpkg"
        self._client.download(project, base)
        self.count = packages.edited(base, self._file, DEVICES, number, self.text)

    def send(self, after: float) -> float:
        """Wait *after* seconds, send the file; how long that took."""
        time.sleep(after)
        begun = time.perf_counter()
        receipt = self._client.upload(self.project, self._file)
        took = time.perf_counter() - begun
        if receipt["updated"] != self.count:
            raise RuntimeError(f"expected {self.count} updates, found {receipt['updated']}")
        self._file.unlink()
        return took
