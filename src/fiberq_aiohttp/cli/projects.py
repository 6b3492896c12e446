"""`fiberq project`: what projects there are, and who belongs to them."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from fiberq_aiohttp.cli import options
from fiberq_aiohttp.cli.frame import Ordered
from fiberq_aiohttp.cli.session import at_work
from fiberq_aiohttp.cli.words import say, say_json, say_table
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.policy import Actor

SHOWN = ("id", "name", "status", "revision", "conflict_policy", "description", "created_at", "created_by_sub", "uuid")


@click.group(cls=Ordered)
def project() -> None:
    """Projects: create, list, show, archive, purge, members."""


@project.command("create")
@click.argument("name")
@click.option("--description", default="", metavar="TEXT", help="What the project is about.")
@options.acting
@options.data
@options.as_json
def create(who: Actor, name: str, description: str, data: Path | None, as_json: bool) -> None:
    """Create a project called NAME; makes the data folder where there is none."""

    async def work(ports: Ports) -> Mapping[str, object]:
        from fiberq_aiohttp.flows import projects

        return await projects.create(ports, who, {"name": name, "description": description})

    made = at_work(data, work, create=True)
    say_json(made) if as_json else say(f"Project {made['id']} {made['name']} is there.")


@project.command("list")
@click.option("--archived", is_flag=True, help="Archived projects too.")
@options.acting
@options.data
@options.as_json
def listing(who: Actor, archived: bool, data: Path | None, as_json: bool) -> None:
    """List the projects."""

    async def work(ports: Ports) -> Sequence[Mapping[str, object]]:
        from fiberq_aiohttp.flows import projects

        return await projects.listed(ports, who, archived=archived)

    found = at_work(data, work)
    if as_json:
        say_json(found)
    elif found:
        say_table(
            ("id", "name", "status", "revision"), ([p["id"], p["name"], p["status"], p["revision"]] for p in found)
        )
    else:
        say('There is no project yet. `fiberq project create "My village"` makes one.')


@project.command("show")
@click.argument("project", metavar="PROJECT")
@options.acting
@options.data
@options.as_json
def show(who: Actor, project: str, data: Path | None, as_json: bool) -> None:
    """Show a project, its members and how many features each layer has."""
    found = at_work(data, lambda ports: _everything(ports, who, project))
    if as_json:
        say_json(found)
        return
    for name in SHOWN:
        say(f"{name}: {found[name]}")
    if found["bbox"]:
        say("bbox: " + ", ".join(f"{degrees:.6f}" for degrees in found["bbox"]))
    for member in found["members"]:
        say(f"member: {member['sub']} as {member['role']} {member['name']}".rstrip())
    say("")
    say_table(("layer", "features"), found["counts"].items())


async def _everything(ports: Ports, who: Actor, said: str) -> dict[str, Any]:
    from fiberq_aiohttp.flows import finding, projects, reading

    number = await finding.project_called(ports, who, said)
    shown = await projects.show(ports, who, number)
    layers: Any = (await reading.layers(ports, who, number))["layers"]
    return {**shown, "counts": {layer["name"]: layer["count"] for layer in layers}}


@project.command("archive")
@click.argument("project", metavar="PROJECT")
@options.acting
@options.data
def archive(who: Actor, project: str, data: Path | None) -> None:
    """Make a project read-only and take it off the lists; nothing is deleted."""

    async def work(ports: Ports) -> int:
        from fiberq_aiohttp.flows import finding, projects

        number = await finding.project_called(ports, who, project)
        await projects.archive(ports, who, number)
        return number

    say(f"Project {at_work(data, work)} is archived: read-only, and off the lists.")


@project.command("purge")
@click.argument("project", metavar="PROJECT")
@click.option("--confirm", metavar="NAME", help="The project's name; without it the command asks for it.")
@options.acting
@options.data
def purge(who: Actor, project: str, confirm: str | None, data: Path | None) -> None:
    """Remove an archived project for good, after a backup in the folder purged of the data folder."""
    name = confirm or click.prompt("This removes the project for good. Its name, to confirm")
    gone = at_work(data, lambda ports: _purge(ports, who, project, name))
    files = ", ".join(f"{count} {kind}" for kind, count in gone["files"].items())
    say(f"Project {name} is gone. Its backup, with {files}, is purged/{gone['backup']}; `fiberq restore` takes it.")


async def _purge(ports: Ports, who: Actor, said: str, name: str) -> dict[str, Any]:
    """Ask twice, as over HTTP, with a secret that lasts as long as the command."""
    from fiberq_aiohttp.flows import finding, holdings

    number = await finding.project_called(ports, who, said)
    secret, moment = ports.random_bytes(32), time.time()
    code = (await holdings.purge(ports, who, number, {}, secret, moment))["code"]
    return await holdings.purge(ports, who, number, {"code": code, "name": name}, secret, moment)


@project.command("add-member")
@click.argument("project", metavar="PROJECT")
@click.argument("sub")
@click.argument("role_in_project", metavar="ROLE", type=options.ROLES)
@click.option("--name", default="", metavar="TEXT", help="Name, for people.")
@options.acting
@options.data
def add_member(who: Actor, project: str, sub: str, role_in_project: str, name: str, data: Path | None) -> None:
    """Make SUB (a sign-in's subject, or * for everyone) a member in a role, or change their role."""

    async def work(ports: Ports) -> None:
        from fiberq_aiohttp.flows import finding, members

        number = await finding.project_called(ports, who, project)
        await members.add_member(ports, who, number, {"sub": sub, "role": role_in_project, "name": name})

    at_work(data, work)
    say(f"{sub} is {role_in_project} in project {project}.")


@project.command("remove-member")
@click.argument("project", metavar="PROJECT")
@click.argument("sub")
@options.acting
@options.data
def remove_member(who: Actor, project: str, sub: str, data: Path | None) -> None:
    """Take SUB out of a project."""

    async def work(ports: Ports) -> None:
        from fiberq_aiohttp.flows import finding, members

        number = await finding.project_called(ports, who, project)
        await members.remove_member(ports, who, number, sub)

    at_work(data, work)
    say(f"{sub} is no member of project {project} any more.")
