"""The project's own files: pinned, free of addresses, true of any machine."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]

# Written so that they do not match themselves.
UNWANTED = {
    "a package registry's address": re.compile(
        r"[/]pypi\.org|pythonhosted[.]org|registry[.]npmjs|proxy[.]golang|[/]deb\.debian\.org|crates[.]io"
    ),
    "a place to install from": re.compile(r"--(?:extra-)?index-ur[l]|--find-link[s]|\bfile:[/]{3}opt"),
    "a path of somebody's machine": re.compile(
        r"(?<![\w.}])(?:[/]work/(?:main|shared|\.library)\b|[/]root/|[/]Users/)"
    ),
}


def kept_files() -> Iterator[Path]:
    """What git keeps, and what it would on the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = {name for name in listed.stdout.decode().split("\0") if name}
    return (path for path in (ROOT / name for name in sorted(names)) if path.is_file())


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {what}"
        for path in kept_files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for what, pattern in UNWANTED.items()
        if pattern.search(line)
    ]

    assert [] == found


@pytest.mark.parametrize(
    "line, expected",
    [
        ("see https://pypi" + ".org/project/attrs", "a package registry's address"),
        ("--index" + "-url x", "a place to install from"),
        ("cd /work" + "/main", "a path of somebody's machine"),
        ("/ro" + "ot/.cache", "a path of somebody's machine"),
        ("https://example.org/work/orders", None),
        ("/usr/bin/python3", None),
    ],
)
def test_hygiene_sees(line: str, expected: str | None) -> None:
    assert expected == next((what for what, pattern in UNWANTED.items() if pattern.search(line)), None)


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.stem)
def test_every_requirement_is_pinned_with_hashes(path: Path) -> None:
    text = re.sub(r"^\s*#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    entries = text.replace("\\\n", " ").splitlines()

    assert entries
    assert [] == [e for e in entries if not re.fullmatch(r"[\w.-]+==\S+( ;[^#]*?)?(\s+--hash=sha256:[0-9a-f]{64})+", e)]


def test_core_group_repeats_what_the_distribution_asks_for(pyproject: dict[str, Any]) -> None:
    group = pyproject["dependency-groups"]["core"]

    assert ["attrs", "cattrs", "shapely", "PyJWT[crypto]"] == [re.split("[<>=~!]", entry)[0] for entry in group]
    assert set(group) <= set(pyproject["project"]["dependencies"])


@pytest.mark.parametrize("package", ["fiberq_core", "fiberq_storage", "fiberq_aiohttp"])
def test_packages_are_typed(package: str) -> None:
    assert (ROOT / "src" / package / "py.typed").exists()


def test_version_is_the_changelogs(pyproject: dict[str, Any]) -> None:
    """A released version has its heading; before the first release there is only Unreleased."""
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert headings[1:2] in ([], [pyproject["project"]["version"]])
