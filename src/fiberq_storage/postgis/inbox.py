"""The inbox in the store. `opened` and `closed` are the revisions between which an item was open."""

from collections.abc import Collection, Sequence

from fiberq_core.errors import Fault, Invalid, NotFound
from fiberq_core.inbox import Item
from fiberq_core.ports import Page
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.rowjson import item_of, item_text

STATE = {None: "", "open": "AND closed IS NULL", "decided": "AND closed IS NOT NULL"}
MISSING = "There is no such item in the inbox of this project"


async def items(scope: Scope, state: str | None, limit: int, cursor: str | None) -> Page[Item]:
    """A page of inbox items, oldest first. Raises: Invalid."""
    if state not in STATE:
        raise Invalid("Items are open or decided", [Fault("state", "Say open, decided or nothing")])
    after = cursor_parts(cursor, [int])[0] if cursor else 0
    sql = f"SELECT id, item::text FROM inbox WHERE project_id = $1 AND id > $2 {STATE[state]} ORDER BY id LIMIT $3"
    found, limit = light(await scope.db.fetch(sql, scope.project.id, after, limit + 1), limit)
    numbered = page([(id_, item_of(text)) for id_, text in found], limit, lambda pair: cursor_text(pair[0]))
    return Page(tuple(item for _, item in numbered.items), numbered.next)


async def item(scope: Scope, item_id: str) -> Item:
    """One inbox item. Raises: NotFound."""
    sql = "SELECT item::text FROM inbox WHERE project_id = $1 AND item_id = $2"
    found = await scope.db.fetchval(sql, scope.project.id, item_id)
    if found is None:
        raise NotFound(MISSING)
    return item_of(found)


async def known_items(scope: Scope, item_ids: Collection[str]) -> frozenset[str]:
    """Those of *item_ids* that are in the inbox already."""
    sql = "SELECT item_id FROM inbox WHERE project_id = $1 AND item_id = ANY($2::text[])"
    return frozenset(record[0] for record in await scope.db.fetch(sql, scope.project.id, list(item_ids)))


async def add(scope: Scope, new: Sequence[Item], revision: int) -> None:
    """New items, open since *revision*; some were decided at once by the project's setting."""
    sql = (
        "INSERT INTO inbox (project_id, item_id, opened, closed, sync_id, item)"
        " VALUES ($1, $2, $3, $4, $5, $6::text::json)"
    )
    records = [(i.item_id, revision, None if i.open else revision, i.sync_id, item_text(i)) for i in new]
    if records:
        await scope.db.executemany(sql, [(scope.project.id, *record) for record in records])


async def decide(scope: Scope, decided: Sequence[Item], revision: int) -> None:
    """Items that a person has answered, perhaps not for the first time. Raises: NotFound."""
    sql = "UPDATE inbox SET item = $1::text::json, closed = coalesce(closed, $2) WHERE project_id = $3 AND item_id = $4"
    for answered in decided:
        done = await scope.db.execute(sql, item_text(answered), revision, scope.project.id, answered.item_id)
        if done != "UPDATE 1":
            raise NotFound(MISSING)


async def open_items(db: Connection) -> int:
    """How many items of all projects are open."""
    return int(await db.fetchval("SELECT count(*) FROM inbox WHERE closed IS NULL"))


async def digests_waiting(db: Connection) -> frozenset[str]:
    """The digests of uploads that an open item of any project refers to."""
    sql = "SELECT DISTINCT u.digest FROM inbox i JOIN uploads u ON u.sync_id = i.sync_id WHERE i.closed IS NULL"
    return frozenset(record[0] for record in await db.fetch(sql))
