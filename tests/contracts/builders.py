"""The smallest legal values for the contracts of the stores, and words for what tests do with them."""

import struct
from collections.abc import Iterable, Mapping
from uuid import UUID

from fiberq_core.changes import Source, Write
from fiberq_core.inbox import Author, Item, ItemKind
from fiberq_core.ports import Applied, Changeset, Project, Store
from fiberq_core.rows import Key, Row, Stored, Value

ANA, BOJAN = Author("ana", "Ana"), Author("bojan", "Bojan")
T0 = "2026-05-04T08:00:00.000Z"
OKNA, CLOSURES, CABLES, SLACKS, TRAYS, SPLICES = (
    "OKNA",
    "Splice_closures",
    "Kablovi_podzemni",
    "Opticke_rezerve",
    "fiber_splice_trays",
    "fiber_splices",
)


def uuid(number: int) -> str:
    """A uuid that is the same in every run."""
    return str(UUID(int=number, version=4))


def point(x: float, y: float) -> bytes:
    """A canonical point."""
    return b"\x01" + struct.pack("<I2d", 1, x, y)


def line(*numbers: float) -> bytes:
    """A canonical line of x, y, x, y and so on."""
    return b"\x01" + struct.pack(f"<2I{len(numbers)}d", 2, len(numbers) // 2, *numbers)


def at(second: int) -> str:
    """A moment."""
    return f"2026-05-04T08:00:{second:02}.000Z"


def key(number: int, layer: str = OKNA) -> Key:
    """The key of a numbered row."""
    return Key(layer, uuid(number))


def new(number: int, layer: str = OKNA, **values: Value) -> Write:
    """A row that was not there before."""
    return Write(key(number, layer), None, Row(values))


def edit(before: Stored, **values: Value | None) -> Write:
    """A row with other values."""
    return Write(before.key, before, before.row.with_values(values))


def gone(before: Stored) -> Write:
    """A row that is deleted."""
    return Write(before.key, before, None)


def an_item(name: str, layer: str | None = None, number: int | None = None) -> Item:
    """Something that waits."""
    return Item(
        name,
        ItemKind.REFUSED,
        layer,
        None if number is None else uuid(number),
        None,
        "Because",
        created_at=T0,
        author=ANA,
    )


async def a_project(store: Store, number: int = 900, name: str = "Selo") -> Project:
    """A new project."""
    return await store.create_project(name, "", uuid=uuid(number), by=ANA, at=T0, owner_role=None)


async def commit(
    store: Store,
    project: Project,
    writes: Iterable[Write] = (),
    *,
    by: Author = ANA,
    second: int = 1,
    items: Iterable[Item] = (),
    decided: Iterable[Item] = (),
    extra: Mapping[tuple[str, str], str] | None = None,
) -> Applied:
    """One transaction."""
    changeset = Changeset(
        by,
        at(second),
        Source.REST,
        writes=tuple(writes),
        new_items=tuple(items),
        decided_items=tuple(decided),
        extra_types=extra or {},
    )
    async with store.unit(project.id) as unit:
        return await unit.apply(changeset)


async def current(store: Store, project: Project, *keys: Key) -> list[Stored | None]:
    """The rows as they are now."""
    async with store.reading(project.id) as reader:
        found = await reader.rows(keys)
    return [found.get(wanted) for wanted in keys]
