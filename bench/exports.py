"""Packages going out: whole, from an earlier one, kept, and unchanged."""

import random
import shutil
import time
from collections.abc import Iterator
from statistics import median

from bench import packages, programs
from bench.dataset import SHARES
from bench.figures import Cost, Line, Target, share, times_as_fast, within
from bench.serving import Client, Server

SPEED = {100_000: 2.0, 1_000_000: 3.0}  # beside ogr2ogr, at so many features
NEXT = {100: 0.08, 1000: 0.02}  # one row in so many changed: the share of a whole export's time, at a million features
HANDED_S = 0.005  # to the first byte of what is kept
ASKED = 20  # how often


def export(server: Server, project: int, size: int) -> Iterator[Line]:
    """A package that is built whole, beside GDAL from the same database, or from the package where there is none."""
    client, store, base = server.client(), server.place.name, server.place.folder / "base.gpkg"
    shutil.rmtree(server.packages, ignore_errors=True)
    server.reset()
    first, last, _ = client.download(project, base)
    cost = server.cost(first)
    target = times_as_fast(SPEED[size]) if size in SPEED else None
    database, converted = server.place.database, server.place.folder / "converted.gpkg"
    if database:
        theirs = programs.ogr2ogr(f"PG:{database}", programs.tables(), converted, "-oo", "SCHEMAS=fiberq")
    else:
        theirs = programs.ogr2ogr(str(base), list(SHARES), converted)
    converted.unlink()
    yield Line("whole export", store, size, cost, "ogr2ogr", theirs.seconds, target)
    yield Line("sending it", store, size, Cost(last - first))
    yield from _kept(server, client, project, size)
    _rest(size)
    for one_in, most in NEXT.items():
        yield _next(server, client, project, size, one_in, first, share(most))


def _next(server: Server, client: Client, project: int, size: int, one_in: int, whole: float, target: Target) -> Line:
    """The export after one row in so many was changed at a desk."""
    rng = random.Random()
    base = server.place.folder / "base.gpkg"
    changed = packages.keys(base, one_in, rng.randrange(one_in))
    server.place.change(project, changed, f"desk {rng.random()}")
    server.reset()
    first, _, _ = client.download(project)
    cost = server.cost(first)
    _rest(size)
    what = f"next export, {100 / one_in:g} % changed"
    return Line(what, server.place.name, size, cost, "whole export", whole, target if size >= 1_000_000 else None)


def _kept(server: Server, client: Client, project: int, size: int) -> Iterator[Line]:
    """What is kept, to its first byte; and what the device has already."""
    server.reset()
    found = [client.download(project) for _ in range(ASKED)]
    tag = found[-1][2]
    cost = server.cost(median(first for first, *_ in found))
    yield Line("kept export, first byte", server.place.name, size, cost, target=within(HANDED_S))
    server.reset()
    same = median(client.download(project, tag=tag)[0] for _ in range(ASKED))
    yield Line("unchanged export (304)", server.place.name, size, server.cost(same), target=within(HANDED_S))


def _rest(size: int) -> None:
    """Long enough for the server to lay a spare copy by."""
    time.sleep(0.5 + size / 500_000)
