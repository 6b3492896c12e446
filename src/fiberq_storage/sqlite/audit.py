"""The audit: who did what to projects, members and tokens; and what happened in a project lately."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apsw

from fiberq_core.inbox import Author
from fiberq_core.ports import AuditQuery, Event, Happening, Page
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.peoplerecords import EVENT, event_of, happening_of
from fiberq_storage.rowjson import plain_text
from fiberq_storage.sql import idents

ENDLESS = "~"  # a text after every moment
SHOWN = "what IN ('member.set', 'member.removed', 'project.created', 'project.changed')"
# When something happened in a project ?1 before ?2, as often as it did, at most ?3 times.
MOMENTS = (
    "SELECT * FROM (SELECT at FROM uploads WHERE project_id = ?1 AND at < ?2 ORDER BY at DESC LIMIT ?3) UNION ALL"
    f" SELECT * FROM (SELECT at FROM audit WHERE project_id = ?1 AND at < ?2 AND {SHOWN} ORDER BY at DESC LIMIT ?3)"
    " ORDER BY 1 DESC LIMIT ?3"
)
UPLOADS = (
    "SELECT 'sync.upload', at, author_sub, author_name, json_object('sync_id', sync_id, 'features',"
    " json_extract(receipt, '$.features_merged')), 1 AS kind, id FROM uploads"
)
# What happened in a project ?1 from ?2 on and before ?3.
HAPPENINGS = (
    f"{UPLOADS} WHERE project_id = ?1 AND at >= ?2 AND at < ?3 UNION ALL"
    " SELECT what, at, by_sub, by_name, detail, 2, id FROM audit"
    f" WHERE project_id = ?1 AND at >= ?2 AND at < ?3 AND {SHOWN} ORDER BY at DESC, kind, id DESC"
)


def note(
    db: apsw.Connection, project_id: int | None, cause: tuple[Author, str], what: str, detail: Mapping[str, object]
) -> None:
    """Enter *what* the author of *cause* did at its moment; None: to no project."""
    sql = "INSERT INTO audit (project_id, at, by_sub, by_name, what, detail) VALUES (?, ?, ?, ?, ?, ?)"
    by, at = cause
    db.execute(sql, (project_id, at, by.sub, by.name, what, plain_text(dict(detail))))


def events(db: apsw.Connection, query: AuditQuery, limit: int, cursor: str | None) -> Page[Event]:
    """The entries that *query* seeks, newest first. Raises: Invalid."""
    conditions, parameters = zip(*_conditions(query, cursor), strict=True)
    sql = f"SELECT {idents(EVENT)} FROM audit WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?"
    records, limit = light(db.execute(sql, (*parameters, limit + 1)), limit)
    return page([event_of(record) for record in records], limit, lambda event: cursor_text(event.id))


def _conditions(query: AuditQuery, cursor: str | None) -> Iterator[tuple[str, Any]]:
    """What an entry must fulfil, each with its one parameter. Raises: Invalid."""
    yield "id < ?", cursor_parts(cursor, [int])[0] if cursor else 2**63 - 1
    wanted: Mapping[str, Any] = {
        "project_id = ?": query.project,
        "by_sub = ?": query.person,
        "at >= ?": query.since,
        "at < ?": query.until,
    }
    yield from ((condition, value) for condition, value in wanted.items() if value is not None)
    if query.what is not None:
        whole = "what = ?" if not query.what.endswith(".") else "instr(what, ?) = 1"
        yield whole, query.what


def last_upload(db: apsw.Connection, project_id: int) -> Happening | None:
    """The latest upload to a project, with how many features it brought."""
    sql = f"{UPLOADS} WHERE project_id = ? ORDER BY at DESC, id DESC LIMIT 1"
    found = db.execute(sql, (project_id,)).fetchone()
    return None if found is None else happening_of(found[:5])


def activity(db: apsw.Connection, project_id: int, before: str | None, limit: int) -> tuple[Sequence[Happening], bool]:
    """Uploads and what the audit says of a project from before a moment, newest first; whether there is more."""
    until = before or ENDLESS
    moments: Any = db.execute(MOMENTS, (project_id, until, limit + 1)).fetchall()
    if not moments:
        return [], False
    since = moments[min(limit, len(moments)) - 1][0]
    found: Any = db.execute(HAPPENINGS, (project_id, since, until)).fetchall()
    more: Any = db.execute(MOMENTS, (project_id, since, 1)).fetchall()
    return [happening_of(record[:5]) for record in found], bool(more)
