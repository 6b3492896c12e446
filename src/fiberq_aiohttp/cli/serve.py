"""`fiberq serve` and `fiberq token`: the server, and the development sign-in without a browser."""

import asyncio
import os
import shlex
import sys
import time
from pathlib import Path

import click

from fiberq_aiohttp.cli import options
from fiberq_aiohttp.cli.session import local_settings
from fiberq_aiohttp.cli.words import say, say_json
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.settings import Settings, from_env
from fiberq_core.policy import Role
from fiberq_core.ports import Project


@click.command("serve")
@click.option("--dev", is_flag=True, help="Development: its own sign-in and a demo project, on this machine only.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="Port to listen on.")
@click.option("--log-json", is_flag=True, help="Log lines as JSON, for machines.")
@options.data
def serve(dev: bool, host: str, port: int, log_json: bool, data: Path | None) -> None:
    """Run the server until Ctrl+C or SIGTERM.

    Settings come from the environment, see the configuration page; --dev needs none.
    """
    from fiberq_aiohttp import serving

    settings = from_env(os.environ, dev=dev, host=host, port=port, data=data)
    shown: list[Project] = []

    async def prepare(ports: Ports) -> None:
        if settings.dev:
            shown.append(await _demo(ports))

    def ready() -> None:
        if settings.dev:
            _say_what_next(settings, shown[0])

    asyncio.run(serving.serve(settings, prepare, ready, log_json=log_json))


async def _demo(ports: Ports) -> Project:
    from fiberq_aiohttp import wiring
    from fiberq_aiohttp.devkeys import PEOPLE
    from fiberq_aiohttp.flows.demo import demo_project

    crew, engineer = (
        next(person.sub for person in PEOPLE if role in person.roles) for role in (Role.FIELD_WORKER, Role.ENGINEER)
    )
    return await demo_project(ports, lambda project: wiring.demo_village(project, crew=crew, engineer=engineer))


def _say_what_next(settings: Settings, project: Project) -> None:
    """Five lines that a person can follow, each command as it stands."""
    address, data = settings.provider.issuer, settings.data.resolve()
    ask = f"{_program()} token --dev --role engineer --data {shlex.quote(str(data))}"
    token = _token(data, address, Role.ENGINEER.value, None, None)
    file = "village.gpkg"
    say(f"FiberQ is at {address} with project {project.id}, {project.name}. Ctrl+C stops it.")
    say(f'Take it away:  curl -f -o {file} -H "Authorization: Bearer {token}" {address}/api/sync/download/{project.id}')
    say(
        f'Edit {file} in QGIS or QField and send it back:  curl -H "Authorization: Bearer $({ask})"'
        f' -F file=@{file} "{address}/api/sync/upload?project_id={project.id}"'
    )
    say(f"Get a token:  {ask}  (roles: {', '.join(role.value for role in Role)})")
    if settings.database:
        say(f"Rows lie in the database, files and the development sign-in in {data}")
    else:
        say(f"Everything lies in {data}")
    sys.stdout.flush()


def _program() -> str:
    """How this program was called, so that it can be called again."""
    called = Path(sys.argv[0])
    return shlex.quote(sys.argv[0]) if called.name == "fiberq" and called.exists() else "fiberq"


@click.command("token")
@click.option("--dev", is_flag=True, help="Has to be said: only the development sign-in gives tokens to whoever asks.")
@click.option("--role", required=True, type=options.ROLES, help="Role that the token grants.")
@click.option("--sub", metavar="SUB", help="Subject of the token.  [default: the role's first development person]")
@click.option("--name", metavar="NAME", help="Name of the person, for people.")
@options.data
@options.as_json
def token(dev: bool, role: str, sub: str | None, name: str | None, data: Path | None, as_json: bool) -> None:
    """Print a bearer token for the server that runs with --dev on the data folder."""
    from fiberq_aiohttp.devkeys import remembered_issuer

    if not dev:
        raise click.UsageError(
            "Tokens of a real identity provider come from signing in there; for development say --dev."
        )
    folder = local_settings(data).data
    made = _token(folder, remembered_issuer(folder), role, sub, name)
    say_json({"token": made, "role": role}) if as_json else click.echo(made)


def _token(folder: Path, issuer: str, role: str, sub: str | None, name: str | None) -> str:
    from fiberq_aiohttp.devkeys import PEOPLE, issue_dev_token

    by_sub = {person.sub: person.name for person in PEOPLE}
    known = sub or next(person.sub for person in PEOPLE if Role(role) in person.roles)
    return issue_dev_token(folder, issuer, role, known, name or by_sub.get(known, known), time.time())
