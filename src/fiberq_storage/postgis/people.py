"""Everybody who ever signed in, and their access tokens."""

from collections.abc import Collection, Mapping

from fiberq_core.errors import Conflict, NotFound
from fiberq_core.inbox import Author
from fiberq_core.people import Person
from fiberq_core.ports import Page
from fiberq_core.tokens import Token
from fiberq_storage.paging import cursor_parts, cursor_text, page
from fiberq_storage.peoplerecords import (
    INSTANTS,
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
from fiberq_storage.postgis.audit import ENDLESS, instants, note
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.sql import idents

# Entries of the audit may be of no project: what was done to tokens, and what became of projects that are gone.
PEOPLE_TABLES = """
CREATE TABLE people (
    sub text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    roles text NOT NULL,
    first_sign_in timestamptz(3) NOT NULL,
    last_sign_in timestamptz(3) NOT NULL
);
CREATE TABLE tokens (
    id text COLLATE "C" PRIMARY KEY,
    digest text NOT NULL UNIQUE,
    sub text NOT NULL,
    label text NOT NULL,
    reach text NOT NULL,
    created_at timestamptz(3) NOT NULL,
    expires_at timestamptz(3) NOT NULL,
    last_used_at timestamptz(3),
    revoked_at timestamptz(3)
);
CREATE INDEX tokens_sub ON tokens (sub, created_at, id);
CREATE INDEX tokens_created ON tokens (created_at, id);
ALTER TABLE audit DROP CONSTRAINT audit_pkey;
ALTER TABLE audit ALTER project_id DROP NOT NULL;
CREATE UNIQUE INDEX audit_number ON audit ((-id));
CREATE INDEX audit_project ON audit (project_id, (-id));
CREATE INDEX audit_moment ON audit (project_id, at);
CREATE INDEX audit_person ON audit (by_sub, (-id));
CREATE INDEX uploads_moment ON uploads (project_id, at);
"""


async def saw(db: Connection, person: Person) -> None:
    """Remember a sign-in. The first one that is known stays the first, the latest the last."""
    sql = f"INSERT INTO people ({idents(PERSON)}) VALUES ({_values(PERSON)}) ON CONFLICT (sub) DO NOTHING"
    record = person_record(person)
    if await db.execute(sql, *record) == "INSERT 0 1":
        return
    later = "sub = $1 AND last_sign_in <= $2::text::timestamptz"
    changed = (
        "UPDATE people SET roles = $3, name = coalesce(nullif($4, ''), name), email = coalesce(nullif($5, ''), email)"
        f" WHERE {later} AND (roles, name, email) IS DISTINCT FROM"
        " ($3, coalesce(nullif($4, ''), name), coalesce(nullif($5, ''), email))"
    )  # apart, since only that is told to other servers
    sub, name, email, roles, _, last = record
    await db.execute(changed, sub, last, roles, name, email)
    await db.execute(f"UPDATE people SET last_sign_in = $2::text::timestamptz WHERE {later}", sub, last)


async def people(db: Connection, limit: int, cursor: str | None) -> Page[Person]:
    """Everybody, in the order of their subjects. Raises: Invalid."""
    after = cursor_parts(cursor, [str])[0] if cursor else ""
    sql = f"SELECT {instants(PERSON)} FROM people WHERE sub > $1 ORDER BY sub LIMIT $2"
    found = [person_of(record) for record in await db.fetch(sql, after, limit + 1)]
    return page(found, limit, lambda person: cursor_text(person.sub))


async def known_people(db: Connection, subs: Collection[str]) -> Mapping[str, Person]:
    """Those of *subs* who ever signed in."""
    sql = f"SELECT {instants(PERSON)} FROM people WHERE sub = ANY($1::text[])"
    found = [person_of(record) for record in await db.fetch(sql, list(subs))]
    return {person.sub: person for person in found}


async def save_token(db: Connection, token: Token, digest: str, *, by: Author, most: int) -> None:
    """Remember a new token by its digest. Raises: Conflict where its person has *most* that live."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended('fiberq token ' || $1, 0))", token.sub)
    live = "SELECT count(*) FROM tokens WHERE sub = $1 AND revoked_at IS NULL AND expires_at > $2::text::timestamptz"
    if await db.fetchval(live, token.sub, token.created_at) >= most:
        raise Conflict(TOO_MANY.format(most))
    sql = f"INSERT INTO tokens ({idents(TOKEN)}, digest) VALUES ({_values(TOKEN)}, ${len(TOKEN) + 1})"
    await db.execute(sql, *token_record(token), digest)
    await note(db, None, (by, token.created_at), "token.made", token_detail(token))


async def tokens(db: Connection, sub: str | None, limit: int, cursor: str | None) -> Page[Token]:
    """The tokens of somebody, or everybody's; newest first. Raises: Invalid."""
    at, last = cursor_parts(cursor, [str, str]) if cursor else (ENDLESS, "")
    whose = "sub = $1 AND" if sub is not None else "$1::text IS NULL AND"
    sql = (
        f"SELECT {instants(TOKEN)} FROM tokens WHERE {whose} (created_at, id) < ($2::text::timestamptz, $3)"
        " ORDER BY created_at DESC, id DESC LIMIT $4"
    )
    found = [token_of(record) for record in await db.fetch(sql, sub, at, last, limit + 1)]
    return page(found, limit, lambda token: cursor_text(token.created_at, token.id))


async def token(db: Connection, token_id: str) -> Token:
    """One token. Raises: NotFound."""
    found = await db.fetchrow(f"SELECT {instants(TOKEN)} FROM tokens WHERE id = $1", token_id)
    if found is None:
        raise NotFound(UNKNOWN)
    return token_of(found)


async def token_behind(db: Connection, digest: str) -> tuple[Token, Person | None]:
    """The token with this digest and its person, where they ever signed in. Raises: NotFound."""
    found = await db.fetchrow(f"SELECT {instants(TOKEN)} FROM tokens WHERE digest = $1", digest)
    if found is None:
        raise NotFound(UNKNOWN)
    made = token_of(found)
    return made, (await known_people(db, [made.sub])).get(made.sub)


async def revoke_token(db: Connection, token_id: str, *, by: Author, at: str) -> None:
    """End a token; one that was ended stays so. Raises: NotFound."""
    ended = await token(db, token_id)
    sql = "UPDATE tokens SET revoked_at = $2::text::timestamptz WHERE id = $1 AND revoked_at IS NULL"
    if await db.execute(sql, token_id, at) == "UPDATE 1":
        await note(db, None, (by, at), "token.revoked", token_detail(ended))


async def token_used(db: Connection, token_id: str, at: str) -> None:
    """Note that a token was used."""
    await db.execute("UPDATE tokens SET last_used_at = $2::text::timestamptz WHERE id = $1", token_id, at)


def _values(fields: Collection[str]) -> str:
    """The parameters of *fields*, from the first on."""
    return ", ".join(f"${n}::text::timestamptz" if name in INSTANTS else f"${n}" for n, name in enumerate(fields, 1))
