"""Which packages stay: those in use, then those used last, as far as there is room."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from fiberq_storage.files.disk import DAY_S, LEFT_S, disk_errors, remove_leftovers
from fiberq_storage.files.shelf import PACKAGE, SPARE

GIB = 2**30
MIB = 2**20


@frozen
class Limits:
    """Which packages are kept: up to *size* bytes of those used in the last *days*, and all of the last *in_use_s*.

    Packages of *spare_from* bytes and more get a spare, if that fits into *size* beside all packages.
    """

    days: float = 30
    size: int = 20 * GIB
    in_use_s: float = 3_600
    spare_from: int = 32 * MIB


def prune(root: Path, limits: Limits, now: float) -> None:
    """Remove what the limits do not allow to stay, and what crashed builds left. *now*: epoch seconds.

    Raises: StoreUnavailable.
    """
    with disk_errors():
        remove_leftovers(root, now - LEFT_S)
        room = limits.size
        for used, size, file in sorted(_files(root, PACKAGE), reverse=True):
            room -= size
            idle = now - used
            if idle > limits.in_use_s and (room < 0 or idle > limits.days * DAY_S):
                file.unlink(missing_ok=True)
        for _, size, spare in sorted(_files(root, SPARE), reverse=True):
            room -= size
            if room < 0 or not spare.with_suffix(PACKAGE).exists():
                spare.unlink(missing_ok=True)


def has_room(root: Path, limits: Limits, more: int) -> bool:
    """Whether *more* bytes fit beside all packages."""
    return sum(size for _, size, _ in _files(root, PACKAGE)) + more <= limits.size


def _files(root: Path, kind: str) -> Iterator[tuple[float, int, Path]]:
    """What is kept: when it was last used, its size, its path."""
    for file in root.glob(f"*/*{kind}"):
        with suppress(FileNotFoundError):
            facts = file.stat()
            yield facts.st_mtime, facts.st_size, file
