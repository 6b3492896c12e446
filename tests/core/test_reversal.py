"""Taking back: undo, restore, and what each decision in the inbox asks for."""

import pytest
from attrs import evolve

from fiberq_core.changes import Change, Op, Source
from fiberq_core.inbox import Author, Decided, Decision, Item, ItemKind
from fiberq_core.ports import Revision, Version
from fiberq_core.registry import GEOMETRY
from fiberq_core.reversal import CHOICES, choices, proposed_by, restored, undone
from fiberq_core.rows import Key, Row, Stored
from tests.core.offline import AT, CLOSURES, POLES, TRAYS, Device, Office, point, uuid_of

KEY, OTHER = Key(POLES, uuid_of("p")), Key(POLES, uuid_of("q"))
OLD, MINE, NOW = Row({"naziv": "old"}), Row({"naziv": "mine", "tip": "A"}), Row({"naziv": "now", "tip": "B"})
ME = Author("me")


def there(row: Row | None, key: Key = KEY) -> Stored | None:
    """A row as it is now."""
    return Stored(key, row, 1, 1, 5) if row is not None else None


def current(row: Row | None, key: Key = KEY) -> dict[Key, Stored]:
    """What is there now."""
    stored = there(row, key)
    return {key: stored} if stored else {}


def an_item(kind: ItemKind, *changes: Change, field: str | None = None, **more) -> Item:
    """An inbox item; of one row where there is one change."""
    uuid = changes[0].key.uuid if len(changes) == 1 else None
    return Item("item", kind, POLES, uuid, field, "because", changes, **more)


EDIT = Change(KEY, Row({"naziv": "old"}), Row({"naziv": "mine"}))
MOVE = Change(KEY, Row({GEOMETRY: point(1)}), Row({GEOMETRY: point(2)}))
WHOLE, NEW, GONE = Change(KEY, OLD, MINE), Change(KEY, None, MINE), Change(KEY, OLD, None)
NOTHING = Change(KEY, Row(), Row())
D, KEEP, TAKE, BOTH, RESTORE = "dismiss", "keep_server", "take_mine", "take_both", "restore"

OFFERED = {
    # item, the row now: the decisions that make sense
    "a field in conflict": (an_item(ItemKind.CONFLICT, EDIT, field="naziv"), NOW, {KEEP, TAKE, D}),
    "a field in conflict, the row gone since": (an_item(ItemKind.CONFLICT, EDIT, field="naziv"), None, {KEEP, D}),
    "a geometry in conflict": (an_item(ItemKind.CONFLICT, MOVE, field=GEOMETRY), NOW, {KEEP, TAKE, BOTH, D}),
    "a geometry in conflict, the row gone since": (an_item(ItemKind.CONFLICT, MOVE, field=GEOMETRY), None, {KEEP, D}),
    "an edit of a deleted row": (an_item(ItemKind.CONFLICT, WHOLE), None, {KEEP, RESTORE, D}),
    "an edit of a deleted row that came back": (an_item(ItemKind.CONFLICT, WHOLE), NOW, {KEEP, TAKE, D}),
    "a refused edit": (an_item(ItemKind.REFUSED, EDIT, field="naziv"), NOW, {KEEP, TAKE, D}),
    "a refused edit, the row gone since": (an_item(ItemKind.REFUSED, EDIT, field="naziv"), None, {KEEP, D}),
    "a refused new row": (an_item(ItemKind.REFUSED, NEW), None, {KEEP, TAKE, D}),
    "a refused deletion": (an_item(ItemKind.REFUSED, GONE), NOW, {KEEP, TAKE, D}),
    "a rejected new row": (an_item(ItemKind.REJECTED, NEW), None, {KEEP, TAKE, D}),
    "a value that never became one": (an_item(ItemKind.REJECTED, NOTHING, field="visina", raw="12a"), NOW, {KEEP, D}),
    "a held deletion": (an_item(ItemKind.HELD_DELETE, GONE), NOW, {KEEP, TAKE, D}),
    "many held deletions": (an_item(ItemKind.HELD_DELETES, GONE, Change(OTHER, OLD, None)), None, {KEEP, TAKE, D}),
    "a clash": (an_item(ItemKind.CLASH, NEW), None, {KEEP, TAKE, D}),
    "a duplicate": (an_item(ItemKind.DUPLICATE, NEW), MINE, {KEEP, BOTH, D}),
    "a question": (an_item(ItemKind.QUESTION, WHOLE, Change(OTHER, MINE, None)), None, {KEEP, TAKE, D}),
    "a layer that could not be read": (an_item(ItemKind.REJECTED, raw={"rows": 7}), None, {KEEP, D}),
}


@pytest.mark.parametrize("item, now, expected", OFFERED.values(), ids=OFFERED)
def test_choices(item, now, expected):
    """Only decisions that would do something, or leave things as they are, are offered."""
    assert expected == {decision.value for decision in choices(item, there(now))}


def test_every_kind_can_be_decided():
    """Each kind of item has its choices, and each can be left as it is."""
    assert set(ItemKind) == set(CHOICES)
    assert all({Decision.KEEP_SERVER, Decision.DISMISS} <= set(possible) for possible in CHOICES.values())


@pytest.mark.parametrize("decision", Decision)
def test_deciding_again(decision):
    """What was left as it was can still be taken; what changed the project is undone by other means."""
    item = an_item(ItemKind.CONFLICT, EDIT, field="naziv", decided=Decided(decision, ME, AT))

    assert (decision in (Decision.KEEP_SERVER, Decision.DISMISS)) == bool(choices(item, there(NOW)))


PROPOSED = {
    # item, decision, the row now: what is asked for
    "the device's value": (EDIT, ItemKind.CONFLICT, "naziv", TAKE, NOW, Change(KEY, NOW, NOW.with_values({"naziv": "mine"}))),
    "the device's geometry": (
        MOVE, ItemKind.CONFLICT, GEOMETRY, TAKE, NOW, Change(KEY, NOW, NOW.with_values({GEOMETRY: point(2)})),
    ),
    "a cleared value": (
        Change(KEY, Row({"tip": "A"}), Row()), ItemKind.CONFLICT, "tip", TAKE, NOW, Change(KEY, NOW, Row({"naziv": "now"})),
    ),
    "only what the device changed": (
        Change(KEY, OLD, OLD.with_values({"tip": "A"})), ItemKind.REFUSED, None, TAKE, NOW,
        Change(KEY, NOW, NOW.with_values({"tip": "A"})),
    ),
    "a deleted row as the device has it": (WHOLE, ItemKind.CONFLICT, None, RESTORE, None, Change(KEY, None, MINE)),
    "a new row": (NEW, ItemKind.CLASH, None, TAKE, None, NEW),
    "a new row that is there by now": (
        NEW, ItemKind.CLASH, None, TAKE, NOW, Change(KEY, NOW, Row({"naziv": "mine", "tip": "A"})),
    ),
    "a deletion": (GONE, ItemKind.HELD_DELETE, None, TAKE, NOW, Change(KEY, NOW, None)),
    "an edit of a row that is gone": (WHOLE, ItemKind.QUESTION, None, TAKE, None, None),
    "the server's value": (EDIT, ItemKind.CONFLICT, "naziv", KEEP, NOW, None),
    "nothing": (EDIT, ItemKind.CONFLICT, "naziv", D, NOW, None),
    "one of two drawings": (NEW, ItemKind.DUPLICATE, None, KEEP, NOW, Change(KEY, NOW, None)),
    "one of two drawings that is gone": (NEW, ItemKind.DUPLICATE, None, KEEP, None, None),
    "both drawings": (NEW, ItemKind.DUPLICATE, None, BOTH, NOW, None),
}  # fmt: skip


@pytest.mark.parametrize("change, kind, field, decision, now, expected", PROPOSED.values(), ids=PROPOSED)
def test_what_a_decision_asks_for(change, kind, field, decision, now, expected):
    """Against the row as it is now, so that nothing of it is contested, and nothing beside it is touched."""
    made = proposed_by(an_item(kind, change, field=field), Decision(decision), current(now))

    assert ((expected,) if expected else ()) == made


def test_both_geometries():
    """S07: the device's geometry becomes a row of its own beside the server's, the same one whoever asks again."""
    item = an_item(ItemKind.CONFLICT, MOVE, field=GEOMETRY)
    [made] = proposed_by(item, Decision.TAKE_BOTH, current(NOW))

    assert (None, NOW.with_values({GEOMETRY: point(2)})) == (made.base, made.sent)
    assert POLES == made.key.layer and KEY.uuid != made.key.uuid
    assert (made,) == proposed_by(item, Decision.TAKE_BOTH, current(NOW))
    assert [made.key] != [c.key for c in proposed_by(evolve(item, item_id="2"), Decision.TAKE_BOTH, current(NOW))]
    assert () == proposed_by(item, Decision.TAKE_BOTH, {})


def a_version(before: Row | None, row: Row | None) -> Version:
    """What one transaction did to a row."""
    op = Op.INSERT if before is None else Op.DELETE if row is None else Op.UPDATE
    return Version(KEY, 1, 1, op, row, before, Revision(2, ME, AT, Source.UPLOAD))


@pytest.mark.parametrize("before, row", [(None, MINE), (OLD, MINE), (OLD, None)])
def test_undone(before, row):
    """The inverse of each thing that was done; done twice it is what it was."""
    [change] = undone([a_version(before, row)])

    assert Change(KEY, row, before) == change
    assert Change(KEY, before, row) == change.inverse()


@pytest.mark.parametrize(
    "wanted, now, expected",
    [(OLD, NOW, Change(KEY, NOW, OLD)), (OLD, None, Change(KEY, None, OLD)), (OLD, OLD, None), (Row(), None, Change(KEY, None, Row()))],
)  # fmt: skip
def test_restored(wanted, now, expected):
    """An older version is made current as a whole; one that is current already asks for nothing."""
    assert expected == restored(wanted, there(now), KEY)


def test_undo_of_an_upload():
    """Edits, new rows and deletions of an upload are taken back; rows come back under their old numbers."""
    office = Office()
    for n, name in enumerate("ab"):
        office.put(POLES, name, naziv=f"P-{n}", geometry=point(21 + n))
    before = {k: (s.row, s.id, s.fid) for k, s in office.rows.items()}
    phone = Device.of(office)
    phone.edit(POLES, uuid_of("a"), naziv="x")
    phone.delete(POLES, uuid_of("b"))
    phone.add(POLES, uuid_of("c"), naziv="new")
    phone.send()
    office.undo(office.revision)

    assert before == {k: (s.row, s.id, s.fid) for k, s in office.rows.items()}
    assert [] == office.kinds()


def test_undo_is_a_merge_against_today():
    """What somebody changed since stays, and the undo of it waits; the rest is undone."""
    office = Office()
    pole = office.put(POLES, "a", naziv="P-1", materijal="Wood")
    phone = Device.of(office)
    phone.edit(POLES, pole, naziv="x", materijal="Steel")
    phone.send()
    revision = office.revision
    office.edit(POLES, pole, naziv="office")
    office.undo(revision)

    assert {"naziv": "office", "materijal": "Wood"} == office.row(POLES, pole)
    assert ["conflict"] == office.kinds()


def test_undo_of_a_new_row_that_others_have_built_on():
    """S43: a closure to which somebody added a tray stays; the undo of it waits."""
    office = Office()
    phone = Device.of(office)
    phone.add(CLOSURES, uuid_of("c"), naziv="N-4", geometry=point(21))
    phone.send()
    revision = office.revision
    office.put(TRAYS, "t", closure_uuid=uuid_of("c"), tray_number=1)
    office.undo(revision)

    assert (1, ["held_delete"]) == (len(office.all(CLOSURES)), office.kinds())


@pytest.mark.parametrize("decision, expected", [(Decision.KEEP_SERVER, "office"), (Decision.TAKE_MINE, "x")])
def test_s05_decided(decision, expected):
    """S05: one action makes the value that lost current, also after the server's was kept at first."""
    office = Office()
    pole = office.put(POLES, "a", naziv="P-1", materijal="Wood")
    phone = Device.of(office)
    office.edit(POLES, pole, naziv="office", materijal="Steel")
    phone.edit(POLES, pole, naziv="x")
    phone.send()
    [item] = office.inbox
    office.decide(item, decision)

    assert {"naziv": expected, "materijal": "Steel"} == office.row(POLES, pole)
    assert [] == office.kinds()
    if decision is Decision.KEEP_SERVER:
        office.decide(office.items[item.item_id], Decision.TAKE_MINE)
        assert "x" == office.value(POLES, pole, "naziv")


def test_s10_restored():
    """S10: the device's row comes back whole, under its old numbers."""
    office = Office()
    pole = office.put(POLES, "a", naziv="P-1", materijal="Wood")
    phone = Device.of(office)
    office.delete(POLES, pole)
    phone.edit(POLES, pole, naziv="x")
    phone.send()
    [item] = office.inbox
    office.decide(item, Decision.RESTORE)

    assert {"naziv": "x", "materijal": "Wood"} == office.row(POLES, pole)
    assert (1, 1) == (office.rows[Key(POLES, pole)].id, office.rows[Key(POLES, pole)].fid)
