"""The command line as somebody types it, in this process and in one of its own."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import frozen
from click.testing import CliRunner

from fiberq_aiohttp.cli import fiberq
from tests.e2e.device import GEOMETRY_FUNCTIONS

SRC = Path(__file__).parents[2] / "src"
PROGRAM = "import sys; sys.argv[0] = 'fiberq'; from fiberq_aiohttp.cli import main; main()"


@frozen
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)


@frozen
class Terminal:
    """Somebody who types commands about one data folder."""

    data: Path

    def __call__(self, *args: object, **env: str) -> Said:
        """Run a command, wherever it ends."""
        # what the outer environment sets is nobody's business here
        cleared = {name: None for name in os.environ if name.startswith(("ZITADEL_", "FIBERQ_", "API_", "STORAGE_"))}
        result = CliRunner(env={**cleared, "FIBERQ_DATA": str(self.data), **env}).invoke(
            fiberq, [str(arg) for arg in args], catch_exceptions=False, prog_name="fiberq"
        )
        return Said(result.exit_code, result.stdout, result.stderr)

    def ok(self, *args: object) -> str:
        """Run a command that must succeed; what it prints."""
        said = self(*args)
        assert said.code == 0, said
        return said.out

    def get(self, *args: object) -> Any:
        """Run a command that must succeed; its JSON."""
        return json.loads(self.ok(*args, "--json"))

    def export(self, file: Path, project: object = 1) -> Path:
        """Take a project away."""
        self.ok("export", project, file)
        return file


def start(*args: object, data: Path, env: Mapping[str, str] = {}, **more: Any) -> "subprocess.Popen[str]":
    """Start the program in a process of its own, with *env* besides."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *map(str, args)],
        env={**program_env(data), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def program_env(data: Path) -> Mapping[str, str]:
    """The environment of the program in a process of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONPATH": str(SRC), "FIBERQ_DATA": str(data)}


def edit(file: Path, *statements: str) -> list[Any]:
    """Run statements on a file as QGIS would; the rows of the last."""
    with closing(open_file(file)) as db, db:
        return [db.execute(statement).fetchall() for statement in statements][-1]


def open_file(file: Path) -> sqlite3.Connection:
    """The file, with the functions that the triggers of its spatial index call."""
    db = sqlite3.connect(file)
    for name, function in GEOMETRY_FUNCTIONS.items():
        db.create_function(name, 1, function)
    return db
