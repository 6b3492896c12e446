"""A receipt for a person: what became of the file, and what somebody still has to look at."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fiberq_aiohttp.cli.words import say, say_table, short

WRITTEN: Final = ("inserted", "updated", "deleted")
WAITING: Final = ("conflicts", "held", "rejected")
SHOWN: Final = 40  # rows of one receipt that are listed; --json has all


def say_receipt(receipt: Mapping[str, Any], *, project: int | None = None) -> None:
    """Print a receipt."""
    before, after = receipt["revision_before"], receipt["revision_after"]
    where = f"Project {project}, revision" if project is not None else "Revision"
    if receipt["dry_run"]:
        say("This is a rehearsal: nothing was changed.")
    say(f"{where} {before} → {after}" if after != before else f"{where} {after}, as before")
    say(f"  applied    {receipt['applied']}  ({_counts(receipt, (*WRITTEN, 'merged'))})")
    say(f"  waiting    {waiting(receipt)}  ({_counts(receipt, WAITING)})")
    say(f"  unchanged  {receipt['unchanged']}")
    _say_layers(receipt["layers"])
    _say_rows([item for item in receipt["items"] if item["outcome"] not in WRITTEN])
    for line in _remarks(receipt):
        say(line)
    if not receipt["dry_run"]:
        say(
            f"Sync {receipt['sync_id']}"
            + (f"; `fiberq undo {receipt['sync_id']}` takes it back" if after != before else "")
        )


def waiting(receipt: Mapping[str, Any]) -> int:
    """How many things of an upload wait in the inbox."""
    return sum(int(receipt[name]) for name in WAITING)


def _counts(counts: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{counts[name]} {name}" for name in names)


def _say_layers(layers: Mapping[str, Mapping[str, int]]) -> None:
    touched = {name: c for name, c in layers.items() if any(c[n] for n in (*WRITTEN, *WAITING))}
    if touched:
        say("")
        say_table(
            ("layer", *WRITTEN, *WAITING),
            ((name, *(counts[n] for n in (*WRITTEN, *WAITING))) for name, counts in touched.items()),
        )


def _say_rows(items: Sequence[Mapping[str, Any]]) -> None:
    if items:
        say("")
    for item in items[:SHOWN]:
        say("  ".join(_row(item)))
    if len(items) > SHOWN:
        say(f"… and {len(items) - SHOWN} more; --json lists them all")


def _row(item: Mapping[str, Any]) -> Iterator[str]:
    yield item["outcome"]
    yield item["layer"]
    if item["fid"] is not None:
        yield f"fid {item['fid']}"
    if item.get("field"):
        yield item["field"]
    if item.get("device_value") is not None or item.get("current_value") is not None:
        yield f"sent {short(item.get('device_value'), 30)}, here {short(item.get('current_value'), 30)}"
    if item.get("reason"):
        yield item["reason"]


def _remarks(receipt: Mapping[str, Any]) -> Iterator[str]:
    if receipt["base"] == "unknown":
        yield "The file says nothing of the export that it was made from: every difference counts, and nothing is deleted."
    if receipt["unknown_layers"]:
        yield f"Not layers of FiberQ, left alone: {', '.join(receipt['unknown_layers'])}"
    yield from receipt["notes"]
    if waiting(receipt) and not receipt["dry_run"]:
        yield "`fiberq inbox list` shows what waits for a decision."
