"""A project that begins with a file."""

from collections.abc import Mapping

from fiberq_aiohttp.flows import projects, sync
from fiberq_aiohttp.flows.access import demand
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.policy import Action, Actor


async def into_new(ports: Ports, actor: Actor, name: str, path: str, digest: str) -> tuple[int, Mapping[str, object]]:
    """Create a project and fill it from the GeoPackage at *path* (sha256 *digest*); returns its number and the receipt.

    Where the file cannot be read no project is created. Raises: Forbidden, Invalid, BadPackage, StoreUnavailable.
    """
    demand(actor, Action.PROJECT_CREATE)
    await ports.packages.read(path, None, {})
    project = await projects.create(ports, actor, {"name": name})
    number = project["id"]
    assert isinstance(number, int)
    return number, await sync.upload(ports, actor, number, path, digest, adopt=True)
