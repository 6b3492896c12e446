"""Folders of files that never change once they are there: seen onto the disk, and known again by their digests.

Digests are written as `sha256sum` writes them, so that a copy can be checked without FiberQ.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from fiberq_storage.files.disk import sync


def see_onto_disk(folder: Path) -> None:
    """Have a folder, with all that is in it, on the disk for good."""
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def count_files(folder: Path) -> int:
    """How many files there are in a folder and those in it."""
    return sum(1 for path in folder.rglob("*") if path.is_file())


def write_digests(folder: Path, file: Path) -> None:
    """Write the digest of every file in *folder* to *file*, which does not count."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != file)
    with file.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
        out.writelines(_line(_digest(path), path.relative_to(folder).as_posix()) for path in paths)


def differing(folder: Path, file: Path) -> list[str]:
    """The names of files in *folder* that are not there, or not what *file* says. Raises: ValueError (not such a file)."""
    with file.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
        return [name for digest, name in map(_read, lines) if not _is(folder / name, digest)]


def _is(path: Path, digest: str) -> bool:
    return path.is_file() and _digest(path) == digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _line(digest: str, name: str) -> str:
    quoted = name.replace("\\", "\\\\").replace("\n", "\\n")
    return f"{'' if quoted == name else chr(92)}{digest}  {quoted}\n"


def _read(line: str) -> tuple[str, str]:
    """Digest and name. Raises: ValueError."""
    quoted = line.startswith("\\")
    digest, two_spaces, name = line[quoted:].rstrip("\n").partition("  ")
    if len(digest) != 64 or not two_spaces:
        raise ValueError("not a line of digests")
    return digest, "".join(_plain(name)) if quoted else name


def _plain(quoted: str) -> Iterator[str]:
    letters = iter(quoted)
    for letter in letters:
        following = next(letters, "") if letter == "\\" else ""
        yield {"n": "\n", "\\": "\\"}.get(following, "") if letter == "\\" else letter
