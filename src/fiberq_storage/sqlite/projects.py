"""Projects and who belongs to them. Every change is in the audit."""

from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from fiberq_core.errors import Conflict, Fault, Invalid, NotFound
from fiberq_core.inbox import Author
from fiberq_core.policy import EVERYONE, Role
from fiberq_core.ports import Member, Project
from fiberq_storage.sql import ident
from fiberq_storage.sqlite.audit import note

FIELDS = "id, uuid, name, description, revision, status, conflict_policy, created_at, created_by_sub"
LARGEST = 2**63
CHANGEABLE = ("name", "description", "status", "conflict_policy")


def get(db: apsw.Connection, project_id: int) -> Project:
    """One project. Raises: NotFound."""
    known = -LARGEST <= project_id < LARGEST  # what else a path may say, SQLite could not look up
    found = db.execute(f"SELECT {FIELDS} FROM projects WHERE id = ?", (project_id if known else None,)).fetchone()
    if found is None:
        raise NotFound("There is no such project")
    return _project(found)


def listed(db: apsw.Connection, member: str | None, *, archived: bool) -> Sequence[Project]:
    """Projects of which *member* (or everyone) is a member, or all; archived ones only where asked for."""
    sql = (
        f"SELECT {FIELDS} FROM projects p WHERE (?1 OR status <> 'archived') AND (?2 IS NULL OR EXISTS"
        " (SELECT 1 FROM members m WHERE m.project_id = p.id AND m.sub IN (?2, ?3))) ORDER BY id"
    )
    return [_project(found) for found in db.execute(sql, (archived, member, EVERYONE))]


def create(
    db: apsw.Connection, name: str, description: str, uuid: str, *, by: Author, at: str, owner_role: Role | None
) -> Project:
    """Create a project. Raises: Conflict."""
    if db.execute("SELECT 1 FROM projects WHERE uuid = ?", (uuid,)).fetchone():
        raise Conflict("There is a project with this uuid already")
    sql = "INSERT INTO projects (uuid, name, description, created_at, created_by_sub) VALUES (?, ?, ?, ?, ?)"
    db.execute(sql, (uuid, name, description, at, by.sub))
    project = get(db, db.last_insert_rowid())
    note(db, project.id, (by, at), "project.created", {"name": name})
    if owner_role is not None:
        set_member(db, project.id, Member(by.sub, owner_role, by.name), by, at)
    return project


def update(db: apsw.Connection, project_id: int, changes: Mapping[str, str], by: Author, at: str) -> Project:
    """Change some fields of a project. Raises: NotFound, Invalid."""
    get(db, project_id)
    if unknown := [name for name in changes if name not in CHANGEABLE]:
        raise Invalid("A project has no such field", [Fault(name, "cannot be changed") for name in unknown])
    for name, value in changes.items():
        db.execute(f"UPDATE projects SET {ident(name)} = ? WHERE id = ?", (value, project_id))
    note(db, project_id, (by, at), "project.changed", changes)
    return get(db, project_id)


def members(db: apsw.Connection, project_id: int) -> Sequence[Member]:
    """Who belongs to a project. Raises: NotFound."""
    get(db, project_id)
    found = db.execute("SELECT sub, role, name FROM members WHERE project_id = ? ORDER BY sub", (project_id,))
    return [Member(str(sub), Role(role), str(name)) for sub, role, name in found]


def set_member(db: apsw.Connection, project_id: int, member: Member, by: Author, at: str) -> None:
    """Add somebody or change their role. Raises: NotFound."""
    get(db, project_id)
    sql = (
        "INSERT INTO members (project_id, sub, role, name) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (project_id, sub) DO UPDATE SET role = excluded.role, name = excluded.name"
    )
    db.execute(sql, (project_id, member.sub, member.role.value, member.name))
    note(db, project_id, (by, at), "member.set", {"sub": member.sub, "role": member.role.value})


def remove_member(db: apsw.Connection, project_id: int, sub: str, by: Author, at: str) -> None:
    """Take somebody out. Raises: NotFound."""
    get(db, project_id)
    db.execute("DELETE FROM members WHERE project_id = ? AND sub = ?", (project_id, sub))
    if not db.changes():
        raise NotFound("There is no such member in this project")
    note(db, project_id, (by, at), "member.removed", {"sub": sub})


def _project(found: Sequence[Any]) -> Project:
    return Project(*found)
