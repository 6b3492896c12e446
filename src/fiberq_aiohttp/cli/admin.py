"""`fiberq tokens`, `fiberq audit`, `fiberq storage`: what an administrator looks after."""

from pathlib import Path

import click

from fiberq_aiohttp.cli import options
from fiberq_aiohttp.cli.frame import Ordered
from fiberq_aiohttp.cli.session import at_work
from fiberq_aiohttp.cli.words import say, say_json, say_table, short
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.policy import Actor, Reach
from fiberq_core.ports import AuditQuery, Page
from fiberq_core.tokens import MOST_DAYS, USUAL_DAYS

KINDS = ("rows", "history", "photos", "uploads", "packages")
MOST = 1000  # entries of a list at a time

most = click.option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True, help="At most so many.")


@click.group(cls=Ordered)
def tokens() -> None:
    """Access tokens of people: make, list, revoke."""


@tokens.command("make")
@click.argument("sub")
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([reach.value for reach in Reach]),
    default=Reach.SYNC.value,
    show_default=True,
    help="What the token is good for.",
)
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS),
    default=USUAL_DAYS,
    show_default=True,
    help="Days after which it expires.",
)
@options.acting
@options.data
@options.as_json
def make(who: Actor, sub: str, name: str, scope: str, days: int, data: Path | None, as_json: bool) -> None:
    """Make a token, for what NAME says, of SUB, who has signed in before. It is shown this once."""

    async def work(ports: Ports) -> dict[str, object]:
        from fiberq_aiohttp.flows import tokens as flow

        return await flow.make_for(ports, who, sub, {"name": name, "scope": scope, "days": days})

    made = at_work(data, work)
    say_json(made) if as_json else click.echo(made["token"])


@tokens.command("list")
@click.option("--user", metavar="SUB", help="Only those of this person.")
@most
@options.acting
@options.data
@options.as_json
def listing(who: Actor, user: str | None, limit: int, data: Path | None, as_json: bool) -> None:
    """List access tokens, newest first. The tokens themselves are kept nowhere."""

    async def work(ports: Ports) -> Page[dict[str, object]]:
        from fiberq_aiohttp.flows import tokens as flow

        return await flow.listed(ports, who, user, limit, None, everybodys=user is None)

    found = at_work(data, work).items
    head = ("id", "user_sub", "name", "scope", "expires_at", "last_used_at", "revoked_at")
    say_json(found) if as_json else say_table(head, ([token[key] for key in head] for token in found))


@tokens.command("revoke")
@click.argument("token_id", metavar="ID")
@options.acting
@options.data
def revoke(who: Actor, token_id: str, data: Path | None) -> None:
    """End the token with this ID (see `fiberq tokens list`). Every server knows within seconds."""

    async def work(ports: Ports) -> None:
        from fiberq_aiohttp.flows import tokens as flow

        await flow.revoke(ports, who, token_id)

    at_work(data, work)
    say(f"The access token {token_id} is revoked.")


@click.command("audit")
@click.option("--project", "project_id", type=click.IntRange(1), help="Only of the project with this number.")
@click.option("--person", metavar="SUB", help="Only what this person did.")
@click.option("--what", metavar="WHAT", help="Only this, as member.set; all of member. with a dot at the end.")
@most
@options.acting
@options.data
@options.as_json
def audit(
    who: Actor,
    project_id: int | None,
    person: str | None,
    what: str | None,
    limit: int,
    data: Path | None,
    as_json: bool,
) -> None:
    """Show who did what to projects, members and access tokens, newest first."""

    async def work(ports: Ports) -> Page[dict[str, object]]:
        from fiberq_aiohttp.flows import auditing

        return await auditing.everything(ports, who, AuditQuery(project_id, person, what), limit, None)

    found = at_work(data, work).items
    if as_json:
        say_json(found)
        return
    lines = ((e["at"], e["project_id"], _name(e["by"]), e["what"], short(e["detail"])) for e in found)
    say_table(("at", "project", "by", "what", "detail"), lines)


def _name(by: object) -> object:
    return (by["name"] or by["sub"]) if isinstance(by, dict) else by


@click.command("storage")
@options.acting
@options.data
@options.as_json
def storage(who: Actor, data: Path | None, as_json: bool) -> None:
    """Show how many bytes each project takes; looks at everything, so that it may take a while."""

    async def work(ports: Ports) -> dict[str, object]:
        from fiberq_aiohttp.flows import holdings

        return await holdings.usage(ports, who)

    found = at_work(data, work)
    if as_json:
        say_json(found)
        return
    projects = found["projects"]
    assert isinstance(projects, list)
    lines = ([p["project_id"], p["name"], *(p[kind]["bytes"] for kind in KINDS), p["bytes"]] for p in projects)
    say_table(("id", "name", *KINDS, "bytes"), lines)
