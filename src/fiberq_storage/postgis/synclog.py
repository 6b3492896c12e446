"""Exchanges with devices: uploads with what they sent, downloads, answers to idempotency keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from fiberq_core.errors import NotFound
from fiberq_core.inbox import Author
from fiberq_core.ports import Changeset, EarlierUpload, SentDelta, Sync, Upload
from fiberq_core.rows import Key
from fiberq_storage.postgis.connection import Connection
from fiberq_storage.postgis.scope import Scope
from fiberq_storage.postgis.tables import INSTANT
from fiberq_storage.rowjson import mapping_of, plain_text, row_of, row_text

AT = f"to_char(at AT TIME ZONE 'UTC', '{INSTANT}')"


async def save_upload(scope: Scope, upload: Upload, revision: int, changeset: Changeset) -> None:
    """Remember an upload and what it sent; who and when stand in the changeset that was applied with it."""
    author = changeset.author
    record = (scope.project.id, upload.sync_id, upload.digest, upload.export_id, upload.copy, upload.parent)
    sql = (
        "INSERT INTO uploads (project_id, sync_id, digest, export_id, copy, parent, author_sub, author_name, at,"
        " revision, writes, receipt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::timestamptz, $10, $11,"
        " $12::text::json) RETURNING id"
    )
    more = (author.sub, author.name, changeset.at, revision, upload.writes, plain_text(dict(upload.receipt)))
    number = await scope.db.fetchval(sql, *record, *more)
    sql = (
        "INSERT INTO upload_rows (project_id, upload, number, layer, uuid, source, fid, row)"
        " SELECT $1, $2, n, layer, uuid, source, fid, row::json FROM unnest($3::text[], $4::text[], $5::text[],"
        " $6::bigint[], $7::text[]) WITH ORDINALITY AS d (layer, uuid, source, fid, row, n)"
    )
    deltas = [(d.key.layer, d.key.uuid, d.source, d.fid, row_text(d.row)) for d in upload.deltas]
    if deltas:
        await scope.db.execute(sql, scope.project.id, number, *map(list, zip(*deltas, strict=True)))


async def uploads_of(scope: Scope, export_id: str) -> Sequence[EarlierUpload]:
    """The uploads that came from an export, oldest first."""
    sql = (
        f"SELECT id, sync_id, copy, parent, author_sub, author_name, {AT}, revision, writes FROM uploads"
        " WHERE project_id = $1 AND export_id = $2 ORDER BY id"
    )
    return [await _earlier(scope, record) for record in await scope.db.fetch(sql, scope.project.id, export_id)]


async def receipt_of_digest(scope: Scope, digest: str) -> Mapping[str, object] | None:
    """The receipt of an upload of exactly these bytes, if there was one."""
    sql = "SELECT receipt::text FROM uploads WHERE project_id = $1 AND digest = $2 ORDER BY id LIMIT 1"
    found = await scope.db.fetchval(sql, scope.project.id, digest)
    return None if found is None else mapping_of(found)


async def syncs(scope: Scope, limit: int) -> Sequence[Sync]:
    """The most recent exchanges, newest first."""
    sql = (
        f"SELECT * FROM (SELECT sync_id, 'upload', author_sub, author_name, {AT} AS at, export_id, revision,"
        " receipt::text FROM uploads WHERE project_id = $1 ORDER BY id DESC LIMIT $2) u UNION ALL"
        f" SELECT * FROM (SELECT export_id, 'download', by_sub, by_name, {AT}, export_id, revision, NULL"
        " FROM exports WHERE project_id = $1 ORDER BY id DESC LIMIT $2) e ORDER BY at DESC LIMIT $2"
    )
    return [_sync(record) for record in await scope.db.fetch(sql, scope.project.id, limit)]


async def find_receipt(db: Connection, sync_id: str) -> tuple[int, Author, Mapping[str, object], int]:
    """Project, author, receipt and revision of an upload. Raises: NotFound."""
    sql = "SELECT project_id, author_sub, author_name, receipt::text, revision FROM uploads WHERE sync_id = $1"
    found = await db.fetchrow(sql, sync_id)
    if found is None:
        raise NotFound("There is no such upload")
    project_id, sub, name, receipt, revision = found
    return project_id, Author(sub, name), mapping_of(receipt), revision


async def save_export(db: Connection, export_id: str, project_id: int, revision: int, *, by: Author, at: str) -> None:
    """Remember a download; taking the same export again makes it the newest."""
    sql = (
        "INSERT INTO exports (export_id, project_id, revision, by_sub, by_name, at)"
        " VALUES ($1, $2, $3, $4, $5, $6::text::timestamptz) ON CONFLICT (export_id) DO UPDATE SET"
        " id = nextval('exports_id_seq'), project_id = excluded.project_id, revision = excluded.revision,"
        " by_sub = excluded.by_sub, by_name = excluded.by_name, at = excluded.at"
    )
    await db.execute(sql, export_id, project_id, revision, by.sub, by.name, at)


async def find_export(db: Connection, export_id: str) -> tuple[int, int, Author] | None:
    """Project, revision and taker of an export; None if it is not ours."""
    sql = "SELECT project_id, revision, by_sub, by_name FROM exports WHERE export_id = $1"
    found = await db.fetchrow(sql, export_id)
    return None if found is None else (found[0], found[1], Author(found[2], found[3]))


async def save_answer(scope: Scope, key: str, answer: Mapping[str, object]) -> None:
    """Remember the answer to an idempotency key."""
    sql = "INSERT INTO answers (project_id, key, answer) VALUES ($1, $2, $3::text::json)"
    await scope.db.execute(sql, scope.project.id, key, plain_text(dict(answer)))


async def keyed_answer(scope: Scope, key: str) -> Mapping[str, object] | None:
    """What was answered to an idempotency key, if it was here before."""
    sql = "SELECT answer::text FROM answers WHERE project_id = $1 AND key = $2"
    found = await scope.db.fetchval(sql, scope.project.id, key)
    return None if found is None else mapping_of(found)


async def _earlier(scope: Scope, record: Sequence[Any]) -> EarlierUpload:
    number, sync_id, copy, parent, sub, name, at, revision, writes = record
    sql = "SELECT layer, uuid, source, fid, row::text FROM upload_rows WHERE project_id = $1 AND upload = $2 ORDER BY number"
    found = await scope.db.fetch(sql, scope.project.id, number)
    deltas = tuple(SentDelta(Key(layer, uuid), source, fid, row_of(row)) for layer, uuid, source, fid, row in found)
    return EarlierUpload(sync_id, copy, parent, Author(sub, name), at, revision, deltas, writes)


def _sync(record: Sequence[Any]) -> Sync:
    sync_id, kind, sub, name, at, export_id, revision, receipt = record
    return Sync(sync_id, kind, Author(sub, name), at, export_id, revision, receipt and mapping_of(receipt))
