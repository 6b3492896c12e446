"""The page of the HTTP interface has every route and no other."""

import re
from pathlib import Path

from aiohttp import hdrs

from fiberq_aiohttp.app import ROUTES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
NAMES = {"project": "{id}", "item": "{item_id}"}
OTHERS = {(hdrs.METH_GET, "/")}  # the page for people
DOWNLOAD = "/api/sync/download/{id}"


def described() -> set[tuple[str, str]]:
    """Method and path of every heading."""
    found = set()
    for heading in re.findall(r"^### (.+)$", PAGE.read_text("utf-8"), re.MULTILINE):
        methods = re.findall(r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE)\b", heading)
        for path in re.findall(r"/\S+?(?=\?|,|\s|$)", heading):
            found |= {(method, path.replace("{project_id}", "{id}")) for method in methods}
    return found


def served() -> set[tuple[str, str]]:
    """Method and path of every route, in one spelling."""
    paths = ((route.method, re.sub(r"{(\w+)[^{}]*(?:{[^}]*})?[^}]*}", _name, route.path)) for route in ROUTES)
    return {(method, path) for method, path in paths if path == "/" or not path.endswith("/")} - OTHERS


def _name(match: re.Match[str]) -> str:
    return NAMES.get(match[1], f"{{{match[1]}}}")


def test_every_route_is_described_and_nothing_else() -> None:
    assert served() | {(hdrs.METH_HEAD, DOWNLOAD)} == described()
