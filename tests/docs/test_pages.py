"""What the pages point at is there: links, headings, modules, functions, tests, and every case of the sync contract."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted({ROOT / "README.md", *DOCS.rglob("*.md")})
LINK = re.compile(r"!?\[[^]]*]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ELSEWHERE = ("http://", "https://", "mailto:")
PACKAGES = {"core": "fiberq_core", "storage": "fiberq_storage", "aiohttp": "fiberq_aiohttp"}


def text_of(page: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """The headings of a page, as its links spell them."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text_of(page)))
    return {heading.strip().replace(" ", "-") for heading in plain}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    wrong = []
    for link in LINK.findall(text_of(page)):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if link.startswith(ELSEWHERE):
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [] == broken(page)


def rows_of(page: str, columns: int) -> list[list[str]]:
    """The rows of the page's tables that are about a case."""
    lines = (line.strip("| ").split(" | ") for line in (DOCS / page).read_text("utf-8").splitlines())
    return [cells for cells in lines if len(cells) == columns and re.fullmatch(r"S\d\d", cells[0])]


@pytest.mark.parametrize("columns", [4, 3], ids=["what happens", "where and which test"])
def test_every_case_has_its_row(columns: int) -> None:
    assert [f"S{n:02}" for n in range(1, 53)] == sorted(cells[0] for cells in rows_of("sync.md", columns))


def test_cases_point_at_code_and_tests_that_are_there() -> None:
    missing = []
    for case, code, tests in rows_of("sync.md", 3):
        for place in re.findall(r"`([^`]+)`", code):
            module, _, names = place.partition(": ")
            package, _, rest = module.partition("/")
            path = ROOT / "src" / PACKAGES[package] / rest
            source = path.read_text("utf-8") if path.exists() else ""
            missing += [
                f"{case}: {place}" for n in names.split(", ") if not source or (n and f"def {n}(" not in source)
            ]
        for file, names in re.findall(r"`(test_\w+\.py)`: ((?:`test_\w+`(?:, )?)+)", tests):
            source = (ROOT / "tests" / "e2e" / file).read_text("utf-8")
            missing += [f"{case}: {n}" for n in re.findall(r"`(test_\w+)`", names) if f"def {n}(" not in source]

    assert [] == missing
