"""Projects and who belongs to them. Every change is in the audit."""

from collections.abc import Mapping, Sequence
from typing import Any

from fiberq_core.errors import Conflict, Fault, Invalid, NotFound
from fiberq_core.inbox import Author
from fiberq_core.policy import EVERYONE, Role
from fiberq_core.ports import Member, Project
from fiberq_storage.postgis.audit import note
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.tables import INSTANT
from fiberq_storage.sql import ident

FIELDS = (
    "id, uuid::text, name, description, revision, status, conflict_policy,"
    f" to_char(created_at AT TIME ZONE 'UTC', '{INSTANT}'), created_by_sub"
)
LARGEST = 2**63
CHANGEABLE = ("name", "description", "status", "conflict_policy")


async def get(db: Connection, project_id: int, lock: str = "") -> Project:
    """One project; *lock* is SQL that holds its row. Raises: NotFound."""
    found = await db.fetchrow(f"SELECT {FIELDS} FROM projects WHERE id = $1 {lock}", lookable(project_id))
    if found is None:
        raise NotFound("There is no such project")
    return _project(found)


def lookable(number: int) -> int | None:
    """*number*, if the database can look it up; a path may say anything."""
    return number if -LARGEST <= number < LARGEST else None


async def listed(db: Connection, member: str | None, *, archived: bool) -> Sequence[Project]:
    """Projects of which *member* (or everyone) is a member, or all; archived ones only where asked for."""
    sql = (
        f"SELECT {FIELDS} FROM projects WHERE ($1 OR status <> 'archived') AND ($2::text IS NULL OR id IN"
        " (SELECT project_id FROM members WHERE sub IN ($2, $3))) ORDER BY id"
    )
    return [_project(found) for found in await db.fetch(sql, archived, member, EVERYONE)]


async def create(
    db: Connection, name: str, description: str, uuid: str, *, by: Author, at: str, owner_role: Role | None
) -> Project:
    """Create a project. Raises: Conflict."""
    if await db.fetchval("SELECT 1 FROM projects WHERE uuid = $1::text::uuid", uuid):
        raise Conflict("There is a project with this uuid already")
    sql = (
        "INSERT INTO projects (uuid, name, description, created_at, created_by_sub)"
        " VALUES ($1::text::uuid, $2, $3, $4::text::timestamptz, $5) RETURNING id"
    )
    project = await get(db, await db.fetchval(sql, uuid, name, description, at, by.sub))
    await note(db, project.id, (by, at), "project.created", {"name": name})
    if owner_role is not None:
        await set_member(db, project.id, Member(by.sub, owner_role, by.name), by, at)
    return project


async def update(db: Connection, project_id: int, changes: Mapping[str, str], by: Author, at: str) -> Project:
    """Change some fields of a project. Raises: NotFound, Invalid."""
    await get(db, project_id)
    if unknown := [name for name in changes if name not in CHANGEABLE]:
        raise Invalid("A project has no such field", [Fault(name, "cannot be changed") for name in unknown])
    for name, value in changes.items():
        await db.execute(f"UPDATE projects SET {ident(name)} = $1 WHERE id = $2", value, project_id)
    await note(db, project_id, (by, at), "project.changed", changes)
    return await get(db, project_id)


async def members(db: Connection, project_id: int) -> Sequence[Member]:
    """Who belongs to a project. Raises: NotFound."""
    await get(db, project_id)
    sql = 'SELECT sub, role, name FROM members WHERE project_id = $1 ORDER BY sub COLLATE "C"'
    return [Member(sub, Role(role), name) for sub, role, name in await db.fetch(sql, project_id)]


async def set_member(db: Connection, project_id: int, member: Member, by: Author, at: str) -> None:
    """Add somebody or change their role. Raises: NotFound."""
    await get(db, project_id)
    sql = (
        "INSERT INTO members (project_id, sub, role, name) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (project_id, sub) DO UPDATE SET role = excluded.role, name = excluded.name"
    )
    await db.execute(sql, project_id, member.sub, member.role.value, member.name)
    await note(db, project_id, (by, at), "member.set", {"sub": member.sub, "role": member.role.value})


async def remove_member(db: Connection, project_id: int, sub: str, by: Author, at: str) -> None:
    """Take somebody out. Raises: NotFound."""
    await get(db, project_id)
    done = await db.execute("DELETE FROM members WHERE project_id = $1 AND sub = $2", project_id, sub)
    if done != "DELETE 1":
        raise NotFound("This person is not a member of the project")
    await note(db, project_id, (by, at), "member.removed", {"sub": sub})


def _project(record: Sequence[Any]) -> Project:
    return Project(*record)
