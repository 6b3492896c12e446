"""The same thing drawn twice (S44): both stay, and a person is told."""

from collections.abc import Iterable, Mapping, Sequence

import shapely

from fiberq_core.changes import Change
from fiberq_core.geometry import distance_m
from fiberq_core.inbox import ItemKind
from fiberq_core.planning import Candidate, Held, World
from fiberq_core.registry import LAYER
from fiberq_core.rows import Row, Stored

WITHIN_M = 1.0
REACH_DEG = 5e-5  # more than a metre anywhere that people live, in either direction of WGS 84


def duplicates(candidates: Sequence[Candidate], world: World) -> list[Held]:
    """New rows that lie within a metre of one of the same type that came from elsewhere in the meantime."""
    held: list[Held] = []
    for layer, new in _new_by_layer(candidates).items():
        others = [s for s in world.appeared.get(layer, ()) if s.key not in world.own and s.row.geometry]
        held += [_flag(candidate, twin) for candidate, twin in _pairs(new, others)]
    return held


def _new_by_layer(candidates: Iterable[Candidate]) -> Mapping[str, list[Candidate]]:
    new: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        write, after = candidate.write, candidate.write.after
        if write.before is None and write.earlier is None and after is not None and after.geometry is not None:
            new.setdefault(candidate.key.layer, []).append(candidate)
    return new


def _pairs(new: Sequence[Candidate], others: Sequence[Stored]) -> Iterable[tuple[Candidate, Stored]]:
    if not others:
        return
    tree = shapely.STRtree(_shapes(s.row.geometry for s in others))
    shapes = _shapes(_wkb(c) for c in new)
    seen: set[int] = set()
    for mine, theirs in zip(*tree.query(shapes, predicate="dwithin", distance=REACH_DEG), strict=True):
        candidate, other = new[int(mine)], others[int(theirs)]
        if int(mine) not in seen and _same_thing(candidate, other):
            seen.add(int(mine))
            yield candidate, other


def _shapes(geometries: Iterable[bytes | None]) -> list[object]:
    """Shapes to compare; None for what no library can draw."""
    return list(shapely.from_wkb(list(geometries), on_invalid="ignore"))


def _wkb(candidate: Candidate) -> bytes:
    after = candidate.write.after
    return (after.geometry if after else None) or b""


def _same_thing(candidate: Candidate, other: Stored) -> bool:
    after, kind = candidate.write.after or Row(), LAYER[candidate.key.layer].kind_column
    same_kind = kind is None or after.get(kind) == other.row.get(kind)
    return same_kind and distance_m(_wkb(candidate), other.row.geometry or b"") <= WITHIN_M


def _flag(candidate: Candidate, twin: Stored) -> Held:
    change = Change(candidate.key, None, candidate.write.after)
    reason = f"perhaps the same thing was drawn twice: number {twin.id} in this layer is less than a metre away"
    return Held(ItemKind.DUPLICATE, (change,), reason, candidate.proposal)
