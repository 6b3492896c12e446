"""Which earlier upload a file descends from (S14, S50).

Two devices may hold copies of one export, and nothing in a file says which of them it is. Its rows
do: the export and every earlier upload of it are states that the file may have been made from, and
it was made from the one that is nearest, from which the fewest edits lead to it. Edits are not alike.
That somebody typed the same text again or drew the same point is no coincidence; that two people chose
the same word from a list may be one.

A file that shows nothing of what an upload brought was made by another copy, or its edits were undone
on this one; nobody can tell, so that is a question for a person and nothing changes. Only where the same person
sent it, it was written to since, and everything that the upload brought was edited again, it is taken for what
it looks like: somebody correcting their own entry.
"""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from fiberq_core.likeness import WHOLE, Edits, State, View, state_of
from fiberq_core.ports import EarlierUpload
from fiberq_core.rows import Key, Row, differing
from fiberq_core.sent import SentFile

Distance = tuple[int, int]  # edits that take more than coincidence, and others


@frozen
class Lineage:
    """Where a file comes from: *parent* is the upload it descends from, *unseen* those it shows nothing of.

    *forked*: another file has descended from *parent* already, so this one is a copy made since. *recognised* are
    the uuids of new rows that an earlier upload brought, whichever it was, by source table and fid.
    """

    parent: EarlierUpload | None
    unseen: tuple[EarlierUpload, ...] = ()
    forked: bool = False
    recognised: Mapping[tuple[str, int], str] = field(factory=dict)
    deltas: State = field(init=False)  # what the parent had sent where that differed from the export

    @deltas.default
    def _deltas(self) -> State:
        return state_of(self.parent)

    @property
    def named(self) -> Mapping[tuple[str, int], str]:
        """The uuids that rows of this file were given before, by source table and fid."""
        own = {(d.source, d.fid): d.key.uuid for d in self.deltas.values() if d.fid is not None}
        return {**self.recognised, **own}

    def copy(self, sync_id: str) -> str:
        """The name of the copy of the file; *sync_id* is the upload that brings it."""
        return self.parent.copy if self.parent is not None and not self.forked else sync_id


def trace(sent: SentFile, uploads: Sequence[EarlierUpload], delivered: Mapping[Key, Row], *, sender: str) -> Lineage:
    """Find what *sent*, which *sender* (a subject) sends, descends from among *uploads* (oldest first) of its export.

    *delivered* are the rows of the export that any of those uploads had changed.
    """
    family = _Family({u.sync_id: u for u in uploads}, delivered)
    view = View(sent, delivered, uploads)
    parent = _nearest(view, uploads, sent.writes) or _corrected(view, family, sent.writes, sender)
    unseen = tuple(
        tip
        for tip in family.tips()
        if (parent is None or parent.sync_id in family.ancestors(tip)) and family.between(parent, tip)
    )
    forked = parent is not None and any(u.parent == parent.sync_id for u in uploads)
    return Lineage(parent, unseen, forked, view.recognised())


def _nearest(view: View, uploads: Sequence[EarlierUpload], writes: int) -> EarlierUpload | None:
    """The latest of the nearest uploads, if the file shows something of it and is no nearer to the export.

    Where what it shows may be a coincidence, or the file was written to less often than the one that was
    uploaded (a copy, made while it was being edited), nothing that the upload brought may be missing.
    """
    export = view.edits_since({})
    nearest, least = None, _distance(export)
    for upload in uploads:
        edits = view.edits_since(state_of(upload))
        shown = export.keys() - edits.keys()
        younger = not 0 < writes < upload.writes
        proven = (younger and any(export[edit] for edit in shown)) or not _put_back(export, edits)
        if shown and proven and _distance(edits) <= least:
            nearest, least = upload, _distance(edits)
    return nearest


def _put_back(export: Edits, edits: Edits) -> bool:
    """Whether the file lacks something that the upload brought: it was undone, or another copy never had it."""
    return any((key, WHOLE) not in export for key, _ in edits.keys() - export.keys())


def _distance(edits: Edits) -> Distance:
    telling = sum(edits.values())
    return telling, len(edits) - telling


def _corrected(view: View, family: "_Family", writes: int, sender: str) -> EarlierUpload | None:
    """The latest upload of the same person whose every edit looks edited once more."""
    export, all_brought = view.edits_since({}), family.brought()
    for upload in reversed(family.uploads.values()):
        brought = all_brought[upload.sync_id]
        again = export.keys() & view.edits_since(state_of(upload)).keys()
        if brought and brought <= again and sender == upload.author.sub and 0 < upload.writes < writes:
            return upload
    return None


@frozen
class _Family:
    """The uploads of one export, oldest first."""

    uploads: dict[str, EarlierUpload]
    delivered: Mapping[Key, Row]

    def ancestors(self, upload: EarlierUpload | None) -> frozenset[str]:
        """The upload itself and all that it descends from."""
        found: set[str] = set()
        while upload is not None and upload.sync_id not in found:
            found.add(upload.sync_id)
            upload = self.uploads.get(upload.parent or "")
        return frozenset(found)

    def tips(self) -> Sequence[EarlierUpload]:
        """The last upload of each copy."""
        parents = {u.parent for u in self.uploads.values()}
        return [u for u in self.uploads.values() if u.sync_id not in parents]

    def brought(self) -> Mapping[str, frozenset[tuple[Key, str]]]:
        """By upload: the edits that it added to what its device had sent before; of one that added none, its parent's."""
        found: dict[str, frozenset[tuple[Key, str]]] = {}
        for upload in self.uploads.values():
            parent = upload.parent or ""
            added = self.between(self.uploads.get(parent), upload)
            found[upload.sync_id] = added or found.get(parent, frozenset())
        return found

    def between(self, one: EarlierUpload | None, other: EarlierUpload) -> frozenset[tuple[Key, str]]:
        """The edits that lead from one upload (None: from the export) to another."""
        before, after = state_of(one), state_of(other)
        found: set[tuple[Key, str]] = set()
        for key in before.keys() | after.keys():
            old, new = (s[key].row if key in s else self.delivered.get(key) for s in (before, after))
            if (old is None) != (new is None):
                found.add((key, WHOLE))
            elif old is not None and new is not None:
                found |= {(key, name) for name in differing(old, new)}
        return frozenset(found)
