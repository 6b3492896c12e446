"""The measurements still measure: whatever they use of FiberQ is as they know it."""

import subprocess
import sys

import pytest

from bench.figures import Cost, Line, medians, share, times_as_fast


@pytest.mark.gdal
@pytest.mark.parametrize("store", ["embedded", pytest.param("postgis", marks=pytest.mark.postgis)])
def test_one_round(store: str) -> None:
    """A small round goes through and prints its table."""
    command = [sys.executable, "-m", "bench", "--sizes", "500", "--rounds", "1", "--stores", store]
    done = subprocess.run(
        [*command, "--only", "tokens", "exports", "uploads", "applying", "http", "--applied", "500", "--requests", "50"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert (0, "") == (done.returncode, done.stderr)
    for what in (
        "whole export",
        "next export, 1 % changed",
        "upload without changes",
        "applying",
        "GET one feature",
        "photo uploaded",
        "small requests while",
        "longest stall",
    ):
        assert f"| {what}" in done.stdout


def test_medians() -> None:
    """Seconds are those of the middle round, memory and stalls the worst; the target is asked of the middle."""
    lines = [Line("x", "s", 1, Cost(mine, peak, 1), "peer", 4.0, share(0.5)) for mine, peak in ((1, 9), (2, 5), (3, 7))]

    (line,) = medians(lines)

    assert Cost(2, 9, 1) == line.cost
    assert line.target is not None
    assert line.target.met(line.cost.seconds, line.peer_seconds)


@pytest.mark.parametrize("mine, met", [(1.0, True), (1.01, False)])
def test_times_as_fast(mine: float, *, met: bool) -> None:
    """Three times as fast as a peer that takes three seconds is one second."""
    assert met == times_as_fast(3).met(mine, 3.0)
