"""The commands that make the image, run by hand in a fresh environment, and what it then starts with."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.e2e.provider import provider
from tests.postgis.cluster import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text().replace("\\\n", "")
STAGES = dict(re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL))
SECONDS = 60.0


def instructions(stage: str, name: str) -> list[str]:
    """What follows an instruction in a stage."""
    return re.findall(rf"^{name} (.+)$", STAGES[stage], re.MULTILINE)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment that the build stage makes, from what it copies and nothing else."""
    folder = tmp_path_factory.mktemp("image")
    (source := folder / "source").mkdir()
    for *parts, target in (line.split() for line in instructions("build", "COPY")):
        for part in parts:
            there = source / target / (Path(part).name if (ROOT / part).is_file() else "")
            there.parent.mkdir(parents=True, exist_ok=True)
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, there, ignore=ignored, dirs_exist_ok=True) if (
                ROOT / part
            ).is_dir() else shutil.copy(ROOT / part, there)
    place = folder / "opt"
    env = {"PATH": f"{place / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(folder)}
    for line in instructions("build", "RUN"):
        subprocess.run(line.replace("/opt/fiberq", str(place)), shell=True, cwd=source, env=env, check=True)  # noqa: S602
    return place


def in_it(built: Path, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> "subprocess.Popen[bytes]":
    """Start something as the image would, in an environment with nothing else."""
    path = {"PATH": f"{built / 'bin'}:/usr/bin:/bin"}
    return subprocess.Popen([str(built / "bin" / command[0]), *command[1:]], env={**path, **env}, cwd=cwd)


def test_it_serves_and_is_well(built: Path, tmp_path: Path) -> None:
    """What the image starts with, on another port; its health check says so, and says so when nobody answers."""
    port = str(free_port())
    command = [*json.loads(instructions("server", "ENTRYPOINT")[0]), *json.loads(instructions("server", "CMD")[-1])]
    [check] = re.findall(r"^HEALTHCHECK .*?CMD (\[.*\])$", STAGES["server"], re.MULTILINE)
    well = [part.replace("8080", port) for part in json.loads(check)]
    command = [{"0.0.0.0": "127.0.0.1", "8080": port}.get(part, part) for part in command]  # noqa: S104

    assert 0 != in_it(built, well, {}, tmp_path).wait()
    with provider() as signing:
        server = in_it(built, command, {**signing.env(), "FIBERQ_DATA": str(tmp_path / "data")}, tmp_path)
        try:
            until = time.monotonic() + SECONDS
            while server.poll() is None and in_it(built, well, {}, tmp_path).wait():
                assert time.monotonic() < until
            assert server.poll() is None
        finally:
            server.terminate()
            assert 0 == server.wait(20)


def test_it_refuses_to_start_without_settings(built: Path, tmp_path: Path) -> None:
    said = subprocess.run(
        [built / "bin" / "fiberq", "serve"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        cwd=tmp_path,
        check=False,
    )

    assert 0 != said.returncode and b"API_SECRET_KEY" in said.stderr
    assert [] == list(tmp_path.iterdir())
