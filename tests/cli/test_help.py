"""What the program says of itself."""

import resource
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from fiberq_aiohttp.cli import fiberq
from fiberq_aiohttp.cli.exits import Exit
from tests.cli.running import PROGRAM, Terminal, program_env

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("aiohttp", "apsw", "shapely", "numpy", "pyogrio", "pyproj", "rich", "jwt", "fiberq_storage")


def paths(group: click.Group, *names: str) -> Iterator[tuple[str, ...]]:
    """Every command and group, as one types it."""
    yield names
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from paths(command, *names, name)
        else:
            yield (*names, name)


@pytest.mark.parametrize("path", list(paths(fiberq)), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...], fq: Terminal) -> None:
    said = fq(*path, "--help")

    assert 0 == said.code and f"Usage: {' '.join(('fiberq', *path))}" in said.out
    assert not fq.data.exists()


def test_every_option_says_what_it_is_for() -> None:
    commands = [command for command in fiberq.commands.values() if not isinstance(command, click.Group)]
    groups = [group for group in fiberq.commands.values() if isinstance(group, click.Group)]
    commands += [command for group in groups for command in group.commands.values()]

    silent = [f"{c.name} {p.name}" for c in commands for p in c.params if isinstance(p, click.Option) and not p.help]

    assert [] == silent


def test_the_page_is_up_to_date() -> None:
    """`scripts/make-cli-page` would change nothing."""
    page = runpy.run_path(str(ROOT / "scripts" / "make-cli-page"))["page"]

    assert (ROOT / "docs" / "cli.md").read_text("utf-8") == page()


def test_help_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    """So that it is there at once."""
    code = f"import sys; import fiberq_aiohttp.cli; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=program_env(tmp_path), capture_output=True, text=True, check=True
    )

    assert "" == loaded.stdout.strip()


def test_help_is_quick(tmp_path: Path) -> None:
    """Under 0.3 s of the processor, the best of three."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        help_ = [sys.executable, "-c", PROGRAM, "--help"]
        subprocess.run(help_, env=program_env(tmp_path), capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert 0.3 > min(seconds() for _ in range(3))


@pytest.mark.parametrize("args", [("nonsense",), ("export",), ("serve", "--port", "0"), ("token", "--role", "king")])
def test_wrong_usage_is_two(args: tuple[str, ...], fq: Terminal) -> None:
    said = fq(*args)

    assert (Exit.USAGE, "") == (said.code, said.out)
    assert "Usage:" in said.err
