"""How much there is room for, in the database: what `fibre.limits` and `room` say, for those who write past the server.

Only what a statement changes is looked at, so that a row that never fitted can be edited in everything else.
`tests/postgis/test_rooms.py` holds the SQL and the core to the same answers.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from fiberq_core.fibre import PLACES, SIDES, SPLICES, TRAYS, limits
from fiberq_core.fibre.colours import MOST_FIBRES, USUAL_TUBE
from fiberq_core.fibre.splitters import TYPE
from fiberq_core.registry.shared import CABLES
from fiberq_core.words import noun
from fiberq_storage.postgis.tables import TABLES, Table
from fiberq_storage.sql import ident, literal

SPACE: Final = "[ \\t\\n\\r\\f\\v]*"
TRAY_TYPE: Final = f"^{SPACE}([0-9]{{1,3}}){SPACE}[Ff]{SPACE}$"
MODEL: Final = f"(?<![0-9])([0-9]{{1,3}}){SPACE}[xX×]{SPACE}([0-9]{{1,3}})(?![0-9])"
HINT: Final = literal("Choose one that there is, or say first that there is more room.")
CROWDED: Final = literal("Choose another closure, or say first that there is more room.")
IN_USE: Final = literal("Move or delete first what is there.")

# how many numbered things a row has room for, as `limits.ROOM` says; {0} is the row; 0 means that nobody knows
_ROOM: Mapping[str, str] = {
    limits.CLOSURES: "greatest(coalesce({0}.tray_count, 0), 0)",
    TRAYS: "CASE WHEN {0}.capacity > 0 THEN {0}.capacity"
    " ELSE coalesce((regexp_match({0}.tray_type, {1}))[1]::bigint, 0) END",
    limits.ELEMENTS: "CASE WHEN {0}.kapacitet > 0 THEN {0}.kapacitet"
    f" + CASE WHEN {{0}}.tip = {literal(TYPE)} THEN 1 ELSE 0 END ELSE 0 END",
    **dict.fromkeys(
        CABLES,
        "CASE WHEN {0}.total_fibers > 0 THEN {0}.total_fibers"
        f" WHEN {{0}}.broj_cevcica > 1 AND {{0}}.broj_vlakana BETWEEN 1 AND {USUAL_TUBE} THEN"
        " coalesce(nullif((SELECT m[1]::bigint * m[2]::bigint FROM regexp_match({0}.tip_kabla, {2}) m), 0), {0}.broj_vlakana)"
        " ELSE greatest(coalesce({0}.broj_vlakana, 0), 0) END",
    ),
}


def room_sql(layer: str, row: str) -> str:
    """How many numbered things the *row* of *layer* has room for; 0 where nobody knows."""
    return f"({_ROOM[layer].format(row, literal(TRAY_TYPE), literal(MODEL))})"


def beyond_sql(layer: str, row: str, number: str) -> str:
    """Whether the *row* of *layer* has no place with that *number*; not, where there is none."""
    most = f"coalesce(nullif({room_sql(layer, row)}, 0), {MOST_FIBRES})" if layer in CABLES else room_sql(layer, row)
    return f"({number} < 1 OR {most} BETWEEN 1 AND {number} - 1)"


def refusals(table: Table) -> Iterator[str]:
    """What a statement trigger of a table does after rows were added or changed: refuses what there is no room for."""
    layer = table.layer.name
    for what, owner, number in _numbered(layer):
        for holder in _holders(layer, owner):
            yield from _each(_refuse_beyond(what, owner, number, holder), owner, number)
    if layer in limits.ROOM:
        yield _when_changed("".join(_refuse_less(layer)))
    if layer == SPLICES:
        yield from _each(_refuse_full(_filled_by_splices()), "tray_uuid")
    if layer == TRAYS:
        yield from _each(_refuse_full(_filled_by_trays()), "closure_uuid")
    if layer == limits.CLOSURES:
        yield _when_changed(_refuse_full(FEWER))


def _numbered(layer: str) -> Iterator[tuple[str, str, str]]:
    """What rows of a layer take of others: of what, the column of the other row, the column of the number."""
    if layer in PLACES:
        yield PLACES[layer]
    yield from (("fibre", cable, fibre) for cable, fibre, *_ in SIDES.get(layer, ()))


def _holders(layer: str, owner: str) -> Iterator[str]:
    reference = TABLES[layer].layer.reference(owner)
    yield from (target for target in (reference.targets if reference else ()) if target in limits.ROOM)


def _each(statement: str, *columns: str) -> Iterator[str]:
    """*statement*, of rows `n` in {rows}, for those that were added, and those in which one of *columns* changed.

    `n.was` is what the first of *columns* said before.
    """
    changed = " OR ".join(f"n.{ident(column)} IS DISTINCT FROM o.{ident(column)}" for column in columns)
    added = "(SELECT *, NULL::uuid AS was FROM new_rows)"
    edited = f"(SELECT n.*, o.{ident(columns[0])} AS was FROM new_rows n JOIN old_rows o USING (id) WHERE {changed})"
    yield f"""
            IF TG_OP = 'INSERT' THEN{statement.replace("{rows}", added)}
            ELSE{statement.replace("{rows}", edited)}
            END IF;"""


def _when_changed(statements: str) -> str:
    return f"""
            IF TG_OP = 'UPDATE' THEN{statements}
            END IF;"""


def _refuse_beyond(what: str, owner: str, number: str, holder: str) -> str:
    number = f"n.{ident(number)}"
    most = f"nullif({room_sql(holder, 'h')}, 0)"
    if holder in CABLES:
        most = f"coalesce({most}, {MOST_FIBRES})"
    named = literal(f"The {noun(TABLES[holder].layer)} ")
    words = (
        f"{named} || h.fiberq_uuid || CASE WHEN {number} < 1 THEN {literal(f' has no {what} ')} || {number} ||"
        f" ': they are counted from 1' ELSE ' has room for ' || {most} ||"
        f" {literal(f' {limits.THINGS[what]}, so it has no {what} ')} || {number} END"
    )
    return f"""
                PERFORM refuse({words}, {HINT})
                    FROM {{rows}} n JOIN {TABLES[holder].name} h ON h.project_id = n.project_id AND h.fiberq_uuid = n.{ident(owner)}
                    WHERE {beyond_sql(holder, "h", number)} LIMIT 1;"""


def _refuse_less(holder: str) -> Iterator[str]:
    """Less room than is in use already."""
    changed = " OR ".join(f"n.{ident(c)} IS DISTINCT FROM o.{ident(c)}" for c in sorted(limits.ROOM_COLUMNS[holder]))
    taken = [(layer, *place) for layer in PLACES for place in _numbered(layer)]
    for layer, what, owner, column in taken:
        if holder not in _holders(layer, owner):
            continue
        number, named = f"r.{ident(column)}", literal(f"The {noun(TABLES[holder].layer)} ")
        words = f"{named} || n.fiberq_uuid || {literal(f' still has {what} ')} || {number} || ' in use'"
        yield f"""
                PERFORM refuse({words}, {IN_USE})
                    FROM new_rows n JOIN old_rows o USING (id)
                    JOIN {TABLES[layer].name} r ON r.project_id = n.project_id AND r.{ident(owner)} = n.fiberq_uuid
                    WHERE ({changed}) AND NOT {beyond_sql(holder, "o", number)} AND {beyond_sql(holder, "n", number)} LIMIT 1;"""


def _refuse_full(closures: str) -> str:
    """More splices than one of the *closures* takes: project_id and uuid."""
    words = "'The splice closure ' || c.fiberq_uuid || ' has room for ' || c.max_splices || ' splices'"
    return f"""
                PERFORM refuse({words}, {CROWDED})
                    FROM {TABLES[limits.CLOSURES].name} c WHERE (c.project_id, c.fiberq_uuid) IN ({closures})
                    AND c.max_splices > 0 AND c.max_splices < (
                        SELECT count(*) FROM {TABLES[TRAYS].name} t JOIN {TABLES[SPLICES].name} s
                        ON s.project_id = t.project_id AND s.tray_uuid = t.fiberq_uuid
                        WHERE t.project_id = c.project_id AND t.closure_uuid = c.fiberq_uuid) LIMIT 1;"""


def _filled_by_splices() -> str:
    """The closures into which splices came; not those in which they only went from tray to tray."""
    trays = TABLES[TRAYS].name
    return (
        f"SELECT n.project_id, i.closure_uuid FROM {{rows}} n"
        f" JOIN {trays} i ON i.project_id = n.project_id AND i.fiberq_uuid = n.tray_uuid"
        f" LEFT JOIN {trays} b ON b.project_id = n.project_id AND b.fiberq_uuid = n.was"
        " WHERE b.closure_uuid IS DISTINCT FROM i.closure_uuid"
    )


def _filled_by_trays() -> str:
    """The closures into which trays came with splices in them."""
    return (
        "SELECT n.project_id, n.closure_uuid FROM {rows} n"
        f" WHERE EXISTS (SELECT FROM {TABLES[SPLICES].name} s WHERE s.project_id = n.project_id AND s.tray_uuid = n.fiberq_uuid)"
    )


FEWER: Final = (
    "SELECT n.project_id, n.fiberq_uuid FROM new_rows n JOIN old_rows o USING (id)"
    " WHERE o.max_splices > n.max_splices OR coalesce(o.max_splices, 0) <= 0"
)
