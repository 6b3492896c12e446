"""Somebody at psql, who may leave a transaction open."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.postgis.cluster import BIN

DONE = "-- done --"


@contextmanager
def session(dsn: str, name: str) -> Iterator[Callable[[str], str]]:
    """A session of psql, seen as *name*; it ends with the block, whatever it left open.

    What is given runs statements and gives what psql printed. Raises: AssertionError where one of them fails.
    """
    options = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", dsn)
    with subprocess.Popen(
        [BIN / "psql", *options],
        text=True,
        env={"PGAPPNAME": name, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:

        def run(statements: str) -> str:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(f"{statements}\n\\echo {DONE}\n")
            process.stdin.flush()
            said: list[str] = []
            for line in process.stdout:
                if line.strip() == DONE:
                    return "".join(said)
                said.append(line)
            raise AssertionError("".join(said))

        yield run
