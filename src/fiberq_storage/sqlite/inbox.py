"""The inbox in the store. `opened` and `closed` are the revisions between which an item was open."""

from collections.abc import Collection, Sequence

import apsw

from fiberq_core.errors import Fault, Invalid, NotFound
from fiberq_core.inbox import Item
from fiberq_core.ports import Page
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.rowjson import item_of, item_text
from fiberq_storage.sqlite.scope import Scope, array

STATE = {None: "", "open": "AND closed IS NULL", "decided": "AND closed IS NOT NULL"}


def items(scope: Scope, state: str | None, limit: int, cursor: str | None) -> Page[Item]:
    """A page of inbox items, oldest first. Raises: Invalid."""
    if state not in STATE:
        raise Invalid("Items are open or decided", [Fault("state", "Say open, decided or nothing")])
    after = cursor_parts(cursor, [int])[0] if cursor else 0
    sql = f"SELECT id, item FROM inbox WHERE project_id = ? AND id > ? {STATE[state]} ORDER BY id LIMIT ?"
    found, limit = light(scope.db.execute(sql, (scope.project.id, after, limit + 1)), limit)
    numbered = page([(id_, item_of(text)) for id_, text in found], limit, lambda pair: cursor_text(pair[0]))
    return Page(tuple(item for _, item in numbered.items), numbered.next)


def item(scope: Scope, item_id: str) -> Item:
    """One inbox item. Raises: NotFound."""
    sql = "SELECT item FROM inbox WHERE project_id = ? AND item_id = ?"
    found = scope.db.execute(sql, (scope.project.id, item_id)).fetchone()
    if found is None:
        raise NotFound("There is no such item in the inbox of this project")
    return item_of(str(found[0]))


def known_items(scope: Scope, item_ids: Collection[str]) -> frozenset[str]:
    """Those of *item_ids* that are in the inbox already."""
    sql = "SELECT i.item_id FROM json_each(?1) w CROSS JOIN inbox i ON i.project_id = ?2 AND i.item_id = w.value"
    return frozenset(str(item_id) for (item_id,) in scope.db.execute(sql, (array(item_ids), scope.project.id)))


def add(scope: Scope, new: Sequence[Item], revision: int) -> None:
    """New items, open since *revision*; some were decided at once by the project's setting."""
    sql = "INSERT INTO inbox (project_id, item_id, opened, closed, sync_id, item) VALUES (?, ?, ?, ?, ?, ?)"
    records = ((i.item_id, revision, None if i.open else revision, i.sync_id, item_text(i)) for i in new)
    scope.db.executemany(sql, ((scope.project.id, *record) for record in records))


def decide(scope: Scope, decided: Sequence[Item], revision: int) -> None:
    """Items that a person has answered, perhaps not for the first time. Raises: NotFound."""
    sql = "UPDATE inbox SET item = ?, closed = coalesce(closed, ?) WHERE project_id = ? AND item_id = ?"
    for answered in decided:
        scope.db.execute(sql, (item_text(answered), revision, scope.project.id, answered.item_id))
        if scope.db.changes() != 1:
            raise NotFound("There is no such item in the inbox of this project")


def open_items(db: apsw.Connection) -> int:
    """How many items of all projects are open."""
    found: int = db.execute("SELECT count(*) FROM inbox WHERE closed IS NULL").fetchone()[0]  # type: ignore[index]
    return found


def digests_waiting(db: apsw.Connection) -> frozenset[str]:
    """The digests of uploads that an open item of any project refers to."""
    sql = "SELECT DISTINCT u.digest FROM inbox i JOIN uploads u ON u.sync_id = i.sync_id WHERE i.closed IS NULL"
    return frozenset(str(digest) for (digest,) in db.execute(sql))
