"""Options that many commands have, and what they become: a data folder, somebody who acts."""

import functools
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from fiberq_core.policy import Actor, Role

P = ParamSpec("P")
R = TypeVar("R")

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
ROLES = click.Choice([role.value for role in Role])

data = click.option(
    "--data", type=FOLDER, metavar="DIR", help="Data folder; without it FIBERQ_DATA, and without that ./data."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the HTTP interface answers it.")


def in_project(text: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """The option `--project`; *text* is its help."""
    return click.option("--project", metavar="PROJECT", help=f"Number or name of the project; {text}")


def acting(command: Callable[Concatenate[Actor, ...], R]) -> Callable[..., R]:
    """Give *command* who acts as its first argument, from `--as` and `--role`."""

    @click.option("--as", "acting_sub", metavar="SUB", help="Subject to act as.  [default: cli:<user of this machine>]")
    @click.option(
        "--role", "acting_role", type=ROLES, default=Role.ADMIN.value, show_default=True, help="Role to act in."
    )
    @functools.wraps(command)
    def with_actor(*args: Any, acting_sub: str | None, acting_role: str, **kwargs: Any) -> R:
        return command(actor(acting_sub, acting_role), *args, **kwargs)

    return with_actor


def actor(sub: str | None, role: str) -> Actor:
    """Who acts: the user of this machine, or whom they name."""
    user, name = _user()
    return Actor(sub or f"cli:{user}", frozenset({Role(role)}), sub or name)


def _user() -> tuple[str, str]:
    """Login and name of the user of this machine; a container's user may have neither."""
    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return str(os.getuid()), f"user {os.getuid()}"
    return entry.pw_name, entry.pw_gecos.partition(",")[0] or entry.pw_name
