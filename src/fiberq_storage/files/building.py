"""One package from a store into its place, and what is noted of it there."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from fiberq_core.geopackage import package_layer
from fiberq_core.ports import Package
from fiberq_core.registry import LAYERS
from fiberq_storage.files.disk import abeside, beside
from fiberq_storage.files.source import Look, PackageSource
from fiberq_storage.gpkg.schema import create_table

NOTE = ".json"  # beside each package: what is known of it


def form() -> str:
    """A digest of how packages look; one that looked otherwise is made again."""
    tables = (create_table(package_layer(layer, {})) for layer in LAYERS)
    return hashlib.sha256("\n".join(tables).encode()).hexdigest()


async def build(source: PackageSource, project_id: int, look: Look, target: Path) -> Package:
    """Write the package of a project at *look* to *target*. Raises: NotFound, StoreUnavailable."""
    async with abeside(target) as unfinished:
        offset = await source.build(project_id, look, unfinished)
        package = Package(str(target), offset, look.revision, unfinished.stat().st_size)
        facts = {"id_offset": offset, "size": package.size, "form": form(), "made_at": look.made_at}
        await asyncio.to_thread(_note, target, facts)
    return package


def known(target: Path, look: Look) -> Package | None:
    """The package that is kept at *target*; None where there is none that this store would make now.

    It counts only if the store made the revision at the same moment: one that was restored from a
    backup counts its revisions again, and must not find what it exported in its former life.
    """
    try:
        note = json.loads(note_of(target).read_text())
        size = target.stat().st_size
        same = (note["form"], note["size"], note["made_at"]) == (form(), size, look.made_at)
        return Package(str(target), note["id_offset"], look.revision, size) if same else None
    except (OSError, ValueError, KeyError, TypeError):  # gone, half written, or of another FiberQ
        return None


def note_of(target: Path) -> Path:
    """The note beside a package."""
    return target.with_suffix(NOTE)


def _note(target: Path, facts: Mapping[str, object]) -> None:
    with beside(note_of(target)) as note:
        note.write_text(json.dumps(facts))
