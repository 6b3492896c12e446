"""Which element or cable is meant by (layer, number), as old clients name things; and which patch is at a port.

A number alone says little: it may be the row's number in a package or the one that it has on the server, and
every project has its own. So whatever it can mean is looked for, among what the caller may see; where that is
several things, they are told apart by the caller and not by chance.
"""

from collections.abc import Sequence

from attrs import frozen

from fiberq_aiohttp.flows.access import reader_in
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_aiohttp.flows.numbers import visible
from fiberq_core.errors import Conflict, NotFound
from fiberq_core.fibre.limits import ELEMENTS
from fiberq_core.fibre.places import PATCHES
from fiberq_core.policy import Actor
from fiberq_core.ports import Sought
from fiberq_core.registry import UUID
from fiberq_core.registry.names import layer_of_id
from fiberq_core.rows import Key, Stored

FEW = 50  # rows that a number may mean; more are as many as too many
MANY = 1000  # ports of an element
NO_PORT = "There is nothing at this port, or you are not a member of its project"

Placed = tuple[int, Stored]  # a row with its project


@frozen
class PortAsked:
    """A port as a client names it: of the element with this *uuid*, or with this number in its *layer* (or any)."""

    port: int
    uuid: str | None = None
    fid: int | None = None
    layer: str = ""
    project: int | None = None


async def patch_at(ports: Ports, actor: Actor, asked: PortAsked) -> tuple[int, str]:
    """Project and uuid of the patch at a port. Raises: NotFound, Conflict (several are meant)."""
    patches = [placed for placed in await patches_of(ports, actor, asked) if port_is(placed[1], asked.port)]
    if not patches:
        raise NotFound(NO_PORT)
    if len(patches) > 1:
        named = "; ".join(f"project {project}: element {s.row.get('element_uuid')!s}" for project, s in patches)
        raise Conflict(f"Several ports are meant; name the element by element_uuid, or the project. {named}")
    [(project, patch)] = patches
    return project, patch.key.uuid


def port_is(patch: Stored, port: int) -> bool:
    """Whether a patch is about this port."""
    return patch.row.get("port_number") == port


async def patches_of(ports: Ports, actor: Actor, asked: PortAsked) -> Sequence[Placed]:
    """The patches of the element that is meant, or of all that may be. Raises: NotFound (project)."""
    projects = await projects_of(ports, actor, asked.project)
    elements = await elements_meant(ports, projects, asked)
    uuids = tuple(stored.key.uuid for _, stored in elements)
    found: list[Placed] = []
    if uuids:
        here = tuple({project for project, _ in elements})
        found += await _sought(ports, here, PATCHES, {"element_uuid": uuids}, MANY)
    elif asked.fid is not None:
        raw = await _sought(ports, projects, PATCHES, {"element_fid": (asked.fid,)}, MANY)
        found += [(p, s) for p, s in raw if not asked.layer or s.row.get("element_layer_id") == asked.layer]
    return found


async def elements_meant(ports: Ports, projects: tuple[int, ...], asked: PortAsked) -> Sequence[Placed]:
    """The elements that a client can mean."""
    if asked.uuid is not None:
        return await _sought(ports, projects, ELEMENTS, {UUID: (asked.uuid,)}, FEW)
    if asked.fid is None:
        return ()
    named = layer_of_id(asked.layer) if asked.layer else None
    if asked.layer and (named is None or named.layer.name != ELEMENTS):
        return ()
    found = await rows_meant(ports, projects, ELEMENTS, asked.fid)
    fixed = named.fixed if named else {}
    return [(p, s) for p, s in found if all(s.row.get(name) == value for name, value in fixed.items())]


async def rows_meant(ports: Ports, projects: tuple[int, ...], layer: str, number: int) -> list[Placed]:
    """The rows of *layer* that a number can mean: in a package, or on the server."""
    found = {s.key: (p, s) for p, s in await _sought(ports, projects, layer, {"fid": (number,)}, FEW)}
    numbered = await _numbered(ports, layer, number)
    if numbered is not None and numbered[0] in projects and numbered[1] not in found:
        project, key = numbered
        async with ports.store.reading(project) as reader:
            found |= {key: (project, stored) for key, stored in (await reader.rows([key])).items()}
    return list(found.values())


async def _numbered(ports: Ports, layer: str, number: int) -> tuple[int, Key] | None:
    try:
        return await ports.store.numbered(layer, number)
    except NotFound:
        return None


async def projects_of(ports: Ports, actor: Actor, project: int | None) -> tuple[int, ...]:
    """The projects in which to look: that one, or all that *actor* can see. Raises: NotFound, Forbidden."""
    if project is None:
        return await visible(ports, actor)
    return ((await reader_in(ports, actor, project))[0].id,)


async def _sought(
    ports: Ports, projects: tuple[int, ...], layer: str, any_of: dict[str, tuple[str | int, ...]], most: int
) -> Sequence[Placed]:
    wanted = Sought(layer, projects, any_of, newest_first=False)
    return (await ports.store.sought(wanted, most, None)).items
