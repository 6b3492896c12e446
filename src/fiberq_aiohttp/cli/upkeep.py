"""`fiberq backup`, `restore`, `doctor`: looking after a data folder."""

from collections.abc import Mapping
from pathlib import Path

import click

from fiberq_aiohttp.cli import options
from fiberq_aiohttp.cli.exits import Exit
from fiberq_aiohttp.cli.session import local_settings, need_store
from fiberq_aiohttp.cli.watching import busy
from fiberq_aiohttp.cli.words import say, say_json


@click.command("backup")
@click.argument("folder", type=options.FOLDER)
@options.data
@options.as_json
def backup(folder: Path, data: Path | None, as_json: bool) -> None:
    """Copy everything that cannot be made again into the new folder FOLDER; servers may go on working.

    That is the store with its history, the photos, wherever both are, and the raw uploads. Exports are made again when they
    are asked for. With DATABASE_URL set, the store is the one in the database, and the files are those in --data.
    """
    from fiberq_aiohttp import wiring

    settings = need_store(local_settings(data))
    with busy("Copying"):
        kept = wiring.back_up(settings, folder)
    if as_json:
        say_json({"folder": str(folder), "store_version": kept.store_version, "files": dict(kept.files)})
    else:
        say(
            f"{folder} holds the store and {_files(kept.files)}."
            f" `fiberq restore {folder} --data NEW` fills an empty place from it: a folder, or with DATABASE_URL a database."
        )


@click.command("restore")
@click.argument("folder", type=options.FOLDER)
@options.data
@options.as_json
def restore(folder: Path, data: Path | None, as_json: bool) -> None:
    """Fill an empty data folder from a backup; with DATABASE_URL set, the empty database that it names, and the folder's files.

    The backup is checked before anything is written, whichever kind of store it is of. With PHOTO_STORE set, its photos go
    into the bucket, unless they are there. Stop the servers of a database first.
    """
    from fiberq_aiohttp import wiring

    settings = local_settings(data)
    with busy("Restoring"):
        kept = wiring.restore(settings, folder)
    if as_json:
        say_json({"data": str(settings.data), "store_version": kept.store_version, "files": dict(kept.files)})
    else:
        holder = f"The database and {settings.data} hold" if settings.database else f"{settings.data} holds"
        say(f"{holder} the store and {_files(kept.files)}. `fiberq serve --data {settings.data}` serves it.")


def _files(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


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
