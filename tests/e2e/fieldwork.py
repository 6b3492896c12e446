"""What the property test is made of: files that are worked on, ways to a server, and what must hold of it.

A `Phone` remembers everything that was typed into its file since the server last heard of it. `Watch`
looks at a project through the flows alone and says what must hold after every step.
"""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from aiohttp.test_utils import TestClient
from attrs import define, field, frozen

from fiberq_aiohttp.flows import exporting, features, inbox, projects, reading, sync
from fiberq_aiohttp.flows.bundle import Ports
from fiberq_core.errors import FiberqError
from fiberq_core.fibre import claims_of
from fiberq_core.jsonvalues import value_json
from fiberq_core.policy import Actor, Role
from fiberq_core.registry import DATA_LAYERS, LAYER
from fiberq_core.rows import Key, Stored
from fiberq_core.wire import feature_json
from tests.e2e.books import Books, Kept
from tests.e2e.device import GEOMETRY_FUNCTIONS

ADMIN = Actor("ana", frozenset({Role.ADMIN}), "Ana Admin")
ENGINEER = Actor("elena", frozenset({Role.ENGINEER}), "Elena Engineer")
CREW = Actor("filip", frozenset({Role.FIELD_WORKER}), "Filip Field")
OTHER_CREW = Actor("fedor", frozenset({Role.FIELD_WORKER}), "Fedor Field")
PEOPLE = (ADMIN, ENGINEER, CREW, OTHER_CREW)

POLE, CABLE, CLOSURE = "Stubovi", "Kablovi_podzemni", "Splice_closures"
TRAY, SPLICE, ORDER = "fiber_splice_trays", "fiber_splices", "Work_orders"
WORKED = (POLE, CABLE, CLOSURE, TRAY, SPLICE, ORDER)

TEXTS: Mapping[str, tuple[str, ...]] = {
    POLE: ("naziv", "materijal", "napomena"),
    CABLE: ("naziv", "relacija"),
    CLOSURE: ("naziv", "closure_model", "napomena"),
    TRAY: ("tray_type",),
    SPLICE: ("notes", "photo_path"),
    ORDER: ("title", "description"),
}
WHOLE: Mapping[str, str] = {POLE: "godina_ugradnje", CABLE: "broj_vlakana", CLOSURE: "tray_count", TRAY: "capacity"}
REALS: Mapping[str, str] = {POLE: "visina", CABLE: "duzina_m", SPLICE: "loss_db"}
STAMPS = frozenset({"started_at", "completed_at", "verified_at", "verified_by_sub"})
COUNTS = ("inserted", "updated", "deleted", "applied", "merged", "conflicts", "held", "rejected")

Json = dict[str, Any]
Typed = tuple[str, str, Any]  # layer, field, value as JSON has it


class Refused(Exception):
    """The server said no; nothing may have changed."""


class Way(Protocol):
    """How people reach the server."""

    async def download(self, who: Actor, path: Path) -> None: ...
    async def upload(self, who: Actor, path: Path, *, dry_run: bool = False) -> Json: ...
    async def undo(self, who: Actor, sync_id: str) -> Json: ...
    async def create(self, who: Actor, layer: str, feature: Json) -> Json: ...
    async def patch(self, who: Actor, layer: str, uuid: str, rev: int, feature: Json) -> Json: ...
    async def delete(self, who: Actor, layer: str, uuid: str, rev: int) -> None: ...
    async def restore(self, who: Actor, layer: str, uuid: str, revision: int | None) -> Json: ...
    async def decide(self, who: Actor, item_id: str, decision: str) -> Json: ...
    async def policy(self, policy: str) -> None: ...


@frozen
class ByFlows:
    """By the flows themselves, without HTTP."""

    ports: Ports
    project: int

    async def download(self, who: Actor, path: Path) -> None:
        got = await exporting.download(self.ports, who, self.project)
        content = bytearray(await asyncio.to_thread(Path(got.package.path).read_bytes))
        content[got.package.id_offset : got.package.id_offset + 32] = got.export_id.encode()
        await asyncio.to_thread(path.write_bytes, content)

    async def upload(self, who: Actor, path: Path, *, dry_run: bool = False) -> Json:
        landed = path.with_suffix(".landed")
        shutil.copy(path, landed)
        return dict(
            await self._said(sync.upload(self.ports, who, self.project, str(landed), digest(path), dry_run=dry_run))
        )

    async def undo(self, who: Actor, sync_id: str) -> Json:
        return dict(await self._said(sync.undo(self.ports, who, sync_id)))

    async def create(self, who: Actor, layer: str, feature: Json) -> Json:
        return dict(await self._said(features.create(self.ports, who, self.project, LAYER[layer], feature)))

    async def patch(self, who: Actor, layer: str, uuid: str, rev: int, feature: Json) -> Json:
        return dict(
            await self._said(
                features.edit(self.ports, who, self.project, LAYER[layer], uuid, feature, rev, whole=False)
            )
        )

    async def delete(self, who: Actor, layer: str, uuid: str, rev: int) -> None:
        await self._said(features.delete(self.ports, who, self.project, LAYER[layer], uuid, rev))

    async def restore(self, who: Actor, layer: str, uuid: str, revision: int | None) -> Json:
        return dict(await self._said(features.restore(self.ports, who, self.project, LAYER[layer], uuid, revision)))

    async def decide(self, who: Actor, item_id: str, decision: str) -> Json:
        return dict(await self._said(inbox.decide(self.ports, who, self.project, item_id, decision, "")))

    async def policy(self, policy: str) -> None:
        await projects.update(self.ports, ADMIN, self.project, {"conflict_policy": policy})

    async def _said(self, asked: Any) -> Any:
        try:
            return await asked
        except FiberqError as no:
            raise Refused(f"{type(no).__name__}: {no}") from None


@frozen
class ByHttp:
    """By HTTP. *tokens* are by subject."""

    client: TestClient[Any, Any]
    tokens: Mapping[str, str]
    project: int

    async def download(self, who: Actor, path: Path) -> None:
        async with self.client.get(f"/api/sync/download/{self.project}", headers=self._head(who)) as answer:
            assert answer.status == 200, await answer.text()
            await asyncio.to_thread(path.write_bytes, await answer.read())

    async def upload(self, who: Actor, path: Path, *, dry_run: bool = False) -> Json:
        query = {"project_id": str(self.project), **({"dry_run": "1"} if dry_run else {})}
        return await self._call(
            who, "POST", "/api/sync/upload", params=query, data=await asyncio.to_thread(path.read_bytes)
        )

    async def undo(self, who: Actor, sync_id: str) -> Json:
        return await self._call(who, "POST", f"/api/sync/receipts/{sync_id}/undo")

    async def create(self, who: Actor, layer: str, feature: Json) -> Json:
        return await self._call(who, "POST", self._at(f"features/{layer}"), json=feature)

    async def patch(self, who: Actor, layer: str, uuid: str, rev: int, feature: Json) -> Json:
        return await self._call(who, "PATCH", self._at(f"features/{layer}/{uuid}"), json=feature, rev=rev)

    async def delete(self, who: Actor, layer: str, uuid: str, rev: int) -> None:
        await self._call(who, "DELETE", self._at(f"features/{layer}/{uuid}"), rev=rev)

    async def restore(self, who: Actor, layer: str, uuid: str, revision: int | None) -> Json:
        return await self._call(who, "POST", self._at(f"features/{layer}/{uuid}/restore"), json={"revision": revision})

    async def decide(self, who: Actor, item_id: str, decision: str) -> Json:
        return await self._call(who, "POST", self._at(f"inbox/{item_id}"), json={"decision": decision, "note": ""})

    async def policy(self, policy: str) -> None:
        await self._call(ADMIN, "PUT", f"/api/projects/{self.project}", json={"conflict_policy": policy})

    def _at(self, path: str) -> str:
        return f"/api/projects/{self.project}/{path}"

    def _head(self, who: Actor) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[who.subject]}"}

    async def _call(self, who: Actor, method: str, path: str, *, rev: int | None = None, **more: Any) -> Json:
        headers = self._head(who) | ({"If-Match": f'"{rev}"'} if rev is not None else {})
        async with self.client.request(method, path, headers=headers, **more) as answer:
            body = await answer.text()
            assert answer.status < 500, body
            if answer.status >= 400:
                raise Refused(body)
            return dict(json.loads(body)) if body else {}


def digest(path: Path) -> str:
    """The sha256 of a file."""
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


@define
class Phone:
    """A file that somebody works on, and what was typed into it.

    *typed* is what stands in the file because somebody typed it, by (layer, fid, field). *touched*: (layer, fid,
    field or None for the row itself) since the last upload. *ever*: since the download. *names*: the uuids
    of rows that the server has named.
    """

    owner: Actor
    path: Path
    typed: dict[tuple[str, int, str], Any] = field(factory=dict)
    touched: set[tuple[str, int, str | None]] = field(factory=set)
    ever: set[tuple[str, int, str | None]] = field(factory=set)
    added: set[tuple[str, int]] = field(factory=set)
    names: dict[tuple[str, int], str] = field(factory=dict)
    without_origin: bool = False
    was: dict[tuple[str, int, str], Any] = field(factory=dict)  # what stood there at the last upload, of *touched*

    taken: int = 0  # the revision that was downloaded

    def copy(self, path: Path, owner: Actor) -> "Phone":
        """The same file on another device."""
        shutil.copy(self.path, path)
        parts = dict(self.typed), set(self.touched), set(self.ever), set(self.added), dict(self.names)
        return Phone(owner, path, *parts, without_origin=self.without_origin, was=dict(self.was), taken=self.taken)

    def rows(self, layer: str, *columns: str) -> list[tuple[Any, ...]]:
        """The fids of a layer's rows, with *columns*; nothing where the file has no such layer."""
        wanted = "".join(f', "{c}"' for c in columns)
        return self.sql(f'SELECT fid{wanted} FROM "{layer}" ORDER BY fid') if self.has(layer) else []

    def rows_of(self, layer: str, column: str) -> list[tuple[Any, ...]]:
        """The values of a column."""
        return self.sql(f'SELECT "{column}" FROM "{layer}"') if self.has(layer, column) else []

    def has(self, layer: str, column: str = "fid") -> bool:
        """Whether the file has that column."""
        return any(row[1] == column for row in self.sql(f'PRAGMA table_info("{layer}")'))

    def edit(self, layer: str, fid: int, name: str, raw: Any, value: Any) -> None:
        """Type *raw* into a field; *value* is what it is in JSON, None where nothing was said."""
        column = "geom" if name == "geometry" else name
        if not self.has(layer, column):
            return
        stood = self.sql(f'SELECT "{column}" FROM "{layer}" WHERE fid = ?', fid)[0][0]
        self.was.setdefault((layer, fid, name), stood)
        self.sql(f'UPDATE "{layer}" SET "{column}" = ? WHERE fid = ?', raw, fid)
        self.note(layer, fid, name, value)

    def note(self, layer: str, fid: int, name: str, value: Any) -> None:
        """Remember that something was typed."""
        self.typed[layer, fid, name] = value
        self.touched.add((layer, fid, name))
        self.ever.add((layer, fid, name))

    def add(self, layer: str, raw: Mapping[str, Any], values: Mapping[str, Any]) -> int:
        """A new row as QGIS makes it."""
        has = {n: v for n, v in raw.items() if self.has(layer, n)}
        names, marks = ", ".join(f'"{n}"' for n in has), ", ".join("?" * len(has))
        self.sql(f'INSERT INTO "{layer}" ({names}) VALUES ({marks})', *has.values())
        fid = int(self.sql(f'SELECT max(fid) FROM "{layer}"')[0][0])
        self.added.add((layer, fid))
        for name, value in values.items():
            if ("geom" if name == "geometry" else name) in has:
                self.note(layer, fid, name, value)
        return fid

    def delete(self, layer: str, fid: int) -> None:
        """Take a row away."""
        uuid = self.name(layer, fid)
        self.sql(f'DELETE FROM "{layer}" WHERE fid = ?', fid)
        if uuid:
            self.names[layer, fid] = uuid
        self.touched.add((layer, fid, None))
        self.ever.add((layer, fid, None))
        self.typed = {k: v for k, v in self.typed.items() if k[:2] != (layer, fid)}

    def name(self, layer: str, fid: int) -> str | None:
        """The uuid by which the server knows a row, as far as this device can tell."""
        if (layer, fid) in self.names:
            return self.names[layer, fid]
        found = self.sql(f'SELECT fiberq_uuid FROM "{layer}" WHERE fid = ?', fid) if self.has(layer) else []
        return str(found[0][0]) if found and found[0][0] else None

    def told(self) -> Iterator[Typed]:
        """What an upload of this file tells."""
        return ((layer, name, value) for (layer, _, name), value in self.typed.items() if value is not None)

    def wishes(self) -> Iterator[tuple[str, int, str, Any]]:
        """What was typed or cleared since the last upload and is another thing than what stood there."""
        for layer, fid, name in self.touched:
            if name is not None and (layer, fid, name) in self.typed:
                value = self.typed[layer, fid, name]
                if value is not None or self.was.get((layer, fid, name)) is not None:
                    yield layer, fid, name, value

    def sent(self) -> None:
        """Begin anew: all of it has been sent."""
        self.touched, self.was = set(), {}

    def allowed(self) -> set[tuple[str, str, str | None]]:
        """What an upload may change: (layer, uuid, field). A file without origin says everything again."""
        marks = self.ever if self.without_origin else self.touched
        found = {(layer, uuid, name) for layer, fid, name in marks if (uuid := self.name(layer, fid))}
        return found | {(layer, uuid, None) for layer, fid in self.added if (uuid := self.name(layer, fid))}

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement on the file."""
        connection = sqlite3.connect(self.path)
        for name, function in GEOMETRY_FUNCTIONS.items():
            connection.create_function(name, 1, lambda blob, f=function: f(blob) if blob else None)
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()


@define
class Watch:
    """Looks at one project of *ports* and says what must hold of it."""

    ports: Ports
    project: int
    books: Books
    ledger: set[Typed] = field(factory=set)
    _seen: set[Typed] = field(factory=set)
    _read_to: int = 0

    async def rows(self) -> dict[Key, Stored]:
        """Everything that is current."""
        found: dict[Key, Stored] = {}
        async with self.ports.store.reading(self.project) as reader:
            for layer in DATA_LAYERS:
                cursor: str | None = None
                while True:
                    page = await reader.features(layer.name, None, 500, cursor)
                    found |= {stored.key: stored for stored in page.items}
                    cursor = page.next
                    if cursor is None:
                        break
        return found

    async def revision(self) -> int:
        """The project's revision."""
        return (await self.ports.store.project(self.project)).revision

    async def items(self, state: str | None = None) -> list[Json]:
        """The inbox as an administrator sees it."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = await inbox.items(self.ports, ADMIN, self.project, state, 500, cursor)
            found += page["items"]  # type: ignore[arg-type]
            cursor = page["next"]  # type: ignore[assignment]
            if cursor is None:
                return found

    async def asked(self) -> dict[Key, set[tuple[str | None, Any]]]:
        """What items of the inbox, open or decided, want of each row: (field, value), or (None, None) to delete it."""
        async with self.ports.store.reading(self.project) as reader:
            page = await reader.items(None, 100_000, None)
        wanted: dict[Key, set[tuple[str | None, Any]]] = {}
        for item in page.items:
            for change in item.changes:
                found = wanted.setdefault(change.key, set())
                if change.sent is None:
                    found.add((None, None))
                    continue
                names = change.fields | change.sent.values.keys()
                found |= {(n, plain(value_json(change.key.layer, n, change.sent.get(n)))) for n in names}
                raw = {item.field: item.raw} if item.field else item.raw
                found |= {(n, plain(v)) for n, v in raw.items()} if isinstance(raw, dict) else set()
        return wanted

    async def feed(self, since: int) -> list[Json]:
        """The change feed after a revision."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = await reading.changes(self.ports, ADMIN, self.project, since, 500, cursor)
            found += page["changes"]  # type: ignore[arg-type]
            cursor = page["next"]  # type: ignore[assignment]
            if cursor is None:
                return found

    async def holds(self, *, all_again: bool = False) -> None:
        """What must hold after every step."""
        rows = await self.rows()
        items = await self.items()
        await self._nothing_is_missing(rows, items, all_again=all_again)
        kept = await self.books.read()
        self._gapless(await self.revision(), kept)
        self._no_reference_dangles(rows)
        self._places_have_one_holder(rows, kept)

    async def _nothing_is_missing(self, rows: Mapping[Key, Stored], items: list[Json], *, all_again: bool) -> None:
        if all_again:
            self._seen, self._read_to = set(), 0
        revision = await self.revision()
        for change in await self.feed(self._read_to):
            for name, sides in change["fields"].items():
                self._seen |= {(change["layer"], name, plain(value)) for value in sides.values()}
        self._read_to = revision
        shown = {typed for stored in rows.values() for typed in of_feature(stored)}
        waiting = {typed for item in items for typed in of_item(item)}
        missing = self.ledger - self._seen - shown - waiting
        assert not missing, f"lost: {sorted(missing, key=str)[:5]}"
        current = {(k.layer, k.uuid) for k in rows}
        for item in items:
            assert item["rows"] == 0 or item["reason"], item
            if item["state"] == "open" and item["uuid"]:
                assert (item["current"] is None) or (item["layer"], item["uuid"]) in current, item

    def _gapless(self, revision: int, kept: Kept) -> None:
        assert kept.revisions == list(range(1, revision + 1))
        # an item that was only decided anew moves the inbox, but not what it says of its times
        empty = set(kept.revisions) - kept.moved - kept.decided
        assert not empty, f"revisions without anything in them: {empty}"

    def _no_reference_dangles(self, rows: Mapping[Key, Stored]) -> None:
        for key, stored in rows.items():
            for reference in LAYER[key.layer].references:
                uuid = stored.row.get(reference.column)
                there = uuid is None or any(Key(target, str(uuid)) in rows for target in reference.targets)
                assert there, f"{key} refers to {reference.column} {uuid!r}, which is not there"

    def _places_have_one_holder(self, rows: Mapping[Key, Stored], kept: Kept) -> None:
        taken = sorted((c, k.layer, k.uuid) for k, stored in rows.items() for c in claims_of(k.layer, stored.row))
        assert len({claim for claim, _, _ in taken}) == len(taken), "two rows in one place"
        assert taken == kept.places, "claims that no row makes, or rows whose claims are not known"


def plain(value: Any) -> Any:
    """A JSON value to be compared: hashable."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict) and "coordinates" in value:
        return json.dumps(value["coordinates"])
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def of_feature(stored: Stored) -> Iterator[Typed]:
    """What a feature shows."""
    shown = feature_json(stored)
    properties: Any = shown["properties"]
    for name, value in {**properties, **properties["extra"], "geometry": shown["geometry"]}.items():
        yield stored.key.layer, name, plain(value)


def of_item(item: Json) -> Iterator[Typed]:
    """What an inbox item shows of what a device wanted and saw."""
    for side in ("device", "base"):
        if item["field"]:
            yield item["layer"], item["field"], plain(item[side])
        elif isinstance(item[side], dict):
            for name, value in item[side].items():
                yield item["layer"], name, plain(value)


def same_as(phone: Phone, rows: Mapping[Key, Stored]) -> None:
    """Insist that a file that was just taken holds exactly *rows*, and points at them by its own numbers."""
    found: set[Key] = set()
    fids = {(k.layer, k.uuid): stored.fid for k, stored in rows.items()}
    connection = sqlite3.connect(phone.path)
    connection.row_factory = sqlite3.Row
    try:
        for layer in DATA_LAYERS:
            if layer.natural_key:
                continue
            for record in connection.execute(f'SELECT * FROM "{layer.name}"'):
                key = Key(layer.name, record["fiberq_uuid"])
                found.add(key)
                _same_row(dict(record), rows[key], fids)
    finally:
        connection.close()
    assert found == {k for k in rows if not LAYER[k.layer].natural_key}


def _same_row(record: Json, stored: Stored, fids: Mapping[tuple[str, str], int]) -> None:
    layer = LAYER[stored.key.layer]
    assert (record["fid"], record["id"], record["fiberq_rev"]) == (stored.fid, stored.id, stored.rev)
    local = {r.local_fid: r for r in layer.references if r.local_fid}
    skipped = {r.local_layer for r in layer.references}
    for name, value in stored.row.values.items():
        if name == "geometry":
            assert bytes(record["geom"])[8 + (32 if record["geom"][3] & 0x0E else 0) :] == value
        elif name not in local and name not in skipped:
            assert record[name] == value, (stored.key, name)
    for name in set(record) - {"fid", "geom"} - set(local) - skipped:
        known = layer.column(name) is not None
        assert not known or record[name] == stored.row.get(name), (stored.key, name)
    for name, reference in local.items():
        uuid = stored.row.get(reference.column)
        if uuid is not None:
            assert record[name] in {fids.get((target, str(uuid))) for target in reference.targets}, (stored.key, name)
