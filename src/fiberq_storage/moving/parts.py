"""What a store is made of, as tables of records that mean the same in both stores.

Values of a record: int, str (text, JSON text, uuids and moments in their canonical form), float, bool,
bytes (a geometry as canonical WKB, see `fiberq_core.wkb`) and None.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Protocol, TypeAlias

from attrs import define, field, frozen

from fiberq_core.registry import DATA_LAYERS
from fiberq_core.registry.model import Kind, Layer
from fiberq_storage.columns import stored_columns

Record: TypeAlias = tuple[Any, ...]
Batch: TypeAlias = Sequence[Record]
Form: TypeAlias = Kind | None  # of a column; None: a geometry

GEOM = "geom"
ROWS = 1000  # of a batch
LARGE_ROWS = 20  # of a batch whose records may be a megabyte each
WRAP = 2**128

UNKNOWN = "This FiberQ does not know {}, which would be lost. Move with the version that does, or clear that first"


@frozen
class Part:
    """One table. *layer*: whose rows it has, if any; *past*: the versions that were replaced or deleted."""

    name: str  # unique; that of the table in PostGIS
    columns: Mapping[str, Form]
    layer: Layer | None = None
    past: bool = False
    batch: int = ROWS  # records that travel together


@frozen
class Numbers:
    """The highest numbers that were ever given: ids by table, fids by layer."""

    ids: Mapping[str, int]
    fids: Mapping[str, int]


class End(Protocol):
    """One of the two stores, in one transaction."""

    def read(self, part: Part) -> AsyncIterator[Batch]:
        """All records of a part, some at a time, in no order that matters."""
        ...

    async def write(self, part: Part, batch: Batch) -> None:
        """Add records. Raises: Invalid where this store cannot hold one."""
        ...

    async def numbers(self) -> Numbers:
        """What was given last."""
        ...

    async def complete(self, numbers: Numbers) -> None:
        """Make what follows from the records; from here on numbers continue after *numbers*. Raises: Invalid."""
        ...


@define
class Tally:
    """How many records there are, and a digest of them that does not depend on their order."""

    count: int = 0
    digest: int = field(default=0, repr=False)

    def add(self, batch: Batch) -> None:
        """Count these as well."""
        self.count += len(batch)
        for record in batch:
            text = repr(record).encode("utf-8", "surrogatepass")
            self.digest += int.from_bytes(blake2b(text, digest_size=16).digest())
        self.digest %= WRAP


INTEGER, TEXT, UUID, MOMENT = Kind.INTEGER, Kind.TEXT, Kind.UUID, Kind.DATETIME
REAL, BOOLEAN = Kind.REAL, Kind.BOOLEAN
JSON = TEXT  # whatever it says, it is moved as it stands
_NUMBERED = {"id": INTEGER, "project_id": INTEGER}

# Whatever a record refers to comes before it.
SYSTEM: tuple[Part, ...] = (
    Part(
        "projects",
        {
            "id": INTEGER,
            "uuid": UUID,
            "name": TEXT,
            "description": TEXT,
            "revision": INTEGER,
            "status": TEXT,
            "conflict_policy": TEXT,
            "created_at": MOMENT,
            "created_by_sub": TEXT,
        },
    ),
    Part("members", {"project_id": INTEGER, "sub": TEXT, "role": TEXT, "name": TEXT}),
    Part("audit", {**_NUMBERED, "at": MOMENT, "by_sub": TEXT, "by_name": TEXT, "what": TEXT, "detail": JSON}),
    Part(
        "revisions",
        {
            "project_id": INTEGER,
            "revision": INTEGER,
            "author_sub": TEXT,
            "author_name": TEXT,
            "at": MOMENT,
            "source": TEXT,
            "sync_id": TEXT,
        },
    ),
    Part("extra_columns", {"project_id": INTEGER, "layer": TEXT, "name": TEXT, "type": TEXT, "since": INTEGER}),
    Part(
        "inbox",
        {**_NUMBERED, "item_id": TEXT, "opened": INTEGER, "closed": INTEGER, "sync_id": TEXT, "item": JSON},
        batch=LARGE_ROWS,
    ),
    Part(
        "uploads",
        {
            **_NUMBERED,
            "sync_id": TEXT,
            "digest": TEXT,
            "export_id": TEXT,
            "copy": TEXT,
            "parent": TEXT,
            "author_sub": TEXT,
            "author_name": TEXT,
            "at": MOMENT,
            "revision": INTEGER,
            "writes": INTEGER,
            "receipt": JSON,
        },
        batch=LARGE_ROWS,
    ),
    Part(
        "upload_rows",  # in order; `number` counts the rows of an upload from 1
        {
            "project_id": INTEGER,
            "upload": INTEGER,
            "number": INTEGER,
            "layer": TEXT,
            "uuid": TEXT,
            "source": TEXT,
            "fid": INTEGER,
            "row": JSON,
        },
    ),
    Part(
        "exports",
        {**_NUMBERED, "export_id": TEXT, "revision": INTEGER, "by_sub": TEXT, "by_name": TEXT, "at": MOMENT},
    ),
    Part("answers", {"project_id": INTEGER, "key": TEXT, "answer": JSON}, batch=LARGE_ROWS),
    Part(
        "photo_files",
        {
            "project_id": INTEGER,
            "name": TEXT,
            "size": INTEGER,
            "width": INTEGER,
            "height": INTEGER,
            "orientation": INTEGER,
            "taken_at": MOMENT,
            "longitude": REAL,
            "latitude": REAL,
            "whole": BOOLEAN,
            "file_name": TEXT,
            "by_sub": TEXT,
            "by_name": TEXT,
            "at": MOMENT,
        },
    ),
    Part("photo_names", {"project_id": INTEGER, "path": TEXT, "name": TEXT, "by_sub": TEXT, "at": MOMENT}),
    Part(
        "people",
        {
            "sub": TEXT,
            "name": TEXT,
            "email": TEXT,
            "roles": TEXT,
            "first_sign_in": MOMENT,
            "last_sign_in": MOMENT,
        },
    ),
    Part(
        "tokens",
        {
            "id": TEXT,
            "digest": TEXT,
            "sub": TEXT,
            "label": TEXT,
            "reach": TEXT,
            "created_at": MOMENT,
            "expires_at": MOMENT,
            "last_used_at": MOMENT,
            "revoked_at": MOMENT,
        },
    ),
    Part("claims", {"project_id": INTEGER, "claim": TEXT, "layer": TEXT, "uuid": UUID}),
)
# Whether a store has something that is its own: all else belongs to a project, or is noted of people as they come.
TAKEN = "SELECT 1 FROM projects UNION ALL SELECT 1 FROM tokens UNION ALL SELECT 1 FROM audit LIMIT 1"
COUNTED = tuple(part.name for part in SYSTEM if part.columns.get("id") is INTEGER)  # whose ids count on


def _layer_parts() -> Iterator[Part]:
    for layer in DATA_LAYERS:
        head: dict[str, Form] = {"project_id": INTEGER, "id": INTEGER, "fid": INTEGER}
        head |= {"fiberq_rev": INTEGER, "fiberq_uuid": UUID, "extra": JSON}
        columns = head | ({GEOM: None} if layer.spatial else {}) | stored_columns(layer)
        yield Part(layer.table, columns, layer)
        yield Part(f"{layer.table}_history", {**columns, "until": INTEGER, "ended_by": TEXT}, layer, past=True)


PARTS: tuple[Part, ...] = (*SYSTEM, *_layer_parts())
OF_PROJECTS: tuple[Part, ...] = tuple(p for p in PARTS if p.name == "projects" or "project_id" in p.columns)
