"""Measure export and upload on the embedded store, beside ogr2ogr and pygeodiff, in one run.

    python -m bench [--sizes 10000 100000 1000000] [--rounds 3]

Every figure is the median of the rounds; the techniques take turns inside each round, since a
machine is noisy. A ratio says how many times longer the peer took for the same data.
"""

import argparse
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from bench import measures
from bench.measures import Figures

HEAD = "| features | what | seconds | peak MB | longest stall ms | beside | its seconds | its peak MB | ratio |"
PEERS = {"export": "ogr2ogr", "find 1 % edits": "pygeodiff"}


def main() -> None:
    """Run everything and print one table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    print(HEAD, "|" + " --- |" * 9, sep="\n")
    for size in chosen.sizes:
        with tempfile.TemporaryDirectory(prefix="fiberq-bench-") as folder:
            _print(size, _measure(size, chosen.rounds, Path(folder)))


def _measure(size: int, rounds: int, folder: Path) -> dict[str, Figures]:
    taken: dict[str, list[Figures]] = defaultdict(list)
    with measures.served(size, folder) as server:
        for _ in range(rounds):
            for name, figures in measures.one_round(server):
                taken[name].append(figures)
    return {name: _median(found) for name, found in taken.items()}


def _median(found: list[Figures]) -> Figures:
    middle = [
        statistics.median(values) for values in zip(*((f.seconds, f.peak_mb, f.stall_ms) for f in found), strict=True)
    ]
    return Figures(*middle)


def _print(size: int, figures: dict[str, Figures]) -> None:
    for name, mine in figures.items():
        if name in PEERS.values():
            continue
        peer = figures.get(PEERS.get(name, ""))
        beside = (
            f"{PEERS[name]} | {peer.seconds:.2f} | {peer.peak_mb:.0f} | {peer.seconds / mine.seconds:.2f}"
            if peer
            else "| | |"
        )
        print(
            f"| {size:,} | {name} | {mine.seconds:.2f} | {mine.peak_mb:.0f} | {mine.stall_ms:.0f} | {beside} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
