"""Work orders: every move from every state by everybody (S27), the table written a second time by hand."""

from itertools import product

import pytest

from fiberq_core import orders
from fiberq_core.orders import STAMPS, TRANSITIONS, Ground, refusal, stamped
from fiberq_core.policy import Actor
from fiberq_core.registry import LAYER
from fiberq_core.rows import Row
from tests.core.offline import ADMIN, AT, ENGINEER, ORDERS, OTHER_WORKER, WORKER, Device, Office, an_actor

STATES = ("created", "assigned", "in_progress", "completed", "verified", "rejected")
# who may: A an administrator, E an engineer, W the field worker to whom the order is assigned, O another one
MATRIX = """
from         to           who  when               stamps
created      assigned     AE   somebody_assigned  -
created      rejected     AE   with_a_reason      -
assigned     in_progress  AEW  -                  started_at
assigned     rejected     AEW  with_a_reason      -
in_progress  completed    AEW  -                  completed_at
in_progress  rejected     AE   with_a_reason      -
in_progress  assigned     AE   somebody_assigned  -
completed    verified     AE   not_own_work       verified_at
completed    rejected     AE   with_a_reason      -
rejected     created      AE   -                  -
rejected     assigned     AE   somebody_assigned  -
verified     in_progress  A    -                  -
"""
CELLS = {(a, b): (who, when, stamp) for a, b, who, when, stamp in map(str.split, MATRIX.strip().splitlines()[1:])}
PEOPLE = {"A": ADMIN, "E": ENGINEER, "W": WORKER, "O": OTHER_WORKER}


def an_order(status: str | None, assigned: str | None = WORKER.subject, **more: str) -> Row:
    """A work order."""
    values = {"title": "W-1", "order_type": "repair", **more}
    return Row(values | ({"status": status} if status else {}) | ({"assigned_to_sub": assigned} if assigned else {}))


@pytest.mark.parametrize("old, new", list(product(STATES, repeat=2)))
@pytest.mark.parametrize("letter", PEOPLE)
def test_every_move(old, new, letter):
    """S27: a move that is not in the matrix is refused, and so is one that is not for these people."""
    who, *_ = CELLS.get((old, new), ("", "", ""))
    refused = refusal(PEOPLE[letter], an_order(old), an_order(new, rejection_reason="no permit"))

    assert (refused is None) == (old == new or letter in who)
    if refused:
        assert f"'{old}'" in refused.reason and f"'{new}'" in refused.reason
        assert (Ground.RIGHT if who else Ground.STATE) == refused.ground


def test_the_matrix_is_the_whole_table():
    """Every transition of the product has its line here, and every state is one of the vocabulary."""
    vocabulary = LAYER[ORDERS].column("status").vocabulary  # type: ignore[union-attr]

    assert set(CELLS) == set(TRANSITIONS)
    assert vocabulary is not None and set(STATES) == {term.code for term in vocabulary.terms}


@pytest.mark.parametrize("old, new", CELLS)
def test_conditions(old, new):
    """S27: some moves need an assignee, some a reason; nobody verifies their own work, even where they hand it over."""
    _, when, _ = CELLS[old, new]
    why = {"rejection_reason": "no permit"}
    nobody = refusal(ADMIN, an_order(old, None), an_order(new, None, **why))
    silent = [refusal(ADMIN, an_order(old), an_order(new, rejection_reason=said)) for said in ("", " ")]
    own = refusal(ADMIN, an_order(old, ADMIN.subject), an_order(new, WORKER.subject, **why))
    done = refusal(ADMIN, an_order(old), an_order(new, **why), ADMIN.subject)
    handed_over = refusal(ADMIN, an_order(old, None), an_order(new, WORKER.subject, **why), OTHER_WORKER.subject)

    assert (when == "somebody_assigned", "assigned_to_sub") == (
        nobody is not None,
        nobody.field if nobody else "assigned_to_sub",
    )
    assert {when == "with_a_reason"} == {refused is not None and Ground.VALUE is refused.ground for refused in silent}
    assert (when == "not_own_work") == (own is not None) == (done is not None)
    assert handed_over is None


def test_an_order_without_a_state_is_a_created_one():
    """A row that an old server left without a state starts at the beginning; a state that was cleared is no state."""
    assert refusal(ENGINEER, an_order(None), an_order("assigned")) is None
    assert refusal(ENGINEER, an_order(None), an_order("completed")) is not None
    assert refusal(ADMIN, an_order("assigned"), an_order(None)) is not None


def test_no_role_no_move():
    """Somebody without a role moves nothing, not even what is assigned to them."""
    nobody = Actor(WORKER.subject)

    refused = [refusal(nobody, an_order(old), an_order(new)) for old, new in CELLS]

    assert all(one is not None and one.ground is Ground.RIGHT for one in refused)


@pytest.mark.parametrize("old, new", CELLS)
def test_times(old, new):
    """A move stamps its time from the server's clock, and nothing else."""
    *_, stamp = CELLS[old, new]
    before, after = an_order(old), an_order(new)
    expected = {} if stamp == "-" else {stamp: AT}
    expected |= {"verified_by_sub": ENGINEER.subject} if new == "verified" else {}

    assert after.with_values(expected) == stamped(before, after, AT, ENGINEER)
    assert set(expected) <= STAMPS


def test_times_that_somebody_typed_stay():
    """S29 is about the server's columns; a start that the crew noted is data, and is not overwritten by ours."""
    typed = "2025-02-27T07:00:00.000Z"
    after = an_order("in_progress", started_at=typed)

    assert after == stamped(an_order("assigned"), after, AT, WORKER)
    assert AT == stamped(an_order("assigned", started_at=typed), after, AT, WORKER).get("started_at")


def test_starting_over_clears_the_times():
    """An order that goes back to the beginning was neither started nor completed."""
    times = {"started_at": AT, "completed_at": AT}

    assert an_order("created") == stamped(an_order("rejected", **times), an_order("created", **times), AT, ENGINEER)


def test_only_moves_are_stamped():
    """An edit that leaves the state alone, or takes a way that is none, writes no time."""
    for new in ("in_progress", "created"):
        order = an_order(new)
        assert order is stamped(an_order("in_progress"), order, AT, WORKER)


@pytest.fixture
def office():
    """An order that is assigned to the field worker."""
    office = Office()
    office.put(ORDERS, "o", title="W-1", order_type="repair", assigned_to_sub=WORKER.subject)
    [order] = office.rows.values()
    office.edit(ORDERS, order.key.uuid, status="assigned")
    return office


def test_s27_the_other_edits_of_the_row_apply(office):
    """S27: the state waits as refused with its reason, the field that the worker may edit is written."""
    [order] = [s.key.uuid for s in office.rows.values()]
    phone = Device.of(office)
    phone.edit(ORDERS, order, status="verified", started_at="2025-02-27T07:00:00.000Z")
    receipt = phone.send()
    [item] = office.inbox

    assert (1, 1) == (receipt["updated"], receipt["held"])
    assert ("assigned", "2025-02-27T07:00:00.000Z") == tuple(
        office.value(ORDERS, order, n) for n in ("status", "started_at")
    )
    assert ("refused", "status", "verified") == (item.kind.value, item.field, item.changes[0].sent.get("status"))
    assert "cannot go from 'assigned' to 'verified'" in item.reason


def test_s27_a_legal_move_is_made_and_stamped(office):
    """S27: the assignee starts the work; the next upload of the device is in no conflict with the server's stamp."""
    [order] = [s.key.uuid for s in office.rows.values()]
    phone = Device.of(office)
    phone.edit(ORDERS, order, status="in_progress")
    phone.send()
    assert AT == office.value(ORDERS, order, "started_at")
    phone.edit(ORDERS, order, status="completed", started_at="2025-02-27T07:00:00.000Z")
    phone.send()

    assert ("completed", "2025-02-27T07:00:00.000Z", []) == (
        office.value(ORDERS, order, "status"),
        office.value(ORDERS, order, "started_at"),
        office.kinds(),
    )


@pytest.mark.parametrize("worker, applied", [(WORKER, 1), (OTHER_WORKER, 0)])
def test_s27_only_ones_own_orders(office, worker, applied):
    """S27, S28: a field worker advances the orders that are assigned to them, and no others."""
    [order] = [s.key.uuid for s in office.rows.values()]
    phone = Device.of(office, worker.subject)
    phone.edit(ORDERS, order, status="in_progress")

    assert applied == phone.send(worker)["updated"]


def test_s27_somebody_moved_it_meanwhile(office):
    """S05, S27: two moves of one order are a conflict, whatever the table would say to either."""
    [order] = [s.key.uuid for s in office.rows.values()]
    phone = Device.of(office)
    phone.edit(ORDERS, order, status="in_progress")
    office.edit(ORDERS, order, status="rejected", rejection_reason="no permit")
    phone.send()

    assert ("rejected", ["conflict"]) == (office.value(ORDERS, order, "status"), office.kinds())


def test_the_layer_is_in_the_registry():
    """The columns that the state machine works on are columns of the registry."""
    names = {column.name for column in LAYER[orders.LAYER].columns}

    assert {orders.STATUS, "assigned_to_sub", *STAMPS} <= names


def test_an_engineer_may_assign_and_move_in_one_edit():
    """S27: a move that needs an assignee finds the one that the same edit names."""
    office = Office()
    order = office.put(ORDERS, "o", title="W-1", order_type="repair")
    laptop = Device.of(office, "laptop")
    laptop.edit(ORDERS, order, status="assigned", assigned_to_sub=WORKER.subject)

    assert (1, []) == (laptop.send(an_actor("boss", next(iter(ENGINEER.roles))))["updated"], office.kinds())


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("letter", "AE")
def test_an_order_begins_at_the_beginning(status, letter):
    """S27: only an administrator adds an order in a later state; for others it would be a way around the table."""
    refused = orders.beginning_refusal(PEOPLE[letter], an_order(status), None)

    assert (refused is None) == (letter == "A" or status in {"created", "assigned"})


def test_an_order_comes_back_as_it_was_or_not_at_all():
    """S27: a deleted order is restored in its last state; an older version of it is no way to reopen it."""
    verified, completed = an_order("verified"), an_order("completed")

    assert orders.beginning_refusal(ENGINEER, verified, verified) is None
    assert orders.beginning_refusal(ENGINEER, completed, verified)


def test_nobody_verifies_what_they_make_their_own_in_the_same_edit():
    """S27: taking an order over and verifying it at once is verifying one's own work."""
    theirs, mine = an_order("completed"), an_order("verified", ENGINEER.subject)

    assert "own work" in str(refusal(ENGINEER, theirs, mine))


def test_s27_an_engineer_adds_no_verified_order():
    """S27: such a row waits as a proposal; an administrator may accept it."""
    office = Office()
    phone = Device.of(office)
    phone.add(ORDERS, title="W-9", order_type="repair", status="verified")
    receipt = phone.send(ENGINEER)

    assert (0, ["refused"]) == (receipt["inserted"], office.kinds())
