"""What every command has in common: its group, and how errors are told to a person and to a script."""

import errno
import os
from collections.abc import Mapping
from typing import Any

import click

from fiberq_aiohttp.cli.exits import Exit, ending
from fiberq_aiohttp.cli.words import plain
from fiberq_core.errors import FiberqError

DEBUG = "FIBERQ_DEBUG"


class Ordered(click.Group):
    """A group that lists its commands in the order in which somebody meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        """The names of the commands."""
        return list(self.commands)


class Frame(Ordered):
    """The outermost group: whatever a command raises ends here as words on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except FiberqError as error:
            if os.environ.get(DEBUG):
                raise
            ctx.exit(_tell(error))
        except KeyboardInterrupt:
            click.echo("fiberq: stopped", err=True)
            ctx.exit(Exit.STOPPED)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if os.environ.get(DEBUG) or (isinstance(error, OSError) and error.errno == errno.EPIPE):
                raise
            ctx.exit(_tell_bug(error))


def _tell(error: FiberqError) -> Exit:
    code, advice = ending(type(error))
    click.echo(plain(f"fiberq: {error.title}: {error}"), err=True)
    for line in _faults(error.facts()):
        click.echo(plain(f"  {line}"), err=True)
    if advice:
        click.echo(advice, err=True)
    return code


def _faults(facts: Mapping[str, object]) -> list[str]:
    found = facts.get("errors")
    if not isinstance(found, list):
        return []
    return [f"{fault['path']}: {fault['message']}" for fault in found]


def _tell_bug(error: Exception) -> Exit:
    click.echo(plain(f"fiberq: Something broke here: {type(error).__name__}: {error}"), err=True)
    click.echo(f"This is a fault of FiberQ. {DEBUG}=1 before the command shows where; please report that.", err=True)
    return Exit.BUG
