"""Other programs that do the same, and what they cost."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.dataset import SHARES
from bench.figures import Cost
from fiberq_core.registry import LAYER


def ogr2ogr(source: str, layers: list[str], target: Path, *opening: str) -> Cost:
    """GDAL makes a GeoPackage with spatial indexes of *source*, anything that it can open with the options *opening*."""
    target.unlink(missing_ok=True)
    options = ("-q", "-f", "GPKG", "-preserve_fid", *opening, str(target), source, *layers)
    return _timed(["ogr2ogr", *options], {"OGR_SQLITE_SYNCHRONOUS": "OFF"})


def tables() -> list[str]:
    """The tables of the layers that have rows, in PostGIS."""
    return [LAYER[name].table for name in SHARES]


def finding(what: str, base: Path, edited: Path) -> Cost:
    """The edits of a file found by our reader (`diff`) or by `pygeodiff`, in a process of its own."""
    return _timed([sys.executable, "-m", "bench.finding", what, str(base), str(edited)], {})


def _timed(command: list[str], environment: dict[str, str]) -> Cost:
    """Run a program; its own measure of time where it prints one, else that of the process."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **environment}, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed")
    own: Any = json.loads(said) if said.strip() else {}
    return Cost(own.get("seconds", seconds), own.get("peak_mb", usage.ru_maxrss / 1024))
