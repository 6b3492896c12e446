"""The packages of one project in their folder: what they are called, which there are, and their spares.

A package's name says all that is known of it, and nothing is ever written over: so servers that share the folder need
no agreement. Two that make the same package at once make two files with the same content.

A *spare* is a copy of a large package, made while nobody waits. The package of the next revision is made out of it;
whoever renames it first has it.
"""

import hashlib
import re
import secrets
from functools import cache
from pathlib import Path

from attrs import frozen

from fiberq_core.geopackage import package_layer
from fiberq_core.registry import LAYERS
from fiberq_storage.files.disk import beside, copy, land
from fiberq_storage.files.source import Look
from fiberq_storage.gpkg import schema

PACKAGE = ".gpkg"
SPARE = ".spare"
_NAME = re.compile(r"(\d{1,19})-([0-9a-f]{16})-(\d{1,12})-([0-9a-f]{8})\.gpkg", re.ASCII)


@frozen
class Kept:
    """A package on the shelf: `<revision>-<mark>-<offset of the export's id>-<making>.gpkg`.

    The *mark* says of which form it is, and when the revision was made. Several makings of the same hold the same in
    other bytes.
    """

    path: Path
    revision: int
    mark: str
    id_offset: int
    making: str

    @property
    def order(self) -> tuple[int, str]:
        """The newest revision is first; of several makings there is one that all servers take."""
        return -self.revision, self.making

    @property
    def spare(self) -> Path:
        """Where the copy of it is, if there is one."""
        return self.path.with_suffix(SPARE)


def mark(look: Look) -> str:
    """What packages are marked with that this store would make now.

    A store that was restored from a backup counts its revisions again, and must not find what it exported in its
    former life: it made them at other times.
    """
    return hashlib.sha256(f"{_form()}\n{look.made_at}".encode()).hexdigest()[:16]


@cache
def _form() -> str:
    """How packages look; one that looked otherwise is made again."""
    layers = [package_layer(layer, {}) for layer in LAYERS]
    parts = (f"{schema.create_table(la)}{schema.index_triggers(la)}{schema.count_triggers(la)}" for la in layers)
    return "\n".join([schema.BASE, *(layer.description for layer in layers), *parts])


@frozen
class Shelf:
    """The packages of the project whose *folder* this is. All methods block."""

    folder: Path

    def packages(self) -> list[Kept]:
        """What is there, the newest revision first."""
        found = (_kept(path) for path in self.folder.glob(f"*{PACKAGE}"))
        return sorted((kept for kept in found if kept), key=lambda kept: kept.order)

    def find(self, look: Look) -> Kept | None:
        """The package of a revision."""
        found = (_kept(path) for path in self.folder.glob(f"{look.revision}-{mark(look)}-*{PACKAGE}"))
        return min((kept for kept in found if kept), key=lambda kept: kept.order, default=None)

    def put(self, file: Path, look: Look, id_offset: int) -> Kept:
        """Place the finished *file* as the package of a revision, unless somebody else was quicker."""
        found = self.find(look)
        if found is not None:
            return found
        name = f"{look.revision}-{mark(look)}-{id_offset}-{secrets.token_hex(4)}{PACKAGE}"
        land(file, self.folder / name)
        return Kept(self.folder / name, look.revision, mark(look), id_offset, name[-13:-5])

    def take_copy(self, kept: Kept, target: Path) -> None:
        """Have a copy of a package at *target*: its spare, if nobody has taken that. Raises: FileNotFoundError."""
        try:
            kept.spare.rename(target)
        except FileNotFoundError:
            copy(kept.path, target)

    def lay_by(self, kept: Kept) -> None:
        """Make a spare of a package, and remove those of earlier ones.

        All servers have the same order of packages: so none removes what another has just made instead.
        """
        with beside(kept.spare) as unfinished:
            copy(kept.path, unfinished)
        for spare in self.folder.glob(f"*{SPARE}"):
            other = _kept(spare.with_suffix(PACKAGE))
            if other is None or other.order > kept.order:
                spare.unlink(missing_ok=True)


def _kept(path: Path) -> Kept | None:
    match = _NAME.fullmatch(path.name)
    return match and Kept(path, int(match[1]), match[2], int(match[3]), match[4])
