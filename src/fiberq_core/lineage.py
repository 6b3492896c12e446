"""Which earlier upload a file descends from (S14, S50).

Two devices may hold copies of one export. A file descends from an earlier upload if it still
shows something that this upload brought: then what the device sent last is its base. It also does if
the same person sent it, it was written to since, and everything that the upload brought was edited
again: somebody correcting their own entry. Otherwise an upload of which a file shows nothing was
made by another copy, or was undone on this one; nobody can tell, so that is a question for a person
and nothing changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from attrs import field, frozen

from fiberq_core.ports import EarlierUpload, SentDelta
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, differing
from fiberq_core.sent import SentFile, SentRow


@frozen
class Lineage:
    """Where a file comes from: *parent* is the upload it descends from, *unseen* those it shows nothing of."""

    parent: EarlierUpload | None
    unseen: tuple[EarlierUpload, ...] = ()

    @property
    def deltas(self) -> Mapping[Key, SentDelta]:
        """What the parent had sent where that differed from the export."""
        return {d.key: d for d in self.parent.deltas} if self.parent else {}


@frozen
class _Shown:
    """A file's rows, to be looked up the two ways by which a delta can name one."""

    by_fid: Mapping[tuple[str, int], SentRow]
    by_uuid: Mapping[tuple[str, str], SentRow]
    gone: frozenset[tuple[str, str]]
    sources: frozenset[str]

    @classmethod
    def of(cls, sent: SentFile) -> "_Shown":
        pairs = [(layer, row) for layer in sent.layers for row in layer.rows]
        return cls(
            {(layer.source, row.fid): row for layer, row in pairs},
            {(layer.source, row.uuid): row for layer, row in pairs if row.uuid},
            frozenset((layer.source, uuid) for layer in sent.layers for uuid in layer.gone),
            frozenset(layer.source for layer in sent.layers),
        )

    def row(self, delta: SentDelta) -> SentRow | None:
        at = self.by_fid.get((delta.source, delta.fid)) if delta.fid is not None else None
        return at or self.by_uuid.get((delta.source, delta.key.uuid))


@frozen
class _Family:
    """The uploads of one export, and what each of them brought."""

    uploads: Sequence[EarlierUpload]
    delivered: Mapping[Key, Row]
    _by_id: Mapping[str, EarlierUpload] = field(init=False)

    @_by_id.default
    def _index(self) -> Mapping[str, EarlierUpload]:
        return {u.sync_id: u for u in self.uploads}

    def ancestors(self, upload: EarlierUpload | None) -> frozenset[str]:
        """The upload itself and all that it descends from."""
        found: set[str] = set()
        while upload is not None and upload.sync_id not in found:
            found.add(upload.sync_id)
            upload = self._by_id.get(upload.parent or "")
        return frozenset(found)

    def brought(self, upload: EarlierUpload) -> Iterator[tuple[SentDelta, Row | None]]:
        """What *upload* changed, each with the row as it was before for that device."""
        parent = self._by_id.get(upload.parent or "")
        before = {d.key: d.row for d in parent.deltas} if parent else {}
        for delta in upload.deltas:
            was = before.get(delta.key, self.delivered.get(delta.key))
            if delta.row != was:
                yield delta, was

    def tips(self) -> Iterator[EarlierUpload]:
        """The last upload of each copy."""
        parents = {u.parent for u in self.uploads}
        return (u for u in self.uploads if u.sync_id not in parents)


def trace(sent: SentFile, uploads: Sequence[EarlierUpload], delivered: Mapping[Key, Row], *, sender: str) -> Lineage:
    """Find what *sent*, which *sender* (a subject) sends, descends from among *uploads* (oldest first) of its export.

    *delivered* are the rows of the export that any of those uploads had changed.
    """
    shown, family = _Shown.of(sent), _Family(uploads, delivered)
    evidence = [(u, _evidence(shown, family, u)) for u in reversed(uploads)]
    parent = next((u for u, seen in evidence if Sight.SENT in seen), None)
    if parent is None:
        parent = next((u for u, seen in evidence if seen == {Sight.OTHER} and _written_since(sent, u, sender)), None)
    known = family.ancestors(parent)
    unseen = tuple(
        tip
        for tip in family.tips()
        if tip.sync_id not in known
        and (parent is None or parent.sync_id in family.ancestors(tip))
        and any(True for _ in family.brought(tip))
    )
    return Lineage(parent, unseen)


class Sight(Enum):
    """How a file shows a field that an earlier upload brought."""

    SENT = "as it was sent"
    BACK = "as it was before"
    OTHER = "as something else"


def _written_since(sent: SentFile, upload: EarlierUpload, sender: str) -> bool:
    return sender == upload.author.sub and 0 < upload.writes < sent.writes


def _evidence(shown: _Shown, family: _Family, upload: EarlierUpload) -> set[Sight]:
    return {sight for delta, was in family.brought(upload) for sight in _sights(shown, delta, was)}


def _sights(shown: _Shown, delta: SentDelta, was: Row | None) -> set[Sight]:
    if delta.source not in shown.sources:
        return {Sight.BACK}
    if delta.row is None:
        return {Sight.SENT if (delta.source, delta.key.uuid) in shown.gone else Sight.BACK}
    now = shown.row(delta)
    if now is None:
        return {Sight.BACK}
    if was is None:
        return {Sight.SENT if _same_new_row(delta, now) else Sight.BACK}
    return {_sight(now.row.get(name), delta.row.get(name), was.get(name)) for name in differing(was, delta.row)}


def _sight(now: object, sent: object, was: object) -> Sight:
    return Sight.SENT if now == sent else Sight.BACK if now == was else Sight.OTHER


def _same_new_row(delta: SentDelta, now: SentRow) -> bool:
    """Whether a new row is the one that was sent before.

    Two copies both give their first new row the same fid, and both may say `Planned`: only the
    same uuid, the same place or, where there is none, the very same content is evidence.
    """
    if now.uuid is not None:
        return now.uuid == delta.key.uuid
    if delta.row is None:
        return False
    place = delta.row.get(GEOMETRY)
    return now.row.get(GEOMETRY) == place if place is not None else now.row == delta.row
