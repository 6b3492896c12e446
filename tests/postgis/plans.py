"""What the database makes of every statement that the store sends: its plans, those of triggers and foreign keys too.

`auto_explain` reports each plan as the statement runs, with the rows that it really read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
from attrs import define, field, frozen

from fiberq_storage.postgis import PostgisStore, Settings
from fiberq_storage.postgis.connection import Connection, Database

REPORTING = (
    "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;"
    " SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off; SET auto_explain.log_format = json;"
    " SET auto_explain.log_level = notice"
)
SCANS = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Tid Scan", "Sample Scan")
Node = Mapping[str, Any]


@frozen
class Plan:
    """One statement that ran: in what course of work, its SQL, and the root of its plan."""

    course: str
    sql: str
    root: Node = field(repr=False)

    def nodes(self) -> Iterator[Node]:
        """Every node, from above."""
        yield from _nodes(self.root)


@frozen
class Read:
    """How a table is read: *condition* is what its index is asked, *passed_over* rows it found in vain."""

    how: str
    table: str
    index: str
    condition: str
    rows: int
    passed_over: int


@define(eq=False)
class Watched(Database):
    """A database whose plans are kept. *mode* is PostgreSQL's plan_cache_mode."""

    settings: Settings
    mode: str = "auto"
    course: str = ""
    plans: list[Plan] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        """Begin as any database does."""
        super().__init__(self.settings)

    async def acquire(self) -> Connection:
        """A connection that reports."""
        connection = await super().acquire()
        await connection.execute(f"{REPORTING}; SET plan_cache_mode = {self.mode}")
        connection.add_log_listener(self._reported)
        return connection

    async def release(self, connection: Connection) -> None:
        """Give it back."""
        if not connection.is_closed():
            connection.remove_log_listener(self._reported)
        await super().release(connection)

    def _reported(self, _: Connection, message: asyncpg.PostgresLogMessage) -> None:
        _, is_plan, text = str(message.message).partition("plan:\n")
        if is_plan and self.course:
            found = json.loads(text)
            self.plans.append(Plan(self.course, found["Query Text"], found["Plan"]))


async def watched_store(dsn: str, mode: str = "auto") -> tuple[PostgisStore, Watched]:
    """The store in a database that has its form, and what watches it."""
    database = Watched(Settings(dsn, smallest=1), mode)
    await database.open()
    return PostgisStore(database), database


def reads(plan: Plan) -> Iterator[Read]:
    """How *plan* reads tables, where it does. A table that is read by one index *or* another is named for each."""
    for node in plan.nodes():
        if node["Node Type"] == "Bitmap Heap Scan":
            yield from (_read(node, index, condition) for index, condition in _bitmap(node["Plans"][0]))
        elif node["Node Type"] in SCANS:
            yield _read(node, node.get("Index Name", ""), node.get("Index Cond", ""))


def _bitmap(node: Node) -> Sequence[tuple[str, str]]:
    """The indexes that make up a bitmap, and what they are asked: those of BitmapAnd together, of BitmapOr apart."""
    if node["Node Type"] == "Bitmap Index Scan":
        return [(node["Index Name"], node.get("Index Cond", ""))]
    below = [found for child in node["Plans"] for found in _bitmap(child)]
    if node["Node Type"] == "BitmapOr":
        return below
    indexes, conditions = zip(*below, strict=True)
    return [(" AND ".join(indexes), " AND ".join(conditions))]


def _read(scan: Node, index: str, condition: str) -> Read:
    loops = int(scan.get("Actual Loops", 1))
    passed_over = scan.get("Rows Removed by Filter", 0) + scan.get("Rows Removed by Index Recheck", 0)
    return Read(
        scan["Node Type"],
        scan["Relation Name"],
        index,
        condition,
        int(scan.get("Actual Rows", 0) * loops),
        int(passed_over * loops),
    )


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
