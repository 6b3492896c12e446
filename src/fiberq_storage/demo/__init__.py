"""The demo project: a village between Serbia and Bulgaria that is getting fibre.

The west is underground and built, the east hangs on poles and is being finished, the north is
planned. Everything hangs together as in a real network: every fibre can be traced from the head
end to a house. The same seed always gives the same village.
"""

import random

from fiberq_core.changes import Change
from fiberq_core.identity import natural_uuid
from fiberq_core.registry.special import METADATA
from fiberq_core.rows import Key
from fiberq_storage.demo.cables import cables
from fiberq_storage.demo.ground import Sheet, grid
from fiberq_storage.demo.splicing import splicing
from fiberq_storage.demo.streets import streets
from fiberq_storage.demo.work import SETTINGS, People, work

__all__ = ["village"]


def village(
    seed: int, *, project: str | None = None, crew: str = "demo-crew", engineer: str = "demo-engineer"
) -> tuple[Change, ...]:
    """Some 300 new rows over every layer.

    *project* is the uuid of the project that they are for: the plugin's settings are known by it,
    and left out without it. *crew* and *engineer* are the subjects whose work the orders are.
    """
    rng = random.Random(seed)  # noqa: S311 (a village, not a secret)
    sheet = Sheet(str(seed), rng, grid(rng), {})
    houses = streets(sheet)
    plant = cables(sheet, houses)
    splicing(sheet, plant)
    work(sheet, plant, People(crew, engineer))
    changes = [Change(key, None, row) for key, row in sheet.rows.items()]
    if project is not None:
        name = METADATA.name
        settings = (
            (Key(name, natural_uuid(project, name, str(row.get(METADATA.natural_key or "")))), row) for row in SETTINGS
        )
        changes += [Change(key, None, row) for key, row in settings]
    return tuple(changes)
