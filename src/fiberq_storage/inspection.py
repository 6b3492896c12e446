"""A look at a data folder that changes nothing in it: is there a store, can it be used, does a server run on it?"""

import fcntl
from contextlib import closing
from pathlib import Path

import apsw
from attrs import frozen

from fiberq_core.errors import FiberqError
from fiberq_storage.sqlite.connection import FILE, LOCK, connect, translating
from fiberq_storage.sqlite.migrate import STEPS, version


@frozen
class StoreFacts:
    """What there is: sizes in bytes. *damage* is what SQLite says is wrong, *trouble* why nothing can be said."""

    there: bool
    known_version: int
    version: int = 0
    size: int = 0
    projects: int = 0
    damage: str = ""
    trouble: str = ""
    serving: bool = False


def inspect(data: Path) -> StoreFacts:
    """Look at the store in *data*, all of it: this takes a while where it is large."""
    if not (data / FILE).exists():
        return StoreFacts(False, len(STEPS), serving=is_served(data))
    serving, size = is_served(data), (data / FILE).stat().st_size
    try:
        with translating(), closing(connect(data / FILE, writing=False)) as db:
            found = version(db)
            projects = sum(1 for _ in db.execute("SELECT 1 FROM projects"))
            said = [str(line) for (line,) in db.execute("PRAGMA quick_check(3)")]
    except (FiberqError, apsw.Error) as broken:
        return StoreFacts(True, len(STEPS), size=size, trouble=str(broken), serving=serving)
    damage = "" if said == ["ok"] else "; ".join(said)
    return StoreFacts(True, len(STEPS), found, size, projects, damage, serving=serving)


def is_served(data: Path) -> bool:
    """Whether a server holds the folder."""
    try:
        with (data / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def library_versions() -> dict[str, str]:
    """The libraries that read and write files; slow, since it loads them."""
    import pyogrio
    import pyproj

    gdal = ".".join(map(str, pyogrio.__gdal_version__))
    return {"SQLite": apsw.sqlite_lib_version(), "GDAL": gdal, "PROJ": pyproj.proj_version_str}
