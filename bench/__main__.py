"""Measure both stores beside their peers in one run, and print one table.

    python -m bench [--sizes 10000 100000 1000000] [--rounds 3] [--stores embedded postgis] [--only exports]

Seconds are the median of the rounds, memory and stalls the worst of them; a technique and its peer take turns inside
each round, since a machine is noisy. A ratio says how many times longer the peer took. The PostgreSQL is started for
the run and has its default settings. Memory is that of the server and the processes that it started.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.applying import applying
from bench.crowd import crowd
from bench.database import database, new_database
from bench.exports import export
from bench.figures import HEAD, Cost, Line, Target, medians
from bench.places import Place
from bench.serving import Server, served
from bench.small import beside_an_export, small
from bench.tokens import known_token
from bench.uploads import SMALL, upload

GROUPS = ("tokens", "exports", "uploads", "applying", "crowd", "http")
IDLE_MB, STALL_S = 150.0, 0.050


def main() -> None:
    """Run everything and print one table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, SMALL, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stores", nargs="+", default=["embedded", "postgis"], choices=["embedded", "postgis"])
    parser.add_argument(
        "--applied",
        type=int,
        default=100_000,
        help="features of the project that rows are changed in, or that is exported beside small requests",
    )
    parser.add_argument("--requests", type=int, default=3000, help="small requests of a round")
    parser.add_argument("--only", nargs="+", default=GROUPS, choices=GROUPS)
    chosen = parser.parse_args()
    print(HEAD, flush=True)
    worst = 0.0
    for line in _lines(chosen):
        print(line.text, flush=True)
        worst = max(worst, line.cost.stall_ms)
    if worst:
        stall = Target("≤ 50 ms", lambda mine, _: mine <= STALL_S)
        print(Line("longest stall of the event loop in all of this", "both", 0, Cost(worst / 1000), target=stall).text)


def _lines(chosen: argparse.Namespace) -> Iterator[Line]:
    if "tokens" in chosen.only:
        yield from medians(known_token() for _ in range(chosen.rounds))
    with ExitStack() as stack:
        server = stack.enter_context(database()) if "postgis" in chosen.stores else ""
        for store in chosen.stores:
            yield from _store(store, server, chosen)


def _store(store: str, database_server: str, chosen: argparse.Namespace) -> Iterator[Line]:
    def place(name: str, folder: str) -> Place:
        return Place(store, Path(folder), new_database(database_server, name) if store == "postgis" else None)

    for size in chosen.sizes:
        wanted = [measure for group, measure in MEASURES.items() if group in chosen.only]
        with tempfile.TemporaryDirectory(prefix="fiberq-bench-") as folder:
            if wanted:
                yield from _sized(place(f"size{size}", folder), size, chosen.rounds, wanted)
    with tempfile.TemporaryDirectory(prefix="fiberq-bench-") as folder:
        if "applying" in chosen.only:
            here = place("applying", folder)
            (project,) = here.fill(chosen.applied)
            yield from medians(applying(here, project, chosen.applied) for _ in range(chosen.rounds))
    with tempfile.TemporaryDirectory(prefix="fiberq-bench-") as folder:
        if "crowd" in chosen.only:
            here = place("crowd", folder)
            here.fill(1)
            with served(here) as server:
                yield _idle(server)
                yield from crowd(server)
    if "http" in chosen.only:
        yield from _http(place, chosen)


def _http(place: Callable[[str, str], Place], chosen: argparse.Namespace) -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="fiberq-bench-") as folder:
        yield from medians(small(place("small", folder), chosen.rounds, chosen.requests))
    with tempfile.TemporaryDirectory(prefix="fiberq-bench-") as folder:
        yield from medians(beside_an_export(place("beside", folder), chosen.applied, chosen.rounds))


Measure = Callable[[Server, int, int], Iterator[Line]]
MEASURES: dict[str, Measure] = {"exports": export, "uploads": upload}


def _sized(place: Place, size: int, rounds: int, wanted: list[Measure]) -> Iterator[Line]:
    (project,) = place.fill(size)
    with served(place) as server:
        found = [line for _ in range(rounds) for measure in wanted for line in measure(server, project, size)]
    yield from medians(found)


def _idle(server: Server) -> Line:
    """A server that has nothing to do. Not seconds, but memory."""
    resident = server.resident_mb()
    target = Target(f"≤ {IDLE_MB:g} MB", lambda _mine, _theirs: resident <= IDLE_MB)
    embedded = server.place.database is None
    return Line("idle", server.place.name, 0, Cost(0.0, resident), target=target if embedded else None)


if __name__ == "__main__":
    main()
