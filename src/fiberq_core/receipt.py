"""The answer to an upload: row by row, what was done; counts are read from what the store did."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from attrs import frozen

from fiberq_core.changes import Op
from fiberq_core.geometry import flags
from fiberq_core.inbox import ItemKind
from fiberq_core.jsonvalues import typed_json, value_json
from fiberq_core.lineage import Lineage
from fiberq_core.planning import Candidate, Held, Outcome, Plan
from fiberq_core.ports import Applied
from fiberq_core.proposals import ISSUES
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Key, Row, Stored, differing
from fiberq_core.sent import SentFile
from fiberq_core.values import remarks

DONE = {Op.INSERT: "inserted", Op.UPDATE: "updated", Op.DELETE: "deleted"}
WAITING = {ItemKind.CONFLICT: "conflicts", ItemKind.REJECTED: "rejected"}  # all other kinds are `held`
COUNTS = ("inserted", "updated", "deleted", "applied", "merged", "unchanged", "conflicts", "held", "rejected")


@frozen
class Circumstances:
    """What an upload was: its name, its export, how its base was found, what its file held."""

    sync_id: str
    export_id: str | None
    base: str  # row, export, previous_upload, unknown
    revision_before: int
    sent: SentFile
    dry_run: bool = False


def base_word(sent: SentFile, lineage: Lineage) -> str:
    """How the base of a file's rows was found."""
    if lineage.parent is not None:
        return "previous_upload"
    if sent.provenance is not None:
        return "export"
    return "row" if any(row.rev is not None for layer in sent.layers for row in layer.rows) else "unknown"


def receipt(
    plan: Plan,
    applied: Applied,
    new_items: Collection[str],
    current: Mapping[Key, Stored],
    about: Circumstances,
    decisions: Sequence[Outcome] = (),
) -> dict[str, object]:
    """The receipt as JSON.

    *new_items* are the ids of the inbox items that were not there before, *decisions* what became
    of the answers to `sync_issues` that the file brought (S48).
    """
    totals = dict.fromkeys(COUNTS, 0)
    layers: dict[str, dict[str, int]] = {}
    for layer, count in _counted(plan, applied, new_items):
        for counts in (totals, layers.setdefault(layer, dict.fromkeys(COUNTS, 0))):
            counts[count] += 1
            counts["applied"] += count in DONE.values()
    _count_unchanged(plan, about.sent, totals, layers)
    return {
        "status": "ok",
        "sync_id": about.sync_id,
        "export_id": about.export_id,
        "base": about.base,
        "dry_run": about.dry_run,
        "revision_before": about.revision_before,
        "revision_after": applied.revision,
        **totals,
        "features_merged": totals["applied"],
        "layers": layers,
        "items": [*_lines(plan, applied, current), *(_note_line(d, {}) for d in decisions)],
        "unknown_layers": list(about.sent.unknown),
        "notes": list(about.sent.notes),
    }


def _counted(plan: Plan, applied: Applied, new_items: Collection[str]) -> Iterator[tuple[str, str]]:
    """Every count that goes up by one, with its layer."""
    for candidate in plan.candidates:
        if candidate.key in applied.rows:
            yield candidate.key.layer, DONE[candidate.write.op]
            if candidate.merged and candidate.write.op is Op.UPDATE:
                yield candidate.key.layer, "merged"
    seen: set[str] = set()
    for held in plan.held:
        item = held.item(plan.cause)
        if item.item_id in new_items and item.item_id not in seen:
            seen.add(item.item_id)
            yield item.layer or "", WAITING.get(held.kind, "held")


def _count_unchanged(plan: Plan, sent: SentFile, totals: dict[str, int], layers: dict[str, dict[str, int]]) -> None:
    touched = {(held.proposal.source, held.proposal.fid) for held in plan.held if held.proposal}
    touched |= {(c.proposal.source, c.proposal.fid) for c in plan.candidates}
    for layer in sent.layers:
        if layer.layer == ISSUES:
            continue
        count = layer.total - sum(1 for source, fid in touched if source == layer.source and fid is not None)
        totals["unchanged"] += max(count, 0)
        layers.setdefault(layer.layer, dict.fromkeys(COUNTS, 0))["unchanged"] += max(count, 0)


def _lines(plan: Plan, applied: Applied, current: Mapping[Key, Stored]) -> Iterator[dict[str, object]]:
    ids = {**{k: s.id for k, s in current.items()}, **{k: s.id for k, s in applied.rows.items()}}
    for candidate in plan.candidates:
        if candidate.key not in applied.rows:
            continue
        yield _line(candidate.key, ids, candidate.proposal.fid, DONE[candidate.write.op], reason=_rekeyed(candidate))
        yield from _flags(candidate, ids)
    for held in plan.held:
        yield _held_line(plan, held, ids, current)
    for note in plan.notes:
        yield _note_line(note, ids)


def _note_line(note: Outcome, ids: Mapping[Key, int]) -> dict[str, object]:
    return _line(
        Key(note.layer, note.uuid or ""), ids, note.fid, note.outcome,
        field=note.field, reason=note.reason, item_id=note.item_id,
        device_value=value_json(note.layer, note.field, note.device_value),
        current_value=value_json(note.layer, note.field, note.current_value),
    )  # fmt: skip


def _line(key: Key, ids: Mapping[Key, int], fid: int | None, outcome: str, **more: object) -> dict[str, object]:
    line = {"layer": key.layer, "uuid": key.uuid or None, "fid": fid, "id": ids.get(key), "outcome": outcome}
    return line | {name: value for name, value in more.items() if value is not None}


def _rekeyed(candidate: Candidate) -> str | None:
    old = candidate.proposal.rekeyed
    return f"it carried the uuid of another row ({old}) and got one of its own" if old else None


def _held_line(plan: Plan, held: Held, ids: Mapping[Key, int], current: Mapping[Key, Stored]) -> dict[str, object]:
    item = held.item(plan.cause)
    key = Key(item.layer or "", item.uuid or "")
    outcome = {ItemKind.CONFLICT: "conflict", ItemKind.HELD_DELETE: "held", ItemKind.HELD_DELETES: "held"}
    device = typed_json(held.raw) if held.raw is not None else _sent_value(held, item.layer, item.field)
    now = current[key].row.get(item.field) if item.field and key in current else None
    return _line(
        key, ids, held.proposal.fid if held.proposal else None, outcome.get(held.kind, held.kind.value),
        field=item.field, reason=held.reason, item_id=item.item_id, device_value=device,
        current_value=value_json(key.layer, item.field, now),
    )  # fmt: skip


def _sent_value(held: Held, layer: str | None, name: str | None) -> object:
    sent = held.changes[0].sent if len(held.changes) == 1 else None
    return value_json(layer or "", name, sent.get(name)) if sent is not None and name else None


def _flags(candidate: Candidate, ids: Mapping[Key, int]) -> Iterator[dict[str, object]]:
    """What was accepted as it is, and may be worth a look (S21, S24)."""
    after = candidate.write.after
    if after is None:
        return
    before = candidate.write.before.row if candidate.write.before else Row()
    for name in sorted(differing(before, after)):
        for reason in _remarks(candidate.key.layer, name, after):
            yield _line(candidate.key, ids, candidate.proposal.fid, "flagged", field=name, reason=reason)


def _remarks(layer: str, name: str, row: Row) -> Iterable[str]:
    if name == GEOMETRY:
        return flags(row.geometry) if row.geometry is not None else ()
    column = LAYER[layer].column(name)
    return remarks(column, row.get(name)) if column is not None else ()
