"""Exchanges with devices: uploads with what they sent, downloads, answers to idempotency keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from fiberq_core.errors import NotFound
from fiberq_core.inbox import Author
from fiberq_core.ports import Changeset, EarlierUpload, SentDelta, Sync, Upload
from fiberq_core.rows import Key
from fiberq_storage.rowjson import mapping_of, plain_text, row_of, row_text
from fiberq_storage.sqlite.scope import Scope


def save_upload(scope: Scope, upload: Upload, revision: int, changeset: Changeset) -> None:
    """Remember an upload and what it sent; who and when stand in the changeset that was applied with it."""
    author = changeset.author
    record = (scope.project.id, upload.sync_id, upload.digest, upload.export_id, upload.copy, upload.parent)
    sql = (
        "INSERT INTO uploads (project_id, sync_id, digest, export_id, copy, parent, author_sub, author_name, at,"
        " revision, writes, receipt) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    )
    receipt = plain_text(dict(upload.receipt))
    scope.db.execute(sql, (*record, author.sub, author.name, changeset.at, revision, upload.writes, receipt))
    number = scope.db.last_insert_rowid()
    sql = "INSERT INTO upload_rows (upload, layer, uuid, source, fid, row) VALUES (?, ?, ?, ?, ?, ?)"
    deltas = ((number, d.key.layer, d.key.uuid, d.source, d.fid, row_text(d.row)) for d in upload.deltas)
    scope.db.executemany(sql, deltas)


def uploads_of(scope: Scope, export_id: str) -> Sequence[EarlierUpload]:
    """The uploads that came from an export, oldest first."""
    sql = (
        "SELECT id, sync_id, copy, parent, author_sub, author_name, at, revision, writes FROM uploads"
        " WHERE project_id = ? AND export_id = ? ORDER BY id"
    )
    found: Any = scope.db.execute(sql, (scope.project.id, export_id)).fetchall()
    return [_earlier(scope.db, record) for record in found]


def receipt_of_digest(scope: Scope, digest: str) -> Mapping[str, object] | None:
    """The receipt of an upload of exactly these bytes, if there was one."""
    sql = "SELECT receipt FROM uploads WHERE project_id = ? AND digest = ? ORDER BY id LIMIT 1"
    found = scope.db.execute(sql, (scope.project.id, digest)).fetchone()
    return None if found is None else mapping_of(str(found[0]))


def syncs(scope: Scope, limit: int) -> Sequence[Sync]:
    """The most recent exchanges, newest first."""
    sql = (
        "SELECT * FROM (SELECT sync_id, 'upload', author_sub, author_name, at, export_id, revision, receipt"
        " FROM uploads WHERE project_id = ?1 ORDER BY id DESC LIMIT ?2) UNION ALL"
        " SELECT * FROM (SELECT export_id, 'download', by_sub, by_name, at, export_id, revision, NULL"
        " FROM exports WHERE project_id = ?1 ORDER BY id DESC LIMIT ?2) ORDER BY 5 DESC LIMIT ?2"
    )
    return [_sync(record) for record in scope.db.execute(sql, (scope.project.id, limit))]


def find_receipt(db: apsw.Connection, sync_id: str) -> tuple[int, Author, Mapping[str, object], int]:
    """Project, author, receipt and revision of an upload. Raises: NotFound."""
    sql = "SELECT project_id, author_sub, author_name, receipt, revision FROM uploads WHERE sync_id = ?"
    found: Any = db.execute(sql, (sync_id,)).fetchone()
    if found is None:
        raise NotFound("There is no such upload")
    project_id, sub, name, receipt, revision = found
    return project_id, Author(sub, name), mapping_of(receipt), revision


def save_export(db: apsw.Connection, export_id: str, project_id: int, revision: int, *, by: Author, at: str) -> None:
    """Remember a download; taking the same export again makes it the newest."""
    sql = (
        "INSERT OR REPLACE INTO exports (export_id, project_id, revision, by_sub, by_name, at)"
        " VALUES (?, ?, ?, ?, ?, ?)"
    )
    db.execute(sql, (export_id, project_id, revision, by.sub, by.name, at))


def find_export(db: apsw.Connection, export_id: str) -> tuple[int, int, Author] | None:
    """Project, revision and taker of an export; None if it is not ours."""
    sql = "SELECT project_id, revision, by_sub, by_name FROM exports WHERE export_id = ?"
    found: Any = db.execute(sql, (export_id,)).fetchone()
    return found and (found[0], found[1], Author(found[2], found[3]))


def save_answer(scope: Scope, key: str, answer: Mapping[str, object]) -> None:
    """Remember the answer to an idempotency key."""
    sql = "INSERT INTO answers (project_id, key, answer) VALUES (?, ?, ?)"
    scope.db.execute(sql, (scope.project.id, key, plain_text(dict(answer))))


def keyed_answer(scope: Scope, key: str) -> Mapping[str, object] | None:
    """What was answered to an idempotency key, if it was here before."""
    sql = "SELECT answer FROM answers WHERE project_id = ? AND key = ?"
    found = scope.db.execute(sql, (scope.project.id, key)).fetchone()
    return None if found is None else mapping_of(str(found[0]))


def _earlier(db: apsw.Connection, record: Sequence[Any]) -> EarlierUpload:
    number, sync_id, copy, parent, sub, name, at, revision, writes = record
    sql = "SELECT layer, uuid, source, fid, row FROM upload_rows WHERE upload = ? ORDER BY rowid"
    found: Any = db.execute(sql, (number,))
    deltas = tuple(SentDelta(Key(layer, uuid), source, fid, row_of(row)) for layer, uuid, source, fid, row in found)
    return EarlierUpload(sync_id, copy, parent, Author(sub, name), at, revision, deltas, writes)


def _sync(record: Sequence[Any]) -> Sync:
    sync_id, kind, sub, name, at, export_id, revision, receipt = record
    return Sync(sync_id, kind, Author(sub, name), at, export_id, revision, receipt and mapping_of(receipt))
