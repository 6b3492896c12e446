"""Stores that have something to move, and all that a store says."""

import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from attrs import evolve

from fiberq_core.changes import Source, Write
from fiberq_core.people import Person
from fiberq_core.policy import EVERYONE, Reach, Role
from fiberq_core.ports import Changeset, Member, Project, SentDelta, Store, Upload
from fiberq_core.rows import Row
from fiberq_core.tokens import Token
from fiberq_storage import postgis
from fiberq_storage.demo import village
from fiberq_storage.files.volumes import Folder, Volume
from fiberq_storage.moving import Place
from tests.contracts.builders import ANA, BOJAN, T0, a_project, at, commit, gone, key, new, point, uuid
from tests.contracts.lives import Life
from tests.contracts.test_packages_of_postgis import AWKWARD
from tests.contracts.test_store_exchange import WAITING
from tests.contracts.test_store_photos import FULL, PLAIN, save
from tests.postgis.cluster import psql

Dump = Mapping[str, Sequence[Any]]
SHADOWS = ("_node", "_rowid", "_parent")  # of spatial indexes
POLES = "Stubovi"


def folder(data: Path, files: Path | None = None) -> Place:
    """An embedded store; its files, unless they are elsewhere, beside it."""
    return Place(data, volumes(files or data))


def in_database(dsn: str, files: Path) -> Place:
    """A store in a database, its files in a folder."""
    return Place(postgis.Settings(dsn), volumes(files))


def volumes(files: Path) -> dict[str, Volume]:
    """The folders of a store's files."""
    return {name: Folder(files / name) for name in ("photos", "uploads")}


def dump(data: Path) -> Dump:
    """All that an embedded store says, table by table, the counters and spatial indexes too."""
    with closing(sqlite3.connect(data / "fiberq.db")) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in names if not name.endswith(SHADOWS)}
        found["history"] = [tuple(map(_unordered, version)) for version in found["history"]]
        ordered = {"upload_rows": db.execute("SELECT * FROM upload_rows ORDER BY upload, rowid").fetchall()}
    return {name: sorted(rows, key=repr) for name, rows in found.items()} | ordered


def _unordered(value: object) -> object:
    """A value; of a JSON object, whose order means nothing, its members."""
    return sorted(json.loads(value).items(), key=str) if isinstance(value, str) and value.startswith("{") else value


def database_dump(dsn: str) -> Sequence[str]:
    """All that a store in a database says, each record with its table, but for the transactions that wrote it."""
    everything = (
        "SELECT string_agg(format('SELECT %L || ROW(%s)::text FROM %I.%I', t, columns, s, t), ' UNION ALL ') FROM"
        " (SELECT table_schema s, table_name t, string_agg(quote_ident(column_name), ', ' ORDER BY column_name) AS columns FROM"
        " information_schema.columns WHERE table_schema ~ '^fiberq' AND column_name <> 'xid' GROUP BY 1, 2) known"
    )
    return sorted(psql(dsn, psql(dsn, everything)).splitlines())


async def live(store: Store) -> Project:
    """Two projects: one with a life, in which everything happens that a store can remember; one that is archived."""
    first = await a_project(store, 901, "Empty")
    await store.update_project(first.id, {"status": "archived"}, by=BOJAN, at=T0)
    project = await store.create_project("Selo ž", "“x”", uuid=uuid(900), by=ANA, at=T0, owner_role=Role.ADMIN)
    await store.set_member(project.id, Member(EVERYONE, Role.FIELD_WORKER, "all"), by=BOJAN, at=at(3))
    await commit(store, project, [Write(c.key, None, c.sent) for c in village(7, project=project.uuid)])
    await commit(store, project, [*AWKWARD, new(8000, POLES, photo=b"\0\xff", ratio=-0.0, naziv="P")])
    life = Life(store, project, random.Random(5), born=100)
    for _ in range(25):
        await life.turn()
    newest = (
        await commit(
            store,
            project,
            [new(9000, POLES, geometry=point(20, 44))],
            items=[evolve(WAITING, raw={"$b": "bm90IGJ5dGVz", "nul": "\0"})],
        )
    ).rows
    await commit(store, project, [gone(newest[key(9000, POLES)])])
    await exchange(store, project)
    await save(store, project, PLAIN, **{"DCIM/š.heic": FULL})
    await admissions(store)
    return project


async def admissions(store: Store) -> None:
    """Somebody who signed in, and their tokens: one that was used, one that was revoked."""
    mira = Person("mira", "Mira “Ž”", "", frozenset({Role.ADMIN, Role.FIELD_WORKER}), at(1), at(1))
    for moment in (1, 9):
        await store.saw(evolve(mira, last_sign_in=at(moment)))
    for number, secret in enumerate(("a", "b"), 1):
        token = Token(f"t{number}", "mira", "QField č", Reach.SYNC, at(2), at(50))
        await store.save_token(token, secret * 64, by=ANA, most=9)
    await store.token_used("t1", at(7))
    await store.revoke_token("t2", by=BOJAN, at=at(8))


async def exchange(store: Store, project: Project) -> None:
    """Downloads, uploads and an answer."""
    deltas = (SentDelta(key(1), "OKNA", 4, Row({"x": b"\1"})), SentDelta(key(1), "OKNA", None, None))
    for name in ("s1", "s2"):
        await store.save_export(f"export {name}", project.id, 1, by=ANA, at=at(4))
        async with store.unit(project.id) as unit:
            await unit.apply(Changeset(BOJAN, at(5), Source.UPLOAD, name))
            receipt = {"n": name, "lone": "\ud800", "nul": "\0"}
            await unit.save_upload(
                Upload(name, name.replace("s", "a") * 32, f"export {name}", "copy", None, receipt, deltas), 0
            )
            await unit.save_answer(f"key {name}", receipt)
    await store.save_export("export s1", project.id, 1, by=ANA, at=at(6))
