"""What a whole file makes us ask: layers that cannot be read, and earlier uploads that it shows nothing of."""

from collections.abc import Iterator, Mapping

from fiberq_core.changes import Change
from fiberq_core.inbox import ItemKind
from fiberq_core.lineage import Lineage
from fiberq_core.planning import Held
from fiberq_core.ports import EarlierUpload
from fiberq_core.rows import Key, Row
from fiberq_core.sent import SentFile


def refused_layers(sent: SentFile) -> tuple[Held, ...]:
    """Whole layers that cannot be read wait as one item each (S22, S46); the file itself is kept."""
    return tuple(
        Held(ItemKind.REJECTED, (), r.reason, layer=r.layer, raw={"table": r.source, "rows": r.rows})
        for r in sent.refused
    )


def copy_or_undone(
    upload: EarlierUpload, lineage: Lineage, delivered: Mapping[Key, Row], now: Mapping[Key, Row]
) -> Held | None:
    """Ask about an earlier upload of the same export of which a file shows nothing, as far as its edits still stand (S50).

    Taking this side takes those edits back, to what the file descends from. Asked once for each
    earlier upload. *delivered* are the rows as the export had them, *now* as they are.
    """
    changes = tuple(_taken_back(upload, lineage, delivered, now))
    if not changes:
        return None
    who = upload.author.name or upload.author.sub
    reason = (
        f"This file shows nothing of what {who} sent from the same export before. If it is another copy of the file, "
        "keep the server's side; if those edits were undone on purpose, take this one."
    )
    return Held(ItemKind.QUESTION, changes, reason, origin=upload.sync_id)


def _taken_back(
    upload: EarlierUpload, lineage: Lineage, delivered: Mapping[Key, Row], now: Mapping[Key, Row]
) -> Iterator[Change]:
    before, brought = lineage.deltas, {d.key: d.row for d in upload.deltas}
    for key in dict.fromkeys([*brought, *before]):
        was = before[key].row if key in before else delivered.get(key)
        row = brought.get(key, delivered.get(key))
        if was not in (row, now.get(key)):
            yield Change(key, row, was)
