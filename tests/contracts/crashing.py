"""A process that writes to a store without end, to be killed. Prints each revision that was acknowledged."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from fiberq_storage.sqlite import open_store
from tests.contracts.builders import OKNA, commit, new, point

ROWS = 400


async def main(data: Path) -> None:
    """Write until the end."""
    async with await open_store(data) as store:
        project = (await store.projects(member=None))[0]
        for round_ in count():
            rows = [new(round_ * ROWS + n, OKNA, geometry=point(20, 43)) for n in range(ROWS)]
            applied = await commit(store, project, rows)
            print(applied.revision, flush=True)  # noqa: T201 - the tester reads it


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
