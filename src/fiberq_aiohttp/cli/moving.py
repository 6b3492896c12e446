"""`fiberq move`: a store from a data folder into a database, and back."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from fiberq_aiohttp.cli import options
from fiberq_aiohttp.cli.watching import busy
from fiberq_aiohttp.cli.words import say, say_json
from fiberq_aiohttp.settings import Settings, from_env
from fiberq_core.errors import Fault, Invalid

VARIABLE: Final = "DATABASE_URL"
FROM_ENVIRONMENT: Final = (VARIABLE, "-")


@click.command("move")
@click.option("--from", "source", required=True, metavar="STORE", help="Where everything is. It is only read.")
@click.option("--to", "target", required=True, metavar="STORE", help="Where everything is to be. It must be empty.")
@options.data
@options.as_json
def move(source: str, target: str, data: Path | None, as_json: bool) -> None:
    """Take a whole store into an empty one: from a data folder into a database, back, or into another database.

    STORE is a data folder; or DATABASE_URL (this word, or -) for the database that the variable of this name says;
    or the address of a database itself. Others on this machine can see what is typed here, so an address with a
    password belongs into the variable.

    Everything goes with it: projects with their numbers, members, all history, the inbox, receipts, photos and raw
    uploads. Files that devices took before merge as if nothing had happened. The photos and raw uploads of a store in a
    database are in --data; photos in a bucket (PHOTO_STORE) stay there. Stop the servers of both stores first. All is
    written in one transaction and compared with what was read; what goes wrong leaves the target empty. A database must
    be connected to as the owner of its tables.
    """
    from fiberq_aiohttp import wiring

    old, new = _store(source, "--from", data), _store(target, "--to", data)
    with busy("Moving"):
        moved = asyncio.run(wiring.move(old, new))
    if as_json:
        say_json({"records": dict(moved.records), "files": dict(moved.files)})
    else:
        say(_words(moved.records, moved.files))
        say(f"The old store is as it was; serve only the new one from now on: {_serving(new)}")


def _store(text: str, option: str, data: Path | None) -> Settings:
    """The settings of a server on that store. Raises: Invalid."""
    if text in FROM_ENVIRONMENT:
        if not os.environ.get(VARIABLE):
            raise Invalid(f"{VARIABLE} is not set", [Fault(option, f"set {VARIABLE}, or name a data folder")])
        return _settings(os.environ, data)
    if "://" in text:
        return _settings({**os.environ, VARIABLE: text}, data)
    return _settings({**os.environ, VARIABLE: ""}, Path(text))


def _settings(env: Mapping[str, str], data: Path | None) -> Settings:
    return from_env(env, dev=True, data=data)


def _words(records: Mapping[str, int], files: Mapping[str, int]) -> str:
    """What was moved, as a sentence."""
    from fiberq_core.registry import DATA_LAYERS

    rows = sum(records[layer.table] for layer in DATA_LAYERS)
    earlier = sum(records[f"{layer.table}_history"] for layer in DATA_LAYERS)
    said = [f"{records['projects']} projects with {rows} rows, {earlier} earlier versions"]
    said += [f"{records['revisions']} revisions", f"{records['inbox']} inbox items", f"{records['uploads']} receipts"]
    kept = ", ".join(f"{count} {name}" for name, count in files.items())
    return f"Moved and compared: {', '.join(said)}. Files: {kept}."


def _serving(settings: Settings) -> str:
    if settings.database is None:
        return f"`fiberq serve --data {settings.data}` without {VARIABLE}"
    return f"`fiberq serve --data {settings.data}` with {VARIABLE}"
