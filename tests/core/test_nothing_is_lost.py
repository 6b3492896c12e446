"""The promises of the contract as laws, on the core alone: random people, random files, a store in memory."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from typing import Any

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from fiberq_core.changes import Op
from fiberq_core.planning import Cause, ConflictPolicy
from fiberq_core.policy import Role
from fiberq_core.proposals import Proposal
from fiberq_core.registry import GEOMETRY
from fiberq_core.reversal import choices, proposed_by
from fiberq_core.rows import Key, Row, Value, differing
from tests.core.offline import AT, CLOSURES, ENGINEER, POLES, TRAYS, Device, Local, Office, an_actor, point, uuid_of

LAYERS = (POLES, CLOSURES, TRAYS)
FIELDS = {POLES: ("naziv", "visina", GEOMETRY), CLOSURES: ("naziv", "napomena"), TRAYS: ("capacity", "tray_type")}
Cell = tuple[str, int, str]
picks = st.integers(0, 10**6)


@define
class Holder:
    """Somebody with a file, and what an onlooker remembers of it."""

    device: Device
    name: str
    alone: bool  # nobody else has a copy of this file
    sent: dict[str, dict[int, Local]] = field(factory=dict)  # as it was delivered or sent last
    seen: dict[Cell, set[Value | None]] = field(factory=dict)  # every value that the file ever showed

    def look(self) -> None:
        """Remember what the file shows now."""
        for layer, rows in self.device.tables.items():
            for fid, local in rows.items():
                for name in (*FIELDS.get(layer, ()), "tray_number"):
                    self.seen.setdefault((layer, fid, name), set()).add(local.values.get(name))

    def typed(self) -> Iterator[tuple[str, int, str, Value | None]]:
        """Everything in the file that is otherwise than when it was last in step with the server: layer, fid, field, value."""
        for layer in LAYERS:
            for fid, local in self.device.tables[layer].items():
                old = self.sent[layer][fid].values if fid in self.sent[layer] else {}
                for name in FIELDS[layer]:
                    if local.values.get(name) != old.get(name):
                        yield layer, fid, name, local.values.get(name)

    def removed(self) -> list[Key]:
        """The rows that were there when it was last in step and are not there now, as far as they had uuids."""
        return [
            Key(layer, local.uuid)
            for layer in LAYERS
            for fid, local in self.sent[layer].items()
            if fid not in self.device.tables[layer] and local.uuid
        ]


def kept(office: Office) -> set[tuple[str, str, Value]]:
    """Every value that is current, in history or in the inbox: layer, field, value."""
    found = {
        (v.key.layer, n, x) for v in office.past for row in (v.row, v.before) if row for n, x in row.values.items()
    }
    for item in office.inbox:
        for change in item.changes:
            for row in (change.base, change.sent):
                found |= {(change.key.layer, n, x) for n, x in row.values.items()} if row else set()
        if isinstance(item.raw, dict):
            found |= {(item.layer or "", n, x) for n, x in item.raw.items() if isinstance(x, str | int | float)}
    return found


class Fieldwork(RuleBasedStateMachine):
    """Several devices and an office at work on one project."""

    holders = Bundle("holders")

    def __init__(self) -> None:
        """Three poles, a closure, a tray."""
        super().__init__()
        self.office = Office()
        self.fresh = count(1)
        for n, name in enumerate("abc"):
            self.office.put(POLES, name, naziv=f"P-{n}", visina=8.0 + n, geometry=point(21 + n))
        self.office.put(CLOSURES, "closure", naziv="N-4", geometry=point(21))
        self.office.put(TRAYS, "tray", closure_uuid=uuid_of("closure"), tray_number=1, capacity=10**6)
        self.promised: set[tuple[str, str, Value]] = set()

    def value(self, name: str) -> Value:
        """A value that nobody gave anything before."""
        n = next(self.fresh)
        made: dict[str, Value] = {"visina": 100.0 + n, "capacity": 1000 + n, GEOMETRY: point(0.001 * n)}
        return made.get(name, f"typed {n}")

    @rule(target=holders, policy=st.sampled_from(ConflictPolicy))
    def download(self, policy: ConflictPolicy) -> Holder:
        """Somebody takes the project away; the project's setting may change."""
        self.office.policy = policy
        name = f"person {next(self.fresh)}"
        holder = Holder(Device.of(self.office, name), name, alone=True)
        holder.sent = deepcopy(holder.device.tables)
        holder.look()
        return holder

    @rule(target=holders, holder=holders)
    def copy(self, holder: Holder) -> Any:
        """The same file on a second device, of somebody else."""
        if sum(len(rows) for rows in holder.device.tables.values()) > 20:
            return multiple()
        holder.alone = False
        other = holder.device.copy()
        return Holder(other, f"person {next(self.fresh)}", False, deepcopy(holder.sent), deepcopy(holder.seen))

    @rule(holder=holders, pick=picks, layer=st.sampled_from(LAYERS), clear=st.booleans())
    def edit(self, holder: Holder, pick: int, layer: str, clear: bool) -> None:
        """Somebody types something, or clears it."""
        rows = sorted(holder.device.tables[layer])
        if rows:
            name = FIELDS[layer][pick % len(FIELDS[layer])]
            fid = rows[pick // 7 % len(rows)]
            holder.device.edit(layer, fid, **{name: None if clear else self.value(name)})
            holder.look()

    @rule(holder=holders, uuid=st.booleans())
    def draw(self, holder: Holder, uuid: bool) -> None:
        """Somebody draws a pole, with or without a uuid."""
        own = uuid_of(f"drawn {next(self.fresh)}") if uuid else None
        values = {name: self.value(name) for name in FIELDS[POLES]}
        holder.device.add(POLES, own, **values)
        holder.look()

    @rule(holder=holders, number=st.integers(1, 4), pick=picks)
    def add_tray(self, holder: Holder, number: int, pick: int) -> None:
        """Somebody adds a tray to a closure in their file, under a number that may be taken."""
        closures = sorted(holder.device.tables[CLOSURES])
        if closures:
            fid = closures[pick % len(closures)]
            holder.device.add(TRAYS, closure_fid=fid, tray_number=number, capacity=self.value("capacity"))
            holder.look()

    @rule(holder=holders, pick=picks, layer=st.sampled_from(LAYERS))
    def delete(self, holder: Holder, pick: int, layer: str) -> None:
        """Somebody deletes a row."""
        rows = sorted(holder.device.tables[layer])
        if rows:
            holder.device.delete(layer, rows[pick % len(rows)])

    @rule(holder=holders, pick=picks)
    def undo_edits(self, holder: Holder, pick: int) -> None:
        """Somebody makes a row as it was delivered."""
        rows = sorted(holder.device.delivered[POLES])
        if rows:
            holder.device.put_back(POLES, rows[pick % len(rows)])

    @rule(pick=picks, gone=st.integers(0, 4))
    def desk(self, pick: int, gone: int) -> None:
        """The office edits or deletes a pole."""
        poles = sorted(k.uuid for k in self.office.rows if k.layer == POLES)
        if poles and gone:
            name = FIELDS[POLES][pick % 3]
            self.office.edit(POLES, poles[pick // 3 % len(poles)], ENGINEER, **{name: self.value(name)})
        elif poles:
            self.office.delete(POLES, poles[pick % len(poles)])

    @rule(pick=picks)
    def decide(self, pick: int) -> None:
        """An engineer decides something that waits, as far as it can stand."""
        waiting = [item for item in self.office.inbox if item.open]
        if waiting:
            item = waiting[pick % len(waiting)]
            now = self.office.rows.get(Key(item.layer or "", item.uuid or ""))
            possible = choices(item, now)
            decision = possible[pick // 7 % len(possible)]
            wanted = proposed_by(item, decision, self.office.get({c.key for c in item.changes}))
            if not self.office.plan(Cause(ENGINEER, AT, "try"), [Proposal(c) for c in wanted]).held:
                self.office.decide(item, decision)

    @rule(holder=holders)
    def upload(self, holder: Holder) -> None:
        """Somebody sends their file, and sends it again."""
        typed, removed = list(holder.typed()), holder.removed()
        edited = typed or removed or self._numbers(holder.sent) != self._numbers(holder.device.tables)
        by = an_actor(holder.name, Role.FIELD_WORKER)
        before = self.office.revision
        receipt = holder.device.send(by)

        self.promised |= {(layer, name, value) for layer, _, name, value in typed if value is not None}
        for key in removed:
            assert key not in self.office.rows or any(c.key == key and c.sent is None for c in self._wishes()), key
        if not edited:
            assert (0, 0, 0) == (receipt["applied"], receipt["conflicts"], receipt["rejected"])
        if holder.alone and self.office.policy is not ConflictPolicy.DEVICE_WINS:
            self._nothing_unseen_was_overwritten(holder, receipt, before)
        after = self.office.revision
        again = holder.device.send(by)
        assert (after, 0, 0) == (self.office.revision, again["applied"], again["conflicts"]), again
        holder.sent = deepcopy(holder.device.tables)

    @rule(holder=holders, picks=st.lists(picks, min_size=2, max_size=8))
    def day(self, holder: Holder, picks: list[int]) -> None:
        """A day: the office and somebody outside work on the same poles, then the file is sent."""
        for pick in picks:
            self.desk(pick, pick % 9)
            self.edit(holder, pick // 2, POLES, pick % 6 == 0)
        self.upload(holder)

    def _numbers(self, tables: dict[str, dict[int, Local]]) -> Any:
        return {layer: sorted(tables[layer]) for layer in LAYERS}

    def _wishes(self) -> Iterator[Any]:
        return (change for item in self.office.inbox for change in item.changes)

    def _nothing_unseen_was_overwritten(self, holder: Holder, receipt: dict[str, Any], before: int) -> None:
        """What an upload replaced had been in the sender's own file."""
        fids = {(e["layer"], e["uuid"]): e["fid"] for e in receipt["items"] if e["outcome"] == "updated"}
        for version in self.office.past:
            if version.by.revision <= before or version.op is not Op.UPDATE or version.before is None:
                continue
            fid = fids[version.key.layer, version.key.uuid]
            for name in differing(version.before, version.row) & set(FIELDS[version.key.layer]):
                assert version.before.get(name) in holder.seen[version.key.layer, fid, name]

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every value that anybody ever sent is current, in history or in the inbox."""
        assert self.promised <= kept(self.office)

    @invariant()
    def history_leads_to_the_present(self) -> None:
        """Each version starts where the one before it ended, and the last one is current."""
        now: dict[Key, Row] = {}
        for version in self.office.past:
            assert now.get(version.key) == version.before
            now.pop(version.key, None)
            if version.row is not None:
                now[version.key] = version.row
        assert now == {k: s.row for k, s in self.office.rows.items()}


Fieldwork.TestCase.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)
TestFieldwork = Fieldwork.TestCase


# two devices

NAMES = ("naziv", "materijal", "napomena", "tip")
edits = st.dictionaries(
    st.tuples(st.integers(0, 5), st.sampled_from(NAMES)), st.one_of(st.none(), st.sampled_from("abc")), max_size=8
)


def six_poles() -> Office:
    """A project of six poles."""
    office = Office()
    for n in range(6):
        office.put(POLES, f"{n}", naziv=f"P-{n}", materijal="Wood", geometry=point(21 + n))
    return office


def rows(office: Office) -> dict[Key, Row]:
    """What the project says, without numbers and revisions."""
    return {key: stored.row for key, stored in office.rows.items()}


def make(device: Device, wanted: dict[tuple[int, str], str | None], new: list[str], name: str) -> None:
    """Edit and draw."""
    for (pole, column), value in wanted.items():
        device.edit(POLES, uuid_of(f"{pole}"), **{column: value})
    for n, text in enumerate(new):
        device.add(POLES, uuid_of(f"{name} {n}"), naziv=text)


drawn = st.lists(st.sampled_from("xyz"), max_size=3)


@settings(max_examples=100, deadline=None)
@given(edits, edits, drawn, drawn)
def test_the_order_of_disjoint_uploads_does_not_matter(first, second, new_of_first, new_of_second):
    """S03, S36: what two devices did to different fields is all there, in whatever order they send it."""
    results = []
    for order in ((0, 1), (1, 0)):
        office = six_poles()
        devices = [Device.of(office, name) for name in ("phone", "tablet")]
        make(devices[0], first, new_of_first, "phone")
        make(devices[1], {cell: v for cell, v in second.items() if cell not in first}, new_of_second, "tablet")
        for n in order:
            assert [] == [k for k in [devices[n].send()["conflicts"]] if k]
        results.append(rows(office))

    assert results[0] == results[1]
    assert all(results[0][Key(POLES, uuid_of(f"{pole}"))].get(name) == value for (pole, name), value in first.items())


@settings(max_examples=100, deadline=None)
@given(edits, edits)
def test_conflicting_uploads_keep_both_values(first, second):
    """S05: whoever comes second finds the first's values current and their own in the inbox; nothing else differs."""
    office = six_poles()
    phone, tablet = Device.of(office, "phone"), Device.of(office, "tablet")
    make(phone, first, [], "phone")
    make(tablet, second, [], "tablet")
    phone.send()
    tablet.send()
    delivered = rows(six_poles())
    waiting = {(i.uuid, i.field): i.changes[0].sent for i in office.inbox}

    for (pole, name), value in {**second, **first}.items():
        key = Key(POLES, uuid_of(f"{pole}"))
        mine = second.get((pole, name), delivered[key].get(name))
        theirs = first.get((pole, name), delivered[key].get(name))
        contested = 3 == len({mine, theirs, delivered[key].get(name)})
        assert contested == ((key.uuid, name) in waiting)
        assert office.value(POLES, key.uuid, name) == (
            theirs if contested or mine == delivered[key].get(name) else mine
        )
        if contested:
            sent = waiting[key.uuid, name]
            assert sent is not None and mine == sent.get(name)
        assert value in (mine, theirs)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 5), max_size=3), st.sets(st.integers(0, 5), max_size=3), st.booleans())
def test_s50_copies_never_revert_each_other(first, second, new):
    """S50: whatever two copies of one file typed into different rows is current after both have sent it, twice."""
    office = six_poles()
    phone = Device.of(office)
    tablet = phone.copy()
    make(phone, {(n, "naziv"): f"phone {n}" for n in first}, [], "phone")
    make(tablet, {(n, "naziv"): f"tablet {n}" for n in second - first}, [], "tablet")
    for n, device in enumerate((phone, tablet)):
        if new:
            device.add(POLES, naziv="1", geometry=point(30 + n))
    for device in (phone, tablet, phone, tablet):
        device.send()

    assert all(f"phone {n}" == office.value(POLES, uuid_of(f"{n}"), "naziv") for n in first)
    assert all(f"tablet {n}" == office.value(POLES, uuid_of(f"{n}"), "naziv") for n in second - first)
    assert 6 + 2 * new == len(office.rows)
    assert {"question"} >= set(office.kinds())


@settings(max_examples=60, deadline=None)
@given(st.lists(edits, min_size=1, max_size=4), st.lists(edits, min_size=4, max_size=4))
def test_s14_a_device_is_never_in_conflict_with_itself(rounds, desk):
    """S14: a device that sends the same file again and again meets only what somebody else did to the same field since.

    Each round types something new: a file that is again exactly as it was sent before may be a copy made then (S50).
    """
    office = six_poles()
    phone = Device.of(office)
    phone.edit(POLES, uuid_of("0"), napomena="this is the phone's file")
    touched: set[tuple[int, str]] = {(0, "napomena")}
    for n, (wanted, theirs) in enumerate(zip(rounds, desk, strict=False)):
        mine: dict[tuple[int, str], str | None] = {
            cell: f"{value} {n}" for cell, value in wanted.items() if cell != (0, "napomena") and value is not None
        }
        make(phone, mine, [], "phone")
        phone.send()
        touched |= set(mine)
        for (pole, name), value in theirs.items():
            if (pole, name) not in touched:
                office.edit(POLES, uuid_of(f"{pole}"), **{name: value})

    untouched_by_others = [i for i in office.inbox if i.field and (int(_pole(i.uuid)), i.field) in touched]
    assert all(_edited_by_others(office, i.uuid or "", i.field or "") for i in untouched_by_others)


def _pole(uuid: str | None) -> str:
    return next(f"{n}" for n in range(6) if uuid_of(f"{n}") == uuid)


def _edited_by_others(office: Office, uuid: str, name: str) -> bool:
    return any(
        name in differing(v.before, v.row) and v.by.sync_id is None and v.before is not None
        for v in office.past
        if v.key.uuid == uuid
    )
