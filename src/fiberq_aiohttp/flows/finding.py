"""Which project somebody means who has no address in front of them: by number, by name, by the file in hand."""

from contextlib import suppress

from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.projects import listed
from fiberq_core.errors import Conflict, Fault, Invalid, NotFound
from fiberq_core.policy import Actor


async def project_called(ports: Ports, actor: Actor, said: str) -> int:
    """The project whose number or name is *said*; archived ones too. Raises: NotFound, Conflict (several)."""
    if said.isascii() and said.isdigit() and len(said) < 19:
        return int(said)
    found = [p["id"] for p in await listed(ports, actor, archived=True) if said == p["name"]]
    if len(found) > 1:
        raise Conflict(f"Several projects have this name; say which by number: {', '.join(map(str, found))}")
    if not found:
        raise NotFound("There is no project with this name, or you are not a member of it")
    return _number(found[0])


async def only_project(ports: Ports, actor: Actor) -> int:
    """The one project that *actor* can see. Raises: NotFound (none), Invalid (several)."""
    seen = await listed(ports, actor)
    if not seen:
        raise NotFound("There is no project here yet, or you are a member of none")
    if len(seen) > 1:
        named = ", ".join(f"{p['id']} ({p['name']})" for p in seen)
        raise Invalid("There are several projects; say which", [Fault("--project", f"one of {named}")])
    return _number(seen[0]["id"])


async def project_of(ports: Ports, actor: Actor, path: str) -> int:
    """The project that the GeoPackage at *path* was exported from. Raises: BadPackage, Invalid (no origin), NotFound."""
    said = await ports.packages.provenance(path)
    if said is None:
        raise Invalid(
            "The file does not say which project it comes from", [Fault("--project", "say which one it is for")]
        )
    for project in await listed(ports, actor, archived=True):
        if project["uuid"] == said.project:
            return _number(project["id"])
    raise NotFound("The file comes from a project that is not in this data folder, or of which you are no member")


async def project_with(ports: Ports, actor: Actor, item_id: str) -> int:
    """The project whose inbox has this item. Raises: NotFound."""
    for project in await listed(ports, actor, archived=True):
        number = _number(project["id"])
        async with ports.store.reading(number) as reader:
            with suppress(NotFound):
                await reader.item(item_id)
                return number
    raise NotFound("There is no such item in the inbox of any project here")


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
