"""The rows of a file that its local numbers (`muf_fid`, `cable_a_fid` …) may mean (S41)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from fiberq_core.registry.model import Reference
from fiberq_core.registry.names import layer_of_id, name_of_id, normalised
from fiberq_core.rows import Row
from fiberq_core.sent import LocalTarget, SentLayer
from fiberq_core.values import Canonical, canonical
from fiberq_storage.gpkg.connection import Untrusted
from fiberq_storage.gpkg.rows import IDENTITY, Plan
from fiberq_storage.sql import ident

_AT_ONCE = 400  # fids in one statement

Place = tuple[str, int]  # what a row calls the table (a layer id, or the name of a layer of ours), and the fid


def find_targets(file: Untrusted, plans: Sequence[Plan], layers: Iterable[SentLayer]) -> dict[Place, LocalTarget]:
    """Look up every row that the rows of *layers* point at by number."""
    wanted = _wanted(plans, layers)
    by_table: dict[str, set[int]] = defaultdict(set)
    for (_, fid), candidates in wanted.items():
        for candidate in candidates:
            by_table[candidate.table.name].add(fid)
    there = {p.table.name: _uuids(file, p, sorted(by_table[p.table.name])) for p in plans if p.table.name in by_table}
    found: dict[Place, LocalTarget] = {}
    for (place, fid), candidates in wanted.items():
        hits = [c for c in candidates if fid in there[c.table.name]]
        if len(hits) == 1:
            name = hits[0].table.name
            found[place, fid] = LocalTarget(hits[0].layer.name, name, fid, there[name][fid])
    return found


def _wanted(plans: Sequence[Plan], layers: Iterable[SentLayer]) -> Mapping[Place, Sequence[Plan]]:
    references = {p.table.name: p.layer.references for p in plans}
    wanted: dict[Place, Sequence[Plan]] = {}
    for layer in layers:
        for reference in references[layer.source]:
            for row in layer.rows:
                for place in _places(reference, row.row):
                    if place not in wanted:
                        wanted[place] = _tables(plans, place[0])
    return wanted


def _places(reference: Reference, row: Row) -> Iterator[Place]:
    fid = row.get(reference.local_fid or "")
    if not isinstance(fid, int) or fid <= 0:
        return
    named = row.get(reference.local_layer or "")
    for place in (str(named),) if named else reference.targets:
        yield place, fid


def _tables(plans: Sequence[Plan], place: str) -> Sequence[Plan]:
    """The tables that a place may mean: the one of that name, else those of that layer."""
    recognised = layer_of_id(place)
    if recognised is None:
        return ()
    same_layer = [p for p in plans if p.layer is recognised.layer]
    exact = [p for p in same_layer if normalised(p.table.name) == name_of_id(place)]
    return exact if len(exact) == 1 else same_layer


def _uuids(file: Untrusted, plan: Plan, fids: Sequence[int]) -> dict[int, str | None]:
    uuid = f"n.{ident(plan.uuid.name)}" if plan.uuid else "NULL"
    fid = f"n.{ident(plan.table.fid)}"
    found: dict[int, str | None] = {}
    for start in range(0, len(fids), _AT_ONCE):
        some = tuple(fids[start : start + _AT_ONCE])
        marks = ", ".join("?" * len(some))
        kind = f"CASE typeof({uuid}) WHEN 'text' THEN CAST({uuid} AS BLOB) END"
        for number, raw in file.rows(
            f"SELECT {fid}, {kind} FROM main.{ident(plan.table.name)} n WHERE {fid} IN ({marks})", some
        ):
            if isinstance(number, int):
                found[number] = _uuid(raw)
    return found


def _uuid(raw: object) -> str | None:
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else None
    fitted = canonical(IDENTITY, text)
    return fitted.value if isinstance(fitted, Canonical) and isinstance(fitted.value, str) else None
