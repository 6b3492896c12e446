"""The script that a timer runs: a backup by its moment, and the newest few stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import PROGRAM, Terminal, program_env

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "fiberq-backup"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment in which `fiberq` is the program, and a data folder."""
    Terminal(tmp_path / "data").ok("project", "create", "Selo")
    (tmp_path / "bin").mkdir()
    (program := tmp_path / "bin" / "fiberq").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{PROGRAM}" "$@"\n')
    program.chmod(0o755)
    return {**program_env(tmp_path / "data"), "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def run(env: dict[str, str], backups: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run the script."""
    return subprocess.run([SCRIPT, backups], env={**env, **more}, capture_output=True, text=True, check=False)


def test_the_newest_stay(env: dict[str, str], tmp_path: Path) -> None:
    """What is not a backup of ours stays as well."""
    backups = tmp_path / "backups"
    for name in (
        "fiberq-20240101T000000Z",
        "fiberq-20250101T000000Z",
        "fiberq-20250102T000000Z",
        "mine",
        "fiberq.part",
    ):
        (backups / name / "photos").mkdir(parents=True)

    done = run(env, backups, FIBERQ_BACKUPS_KEPT="2")
    there = sorted(path.name for path in backups.iterdir())

    assert 0 == done.returncode, done.stderr
    [new] = [path for path in backups.iterdir() if (path / "backup.json").exists()]
    assert sorted(("fiberq-20250102T000000Z", "fiberq.part", "mine", new.name)) == there
    assert Terminal(tmp_path / "restored").ok("restore", new)


def test_one_that_fails_removes_nothing(env: dict[str, str], tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    (backups / "fiberq-20240101T000000Z").mkdir(parents=True)

    done = run(env, backups, FIBERQ_BACKUPS_KEPT="1", FIBERQ_DATA=str(tmp_path / "nothing"))

    assert 0 != done.returncode and "no FiberQ data" in done.stderr
    assert ["fiberq-20240101T000000Z"] == [path.name for path in backups.iterdir()]


@pytest.mark.parametrize("kept", ["0", "-1", "all", "1; ls"])
def test_how_many_is_a_number(env: dict[str, str], tmp_path: Path, kept: str) -> None:
    done = run(env, tmp_path / "backups", FIBERQ_BACKUPS_KEPT=kept)

    assert 2 == done.returncode and not (tmp_path / "backups").exists()
