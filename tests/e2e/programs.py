"""The programs that people edit packages with, run as they run them, and a village to edit."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from fiberq_aiohttp.flows.demo import demo_project
from fiberq_aiohttp.keys import PORTS
from fiberq_aiohttp.wiring import demo_village
from fiberq_storage.gpkg.connection import WAL_NOTE
from tests.e2e.device import Device

DEBIAN = "/usr/bin/python3"
QGIS = Path(__file__).with_name("qgis_edit.py")
SECONDS = 120
NOTHING = {"inserted": 0, "updated": 0, "deleted": 0, "conflicts": 0, "held": 0, "rejected": 0}


def run(*command: str, **options: Any) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def qgis(device: Device, *commands: dict[str, Any]) -> list[Any]:
    """Let QGIS carry out *commands* on a device's file; their answers. QGIS has nothing to complain of."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LC_ALL": "C.UTF-8"}
    said = run(DEBIAN, str(QGIS), str(device.path), input=json.dumps(commands), env=environment)
    result = json.loads(said.splitlines()[-1])
    assert result["said"] == []
    return list(result["answers"])


def ogr2ogr(*arguments: str | Path) -> None:
    """Debian's GDAL 3.6 at work."""
    run("ogr2ogr", *map(str, arguments))


def faults(path: Path) -> str:
    """What GDAL's own validator finds wrong with a GeoPackage."""
    return run(DEBIAN, "-m", "osgeo_utils.samples.validate_gpkg", str(path))


def remarks(receipt: dict[str, Any]) -> list[str]:
    """What a receipt says about the file, beside that QGIS left it in WAL mode, which it does as it pleases."""
    return [note for note in receipt["notes"] if note != WAL_NOTE]


def counts(receipt: dict[str, Any]) -> dict[str, int]:
    """How many rows each thing happened to, and no word about anything else."""
    assert remarks(receipt) == []
    return {name: receipt[name] for name in NOTHING}


def only(**expected: int) -> dict[str, int]:
    """Exactly that happened."""
    return {**NOTHING, **expected}


async def in_the_village(client: Any, token: str, folder: Path) -> Device:
    """A device that has just downloaded the demo village, which is made for it."""
    ports = client.server.app[PORTS]
    made = await demo_project(ports, lambda project: demo_village(project, crew="filip", engineer="elena"))
    return await Device(client, token, folder, made.id).download()
