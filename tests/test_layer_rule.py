"""Core decides, storage remembers, transport connects: who may import what.

The rule is about what is written here, not about what gets loaded (`import jwt` alone loads sockets), so these
tests read source. For the core it is a list of what is allowed; what is not on it is forbidden.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"

PURE = frozenset(
    "__future__ abc array base64 bisect collections contextlib datetime decimal enum functools hashlib heapq hmac itertools "
    "json math operator re struct types typing unicodedata uuid "
    "attrs cattrs jwt shapely fiberq_core".split()
)
IMPURE_CALLS = frozenset("PyJWKClient eval exec input now open print today utcnow uuid1 uuid4".split())
ASYNC = (ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.Await)

NOT_IN_STORAGE = frozenset("aiohttp aiohttp_jinja2 click fiberq_aiohttp jinja2 jwt rich".split())
NOT_IN_TRANSPORT = frozenset("apsw asyncpg numpy pyogrio pyproj shapely sqlite3".split())
ONLY_IN_WIRING = frozenset({"fiberq_storage"})
NOT_IN_FLOWS = frozenset("aiohttp aiohttp_jinja2".split())


def imported(tree: ast.AST) -> set[str]:
    """The top names of what *tree* imports, from anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def called(tree: ast.AST) -> set[str]:
    """The last names of what *tree* calls: `open` of both `open(…)` and `path.open(…)`."""
    functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {name for f in functions if (name := getattr(f, "attr", None) or getattr(f, "id", None))}


def faults(path: Path, tree: ast.AST) -> Iterator[str]:
    """What in the module at *path* (from `src/` on) breaks the rule."""
    package, *inner = path.with_suffix("").parts
    names = imported(tree)
    match package:
        case "fiberq_core":
            yield from sorted(names - PURE)
            yield from sorted(called(tree) & IMPURE_CALLS)
            if inner[0] != "ports" and any(isinstance(node, ASYNC) for node in ast.walk(tree)):
                yield "async"
        case "fiberq_storage":
            yield from sorted(names & NOT_IN_STORAGE)
        case "fiberq_aiohttp":
            yield from sorted(names & NOT_IN_TRANSPORT)
            if inner != ["wiring"]:
                yield from sorted(names & ONLY_IN_WIRING)
            if inner[0] == "flows" or inner[0].startswith("cli"):
                yield from sorted(names & NOT_IN_FLOWS)
        case _:
            yield f"{package} is none of the three packages"


@pytest.mark.parametrize("path", sorted(p.relative_to(SRC) for p in SRC.rglob("*.py")), ids=str)
def test_module_keeps_its_layer(path: Path) -> None:
    assert not list(faults(path, ast.parse((SRC / path).read_text(encoding="utf-8"))))


@pytest.mark.parametrize(
    "path, source, expected",
    [
        ("fiberq_core/merge.py", "import attrs\nfrom fiberq_core.rows import Row", []),
        ("fiberq_core/merge.py", "import os, logging", ["logging", "os"]),
        ("fiberq_core/merge.py", "def f():\n    from time import time", ["time"]),
        ("fiberq_core/merge.py", "from datetime import datetime\ndatetime.now()", ["now"]),
        ("fiberq_core/merge.py", "import uuid\nuuid.uuid4()", ["uuid4"]),
        ("fiberq_core/merge.py", "from fiberq_storage.gpkg import reader", ["fiberq_storage"]),
        ("fiberq_core/keyset.py", "import jwt\njwt.PyJWKClient('')", ["PyJWKClient"]),
        ("fiberq_core/merge.py", "async def f(): ...", ["async"]),
        ("fiberq_core/ports/stores.py", "async def f(): ...", []),
        ("fiberq_storage/gpkg/reader.py", "import os, pyogrio.raw, fiberq_core", []),
        ("fiberq_storage/gpkg/reader.py", "import fiberq_aiohttp.keys, jwt", ["fiberq_aiohttp", "jwt"]),
        ("fiberq_storage/__init__.py", "import aiohttp", ["aiohttp"]),
        ("fiberq_aiohttp/routes/sync.py", "from aiohttp import web", []),
        ("fiberq_aiohttp/routes/sync.py", "import sqlite3, shapely.geometry", ["shapely", "sqlite3"]),
        ("fiberq_aiohttp/routes/sync.py", "import fiberq_storage", ["fiberq_storage"]),
        ("fiberq_aiohttp/wiring.py", "import fiberq_storage.sqlite", []),
        ("fiberq_aiohttp/wiring.py", "import asyncpg", ["asyncpg"]),
        ("fiberq_aiohttp/flows/sync.py", "from aiohttp import web", ["aiohttp"]),
        ("fiberq_aiohttp/flows.py", "from aiohttp import web", ["aiohttp"]),
        ("fiberq_aiohttp/cli_doctor.py", "from aiohttp import web", ["aiohttp"]),
        ("fiberq_other/x.py", "", ["fiberq_other is none of the three packages"]),
    ],
)
def test_rule_sees(path: str, source: str, expected: list[str]) -> None:
    assert expected == list(faults(Path(path), ast.parse(source)))


def test_all_three_packages_are_there() -> None:
    assert {"fiberq_core", "fiberq_storage", "fiberq_aiohttp"} <= {p.parent.name for p in SRC.glob("*/__init__.py")}
