"""A store small enough to read and devices with files, so that the sync core can be tested without I/O.

`Office` is the server: what a store remembers, and the order in which the core is asked. `Device` holds one copy
of one export, as a file does: rows by table and fid, numbers that are never used twice.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import count
from typing import Any

import shapely
from attrs import define, evolve, field

from fiberq_core.changes import Change, Op, Source, Write
from fiberq_core.checking import needs, settle
from fiberq_core.drafting import draft
from fiberq_core.fibre import claims_of
from fiberq_core.identity import derived, name_rows
from fiberq_core.inbox import Author, Decided, Decision, Item
from fiberq_core.lineage import Lineage, trace
from fiberq_core.planning import Cause, ConflictPolicy, Current, Held, Plan, World
from fiberq_core.policy import Actor, Role
from fiberq_core.ports import Applied, EarlierUpload, Revision, Version
from fiberq_core.proposals import Bases, MassDeletion, Proposal, naming, propose
from fiberq_core.questions import copy_or_undone
from fiberq_core.receipt import Circumstances, receipt
from fiberq_core.registry import GEOMETRY, LAYER
from fiberq_core.reversal import choices, proposed_by, undone
from fiberq_core.room import crowded
from fiberq_core.rows import Key, Row, Stored, Value, present
from fiberq_core.sent import LocalTarget, Provenance, SentFile, SentLayer, SentRow

PROJECT = "00000000-0000-4000-8000-000000000001"
AT = "2025-03-01T10:00:00.000Z"

OKNA, POLES, CABLES = "OKNA", "Stubovi", "Kablovi_podzemni"
CLOSURES, TRAYS, SPLICES, PATCHES = (
    "Splice_closures",
    "fiber_splice_trays",
    "fiber_splices",
    "fiber_patch_connections",
)
ELEMENTS, ORDERS, ORDER_ITEMS, REPORTS, PHOTOS, AREAS = (
    "Elements",
    "Work_orders",
    "work_order_items",
    "SMR_reports",
    "field_photos",
    "Service_Area",
)


def an_actor(name: str, role: Role) -> Actor:
    """Somebody with one role."""
    return Actor(name, frozenset({role}), name.title())


ADMIN, ENGINEER, WORKER = (an_actor(role.value, role) for role in Role)
OTHER_ENGINEER, OTHER_WORKER = an_actor("elena", Role.ENGINEER), an_actor("walter", Role.FIELD_WORKER)


def point(x: float, y: float = 44.0) -> bytes:
    """A point's canonical WKB."""
    return bytes(shapely.to_wkb(shapely.Point(x, y), byte_order=1, flavor="iso"))


def line(*places: tuple[float, float]) -> bytes:
    """A line's canonical WKB."""
    return bytes(shapely.to_wkb(shapely.LineString(places), byte_order=1, flavor="iso"))


def uuid_of(name: str) -> str:
    """A uuid that says in a test whose it is: always the same for the same name."""
    return derived("test", name)


def counts(receipt: Mapping[str, Any], *names: str) -> tuple[int, ...]:
    """Some counts of a receipt."""
    return tuple(receipt[name] for name in names)


def wish(item: Item) -> dict[str, Any]:
    """What the device sent of the only row that an item is about."""
    [change] = item.changes
    return dict(change.sent.values) if change.sent else {}


@define
class Office:
    """The server: a store in memory, and uploads as the flows drive them."""

    policy: ConflictPolicy = ConflictPolicy.HOLD
    revision: int = 0
    rows: dict[Key, Stored] = field(factory=dict)
    past: list[Version] = field(factory=list)
    items: dict[str, Item] = field(factory=dict)
    uploads: list[tuple[str | None, EarlierUpload]] = field(factory=list)
    used: dict[tuple[str, str], int] = field(factory=dict)  # the highest number given, by layer and kind of number
    _syncs: Any = field(factory=lambda: count(1))

    # what a store answers

    def get(self, keys: Collection[Key]) -> dict[Key, Stored]:
        """The current rows among *keys*."""
        return {k: self.rows[k] for k in keys if k in self.rows}

    def locate(self, uuids: Collection[str]) -> dict[str, Stored]:
        """The newest version of each uuid that was ever here."""
        found = {}
        for v in self.past:
            row = v.row or v.before
            if v.key.uuid in uuids and row is not None:
                found[v.key.uuid] = Stored(v.key, row, v.id, v.fid, v.by.revision)
        return {**found, **{k.uuid: s for k, s in self.rows.items() if k.uuid in uuids}}

    def versions(self, wanted: Mapping[Key, int]) -> dict[Key, Stored]:
        """Each key's version that was current at the wanted revision."""
        found: dict[Key, Stored] = {}
        for v in self.past:
            if v.key in wanted and v.by.revision <= wanted[v.key]:
                found.pop(v.key, None)
                if v.row is not None:
                    found[v.key] = Stored(v.key, v.row, v.id, v.fid, v.by.revision)
        return found

    def referring(self, keys: Collection[Key]) -> tuple[Stored, ...]:
        """The current rows that refer to any of *keys*."""
        uuids = {k.uuid for k in keys}
        return tuple(
            s for s in self.rows.values() if any(s.row.get(r.column) in uuids for r in LAYER[s.key.layer].references)
        )

    def claimants(self, claims: Collection[str]) -> dict[str, Key]:
        """Who holds each of *claims*."""
        return {c: s.key for s in self.rows.values() for c in claims_of(s.key.layer, s.row) if c in claims}

    def apply(
        self, author: Author, writes: Sequence[Write], items: Sequence[Item], source: Source, sync_id: str | None
    ) -> Applied:
        """Write under the next revision, as a store does; nothing takes none."""
        if not writes and not items:
            return Applied(self.revision, {})
        self.revision += 1
        by = Revision(self.revision, author, AT, source, sync_id)
        written = {}
        for write in sorted(writes, key=lambda w: w.op is not Op.DELETE):
            assert (self.rows.get(write.key)) == write.before
            written[write.key] = self._write(write, by)
        claims = [c for s in self.rows.values() for c in claims_of(s.key.layer, s.row)]
        assert len(claims) == len(set(claims)), "a place has two holders"
        self.items.update({item.item_id: item for item in items})
        return Applied(self.revision, written)

    def _write(self, write: Write, by: Revision) -> Stored:
        old = write.before or write.earlier
        numbers = (old.id, old.fid) if old else (self._next(write.key, "id"), self._next(write.key, "fid"))
        before = write.before.row if write.before else None
        self.past.append(Version(write.key, *numbers, write.op, write.after, before, by))
        if write.after is None:
            return self.rows.pop(write.key)
        self.rows[write.key] = Stored(write.key, write.after, *numbers, by.revision)
        return self.rows[write.key]

    def _next(self, key: Key, kind: str) -> int:
        self.used[key.layer, kind] = self.used.get((key.layer, kind), 0) + 1
        return self.used[key.layer, kind]

    # what people do at the desk

    def put(self, layer: str, name: str, **values: Value) -> str:
        """A row as an engineer makes it; gives its uuid."""
        key = Key(layer, uuid_of(name))
        self.write([Change(key, None, Row(values))])
        return key.uuid

    def edit(self, layer: str, uuid: str, by: Actor = OTHER_ENGINEER, **values: Value | None) -> None:
        """Somebody else changes a row."""
        now = self.rows[Key(layer, uuid)].row
        self.write([Change(Key(layer, uuid), now, now.with_values(values))], by)

    def delete(self, layer: str, uuid: str, by: Actor = OTHER_ENGINEER) -> None:
        """Somebody else deletes a row."""
        self.write([Change(Key(layer, uuid), self.rows[Key(layer, uuid)].row, None)], by)

    def write(self, changes: Sequence[Change], by: Actor = OTHER_ENGINEER) -> Plan:
        """Changes that must stand."""
        plan = self.plan(Cause(by, AT, f"desk {self.revision}"), [Proposal(c) for c in changes])
        assert not plan.held, plan.held
        self.apply(plan.cause.author, plan.writes, (), Source.REST, None)
        return plan

    def decide(self, item: Item, decision: Decision, by: Actor = ENGINEER) -> Plan:
        """Somebody decides an item; what it asks for must stand."""
        now = self.rows.get(Key(item.layer or "", item.uuid or ""))
        assert decision in choices(item, now)
        changes = proposed_by(item, decision, self.get({c.key for c in item.changes}))
        plan = self.plan(Cause(by, AT, item.item_id), [Proposal(c) for c in changes])
        assert not plan.held, plan.held
        decided = evolve(item, decided=Decided(decision, plan.cause.author, AT))
        self.apply(plan.cause.author, plan.writes, [decided], Source.INBOX, None)
        return plan

    def undo(self, revision: int, by: Actor = ENGINEER) -> Plan:
        """Take back what one revision did."""
        changes = undone([v for v in self.past if v.by.revision == revision])
        plan = self.plan(Cause(by, AT, f"undo {revision}"), [Proposal(c) for c in changes])
        self.apply(plan.cause.author, plan.writes, plan.items(), Source.UNDO, None)
        return plan

    # the one write path

    def plan(
        self,
        cause: Cause,
        proposals: Sequence[Proposal],
        mass: Sequence[MassDeletion] = (),
        since: int | None = None,
        own: frozenset[Key] = frozenset(),
    ) -> Plan:
        """Authorise, merge and check against what is here."""
        changes = [p.change for p in proposals] + [c for m in mass for c in m.changes]
        rows = self.get({c.key for c in changes})
        last = self.locate({c.key.uuid for c in changes if c.sent is not None and c.key not in rows})
        owners = {s.key.uuid: s.row.get("assigned_to_sub") for s in self.rows.values() if s.key.layer == ORDERS}
        known = {s.key: s for s in last.values() if s.key not in rows}
        drafted = draft(cause, proposals, mass, Current(rows, known, owners))  # type: ignore[arg-type]
        need = needs(drafted)
        appeared = {} if since is None else {name: self._appeared(name, since) for name in need.layers}
        referring = self.referring(need.referred | {k for k in self.rows if k.uuid in need.cables})
        inside = self.referring(crowded(drafted, World(rows=dict(self.rows))))
        referring += (*inside, *self.referring({s.key for s in inside if s.key.layer == TRAYS}))
        authors = {v.by.revision: v.by.author for v in self.past}
        return settle(
            drafted,
            World(
                self.claimants(need.claims),
                self.locate(need.targets),
                dict(self.rows),
                referring,
                appeared,
                authors,
                own,
            ),
        )

    def _appeared(self, layer: str, since: int) -> tuple[Stored, ...]:
        then = {k for k, _ in self.versions(dict.fromkeys(self.rows, since)).items()}
        return tuple(s for s in self.rows.values() if s.key.layer == layer and s.key not in then)

    def upload(self, sent: SentFile, by: Actor = WORKER) -> dict[str, Any]:
        """Merge a file; gives the receipt. The bytes are new: repeats of the same bytes never come so far."""
        sync_id = f"sync {next(self._syncs)}"
        lineage = self.lineage(sent, by)
        copy = lineage.copy(sync_id)
        made = self._proposals(sent, lineage, copy)
        cause = Cause(by, AT, copy, sync_id, self.policy)
        since = sent.provenance.revision if sent.provenance else None
        plan = self.plan(cause, made.rows, made.mass_deletions, since, frozenset(lineage.deltas))
        plan = evolve(plan, held=(*plan.held, *self._questions(sent, lineage)))
        new = [item for item in plan.items() if item.item_id not in self.items]
        before, current = self.revision, self.get({p.key for p in made.rows})
        applied = self.apply(cause.author, plan.writes, new, Source.UPLOAD, sync_id)
        export = sent.provenance.export_id if sent.provenance else None
        answer = receipt(
            plan, applied, {i.item_id for i in new}, current, Circumstances(sync_id, export, "export", before, sent)
        )
        parent = lineage.parent.sync_id if lineage.parent else None
        upload = EarlierUpload(sync_id, copy, parent, cause.author, AT, self.revision, made.deltas, sent.writes)
        self.uploads.append((export, upload))
        return answer

    def lineage(self, sent: SentFile, by: Actor = WORKER) -> Lineage:
        """What a file descends from."""
        if sent.provenance is None:
            return Lineage(None)
        uploads = [u for export, u in self.uploads if export == sent.provenance.export_id]
        wanted = dict.fromkeys({d.key for u in uploads for d in u.deltas}, sent.provenance.revision)
        delivered = {k: s.row for k, s in self.versions(wanted).items()}
        return trace(sent, uploads, delivered, sender=by.subject)

    def _proposals(self, sent: SentFile, lineage: Lineage, copy: str) -> Any:
        located = self.locate({r.uuid for layer in sent.layers for r in layer.rows if r.uuid})
        layers = {u: s.key.layer for u, s in located.items()}
        named = name_rows(sent.layers, naming(PROJECT, copy, sent, lineage), layers)
        keys = {n.key for found in named.values() for n in found} | set(lineage.deltas)
        keys |= {Key(layer.layer, uuid) for layer in sent.layers for uuid in layer.gone}
        revs = {n.key: n.sent.rev for found in named.values() for n in found if n.sent.rev is not None}
        at = sent.provenance.revision if sent.provenance else None
        versions = self.versions(dict.fromkeys(keys, at)) if at is not None else {}
        current = self.get(keys)
        last = {s.key: s for s in located.values() if s.key not in current}
        fids = {s.key.uuid: s.fid for s in self.locate({v.key.uuid for v in self.past}).values()}
        bases = Bases(versions, self.versions(revs), current, last, fids, at is not None)
        return propose(sent, named, lineage, bases)

    def _questions(self, sent: SentFile, lineage: Lineage) -> Iterable[Held]:
        for upload in lineage.unseen:
            assert sent.provenance is not None
            keys = {d.key for d in upload.deltas} | set(lineage.deltas)
            then = {k: s.row for k, s in self.versions(dict.fromkeys(keys, sent.provenance.revision)).items()}
            question = copy_or_undone(upload, lineage, then, {k: s.row for k, s in self.get(keys).items()})
            yield from [question] if question else []

    # what tests ask

    def row(self, layer: str, uuid: str) -> dict[str, Any]:
        """What a row says now."""
        return dict(self.rows[Key(layer, uuid)].row.values)

    def value(self, layer: str, uuid: str, name: str) -> Any:
        """What a field says now; None also where the row is gone."""
        stored = self.rows.get(Key(layer, uuid))
        return stored.row.get(name) if stored else None

    def all(self, layer: str) -> list[Row]:
        """The rows of a layer, in the order of their numbers."""
        found = sorted((s for s in self.rows.values() if s.key.layer == layer), key=lambda s: s.fid)
        return [s.row for s in found]

    @property
    def inbox(self) -> list[Item]:
        """Everything that ever came into the inbox, oldest first."""
        return list(self.items.values())

    def kinds(self) -> list[str]:
        """What waits, by kind."""
        return sorted(i.kind.value for i in self.inbox if i.open)


@define
class Local:
    """A row of a device's file. *values* are what the file shows: local numbers beside uuids."""

    uuid: str | None
    rev: int | None
    values: dict[str, Value]


@define
class Device:
    """One copy of one export."""

    office: Office
    export_id: str
    revision: int
    delivered: dict[str, dict[int, Local]]
    tables: dict[str, dict[int, Local]]
    last_fid: dict[str, int]
    without: dict[str, set[str]] = field(factory=dict)  # columns that the file lost, by layer
    reprojected: bool = False
    writes: int = 0

    @classmethod
    def of(cls, office: Office, holder: str = WORKER.subject) -> "Device":
        """Download what is there now."""
        tables: dict[str, dict[int, Local]] = {name: {} for name in LAYER if name != "sync_issues"}
        for stored in sorted(office.rows.values(), key=lambda s: s.fid):
            tables[stored.key.layer][stored.fid] = Local(stored.key.uuid, stored.rev, _exported(office, stored))
        used = {layer: number for (layer, kind), number in office.used.items() if kind == "fid"}
        return cls(office, f"{holder} {office.revision}", office.revision, tables, deepcopy(tables), used)

    def copy(self) -> "Device":
        """The same file on another device."""
        office, self.office = self.office, None  # type: ignore[assignment]
        try:
            other = deepcopy(self)
        finally:
            self.office = office
        other.office = office
        return other

    def fid(self, layer: str, uuid: str) -> int:
        """The number of a row in the file."""
        return next(fid for fid, row in self.tables[layer].items() if row.uuid == uuid)

    def at(self, layer: str, row: str | int) -> Local:
        """A row by uuid or fid."""
        return self.tables[layer][row if isinstance(row, int) else self.fid(layer, row)]

    def edit(self, layer: str, row: str | int, **values: Value | None) -> None:
        """Change fields of a row."""
        self.writes += 1
        local = self.at(layer, row)
        local.values = present({**local.values, **values})

    def delete(self, layer: str, row: str | int) -> None:
        """Take a row out."""
        self.writes += 1
        del self.tables[layer][row if isinstance(row, int) else self.fid(layer, row)]

    def put_back(self, layer: str, fid: int) -> None:
        """Make a row as it was delivered, wherever it is."""
        self.writes += 1
        self.tables[layer][fid] = deepcopy(self.delivered[layer][fid])

    def add(self, layer: str, uuid: str | None = None, **values: Value) -> int:
        """A new row; gives its fid, which no other row had or will have."""
        self.writes += 1
        self.last_fid[layer] = fid = self.last_fid.get(layer, 0) + 1
        self.tables[layer][fid] = Local(uuid, None, dict(values))
        return fid

    def file(self, change: Callable[[SentLayer], SentLayer] = lambda layer: layer) -> SentFile:
        """The file as a reader gives it."""
        targets = {
            (layer, fid): LocalTarget(layer, layer, fid, row.uuid)
            for layer, rows in self.tables.items()
            for fid, row in rows.items()
        }
        provenance = Provenance(self.export_id, PROJECT, self.revision)
        layers = tuple(change(self._layer(layer)) for layer in self.tables)
        return SentFile(provenance, layers, targets=targets, writes=self.writes)

    def foreign(self) -> SentFile:
        """The file after a "save as", which drops its origin."""
        layers = [self._layer(layer) for layer in self.tables]
        all_rows = [tuple(self._sent(la.layer, fid, r) for fid, r in self.tables[la.layer].items()) for la in layers]
        stripped = [
            evolve(layer, rows=rows, delivered={}, gone=(), received=0)
            for layer, rows in zip(layers, all_rows, strict=True)
        ]
        return evolve(self.file(), provenance=None, layers=tuple(stripped))

    def send(self, by: Actor = WORKER) -> dict[str, Any]:
        """Upload; gives the receipt."""
        return self.office.upload(self.file(), by)

    def _layer(self, layer: str) -> SentLayer:
        rows, delivered = self.tables[layer], self.delivered[layer]
        looked_at = {fid: row for fid, row in rows.items() if self.reprojected or not self._same(layer, fid)}
        carried: dict[str, list[int]] = {}
        for fid, row in rows.items():
            if row.uuid:
                carried.setdefault(row.uuid, []).append(fid)
        return SentLayer(
            layer=layer,
            source=layer,
            columns=self._columns(layer),
            rows=tuple(self._sent(layer, fid, row) for fid, row in looked_at.items()),
            duplicates={uuid: tuple(fids) for uuid, fids in carried.items() if len(fids) > 1},
            delivered={fid: str(delivered[fid].uuid) for fid in looked_at if fid in delivered},
            gone=tuple(str(r.uuid) for fid, r in delivered.items() if fid not in rows and r.uuid not in carried),
            received=len(delivered),
            total=len(rows),
            reprojected=self.reprojected,
        )

    def _same(self, layer: str, fid: int) -> bool:
        was = self.delivered[layer].get(fid)
        return was is not None and self._sent(layer, fid, was) == self._sent(layer, fid, self.tables[layer][fid])

    def _sent(self, layer: str, fid: int, row: Local) -> SentRow:
        lost = self.without.get(layer, set())
        return SentRow(layer, fid, row.uuid, row.rev, Row({n: v for n, v in row.values.items() if n not in lost}))

    def _columns(self, layer: str) -> frozenset[str]:
        extra = {n for row in self.tables[layer].values() for n in row.values}
        own = {c.name for c in LAYER[layer].columns} | ({GEOMETRY} if LAYER[layer].spatial else set())
        return frozenset(own | extra) - self.without.get(layer, set())


def _exported(office: Office, stored: Stored) -> dict[str, Value]:
    """A row as an export shows it: the numbers of the rows that it refers to are written anew."""
    values = dict(stored.row.values)
    for reference in LAYER[stored.key.layer].references:
        uuid = stored.row.get(reference.column)
        found = [office.rows[Key(t, str(uuid))] for t in reference.targets if Key(t, str(uuid)) in office.rows]
        if found and reference.local_fid:
            values[reference.local_fid] = found[0].fid
            if reference.local_layer:
                values.setdefault(reference.local_layer, found[0].key.layer)
    return values
