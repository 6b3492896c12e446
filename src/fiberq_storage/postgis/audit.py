"""The audit: who did what to projects, members and tokens; and what happened in a project lately."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fiberq_core.inbox import Author
from fiberq_core.ports import AuditQuery, Event, Happening, Page
from fiberq_storage.paging import cursor_parts, cursor_text, light, page
from fiberq_storage.peoplerecords import EVENT, INSTANTS, event_of, happening_of
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.tables import INSTANT
from fiberq_storage.rowjson import plain_text
from fiberq_storage.sql import ident

ENDLESS = "9999-12-31T23:59:59.999Z"
SHOWN = "what IN ('member.set', 'member.removed', 'project.created', 'project.changed')"
MOMENT = "::text::timestamptz"
# When something happened in a project $1 before $2, as often as it did, at most $3 times.
MOMENTS = (
    f"(SELECT at FROM uploads WHERE project_id = $1 AND at < $2{MOMENT} ORDER BY at DESC LIMIT $3) UNION ALL"
    f" (SELECT at FROM audit WHERE project_id = $1 AND at < $2{MOMENT} AND {SHOWN} ORDER BY at DESC LIMIT $3)"
    " ORDER BY 1 DESC LIMIT $3"
)
# A receipt may hold characters that json functions refuse.
UPLOADS = (
    "SELECT 'sync.upload', at, author_sub, author_name, json_build_object('sync_id', sync_id, 'features',"
    """ substring(receipt::text FROM '"features_merged": ?([0-9]{1,9})')::integer)::text AS detail, 1 AS kind, id"""
    " FROM uploads"
)
# What happened in a project $1 from $2 on and before $3.
HAPPENINGS = (
    f"{UPLOADS} WHERE project_id = $1 AND at >= $2{MOMENT} AND at < $3{MOMENT} UNION ALL"
    " SELECT what, at, by_sub, by_name, detail::text, 2, id FROM audit"
    f" WHERE project_id = $1 AND at >= $2{MOMENT} AND at < $3{MOMENT} AND {SHOWN} ORDER BY at DESC, kind, id DESC"
)
SHOWN_FIELDS = f"what, to_char(at AT TIME ZONE 'UTC', '{INSTANT}'), sub, name, detail"
ALIASES = "(what, at, sub, name, detail, kind, id)"


def instants(fields: Iterable[str]) -> str:
    """*fields* of people, tokens and the audit as a select list, moments in their canonical form."""
    return ", ".join(
        f"to_char({ident(name)} AT TIME ZONE 'UTC', '{INSTANT}')" if name in INSTANTS else ident(name)
        for name in fields
    )


async def note(
    db: Connection, project_id: int | None, cause: tuple[Author, str], what: str, detail: Mapping[str, object]
) -> None:
    """Enter *what* the author of *cause* did at its moment; None: to no project."""
    by, at = cause
    sql = (
        "INSERT INTO audit (project_id, at, by_sub, by_name, what, detail)"
        f" VALUES ($1, $2{MOMENT}, $3, $4, $5, $6::text::json)"
    )
    await db.execute(sql, project_id, at, by.sub, by.name, what, plain_text(dict(detail)))


async def events(db: Connection, query: AuditQuery, limit: int, cursor: str | None) -> Page[Event]:
    """The entries that *query* seeks, newest first. Raises: Invalid."""
    made = list(_conditions(query, cursor))
    conditions = " AND ".join(text.format(f"${number}") for number, (text, _) in enumerate(made, 2))
    sql = f"SELECT {instants(EVENT)} FROM audit WHERE {conditions} ORDER BY -id LIMIT $1"
    records, limit = light(await db.fetch(sql, limit + 1, *(value for _, value in made)), limit)
    return page([event_of(record) for record in records], limit, lambda event: cursor_text(event.id))


def _conditions(query: AuditQuery, cursor: str | None) -> Iterator[tuple[str, Any]]:
    """What an entry must fulfil, each with its one parameter. Raises: Invalid."""
    yield "-id > -({}::bigint)", cursor_parts(cursor, [int])[0] if cursor else 2**63 - 1
    # of one project, entries are found by the project: not by the person, among those of all projects
    by_sub = "by_sub" if query.project is None else "(by_sub || '')"
    wanted: Mapping[str, Any] = {
        "project_id = {}": query.project,
        f"{by_sub} = {{}}": query.person,
        f"at >= {{}}{MOMENT}": query.since,
        f"at < {{}}{MOMENT}": query.until,
    }
    yield from ((condition, value) for condition, value in wanted.items() if value is not None)
    if query.what is not None:
        yield "what = {}" if not query.what.endswith(".") else "starts_with(what, {})", query.what


async def last_upload(db: Connection, project_id: int) -> Happening | None:
    """The latest upload to a project, with how many features it brought."""
    latest = f"{UPLOADS} WHERE project_id = $1 ORDER BY at DESC, id DESC LIMIT 1"
    found = await db.fetchrow(f"SELECT {SHOWN_FIELDS} FROM ({latest}) h {ALIASES}", project_id)
    return None if found is None else happening_of(found)


async def activity(db: Connection, project_id: int, before: str | None, limit: int) -> tuple[Sequence[Happening], bool]:
    """Uploads and what the audit says of a project from before a moment, newest first; whether there is more."""
    until = before or ENDLESS
    moments = await db.fetch(f"SELECT {instants(['at'])} FROM ({MOMENTS}) m", project_id, until, limit + 1)
    if not moments:
        return [], False
    since = moments[min(limit, len(moments)) - 1][0]
    found = await db.fetch(f"SELECT {SHOWN_FIELDS} FROM ({HAPPENINGS}) h {ALIASES}", project_id, since, until)
    more = await db.fetch(MOMENTS, project_id, since, 1)
    return [happening_of(record) for record in found], bool(more)
