"""Adoption: the original server's tables become ours, in the transaction of the first migration.

Rows keep their ids. What is derived (uuids, fids) depends on nothing but the original's data, so that a
second attempt on the same database gives the same. Everything is written as the server writes: through
the triggers, under each project's first revision.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from fiberq_core.identity import derived
from fiberq_core.inbox import Author, Item
from fiberq_core.planning import Cause
from fiberq_core.policy import EVERYONE, Actor, Role
from fiberq_core.ports import STATUSES
from fiberq_core.registry.names import normalised
from fiberq_storage.postgis import inbox, projects, unfit
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.original import MEMBERS, ORIGINS, PROJECTS, archive
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.staging import Stage, identify, inherit_project, refer, stage
from fiberq_storage.postgis.tables import INSTANT
from fiberq_storage.postgis.unfit import Waiting
from fiberq_storage.rowjson import plain_text
from fiberq_storage.sql import ident

ADOPTED = Author("adopted", "Original FiberQ server")
NOBODYS = "Rows without a project"
# statuses of later revisions, and those that their requirements name
SAID: Mapping[str, str] = {
    **{name: name for name in STATUSES},
    "design": "planning",
    "construction": "in_progress",
    "as_built": "completed",
}
# an observer could only look, which is no role here: somebody has to decide what becomes of them
ROLES: Mapping[str, Role] = {"manager": Role.ENGINEER, "specialist": Role.FIELD_WORKER}


async def adopt(db: Connection, schema: str) -> None:
    """Fill our tables from the original's, which `original.set_aside` has put aside. Raises: StoreMismatch."""
    await db.execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL extra_float_digits = 1; SET LOCAL fiberq.server = 'on'"
    )
    at = await db.fetchval(f"SELECT to_char(now() AT TIME ZONE 'UTC', '{INSTANT}')")
    await _adopt_projects(db, schema, at)
    await _adopt_members(db, schema, at)
    waiting: list[Waiting] = []
    for origin in ORIGINS:
        made = await stage(db, schema, origin)
        waiting += await _adopt_rows(db, made, at)
        await _go_on_counting(db, schema, made)
    await db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for project, items in _by_project(waiting, at).items():
        await inbox.add(Scope(db, await projects.get(db, project)), items, 1)
    await _say_so(db, Counter(one.project for one in waiting), at)


async def _adopt_projects(db: Connection, schema: str, at: str) -> None:
    """Projects with uuid and first revision; what they had beside stays where it is."""
    old = f"{archive(schema)}.{ident(PROJECTS)}"
    status = "to_jsonb(p) ->> 'status'"
    sql = f"SELECT id, name, description, {status}, created_at::text, created_by_sub FROM {old} p ORDER BY id"
    for id_, name, description, said, created_at, created_by in await db.fetch(sql):
        uuid = derived("adopted", id_, name, created_at)
        known = SAID.get(normalised(said or ""), "planning")
        await _add_project(db, (id_, uuid, name, description or "", known, created_at or at, created_by), at)
    await _set_counter(db, PROJECTS, "id", await _counter(db, old))


async def _add_project(db: Connection, values: tuple[int, str, str, str, str, str, str | None], at: str) -> None:
    sql = (
        "INSERT INTO projects (id, uuid, name, description, status, created_at, created_by_sub)"
        " VALUES ($1, $2::text::uuid, $3, $4, $5, $6::text::timestamptz, $7)"
    )
    await db.execute(sql, *values)
    sql = "SELECT take_revision($1, $2, $3, $4::text::timestamptz, 'sql', NULL)"
    await db.execute(sql, values[0], ADOPTED.sub, ADOPTED.name, at)


async def _adopt_members(db: Connection, schema: str, at: str) -> None:
    """Members as later revisions knew them; before, every project was open to everybody who had a role."""
    old = f"{archive(schema)}.{ident(MEMBERS)}"
    insert = "INSERT INTO members (project_id, sub, role, name)"
    if await db.fetchval("SELECT to_regclass($1)", old) is None:
        await db.execute(f"{insert} SELECT id, $1, $2, '' FROM projects", EVERYONE, Role.ENGINEER.value)
        return
    name = "coalesce(user_display_name, user_email, '')"
    for theirs, ours in ROLES.items():
        sql = f"{insert} SELECT project_id, user_sub, $1, {name} FROM {old} WHERE project_role = $2"
        await db.execute(sql, ours.value, theirs)
    left_out = "json_build_object('sub', user_sub, 'role', project_role)"
    sql = f"SELECT project_id, {left_out}::text FROM {old} WHERE project_role <> ALL($1) ORDER BY id"
    for project, detail in await db.fetch(sql, list(ROLES)):
        await _note(db, project, "member.not_adopted", detail, at)


async def _adopt_rows(db: Connection, made: Stage, at: str) -> Sequence[Waiting]:
    """One layer's rows. What cannot stand is taken out and returned."""
    await inherit_project(db, made)
    if await db.fetchval(f"SELECT EXISTS (SELECT FROM {made.name} WHERE project_id IS NULL)"):
        await db.execute(f"UPDATE {made.name} SET project_id = $1 WHERE project_id IS NULL", await _nobodys(db, at))
    await identify(db, made)
    await refer(db, made, to_itself=False)
    waiting = [
        *await unfit.unknown_terms(db, made),
        *await unfit.broken_checks(db, made),
        *await unfit.incomplete(db, made),
        *await unfit.displaced(db, made),
    ]  # in this order: what was left out may be what a row cannot stand without
    await refer(db, made, to_itself=True)
    await db.execute(made.insert_sql)
    for name, declared in made.extra_columns():
        sql = (
            "INSERT INTO extra_columns (project_id, layer, name, type, since)"
            f" SELECT DISTINCT project_id, $1, $2, $3, 1 FROM {made.name} WHERE extra ->> $2 IS NOT NULL"
        )
        await db.execute(sql, made.table.layer.name, name, declared)
    return unfit.without_held(waiting)


async def _nobodys(db: Connection, at: str) -> int:
    """The project, made when it is needed, of rows that belonged to none."""
    first = await db.fetchval("SELECT uuid::text FROM projects WHERE name <> $1 ORDER BY id LIMIT 1", NOBODYS)
    uuid = derived("adopted", NOBODYS, first)
    found = await db.fetchval("SELECT id FROM projects WHERE uuid = $1::text::uuid", uuid)
    if found is None:
        found = await db.fetchval("SELECT nextval('projects_id_seq')")
        await _add_project(db, (found, uuid, NOBODYS, "", "planning", at, ADOPTED.sub), at)
    return int(found)


async def _go_on_counting(db: Connection, schema: str, made: Stage) -> None:
    """New ids and fids come after all that the original ever gave."""
    last = await _counter(db, f"{archive(schema)}.{ident(made.origin.table)}")
    for column in ("id", "fid"):
        await _set_counter(db, made.table.layer.table, column, last)


async def _counter(db: Connection, table: str) -> int:
    """The highest id that a table of the original has or had."""
    sql = (
        f"SELECT greatest(max(id), pg_sequence_last_value(pg_get_serial_sequence($1, 'id')::regclass), 0) FROM {table}"
    )
    return int(await db.fetchval(sql, table))


async def _set_counter(db: Connection, table: str, column: str, last: int) -> None:
    if last:
        await db.execute("SELECT setval($1::text::regclass, $2)", ident(f"{table}_{column}_seq"), last)


def _by_project(waiting: Sequence[Waiting], at: str) -> Mapping[int, Sequence[Item]]:
    """Inbox items, known by what they are about, so that the same database always gives the same."""
    items: dict[int, list[Item]] = defaultdict(list)
    for one in waiting:
        author = one.author or ADOPTED
        cause = Cause(Actor(author.sub, name=author.name), at, f"adopted:{one.project}")
        items[one.project].append(one.held.item(cause))
    return items


async def _say_so(db: Connection, waiting: Counter[int], at: str) -> None:
    """Note in each project's audit where it came from, and how much waits."""
    for (project,) in await db.fetch("SELECT id FROM projects ORDER BY id"):
        await _note(db, project, "project.adopted", plain_text({"waiting": str(waiting[project])}), at)


async def _note(db: Connection, project: int, what: str, detail: str, at: str) -> None:
    sql = (
        "INSERT INTO audit (project_id, at, by_sub, by_name, what, detail)"
        " VALUES ($1, $2::text::timestamptz, $3, $4, $5, $6::text::json)"
    )
    await db.execute(sql, project, at, ADOPTED.sub, ADOPTED.name, what, detail)
