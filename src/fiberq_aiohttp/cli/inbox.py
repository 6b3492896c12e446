"""`fiberq inbox`: what waits for a person, and what they decide."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from fiberq_aiohttp.cli import options
from fiberq_aiohttp.cli.frame import Ordered
from fiberq_aiohttp.cli.session import at_work
from fiberq_aiohttp.cli.words import say, say_json, short
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.inbox import Decision
from fiberq_core.policy import Actor

PAGE: Final = 200  # items that are asked for at a time
WIDE: Final = 300  # characters of a value that are shown

in_project = options.in_project("without it, the only one, or the one that has the item.")


@click.group(cls=Ordered)
def inbox() -> None:
    """The inbox: list, show and decide what waits for a person."""


@inbox.command("list")
@in_project
@click.option(
    "--state", type=click.Choice(["open", "decided", "all"]), default="open", show_default=True, help="Which items."
)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many items at the most.")
@options.acting
@options.data
@options.as_json
def listing(who: Actor, project: str | None, state: str, limit: int, data: Path | None, as_json: bool) -> None:
    """List what waits, oldest first."""
    found = at_work(data, lambda ports: _items(ports, who, project, None if state == "all" else state, limit))
    if as_json:
        say_json(found)
        return
    for item in found["items"]:
        say(
            "  ".join((item["item_id"], item["kind"], *_about(item), f"by {_name(item['author'])}", item["created_at"]))
        )
        say(f"    {item['reason']}")
    if found["next"] is not None:
        say("… and more; --limit shows more of them")
    if not found["items"]:
        say("Nothing waits." if state == "open" else "There is nothing.")


async def _items(ports: Ports, who: Actor, said: str | None, state: str | None, limit: int) -> dict[str, Any]:
    from fiberq_aiohttp.flows import finding, inbox

    number = await (finding.project_called(ports, who, said) if said else finding.only_project(ports, who))
    items: list[object] = []
    cursor: Any = None
    while True:
        page: Mapping[str, Any] = await inbox.items(ports, who, number, state, min(PAGE, limit - len(items)), cursor)
        items += page["items"]
        cursor = page["next"]
        if cursor is None or len(items) >= limit:
            return {"project_id": number, "items": items, "next": cursor}


@inbox.command("show")
@click.argument("item_id")
@in_project
@options.acting
@options.data
@options.as_json
def show(who: Actor, item_id: str, project: str | None, data: Path | None, as_json: bool) -> None:
    """Show an item: what was there, what was sent, what is there now, and what can be decided."""

    async def work(ports: Ports) -> Mapping[str, Any]:
        from fiberq_aiohttp.flows import inbox

        return await inbox.show(ports, who, await _project(ports, who, project, item_id), item_id)

    item = at_work(data, work)
    say_json(item) if as_json else _say_item(item)


@inbox.command("decide")
@click.argument("item_id")
@click.argument("decision", type=click.Choice([decision.value for decision in Decision]))
@click.option("--note", default="", metavar="TEXT", help="Why; kept with the decision.")
@in_project
@options.acting
@options.data
@options.as_json
def decide(
    who: Actor, item_id: str, decision: str, note: str, project: str | None, data: Path | None, as_json: bool
) -> None:
    """Decide an item; `show` says which decisions it can take."""

    async def work(ports: Ports) -> Mapping[str, Any]:
        from fiberq_aiohttp.flows import inbox

        number = await _project(ports, who, project, item_id)
        return await inbox.decide(ports, who, number, item_id, decision, note)

    item = at_work(data, work)
    say_json(item) if as_json else say(f"Decided: {item['decided']['decision']}.")


async def _project(ports: Ports, who: Actor, said: str | None, item_id: str) -> int:
    from fiberq_aiohttp.flows import finding

    if said is not None:
        return await finding.project_called(ports, who, said)
    return await finding.project_with(ports, who, item_id)


def _say_item(item: Mapping[str, Any]) -> None:
    say(f"{item['kind']}: {item['reason']}")
    say("  ".join(_about(item)))
    for side, what in (("base", "was"), ("device", "sent"), ("current", "is now")):
        say(f"{what:8}{'nothing' if item[side] is None else short(item[side], WIDE)}")
    say(f"{'by':8}{_name(item['author'])}, {item['created_at']}, sync {item['sync_id']}")
    if item["decided"]:
        done = item["decided"]
        say(f"{'decided':8}{done['decision']} by {_name(done['by'])}, {done['at']} {done['note']}".rstrip())
    if item["choices"]:
        say(f"{'choices':8}{', '.join(item['choices'])}  (`fiberq inbox decide {item['item_id']} CHOICE`)")


def _about(item: Mapping[str, Any]) -> list[str]:
    """Which rows and which field an item is about."""
    number = f"id {item['id']}" if item["id"] is not None else item["uuid"]
    rows = f"{item['rows']} rows" if item["rows"] > 1 else number
    return [str(part) for part in (item["layer"], rows, item["field"]) if part]


def _name(author: Mapping[str, Any]) -> str:
    return str(author["name"] or author["sub"])
