"""Authorise and merge, proposal by proposal: S05, S07, S09, S10, S21, S28, S45, and the conflict policies."""

from typing import Any

import pytest
from attrs import evolve

from fiberq_core.changes import Change
from fiberq_core.drafting import draft
from fiberq_core.inbox import Decided, Decision, ItemKind
from fiberq_core.planning import Cause, ConflictPolicy, Current, Draft
from fiberq_core.policy import Actor
from fiberq_core.proposals import MassDeletion, Proposal
from fiberq_core.registry import GEOMETRY
from fiberq_core.rows import Key, Row, Stored
from fiberq_core.sent import BadValue
from tests.core.offline import (
    ADMIN,
    AREAS,
    AT,
    CLOSURES,
    ENGINEER,
    ORDER_ITEMS,
    ORDERS,
    OTHER_WORKER,
    PHOTOS,
    POLES,
    REPORTS,
    TRAYS,
    WORKER,
    Device,
    Office,
    point,
    uuid_of,
    wish,
)

KEY = Key(POLES, uuid_of("p"))
BASE = Row({"naziv": "P-1", "materijal": "Wood", GEOMETRY: point(21)})


def cause(actor: Actor = WORKER, policy: ConflictPolicy = ConflictPolicy.HOLD) -> Cause:
    """An upload of the phone."""
    return Cause(actor, AT, "phone", "sync 1", policy)


def drafted(
    base: Row | None, sent: Row | None, server: Row | None, key: Key = KEY, by: Cause | None = None, **known: Any
) -> Draft:
    """One change against one row as it is now."""
    rows = {key: Stored(key, server, 1, 1, 2)} if server else {}
    last = {} if server or base is None else {key: Stored(key, base, 1, 1, 1)}
    return draft(by or cause(), [Proposal(Change(key, base, sent))], [], Current(rows, **{"last": last, **known}))


def written(made: Draft) -> Any:
    """The row that the only candidate writes."""
    [candidate] = made.candidates
    return candidate.write.after


def waits(made: Draft) -> list[tuple[str, str | None]]:
    """What waits: kind and field."""
    return [(held.kind.value, held.field) for held in made.held]


# conflicts


def test_s05_the_server_keeps_its_value_and_the_devices_waits():
    """S05: the contested field waits as a conflict with both values; the row's other edits apply."""
    server = BASE.with_values({"naziv": "office"})
    made = drafted(BASE, BASE.with_values({"naziv": "x", "materijal": "Steel"}), server)

    assert server.with_values({"materijal": "Steel"}) == written(made)
    assert [("conflict", "naziv")] == waits(made)
    assert (Change(KEY, Row({"naziv": "P-1"}), Row({"naziv": "x"})),) == made.held[0].changes
    assert made.candidates[0].merged


def test_s07_two_moves_are_a_conflict_on_the_geometry():
    """S07: both geometries can be looked at."""
    made = drafted(BASE, BASE.with_values({GEOMETRY: point(22)}), BASE.with_values({GEOMETRY: point(23)}))

    assert ((), [("conflict", GEOMETRY)]) == (made.candidates, waits(made))
    assert Row({GEOMETRY: point(22)}) == made.held[0].changes[0].sent


def test_s09_an_edited_row_is_not_deleted():
    """S09: the row stays, and the deletion waits."""
    made = drafted(BASE, None, BASE.with_values({"naziv": "office"}))

    assert ((), [("held_delete", None)]) == (made.candidates, waits(made))
    assert "somebody else changed this row" in made.held[0].reason


def test_s10_a_deleted_row_stays_deleted():
    """S10: the device's whole row waits, so that it can be restored with these values."""
    sent = BASE.with_values({"naziv": "x"})
    made = drafted(BASE, sent, None)

    assert ((), [("conflict", None)]) == (made.candidates, waits(made))
    assert (Change(KEY, BASE, sent),) == made.held[0].changes


@pytest.mark.parametrize("sent, server", [(None, None), (BASE, None), (BASE, BASE.with_values({"naziv": "y"}))])
def test_nothing_to_do(sent, server):
    """S02, S11: neither a second deletion nor a row that the device left alone asks for anything."""
    made = drafted(BASE, sent, server)

    assert ((), ()) == (made.candidates, made.held)


def test_s08_an_untouched_row_is_deleted():
    """S08: nobody else changed it."""
    assert written(drafted(BASE, None, BASE)) is None


def test_a_row_that_never_came_in_is_new():
    """S14: the row that the device sent before waits in the inbox; corrected and sent again it is a new row."""
    sent = BASE.with_values({"naziv": "x"})
    [candidate] = drafted(BASE, sent, None, last={}).candidates

    assert (None, sent) == (candidate.proposal.change.base, candidate.write.after)
    assert () == drafted(BASE, BASE, None, last={}).candidates


def test_a_row_that_comes_back_takes_its_numbers_again():
    """A new row whose uuid the project knew before is that row."""
    old = Stored(KEY, BASE, 7, 7, 1)
    [candidate] = drafted(None, BASE, None, last={KEY: old}).candidates

    assert (None, old) == (candidate.write.before, candidate.write.earlier)


# policies


@pytest.mark.parametrize("policy", ConflictPolicy)
@pytest.mark.parametrize(
    "sent, server",
    [
        (BASE.with_values({"naziv": "x"}), BASE.with_values({"naziv": "office"})),
        (BASE.with_values({GEOMETRY: point(22)}), BASE.with_values({GEOMETRY: point(23)})),
        (BASE.with_values({"naziv": None}), BASE.with_values({"naziv": "office"})),
        (BASE.with_values({"naziv": "x"}), None),
        (None, BASE.with_values({"naziv": "office"})),
    ],
    ids=["field", "geometry", "cleared", "deleted on the server", "deleted on the device"],
)
def test_the_value_that_lost_is_never_lost(policy, sent, server):
    """The winner is current; the loser is in the inbox, open or decided, or (having been current) in history.

    A row that one side deleted and the other changed waits under every policy: bringing it back is another right.
    """
    made = drafted(BASE, sent, server, by=cause(policy=policy))
    whole = sent is None or server is None

    if policy is ConflictPolicy.DEVICE_WINS and not whole:
        [candidate], [note] = made.candidates, made.notes
        before = candidate.write.before
        assert (sent, "device_wins", ()) == (candidate.write.after, note.outcome, made.held)
        assert server == (before.row if before else None)
    else:
        [held] = made.held
        item = held.item(made.cause)
        [change] = item.changes
        assert () == made.candidates
        if item.field is None:
            assert (BASE, sent) == (change.base, change.sent)
        else:
            assert sent == BASE.with_values({item.field: wish(item).get(item.field)})
        assert (whole or policy is ConflictPolicy.HOLD) == item.open
        assert item.open or item.decided == Decided(
            Decision.KEEP_SERVER, made.cause.author, AT, "the project's setting"
        )


def test_a_device_that_wins_says_what_it_replaced():
    """The receipt names the value that was current before."""
    server = BASE.with_values({"naziv": "office"})
    [note] = drafted(BASE, BASE.with_values({"naziv": "x"}), server, by=cause(policy=ConflictPolicy.DEVICE_WINS)).notes

    assert ("naziv", "x", "office") == (note.field, note.device_value, note.current_value)


def test_no_policy_lets_a_device_win_over_the_state_machine():
    """S27: two moves of one work order wait for somebody even where the device wins."""
    key = Key(ORDERS, uuid_of("o"))
    base = Row({"title": "W", "order_type": "repair", "status": "assigned", "assigned_to_sub": WORKER.subject})
    made = drafted(
        base, base.with_values({"status": "in_progress"}), base.with_values({"status": "rejected"}), key,
        cause(policy=ConflictPolicy.DEVICE_WINS),
    )  # fmt: skip

    assert ((), [("conflict", "status")]) == (made.candidates, waits(made))


def test_a_device_wins_what_no_state_machine_guards():
    """S05: a splice's status is a value like others, though an order's is called the same."""
    base = Row({"tray_uuid": uuid_of("t"), "position_in_tray": 1, "status": "planned", "splice_type": "fusion"})
    made = drafted(
        base, base.with_values({"status": "tested"}), base.with_values({"status": "faulty"}),
        Key("fiber_splices", uuid_of("s")), cause(policy=ConflictPolicy.DEVICE_WINS),
    )  # fmt: skip

    assert ("tested", ()) == (written(made).get("status"), made.held)


# rights


def order(**more: str) -> Row:
    """A work order of the field worker."""
    return Row({"title": "W", "order_type": "repair", "status": "assigned", "assigned_to_sub": WORKER.subject, **more})


ORDER, ITEM, REPORT = (Key(layer, uuid_of(layer)) for layer in (ORDERS, ORDER_ITEMS, REPORTS))
STEP = Row({"work_order_uuid": ORDER.uuid, "item_type": "other"})
MINE, ANOTHERS = Row({"reported_by_sub": WORKER.subject, "issues": "none"}), Row({"reported_by_sub": "another"})
NOBODY = Actor("nobody")

RIGHTS = {
    # what is done: (who, row, base, sent, fields that are refused; all of them where nothing applies)
    "a network row by anybody": (WORKER, KEY, BASE, BASE.with_values({"naziv": "x"}), set()),
    "a network row by nobody": (NOBODY, KEY, BASE, BASE.with_values({"naziv": "x"}), {"naziv"}),
    "a new network row by nobody": (NOBODY, KEY, None, BASE, None),
    "a deletion by nobody": (NOBODY, KEY, BASE, None, None),
    "an order's title by its assignee": (WORKER, ORDER, order(), order(title="x"), {"title"}),
    "an order's title by an engineer": (ENGINEER, ORDER, order(), order(title="x"), set()),
    "an order's state and title": (WORKER, ORDER, order(), order(status="in_progress", title="x"), {"title"}),
    "an order's state by another": (OTHER_WORKER, ORDER, order(), order(status="in_progress"), {"status"}),
    "two columns of an order": (WORKER, ORDER, order(), order(title="x", due_date="2025-03-01"), {"title", "due_date"}),
    "a new order by a worker": (WORKER, ORDER, None, order(), None),
    "a new order by an engineer": (ENGINEER, ORDER, None, order(), set()),
    "an order that says who verified it": (
        ENGINEER,
        ORDER,
        order(),
        order(verified_by_sub="boss"),
        {"verified_by_sub"},
    ),
    "an order deleted by its assignee": (WORKER, ORDER, order(), None, None),
    "an item done by the order's assignee": (WORKER, ITEM, STEP, STEP.with_values({"status": "done"}), set()),
    "an item done by another": (OTHER_WORKER, ITEM, STEP, STEP.with_values({"status": "done"}), {"status"}),
    "an item's type by the assignee": (WORKER, ITEM, STEP, STEP.with_values({"item_type": "splice"}), {"item_type"}),
    "a new item by the assignee": (WORKER, ITEM, None, STEP, None),
    "one's own report": (WORKER, REPORT, MINE, MINE.with_values({"issues": "rain"}), set()),
    "another's report": (WORKER, REPORT, ANOTHERS, ANOTHERS.with_values({"issues": "rain"}), {"issues"}),
    "a new report": (WORKER, REPORT, None, Row({"issues": "rain"}), set()),
    "a new report in one's own name": (WORKER, REPORT, None, MINE, set()),
    "a new report in another's name": (WORKER, REPORT, None, ANOTHERS, None),
    "one's own report deleted": (WORKER, REPORT, MINE, None, set()),
    "another's report deleted": (WORKER, REPORT, ANOTHERS, None, None),
    "another's report by an engineer": (ENGINEER, REPORT, ANOTHERS, None, set()),
}


@pytest.mark.parametrize("actor, key, base, sent, refused", RIGHTS.values(), ids=RIGHTS)
def test_s28_what_the_role_does_not_allow(actor, key, base, sent, refused):
    """S28: what may not be done waits as refused, whole; what of the row may be done is done."""
    made = drafted(base, sent, base, key, cause(actor), owners={ORDER.uuid: WORKER.subject})
    wanted = {n for c in made.held for change in c.changes for n in change.fields}

    if refused is None:
        assert ((), [("refused", None)]) == (made.candidates, waits(made))
        assert (Change(key, base, sent),) == made.held[0].changes
    else:
        assert refused == wanted
        assert [ItemKind.REFUSED] * bool(refused) == [held.kind for held in made.held]
        done = sent if base is None or sent is None else sent.with_values({n: base.get(n) for n in refused})
        assert (done == base) == (made.candidates == ())


VERIFIED = {"verified_by_sub": "boss", "verified_at": AT}


@pytest.mark.parametrize("server", [None, order()], ids=["a new row", "one that the device never received"])
def test_s28_a_column_with_a_right_of_its_own_takes_it_of_new_rows_too(server):
    """S28: who may write orders, and not say who verified them, does not say so by bringing in a whole row either."""
    made = drafted(None, order(**VERIFIED), server, ORDER, cause(ENGINEER))
    [held] = made.held

    assert (ItemKind.REFUSED, Row(VERIFIED)) == (held.kind, held.changes[0].sent)
    assert (server is None) == bool(made.candidates)
    assert server is not None or written(made).get("verified_by_sub") is None
    assert () == drafted(None, order(**VERIFIED), server, ORDER, cause(ADMIN)).held


def test_a_row_that_comes_back_as_it_was_says_nothing_anew():
    """S28: to bring back an order that was verified is no claim to have verified it."""
    was = order(status="verified", **VERIFIED)
    made = drafted(None, was, None, ORDER, cause(ENGINEER), last={ORDER: Stored(ORDER, was, 1, 1, 1)})

    assert ((), was.get("verified_by_sub")) == (made.held, written(made).get("verified_by_sub"))


def test_s28_a_refused_wish_is_known_by_what_it_wishes():
    """S28: the same wish is one item, whatever else has changed in the row since."""
    one, later = (
        drafted(row, row.with_values({"title": "x"}), row, ORDER) for row in (order(), order(due_date="2025-03-01"))
    )

    assert one.held[0].item(one.cause).item_id == later.held[0].item(later.cause).item_id


def test_s28_a_refused_edit_can_be_accepted_by_an_engineer():
    """S28: the proposal is an edit like any other, once somebody who may make it takes it."""
    office = Office()
    key = office.put(ORDERS, "o", title="W", order_type="repair", assigned_to_sub=WORKER.subject)
    phone = Device.of(office)
    phone.edit(ORDERS, key, title="x", description="y")
    phone.send()
    assert ("W", None) == (office.value(ORDERS, key, "title"), office.value(ORDERS, key, "description"))
    [item] = office.inbox

    office.decide(item, Decision.TAKE_MINE, ENGINEER)

    assert ("x", "y") == (office.value(ORDERS, key, "title"), office.value(ORDERS, key, "description"))


def test_s28_what_is_so_already_needs_no_right():
    """An edit to the value that the server has by now changes nothing, so nobody is refused anything."""
    made = drafted(order(), order(title="x"), order(title="x"), ORDER)

    assert ((), ()) == (made.candidates, made.held)


def test_owner_of_a_new_row():
    """A report that names nobody is its author's; an order that nobody is assigned to stays so."""
    assert WORKER.subject == written(drafted(None, Row({"issues": "x"}), None, REPORT)).get("reported_by_sub")
    plain = Row({"title": "W", "order_type": "repair"})
    assert plain.with_values({"status": "created", "priority": "medium", "created_at": AT}) == written(
        drafted(None, plain, None, ORDER, cause(ENGINEER))
    )


def test_defaults_that_the_system_works_by():
    """Closed vocabularies with a default are filled in for new rows; descriptions are not made up."""
    key = Key("fiber_splices", uuid_of("s"))
    sent = Row({"tray_uuid": "t", "position_in_tray": 1, "status": "tested"})
    patch = Row({"port_number": 1})

    assert {"splice_type": "fusion", "status": "tested"}.items() <= written(
        drafted(None, sent, None, key)
    ).values.items()
    assert "tip" not in written(drafted(None, BASE, None)).values
    assert "connector_type" not in written(drafted(None, patch, None, Key("fiber_patch_connections", "u"))).values


def test_what_the_server_filled_in_is_nobodys_edit():
    """S14: a device that deletes or corrects what it sent is not in conflict with defaults and owners."""
    sent = Row({"issues": "rain"})
    server = sent.with_values({"reported_by_sub": WORKER.subject})
    mine = sent.with_values({"reported_by_sub": "another"})

    assert written(drafted(sent, None, server, REPORT)) is None
    assert mine == written(drafted(sent, mine, server, REPORT))
    edited = drafted(sent, Row({"issues": "sun"}), server, REPORT)
    assert (server.with_values({"issues": "sun"}), False) == (written(edited), edited.candidates[0].merged)
    other_owner = server.with_values({"reported_by_sub": "another"})
    assert [("held_delete", None)] == waits(drafted(server, None, other_owner, REPORT, cause(ENGINEER)))
    late = server.with_values({"issues": "office"})
    assert [("held_delete", None)] == waits(drafted(sent, None, late, REPORT))


# what a row cannot stand without


@pytest.mark.parametrize(
    "layer, base, name",
    [
        (AREAS, Row({"name": "A", GEOMETRY: point(21)}), GEOMETRY),
        (TRAYS, Row({"closure_uuid": uuid_of("c"), "tray_number": 1}), "tray_number"),
        (TRAYS, Row({"closure_uuid": uuid_of("c"), "tray_number": 1}), "closure_uuid"),
        (PHOTOS, Row({"photo_path": "a.jpg", "taken_by_sub": WORKER.subject}), "photo_path"),
    ],
)
def test_s45_what_a_row_cannot_stand_without_is_not_cleared(layer, base, name):
    """S45: the cleared value waits with its reason; the row's other edits apply."""
    sent = base.with_values({name: None, "extra": "x"})
    made = drafted(base, sent, base, Key(layer, uuid_of("row")))

    assert ([("rejected", name)], base.with_values({"extra": "x"})) == (waits(made), written(made))
    assert (Row({name: base.get(name)}), Row()) == (made.held[0].changes[0].base, made.held[0].changes[0].sent)
    assert () == drafted(base, base.with_values({name: None}), base, Key(layer, uuid_of("row"))).candidates


def test_s45_null_is_a_value_where_the_layer_allows_it():
    """S45: a pole without a place is a pole; a closure without a name is a closure."""
    assert BASE.with_values({GEOMETRY: None}) == written(drafted(BASE, BASE.with_values({GEOMETRY: None}), BASE))
    base = Row({"naziv": "N", "muf_uuid": uuid_of("m")})
    made = drafted(base, Row(), base, Key(CLOSURES, uuid_of("c")))
    assert (Row(), ()) == (written(made), made.held)


# values that do not fit


def test_s21_every_bad_value_waits_by_itself():
    """S21: one item per value, with what was typed; the row goes on without them."""
    bad = (BadValue("visina", "12a", "no number"), BadValue("naziv", "\x00", "no text"))
    proposal = Proposal(Change(KEY, BASE, BASE.with_values({"materijal": "Steel"})), POLES, 1, bad)
    made = draft(cause(), [proposal], [], Current({KEY: Stored(KEY, BASE, 1, 1, 1)}))

    assert [("rejected", "visina"), ("rejected", "naziv")] == waits(made)
    assert ["12a", "\x00"] == [held.raw for held in made.held]
    assert BASE.with_values({"materijal": "Steel"}) == written(made)


def test_s23_a_row_that_waits_whole_shows_all_that_was_typed():
    """S23: other bad values of the row wait with it, not beside it."""
    bad = (BadValue(GEOMETRY, {"type": "Point"}, "empty", whole_row=True), BadValue("visina", "12a", "no number"))
    change = Change(KEY, None, Row({"naziv": "new", GEOMETRY: point(1)}))
    made = draft(cause(), [Proposal(change, POLES, 1, bad)], [], Current({}))
    [held] = made.held

    assert () == made.candidates
    assert ("empty", (change,)) == (held.reason, held.changes)
    assert {"naziv": "new", GEOMETRY: {"type": "Point"}, "visina": "12a"} == held.raw


# items


def test_an_item_is_known_by_who_wants_what_from_where():
    """The same wish of the same copy is one item, from whatever base; another copy's is another."""
    [held] = drafted(BASE, BASE.with_values({"naziv": "x"}), BASE.with_values({"naziv": "office"})).held
    same = evolve(held, changes=(evolve(held.changes[0], base=Row({"naziv": "older"})),))
    other = evolve(held, changes=(evolve(held.changes[0], sent=Row({"naziv": "z"})),))

    def item_id(what=held, by: Cause | None = None) -> str:
        return str(what.item(by or cause()).item_id)

    assert item_id() == item_id(same) == item_id(by=evolve(cause(), sync_id="sync 2", at="later"))
    tablet = evolve(cause(), origin="tablet")
    others = [item_id(other), item_id(by=tablet), item_id(evolve(held, field="tip")), item_id(evolve(held, raw=1))]
    assert 5 == len({item_id(), *others, item_id(evolve(held, kind=ItemKind.CLASH))} - {item_id()})
    question = evolve(held, origin="sync 0")
    assert item_id(question) == item_id(evolve(question, changes=other.changes), tablet)


def test_an_item_says_what_and_whose():
    """An item of one row names layer and uuid, who sent it, and in which upload."""
    [held] = drafted(BASE, None, BASE.with_values({"naziv": "office"})).held
    item = held.item(cause())

    assert (POLES, KEY.uuid, None, "sync 1", AT) == (item.layer, item.uuid, item.field, item.sync_id, item.created_at)
    assert (WORKER.subject, WORKER.name) == (item.author.sub, item.author.name)


def test_s18_many_deletions_are_one_item():
    """S18: what is gone on the server already is left out; if all of it is, there is nothing to ask."""
    keys = [Key(POLES, uuid_of(f"{n}")) for n in range(60)]
    mass = MassDeletion(POLES, tuple(Change(k, BASE, None) for k in keys), 100)
    there = {k: Stored(k, BASE, n, n, 1) for n, k in enumerate(keys[:10])}
    [held] = draft(cause(), [], [mass], Current(there)).held

    assert (ItemKind.HELD_DELETES, 10, POLES) == (held.kind, len(held.changes), held.layer)
    assert "60 of 100" in held.reason
    assert () == draft(cause(), [], [mass], Current({})).held


def test_owners_through_another_row():
    """An item belongs to whom its order is assigned to; one without an order to nobody."""
    current = Current({}, owners={ORDER.uuid: WORKER.subject})

    assert WORKER.subject == current.owner(ITEM, STEP)
    assert None is current.owner(ITEM, Row({"item_type": "other"})) is current.owner(ITEM, None)
    assert "another" == current.owner(REPORT, ANOTHERS)
    assert None is current.owner(REPORT, Row({"reported_by_sub": 5})) is current.owner(KEY, BASE)


def test_an_administrator_may_do_everything():
    """No cell of the policy stops an administrator's edit of a row."""
    for _, key, base, sent, _ in RIGHTS.values():
        assert () == drafted(base, sent, base, key, cause(ADMIN)).held
