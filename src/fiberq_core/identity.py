"""Which row is which: a `fiberq_uuid` for every row that a file carries (S12, S13, S16, S52).

A fid means something only inside one copy of one file. A row without a uuid of its own gets one
that is derived from the copy, the table and the fid, so that a retry finds the same row again and
another copy's row is another row. In a file that no export of ours made, the row's own content
stands in for the copy, so that importing it again duplicates nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from uuid import UUID, uuid5

from attrs import frozen

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
    return hashlib.sha256(content if isinstance(content, bytes) else str(content).encode("utf-8", "replace")).hexdigest()


@frozen
class Naming:
    """What names are given by: the project, and the copy of the file (None: a file of unknown origin)."""

    project: str
    copy: str | None

    def new_uuid(self, source: str, sent: SentRow) -> str:
        """The uuid of a new row that brings none of its own."""
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
    taken: dict[str, str] = {}
    result: dict[str, tuple[Named, ...]] = {}
    for layer in layers:
        keepers = _keepers(layer)
        result[layer.source] = tuple(_name(layer, row, naming, located, keepers, taken) for row in layer.rows)
    return result


def _keepers(layer: SentLayer) -> Mapping[str, int | None]:
    """For each uuid that several rows carry, the fid of the row that keeps it.

    None where that is a row which came back unedited: all that are looked at here are copies.
    """
    looked_at = {row.fid for row in layer.rows}
    keepers: dict[str, int | None] = {}
    for uuid, fids in layer.duplicates.items():
        original = [fid for fid in fids if layer.delivered.get(fid) == uuid]
        unedited = [fid for fid in fids if fid not in looked_at]
        keepers[uuid] = original[0] if original else None if unedited else min(fids)
    return keepers


def _name(
    layer: SentLayer,
    sent: SentRow,
    naming: Naming,
    located: Mapping[str, str],
    keepers: Mapping[str, int | None],
    taken: dict[str, str],
) -> Named:
    own = _own_uuid(layer, sent, naming, located)
    usable = (
        own is not None
        and located.get(own, layer.layer) == layer.layer
        and keepers.get(own, sent.fid) == sent.fid
        and own not in taken
    )
    uuid = own if usable and own is not None else naming.new_uuid(layer.source, sent)
    taken[uuid] = layer.source
    return Named(Key(layer.layer, uuid), sent, rekeyed=None if usable else own)


def _own_uuid(layer: SentLayer, sent: SentRow, naming: Naming, located: Mapping[str, str]) -> str | None:
    """The uuid that a row says it has, or that its export gave it."""
    natural = LAYER[layer.layer].natural_key
    if natural is not None:
        return natural_uuid(naming.project, layer.layer, str(sent.row.get(natural)))
    delivered = layer.delivered.get(sent.fid)
    if delivered is not None and (sent.uuid is None or sent.uuid not in located):
        return delivered  # somebody blanked or retyped it: the server owns the column (S29)
    return sent.uuid
