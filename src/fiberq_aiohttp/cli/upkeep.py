"""`fiberq backup`, `restore`, `doctor`: looking after a data folder."""

from pathlib import Path

import click

from fiberq_aiohttp.cli import options
from fiberq_aiohttp.cli.exits import Exit
from fiberq_aiohttp.cli.session import local_settings, need_store
from fiberq_aiohttp.cli.watching import busy
from fiberq_aiohttp.cli.words import say, say_json
from fiberq_aiohttp.settings import Settings
from fiberq_core.errors import Invalid


@click.command("backup")
@click.argument("folder", type=options.FOLDER)
@options.data
@options.as_json
def backup(folder: Path, data: Path | None, as_json: bool) -> None:
    """Copy everything that cannot be made again into the new folder FOLDER; the server may go on working.

    That is the store with its history, the photos and the raw uploads. Exports are made again when they are asked for.
    """
    from fiberq_aiohttp import wiring

    settings = need_store(_in_a_folder(local_settings(data)))
    with busy("Copying"):
        kept = wiring.back_up(settings, folder)
    if as_json:
        say_json({"folder": str(folder), "store_version": kept.store_version, "files": dict(kept.files)})
    else:
        said = ", ".join(f"{count} {name}" for name, count in kept.files.items())
        say(f"{folder} holds the store and {said}. `fiberq restore {folder} --data NEW` fills an empty folder from it.")


@click.command("restore")
@click.argument("folder", type=options.FOLDER)
@options.data
@options.as_json
def restore(folder: Path, data: Path | None, as_json: bool) -> None:
    """Fill the empty data folder from a backup. The backup is checked before anything is written."""
    from fiberq_aiohttp import wiring

    settings = _in_a_folder(local_settings(data))
    with busy("Restoring"):
        kept = wiring.restore(settings, folder)
    if as_json:
        say_json({"data": str(settings.data), "store_version": kept.store_version, "files": dict(kept.files)})
    else:
        said = ", ".join(f"{count} {name}" for name, count in kept.files.items())
        say(f"{settings.data} holds the store and {said}. `fiberq serve --data {settings.data}` serves it.")


def _in_a_folder(settings: Settings) -> Settings:
    """*settings*, if their store is a file in the data folder. Raises: Invalid, with what to do for a database."""
    database = settings.database
    if database is None:
        return settings
    schemas = f"-n {database.schema} -n {database.schema}_history"
    raise Invalid(
        "The store is in PostgreSQL, which has its own programs for this. To back it up, while servers go on working:"
        f' `pg_dump -Fc {schemas} -f fiberq.dump -d "postgresql://…"`, and after it a copy of the folders'
        f" {settings.photos_dir} and {settings.data / 'uploads'}. To restore: both folders, and"
        " `pg_restore -d …` into a database that has PostGIS and nothing of FiberQ"
    )


@click.command("doctor")
@click.option("--dev", is_flag=True, help="Check for `serve --dev`: no settings are needed then.")
@options.data
@options.as_json
def doctor(dev: bool, data: Path | None, as_json: bool) -> None:
    """Check settings, store, keys, folders and disk, and say what to do. Changes nothing."""
    from fiberq_aiohttp.cli.checks import examine

    with busy("Looking"):
        findings = examine(data, dev=dev)
    if as_json:
        say_json([{"what": f.what, "state": f.state, "found": f.found, "do": f.advice} for f in findings])
    else:
        for finding in findings:
            say(f"{finding.state:5} {finding.what}: {finding.found}")
            if finding.advice:
                say(f"      → {finding.advice}")
    if any(finding.state == "wrong" for finding in findings):
        click.get_current_context().exit(Exit.REFUSED)
