"""`fiberq import`, `export`, `sync`, `undo`: GeoPackages in and out, without a server."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import click

from fiberq_aiohttp.cli import options
from fiberq_aiohttp.cli.copies import Copied, deliver, private_copy
from fiberq_aiohttp.cli.exits import Exit
from fiberq_aiohttp.cli.receipts import say_receipt, waiting
from fiberq_aiohttp.cli.session import at_work, incoming
from fiberq_aiohttp.cli.watching import busy
from fiberq_aiohttp.cli.words import say, say_json
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.policy import Actor

Merged = tuple[int, Mapping[str, Any]]

file_argument = click.argument("file", type=options.FILE, metavar="FILE.gpkg")
fail_on_held = click.option(
    "--fail-on-held", is_flag=True, help=f"Exit with {Exit.HELD} when something of the file waits in the inbox."
)


@click.command("import")
@file_argument
@click.option("--project", "said", metavar="PROJECT", help="Number or name of the project to take the file into.")
@click.option("--new", metavar="NAME", help="Create a project of this name and fill it from the file.")
@fail_on_held
@options.acting
@options.data
@options.as_json
def import_(
    who: Actor, file: Path, said: str | None, new: str | None, fail_on_held: bool, data: Path | None, as_json: bool
) -> None:
    """Take in a GeoPackage: of QGIS, of the FiberQ plugin, of another FiberQ.

    Layers and columns are recognised by any of their names, in any CRS. A file that an export of the project made is
    merged as `sync` does it; of any other, rows whose uuid is known are updated and all others are new. With --new the
    project is created only if the file can be read.
    """
    if (said is None) == (new is None):
        raise click.UsageError("Say either --project PROJECT or --new NAME.")

    async def work(ports: Ports, copy: Copied) -> Merged:
        from fiberq_aiohttp.flows import finding, importing, sync

        if new is not None:
            return await importing.into_new(ports, who, new, copy.path, copy.digest)
        project = await finding.project_called(ports, who, said or "")
        return project, await sync.upload(ports, who, project, copy.path, copy.digest)

    _end(_merged(file, data, work, create=new is not None), as_json=as_json, fail_on_held=fail_on_held)


@click.command("sync")
@file_argument
@options.in_project("without it, the one that the file was exported from.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@fail_on_held
@options.acting
@options.data
@options.as_json
def sync(
    who: Actor, file: Path, project: str | None, dry_run: bool, fail_on_held: bool, data: Path | None, as_json: bool
) -> None:
    """Merge an edited GeoPackage into its project, as an upload to the server does.

    Edits to different fields merge; what cannot be merged waits in the inbox; the same file twice does nothing the
    second time. QGIS may still have the file open: edits that it saved are found beside the file.
    """

    async def work(ports: Ports, copy: Copied) -> Merged:
        from fiberq_aiohttp.flows import finding, sync

        if project is None:
            number = await finding.project_of(ports, who, copy.path)
        else:
            number = await finding.project_called(ports, who, project)
        return number, await sync.upload(ports, who, number, copy.path, copy.digest, dry_run=dry_run)

    _end(_merged(file, data, work), as_json=as_json, fail_on_held=fail_on_held)


@click.command("export")
@click.argument("project", metavar="PROJECT")
@file_argument
@click.option("--force", is_flag=True, help="Replace FILE.gpkg where there is one.")
@options.acting
@options.data
@options.as_json
def export(who: Actor, project: str, file: Path, force: bool, data: Path | None, as_json: bool) -> None:
    """Write a project to a GeoPackage that QGIS and QField edit and `sync` takes back."""

    async def work(ports: Ports) -> dict[str, object]:
        from fiberq_aiohttp.flows import exporting, finding

        number = await finding.project_called(ports, who, project)
        with busy(f"Exporting project {number}"):
            taken = await exporting.download(ports, who, number)
        package, name = taken.package, taken.export_id
        deliver(package.path, package.size, package.id_offset, name.encode("ascii"), file, replace=force)
        return {
            "project_id": number,
            "file": str(file),
            "export_id": name,
            "revision": package.revision,
            "size": package.size,
        }

    made = at_work(data, work)
    if as_json:
        say_json(made)
    else:
        say(
            f"{file} is project {made['project_id']} at revision {made['revision']}. `fiberq sync {file}` takes it back."
        )


@click.command("undo")
@click.argument("sync_id")
@options.acting
@options.data
@options.as_json
def undo(who: Actor, sync_id: str, data: Path | None, as_json: bool) -> None:
    """Take the upload SYNC_ID back, as a merge against today's data.

    What others changed since is kept; where that clashes, the item waits in the inbox.
    """

    async def work(ports: Ports) -> Mapping[str, Any]:
        from fiberq_aiohttp.flows import sync

        with busy("Undoing"):
            return await sync.undo(ports, who, sync_id)

    receipt = at_work(data, work)
    say_json(receipt) if as_json else say_receipt(receipt)


def _merged(
    file: Path, data: Path | None, work: Callable[[Ports, Copied], Awaitable[Merged]], *, create: bool = False
) -> Merged:
    """What *work* makes of a private copy of *file*."""

    async def with_copy(ports: Ports) -> Merged:
        with private_copy(file, incoming(data)) as copy, busy(f"Merging {file.name}"):
            return await work(ports, copy)

    return at_work(data, with_copy, create=create)


def _end(merged: Merged, *, as_json: bool, fail_on_held: bool) -> None:
    project, receipt = merged
    say_json({"project_id": project, **receipt}) if as_json else say_receipt(receipt, project=project)
    if fail_on_held and waiting(receipt):
        click.get_current_context().exit(Exit.HELD)
