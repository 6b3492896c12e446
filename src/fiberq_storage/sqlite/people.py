"""Everybody who ever signed in, and their access tokens."""

from collections.abc import Collection, Mapping
from typing import Any

import apsw

from fiberq_core.errors import Conflict, NotFound
from fiberq_core.inbox import Author
from fiberq_core.people import Person
from fiberq_core.ports import Page
from fiberq_core.tokens import Token
from fiberq_storage.paging import cursor_parts, cursor_text, page
from fiberq_storage.peoplerecords import (
    PERSON,
    TOKEN,
    TOO_MANY,
    UNKNOWN,
    person_of,
    person_record,
    token_detail,
    token_of,
    token_record,
)
from fiberq_storage.sql import idents, marks
from fiberq_storage.sqlite.audit import note
from fiberq_storage.sqlite.scope import array

# Entries of the audit may be of no project: what was done to tokens, and what became of projects that are gone.
PEOPLE_TABLES = """
CREATE TABLE people (
    sub TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    roles TEXT NOT NULL,
    first_sign_in TEXT NOT NULL,
    last_sign_in TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    sub TEXT NOT NULL,
    label TEXT NOT NULL,
    reach TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    last_used_at TEXT,
    revoked_at TEXT
) WITHOUT ROWID;
CREATE INDEX tokens_sub ON tokens (sub, created_at, id);
CREATE INDEX tokens_created ON tokens (created_at, id);
CREATE TABLE audit_anew (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER REFERENCES projects,
    at TEXT NOT NULL,
    by_sub TEXT NOT NULL,
    by_name TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
);
INSERT INTO audit_anew SELECT id, project_id, at, by_sub, by_name, what, detail FROM audit;
DROP TABLE audit;
ALTER TABLE audit_anew RENAME TO audit;
DELETE FROM sqlite_sequence WHERE name = 'audit' AND coalesce(seq, 0) = 0;
CREATE INDEX audit_project ON audit (project_id, id);
CREATE INDEX audit_moment ON audit (project_id, at, id);
CREATE INDEX audit_person ON audit (by_sub, id);
CREATE INDEX uploads_moment ON uploads (project_id, at, id);
"""


def saw(db: apsw.Connection, person: Person) -> None:
    """Remember a sign-in. The first one that is known stays the first, the latest the last."""
    sql = (
        f"INSERT INTO people ({idents(PERSON)}) VALUES ({marks(len(PERSON))}) ON CONFLICT (sub) DO UPDATE SET"
        " name = CASE excluded.name WHEN '' THEN name ELSE excluded.name END,"
        " email = CASE excluded.email WHEN '' THEN email ELSE excluded.email END,"
        " roles = excluded.roles, last_sign_in = excluded.last_sign_in"
        " WHERE excluded.last_sign_in >= last_sign_in"
    )
    db.execute(sql, person_record(person))


def people(db: apsw.Connection, limit: int, cursor: str | None) -> Page[Person]:
    """Everybody, in the order of their subjects. Raises: Invalid."""
    after = cursor_parts(cursor, [str])[0] if cursor else ""
    sql = f"SELECT {idents(PERSON)} FROM people WHERE sub > ? ORDER BY sub LIMIT ?"
    found = [person_of(record) for record in db.execute(sql, (after, limit + 1))]
    return page(found, limit, lambda person: cursor_text(person.sub))


def known_people(db: apsw.Connection, subs: Collection[str]) -> Mapping[str, Person]:
    """Those of *subs* who ever signed in."""
    sql = f"SELECT {idents(PERSON, 'p.')} FROM json_each(?) w CROSS JOIN people p ON p.sub = w.value"
    found = [person_of(record) for record in db.execute(sql, (array(subs),))]
    return {person.sub: person for person in found}


def save_token(db: apsw.Connection, token: Token, digest: str, *, by: Author, most: int) -> None:
    """Remember a new token by its digest. Raises: Conflict where its person has *most* that live."""
    live = "SELECT count(*) FROM tokens WHERE sub = ? AND revoked_at IS NULL AND expires_at > ?"
    found: Any = db.execute(live, (token.sub, token.created_at)).fetchone()
    if found[0] >= most:
        raise Conflict(TOO_MANY.format(most))
    sql = f"INSERT INTO tokens ({idents(TOKEN)}, digest) VALUES ({marks(len(TOKEN) + 1)})"
    db.execute(sql, (*token_record(token), digest))
    note(db, None, (by, token.created_at), "token.made", token_detail(token))


def tokens(db: apsw.Connection, sub: str | None, limit: int, cursor: str | None) -> Page[Token]:
    """The tokens of somebody, or everybody's; newest first. Raises: Invalid."""
    at, last = cursor_parts(cursor, [str, str]) if cursor else ("~", "")  # after every moment
    whose = "sub = ?1 AND" if sub is not None else "?1 IS NULL AND"
    sql = (
        f"SELECT {idents(TOKEN)} FROM tokens WHERE {whose} (created_at, id) < (?2, ?3)"
        " ORDER BY created_at DESC, id DESC LIMIT ?4"
    )
    found = [token_of(record) for record in db.execute(sql, (sub, at, last, limit + 1))]
    return page(found, limit, lambda token: cursor_text(token.created_at, token.id))


def token(db: apsw.Connection, token_id: str) -> Token:
    """One token. Raises: NotFound."""
    found = db.execute(f"SELECT {idents(TOKEN)} FROM tokens WHERE id = ?", (token_id,)).fetchone()
    if found is None:
        raise NotFound(UNKNOWN)
    return token_of(found)


def token_behind(db: apsw.Connection, digest: str) -> tuple[Token, Person | None]:
    """The token with this digest and its person, where they ever signed in. Raises: NotFound."""
    found = db.execute(f"SELECT {idents(TOKEN)} FROM tokens WHERE digest = ?", (digest,)).fetchone()
    if found is None:
        raise NotFound(UNKNOWN)
    made = token_of(found)
    return made, known_people(db, [made.sub]).get(made.sub)


def revoke_token(db: apsw.Connection, token_id: str, *, by: Author, at: str) -> None:
    """End a token; one that was ended stays so. Raises: NotFound."""
    ended = token(db, token_id)
    if ended.revoked_at is None:
        db.execute("UPDATE tokens SET revoked_at = ? WHERE id = ?", (at, token_id))
        note(db, None, (by, at), "token.revoked", token_detail(ended))


def token_used(db: apsw.Connection, token_id: str, at: str) -> None:
    """Note that a token was used."""
    db.execute("UPDATE tokens SET last_used_at = ? WHERE id = ?", (at, token_id))
