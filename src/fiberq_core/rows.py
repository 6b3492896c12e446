"""A row as a value: what the merge compares, the store keeps and the files carry.

Values are canonical (see `Kind`) and never None: a column that is NULL is absent, so `==` means
"same data". Registered and unregistered columns stand side by side; whatever the registry does
not know is what S20 calls `extra`. The geometry, ISO WKB in little-endian byte order and
EPSG:4326, stands under `GEOMETRY`.
"""

from collections.abc import Mapping
from typing import Self

from attrs import field, frozen

from fiberq_core.registry.model import GEOMETRY

Value = str | int | float | bool | bytes
Values = Mapping[str, Value]


def present(values: Mapping[str, Value | None]) -> dict[str, Value]:
    """*values* without those that are NULL."""
    return {name: value for name, value in values.items() if value is not None}


@frozen
class Key:
    """Which row: the name of its layer and its `fiberq_uuid`."""

    layer: str
    uuid: str


@frozen
class Row:
    """One row's data."""

    values: Values = field(factory=dict)

    def get(self, name: str) -> Value | None:
        """The value of a column or of `GEOMETRY`; None where it is NULL."""
        return self.values.get(name)

    @property
    def geometry(self) -> bytes | None:
        """The geometry's WKB, if there is one."""
        value = self.values.get(GEOMETRY)
        return value if isinstance(value, bytes) else None

    def with_values(self, changes: Mapping[str, Value | None]) -> Self:
        """The same row with *changes* made; None clears."""
        return type(self)(present({**self.values, **changes}))


@frozen
class Stored:
    """A row as the store holds (or held) it.

    *id* is for people and old clients, *fid* its number in packages (both unique per project and
    layer, never used twice), *rev* the revision that wrote this version.
    """

    key: Key
    row: Row
    id: int
    fid: int
    rev: int


def differing(a: Row | None, b: Row | None) -> frozenset[str]:
    """The names of the fields in which two rows differ; a row that is not there has no values."""
    left: Values = a.values if a else {}
    right: Values = b.values if b else {}
    return frozenset([*(right.keys() - left.keys()), *(n for n, value in left.items() if right.get(n) != value)])
