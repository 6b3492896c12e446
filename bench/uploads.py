"""Packages coming back."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

from bench import packages, programs
from bench.figures import Line, share, within
from bench.serving import Client, Server

ONE_IN = 100
SMALL, SMALL_S = 25_000, 1.0  # a file that is merged so quickly
FOUND = 0.6  # of pygeodiff's time


def upload(server: Server, project: int, size: int) -> Iterator[Line]:
    """A file without changes, and one with one row in a hundred changed."""
    client, folder, store = server.client(), server.place.folder, server.place.name
    base, file = folder / "base.gpkg", folder / "edited.gpkg"
    client.download(project, base)
    packages.touched(base, file)
    yield _sent(server, client, project, file, 0, "upload without changes", size)
    count = packages.edited(base, file, ONE_IN, random.randrange(ONE_IN), f"device {random.random()}")
    yield _sent(server, client, project, file, count, f"upload, 1 % edited ({count})", size)
    if store == "embedded":
        yield _found(base, file, size)


def _sent(server: Server, client: Client, project: int, file: Path, count: int, what: str, size: int) -> Line:
    server.reset()
    begun = time.perf_counter()
    receipt = client.upload(project, file)
    cost = server.cost(time.perf_counter() - begun)
    expect(receipt, count)
    return Line(what, server.place.name, size, cost, target=within(SMALL_S) if size == SMALL and count else None)


def _found(base: Path, file: Path, size: int) -> Line:
    """What differs, found by our reader beside pygeodiff."""
    mine, theirs = programs.finding("diff", base, file), programs.finding("geodiff", base, file)
    target = share(FOUND) if size >= 1_000_000 else None
    return Line("finding 1 % edits", "both", size, mine, "pygeodiff", theirs.seconds, target)


def expect(receipt: dict[str, object], updated: int) -> None:
    """Whether an upload did what it was to do. Raises: RuntimeError."""
    done = tuple(receipt[name] for name in ("updated", "inserted", "held", "conflicts"))
    if done != (updated, 0, 0, 0):
        raise RuntimeError(f"expected {updated} updates, found (updated, inserted, held, conflicts) = {done}")
