"""The examples run, and the page about them shows the files themselves."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
POLICY, MERGE = EXAMPLES / "policy_offline.py", EXAMPLES / "merge_two_packages.py"
SHOWN = re.compile(r"<!-- (examples/\S+) -->\n```python\n(.*?)```", re.DOTALL)

# Everything of FiberQ that is not the core, and what only that needs.
CORE_ALONE = """
import sys
from importlib.abc import MetaPathFinder
class Nothing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BEYOND:
            raise ImportError(f"{name} is not the core's")
BEYOND = set("aiohttp aiohttp_jinja2 apsw asyncpg click fiberq_aiohttp fiberq_storage jinja2 orjson pyogrio pyproj rich".split())
sys.meta_path.insert(0, Nothing())
import runpy
names = runpy.run_path(sys.argv[1])
tests = [run for name, run in names.items() if name.startswith("test_")]
for run in tests:
    run()
print(len(tests))
"""


def run(*arguments: str | Path) -> str:
    """What the program says."""
    path = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=path, check=False)

    assert 0 == done.returncode, done.stderr
    return done.stdout


def test_the_page_shows_the_files() -> None:
    shown = dict(SHOWN.findall((ROOT / "docs" / "embedding.md").read_text("utf-8")))

    assert {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in (POLICY, MERGE)} == shown


def test_the_policy_is_asked_with_the_core_alone() -> None:
    assert "4\n" == run("-c", CORE_ALONE, POLICY)


def test_the_script_has_thirty_lines() -> None:
    """Below its imports, without blank lines and comments."""
    code = MERGE.read_text("utf-8").partition("\nNOBODY")[2].splitlines()

    assert 30 >= len([line for line in code if line.strip() and not line.strip().startswith(("#", '"""'))])


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A package with three closures and a column that FiberQ does not know."""
    from fiberq_core.geometry import encode_gpb
    from fiberq_core.geopackage import PLACEHOLDER, package_layer
    from fiberq_core.registry import LAYER
    from fiberq_core.sent import Provenance
    from fiberq_storage.gpkg.writer import PackageWriter

    path, layer = tmp_path / "base.gpkg", package_layer(LAYER["Nastavci"], {"seal": "TEXT"})
    place = encode_gpb(bytes.fromhex("0101000000") + bytes(8) + bytes(8))
    rows = [
        {
            "fid": n,
            "geom": place,
            "fiberq_uuid": f"00000000-0000-4000-8000-00000000000{n}",
            "naziv": f"N-{n}",
            "seal": "s",
        }
        for n in (1, 2, 3)
    ]
    provenance = Provenance(PLACEHOLDER, "00000000-0000-4000-8000-000000000000", 1)
    with PackageWriter(str(path), [layer], provenance=provenance, at="2026-05-04T08:00:00.000Z") as writer:
        writer.fill(layer.name, [[row.get(name) for name in layer.names] for row in rows])
        writer.finish()
    return path


def edited(base: Path, name: str, *statements: str) -> Path:
    """A copy of *base* that somebody edited."""
    copy = base.with_name(name)
    shutil.copyfile(base, copy)
    connection = apsw.Connection(str(copy))
    connection.create_scalar_function("ST_IsEmpty", lambda *_: 0, 1)
    for bound in ("MinX", "MaxX", "MinY", "MaxY"):
        connection.create_scalar_function(f"ST_{bound}", lambda *_: 0.0, 1)
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return copy


def test_two_packages_become_one(base: Path) -> None:
    """Edits of both sides are in; of two notes for one closure one stays and the other is printed."""
    mine = edited(
        base,
        "mine.gpkg",
        "UPDATE Nastavci SET napomena = 'mine', tip = 'A4' WHERE naziv = 'N-1'",
        "DELETE FROM Nastavci WHERE naziv = 'N-3'",
        "INSERT INTO Nastavci (geom, naziv) SELECT geom, 'N-4' FROM Nastavci WHERE naziv = 'N-1'",
    )
    yours = edited(
        base,
        "yours.gpkg",
        "UPDATE Nastavci SET napomena = 'yours', seal = 't' WHERE naziv = 'N-1'",
        "INSERT INTO Nastavci (geom, naziv) SELECT geom, 'N-5' FROM Nastavci WHERE naziv = 'N-1'",
    )
    merged = base.with_name("merged.gpkg")

    said = run(MERGE, base, mine, yours, merged)
    rows = sqlite3.connect(merged).execute("SELECT fid, naziv, napomena, tip, seal FROM Nastavci ORDER BY naziv")

    assert [
        (1, "N-1", "yours", "A4", "t"), (2, "N-2", None, None, "s"), (3, "N-4", None, None, None),
        (4, "N-5", None, None, None),
    ] == rows.fetchall()  # fmt: skip
    assert 1 == said.count("both changed napomena") == len(said.splitlines())
    assert "'mine'" in said
