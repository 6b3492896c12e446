"""Find the edits of a file, by our reader or by pygeodiff, and say what it cost.

`python -m bench.finding diff|geodiff BASE EDITED`.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path


def diff(base: str, edited: str) -> int:
    """Rows that our reader finds."""
    from fiberq_storage.gpkg.reader import read_package

    return sum(len(layer.rows) for layer in read_package(edited, base, {}).layers)


def geodiff(base: str, edited: str) -> int:
    """Changes that pygeodiff finds."""
    import pygeodiff

    with tempfile.TemporaryDirectory() as folder:
        changes = str(Path(folder) / "changes.bin")
        found = pygeodiff.GeoDiff()
        found.create_changeset(base, edited, changes)
        return int(found.changes_count(changes))


def main() -> None:
    """Measure one of them."""
    what, base, edited = sys.argv[1:]
    find = {"diff": diff, "geodiff": geodiff}[what]
    find(base, base)  # imports, and the page cache, for both alike
    begun = time.perf_counter()
    rows = find(base, edited)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "rows": rows}))


if __name__ == "__main__":
    main()
