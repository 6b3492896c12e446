"""The command line: a second transport over the flows. What a command needs is imported when it runs."""

import click

from fiberq_aiohttp.cli.admin import audit, storage, tokens
from fiberq_aiohttp.cli.files import export, import_, sync, undo
from fiberq_aiohttp.cli.frame import Frame
from fiberq_aiohttp.cli.inbox import inbox
from fiberq_aiohttp.cli.moving import move
from fiberq_aiohttp.cli.projects import project
from fiberq_aiohttp.cli.serve import serve, token
from fiberq_aiohttp.cli.upkeep import backup, doctor, restore

__all__ = ["fiberq", "main"]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=Frame, context_settings=CONTEXT)
@click.version_option(package_name="fiberq", prog_name="fiberq")
def fiberq() -> None:
    """FiberQ: field data of fibre networks, synchronised without loss."""


for command in (
    serve,
    token,
    project,
    import_,
    export,
    sync,
    inbox,
    undo,
    doctor,
    backup,
    restore,
    move,
    tokens,
    audit,
    storage,
):
    fiberq.add_command(command)


def main() -> None:
    """Run the program `fiberq`."""
    fiberq(prog_name="fiberq")
