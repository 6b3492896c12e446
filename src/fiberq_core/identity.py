"""Which row is which: a `fiberq_uuid` for every row that a file carries (S12, S13, S16, S52).

A fid means something only inside one copy of one file. A row without a uuid of its own gets one
that is derived from the copy, the table and the fid, so that a retry finds the same row again and
another copy's row is another row. In a file that no export of ours made, the row's own content
stands in for the copy, so that importing it again duplicates nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid5

from attrs import field, frozen

from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row
from fiberq_core.sent import SentLayer, SentRow

NAMESPACE = UUID("5f1b3c0a-6d0e-5c0b-9f3e-f1be79000001")


def derived(*parts: object) -> str:
    """A uuid that the same *parts* always give."""
    return str(uuid5(NAMESPACE, "\x1f".join(map(str, parts))))


def natural_uuid(project: str, layer: str, value: str) -> str:
    """The uuid of a row that is identified by a column of its own (`Layer.natural_key`)."""
    return derived("natural", project, layer, value)


def content_digest(row: Row) -> str:
    """What a row is known by in a file without origin: its place, or where it has none all it says."""
    content = row.values.get(GEOMETRY) or repr(sorted(row.values.items()))
    return hashlib.sha256(
        content if isinstance(content, bytes) else str(content).encode("utf-8", "replace")
    ).hexdigest()


@frozen
class Naming:
    """What names are given by: the project, and the copy of the file (None: a file of unknown origin).

    *known* are the names that rows of this copy got before, by source table and fid.
    """

    project: str
    copy: str | None
    known: Mapping[tuple[str, int], str] = field(factory=dict)

    def new_uuid(self, source: str, sent: SentRow) -> str:
        """The uuid of a new row that brings none of its own."""
        if (source, sent.fid) in self.known:
            return self.known[source, sent.fid]
        if self.copy is not None:
            return derived("copy", self.copy, source, sent.fid)
        return derived("content", self.project, source, sent.fid, content_digest(sent.row))


@frozen
class Named:
    """A row of a file and which row it is. *rekeyed* is the uuid it carried but could not keep."""

    key: Key
    sent: SentRow
    rekeyed: str | None = None


def name_rows(
    layers: Sequence[SentLayer], naming: Naming, located: Mapping[str, str]
) -> Mapping[str, tuple[Named, ...]]:
    """Say for every row, by source table, which row it is.

    *located* is the layer, by name, of each uuid that the project knows or knew.
    """
    taken: set[str] = set()
    result: dict[str, tuple[Named, ...]] = {}
    for layer in layers:
        claims = _Claims(layer, naming, located)
        result[layer.source] = tuple(_name(claims, row, taken) for row in layer.rows)
    return result


@frozen
class _Claims:
    """The rows of one table, and which uuid each may have."""

    layer: SentLayer
    naming: Naming
    located: Mapping[str, str]
    moved: frozenset[str] = field(init=False)
    keepers: Mapping[str, int | None] = field(init=False)

    @moved.default
    def _moved(self) -> frozenset[str]:
        """The uuids that are now at a fid which was another row's: the table was numbered anew."""
        return frozenset(
            row.uuid
            for row in self.layer.rows
            if row.uuid is not None and self.layer.delivered.get(row.fid, row.uuid) != row.uuid
        )

    @keepers.default
    def _keepers(self) -> Mapping[str, int | None]:
        """For each uuid that several rows could have, the fid of the row that keeps it.

        None where that is a row which came back unedited: all that are looked at here are copies.
        """
        looked_at = {row.fid for row in self.layer.rows}
        keepers: dict[str, int | None] = {}
        for uuid, fids in self.layer.duplicates.items():
            original = [fid for fid in fids if self.layer.delivered.get(fid) == uuid]
            unedited = [fid for fid in fids if fid not in looked_at]
            keepers[uuid] = original[0] if original else None if unedited else min(fids)
        retyped = {self.layer.delivered[r.fid]: r.fid for r in self.layer.rows if self._retyped(r)}
        return {**keepers, **retyped}

    def _retyped(self, sent: SentRow) -> bool:
        """Whether somebody blanked or overwrote the uuid that the export gave the row: the server owns it (S29)."""
        delivered = self.layer.delivered.get(sent.fid)
        unknown = sent.uuid is None or sent.uuid not in self.located
        return delivered is not None and delivered != sent.uuid and unknown and delivered not in self.moved

    def wanted(self, sent: SentRow) -> tuple[str, ...]:
        """The uuids that a row might have, first of all what it says itself."""
        natural = LAYER[self.layer.layer].natural_key
        if natural is not None:
            return (natural_uuid(self.naming.project, self.layer.layer, str(sent.row.get(natural))),)
        delivered = self.layer.delivered.get(sent.fid)
        said = None if self._retyped(sent) else sent.uuid
        return tuple(
            uuid for uuid in (said, delivered) if uuid is not None and (uuid == said or uuid not in self.moved)
        )

    def usable(self, uuid: str, fid: int) -> bool:
        """Whether the row with *fid* may have *uuid*: it is no other layer's, and no other row's of this one."""
        return self.located.get(uuid, self.layer.layer) == self.layer.layer and self.keepers.get(uuid, fid) == fid


def _name(claims: _Claims, sent: SentRow, taken: set[str]) -> Named:
    wanted = claims.wanted(sent)
    free = [uuid for uuid in wanted if uuid not in taken and claims.usable(uuid, sent.fid)]
    uuid = free[0] if free else claims.naming.new_uuid(claims.layer.source, sent)
    taken.add(uuid)
    return Named(Key(claims.layer.layer, uuid), sent, rekeyed=wanted[0] if wanted and uuid != wanted[0] else None)
