"""One row of a file, read against a row that the device may have received.

References are resolved inside the file, what the file does not have (or has wrongly) is as it was,
and a value that differs only by rounding is the one that it came from.
"""

from collections.abc import Mapping

from attrs import field, frozen

from fiberq_core.geometry import EMPTY, same_place
from fiberq_core.references import FileTargets, Seen, resolve
from fiberq_core.registry import LAYER
from fiberq_core.registry.model import GEOMETRY
from fiberq_core.rows import Row, Value, differing
from fiberq_core.sent import BadValue, SentLayer, SentRow

WHOLE_SECONDS = 19  # characters of a date-time without its fraction


@frozen
class Surroundings:
    """What it takes to resolve references: the rows of the file, and the numbers that rows have (or had) in it, by uuid."""

    targets: FileTargets
    fids: Mapping[str, int] = field(factory=dict)


def read_row(
    layer: SentLayer, sent: SentRow, base: Row | None, origin: Row | None, around: Surroundings
) -> tuple[Row, tuple[BadValue, ...]]:
    """What the device made of *base* (None: it made a new row), and what of it does not fit.

    *origin* is the row that the file was made with; *base* differs from it where the device has sent the row before.
    """
    seen = Seen(origin, base, around.fids)
    resolved, unresolved = resolve(LAYER[layer.layer], layer.columns, sent.row, seen, around.targets)
    bad = sent.bad + unresolved
    if base is None:
        return resolved, bad
    if base.geometry is None:  # QGIS's *save as* writes an empty geometry where there is none
        bad = tuple(b for b in bad if (b.field, b.reason) != (GEOMETRY, EMPTY))
    row = untouched(layer, resolved, base, frozenset(b.field for b in bad))
    return snapped(layer, sent, row, base), bad


def untouched(layer: SentLayer, row: Row, base: Row, bad: frozenset[str] = frozenset()) -> Row:
    """*row*, where what the file does not have, or has wrongly, is as it was (S19, S21)."""
    kept: dict[str, Value | None] = {
        name: base.get(name) for name in base.values.keys() | bad if name not in layer.columns or name in bad
    }
    return row.with_values(kept) if kept else row


def as_delivered(layer: SentLayer, was: Row, base: Row) -> Row:
    """A row that the file has as the export delivered it (*was*); what the file does not have is as in *base* (S19)."""
    return untouched(layer, Row({n: v for n, v in was.values.items() if n in layer.columns}), base)


def snapped(layer: SentLayer, sent: SentRow, row: Row, like: Row) -> Row:
    """*row*, where what differs from *like* only by rounding is like it (S22, timestamps without fraction)."""
    same: dict[str, Value | None] = {}
    for name in differing(row, like):
        ours, theirs = row.get(name), like.get(name)
        if name in sent.seconds and isinstance(ours, str) and isinstance(theirs, str):
            same |= {name: theirs} if ours[:WHOLE_SECONDS] == theirs[:WHOLE_SECONDS] else {}
        elif name == GEOMETRY and layer.reprojected and isinstance(ours, bytes) and isinstance(theirs, bytes):
            same |= {name: theirs} if same_place(ours, theirs) else {}
    return row.with_values(same) if same else row
