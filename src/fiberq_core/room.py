"""Whether there is room: trays in closures, splices in trays, ports of elements, fibres in cables.

Only what a write changes is looked at: a row that never fitted can be edited in everything else.
"""

from collections.abc import Iterator

from fiberq_core import fibre
from fiberq_core.fibre import limits
from fiberq_core.fibre.colours import MOST_FIBRES
from fiberq_core.inbox import ItemKind
from fiberq_core.objections import Objection
from fiberq_core.outlook import View, row_of
from fiberq_core.planning import Candidate, Draft, World
from fiberq_core.registry.shared import CABLES
from fiberq_core.rows import Key, Row

NAMED = 5  # children that a sentence names


def holders_in(draft: Draft) -> Iterator[tuple[str, Key | None]]:
    """What must be known to check whether there is room: uuids of holders, and rows whose own room shrinks."""
    for candidate in draft.candidates:
        after = candidate.write.after
        if after is None:
            continue
        place = fibre.place_of(candidate.key.layer, after)
        before = _place_before(candidate)
        if place is not None and place != before:
            yield from ((one.owner, None) for one in (place, before) if one is not None)
        if _shrinks(candidate):
            yield candidate.key.uuid, candidate.key


def crowded(draft: Draft, world: World) -> frozenset[Key]:
    """The rows whose splices must be counted: closures that take so many at most, and are to get more or take fewer.

    So must those of trays that come into such a closure.
    """
    written = {c.key: c.write.after for c in draft.candidates}
    rows = {**{key: stored.row for key, stored in world.rows.items()}, **written}
    found: set[Key] = set()
    for candidate in draft.candidates:
        key = candidate.key if _shrinks(candidate) else _closure_of(candidate, rows)
        row = rows.get(key) if key is not None else None
        if key is not None and key.layer == limits.CLOSURES and row is not None and limits.splices_of(row):
            found |= {key, candidate.key} if candidate.key.layer == fibre.TRAYS else {key}
    return frozenset(found)


def _closure_of(candidate: Candidate, rows: dict[Key, Row | None]) -> Key | None:
    """The closure into which a splice, or a tray, comes."""
    after, before, layer = candidate.write.after, row_of(candidate.write.before), candidate.key.layer
    column = {fibre.SPLICES: "tray_uuid", fibre.TRAYS: "closure_uuid"}.get(layer)
    if column is None or after is None or (before is not None and before.get(column) == after.get(column)):
        return None
    tray = after if layer == fibre.TRAYS else rows.get(Key(fibre.TRAYS, str(after.get(column))))
    closure = tray.get("closure_uuid") if tray is not None else None
    return Key(limits.CLOSURES, closure) if isinstance(closure, str) else None


def no_such_place(candidate: Candidate, view: View) -> Objection | None:
    """A tray, position or port beyond those that there are."""
    layer, after = candidate.key.layer, candidate.write.after
    place = fibre.place_of(layer, after) if after is not None else None
    if place is None or place == _place_before(candidate):
        return None
    holder = view.standing(place.owner, limits.CLOSURES, fibre.TRAYS, limits.ELEMENTS)
    if holder is None or limits.fits(holder[0].layer, holder[1], place.number):
        return None
    columns = frozenset(fibre.PLACES[layer][1:])
    return _beyond(place.what, place.number, holder, view, columns)


def no_such_fibre(candidate: Candidate, view: View) -> Objection | None:
    """A fibre that its cable does not have."""
    layer, after, before = candidate.key.layer, candidate.write.after, row_of(candidate.write.before)
    for cable_column, fibre_column, *_ in fibre.SIDES.get(layer, ()) if after is not None else ():
        cable, number = (after or Row()).get(cable_column), (after or Row()).get(fibre_column)
        same = before is not None and (cable, number) == (before.get(cable_column), before.get(fibre_column))
        if same or not isinstance(cable, str) or not isinstance(number, int):
            continue
        holder = view.standing(cable, *CABLES)
        if holder is not None and not limits.fits(holder[0].layer, holder[1], number):
            return _beyond("fibre", number, holder, view, frozenset({cable_column, fibre_column}))
    return None


def _beyond(what: str, number: int, holder: tuple[Key, Row], view: View, columns: frozenset[str]) -> Objection:
    key, row = holder
    before = view.before(key)
    shrank = before is not None and before != row and limits.fits(key.layer, before, number)
    because = frozenset({key}) if shrank else frozenset()
    reason = f"{view.words.title('', key.uuid)} {_offers(what, limits.room(key.layer, row), number)}"
    return Objection(ItemKind.REJECTED, reason, columns, because)


def _offers(what: str, most: int, number: int) -> str:
    if number < 1:
        return f"has no {what} {number}: they are counted from 1"
    things = limits.THINGS[what]
    has = f"has {most} {things}" if what in ("port", "fibre") else f"has room for {most} {things}"
    return f"{has if most else f'has {MOST_FIBRES} fibres at the most'}, so it has no {what} {number}"


def closure_full(candidate: Candidate, view: View) -> Objection | None:
    """A splice too many for its closure, or a tray that would bring too many."""
    after, layer = candidate.write.after, candidate.key.layer
    if layer not in (fibre.SPLICES, fibre.TRAYS) or after is None:
        return None
    closure = after.get("closure_uuid") if layer == fibre.TRAYS else view.closure(after)
    holder = view.standing(closure, limits.CLOSURES) if isinstance(closure, str) else None
    most = limits.splices_of(holder[1]) if holder else 0
    turns = view.splices_in(str(closure)) if most else {}
    if turns.get(candidate.key, 0) <= most:
        return None
    has = f"{view.words.title('', str(closure))} has room for {most} splices"
    if layer == fibre.SPLICES:
        return Objection(ItemKind.CLASH, f"{has}, and they are all there", frozenset({"tray_uuid"}))
    earlier = frozenset(by for by in turns if by and by.layer == fibre.TRAYS and turns[by] < turns[candidate.key])
    reason = f"{has}, and would have {turns[candidate.key]} with those of this tray"
    return Objection(ItemKind.CLASH, reason, fibre.claiming_columns(layer), earlier)


def still_used(candidate: Candidate, view: View) -> Objection | None:
    """Less room than is in use already."""
    before, after, layer = row_of(candidate.write.before), candidate.write.after, candidate.key.layer
    if before is None or after is None or not _shrinks(candidate):
        return None
    beyond = [
        (key, what, number)
        for key, what, number in _used(candidate.key, view)
        if limits.fits(layer, before, number) and not limits.fits(layer, after, number)
    ]
    columns = limits.ROOM_COLUMNS[layer]
    if beyond:
        named = ", ".join(dict.fromkeys(f"{what} {number}" for _, what, number in beyond[:NAMED]))
        reason = f"{view.words.name(candidate.key, after)} still has {named} in use"
        return Objection(ItemKind.CLASH, reason, columns, frozenset(key for key, _, _ in beyond))
    return _too_many(candidate, before, after, view)


def _too_many(candidate: Candidate, before: Row, after: Row, view: View) -> Objection | None:
    most, was = limits.splices_of(after), limits.splices_of(before)
    if candidate.key.layer != limits.CLOSURES or not most or (was and most >= was):
        return None
    there = max(view.splices_in(candidate.key.uuid).values(), default=0)
    if there <= most:
        return None
    reason = f"{view.words.name(candidate.key, after)} has {there} splices in it already"
    return Objection(ItemKind.CLASH, reason, frozenset({"max_splices"}))


def _used(holder: Key, view: View) -> Iterator[tuple[Key, str, int]]:
    """The numbers that are in use of what *holder* has: by whom, of what, which."""
    for key, row in view.referrers.get(holder.uuid, ()):
        place = fibre.place_of(key.layer, row)
        if place is not None and place.owner == holder.uuid:
            yield key, place.what, place.number
        for use in fibre.uses_of(key.layer, row):
            if use.cable == holder.uuid:
                yield key, "fibre", use.fibre


def _place_before(candidate: Candidate) -> fibre.Place | None:
    before = row_of(candidate.write.before)
    return fibre.place_of(candidate.key.layer, before) if before is not None else None


def _shrinks(candidate: Candidate) -> bool:
    before, after = row_of(candidate.write.before), candidate.write.after
    return before is not None and after is not None and limits.shrinks(candidate.key.layer, before, after)
