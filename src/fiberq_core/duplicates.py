"""The same thing drawn twice (S44): both stay, and a person is told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import shapely

from fiberq_core.changes import Change
from fiberq_core.geometry import alike
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
        after = candidate.write.after
        if candidate.write.before is None and after is not None and after.geometry is not None:
            new.setdefault(candidate.key.layer, []).append(candidate)
    return new


def _pairs(new: Sequence[Candidate], others: Sequence[Stored]) -> Iterator[tuple[Candidate, Stored]]:
    """Each new row with the nearest other of its type, by the middles of their boxes, where that is the same thing."""
    by_kind: dict[object, list[Stored]] = {}
    for other in others:
        by_kind.setdefault(_kind(other.key.layer, other.row), []).append(other)
    for kind, mine in _by_kind(new).items():
        theirs = by_kind.get(kind, [])
        if theirs:
            tree = shapely.STRtree(_middles(s.row.geometry for s in theirs))
            nearest = tree.query_nearest(_middles(map(_wkb, mine)), max_distance=REACH_DEG, all_matches=False)
            pairs = ((mine[int(a)], theirs[int(b)]) for a, b in zip(*nearest, strict=True))
            yield from (pair for pair in pairs if _same_thing(*pair))


def _by_kind(new: Iterable[Candidate]) -> Mapping[object, list[Candidate]]:
    kinds: dict[object, list[Candidate]] = {}
    for candidate in new:
        kinds.setdefault(_kind(candidate.key.layer, candidate.write.after or Row()), []).append(candidate)
    return kinds


def _kind(layer: str, row: Row) -> object:
    column = LAYER[layer].kind_column
    return row.get(column) if column else None


def _middles(geometries: Iterable[bytes | None]) -> list[object]:
    """The middle of each geometry's box: what is the same within a metre has it within a metre. None: cannot be drawn."""
    west, south, east, north = shapely.bounds(shapely.from_wkb(list(geometries), on_invalid="ignore")).T
    return list(shapely.points((west + east) / 2, (south + north) / 2))


def _wkb(candidate: Candidate) -> bytes:
    after = candidate.write.after
    return (after.geometry if after else None) or b""


def _same_thing(candidate: Candidate, other: Stored) -> bool:
    return alike(_wkb(candidate), other.row.geometry or b"", WITHIN_M)


def _flag(candidate: Candidate, twin: Stored) -> Held:
    change = Change(candidate.key, None, candidate.write.after)
    reason = f"perhaps the same thing was drawn twice: number {twin.id} in this layer is less than a metre away"
    return Held(ItemKind.DUPLICATE, (change,), reason, candidate.proposal)
