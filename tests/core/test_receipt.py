"""The answer to an upload: counts that equal what was done, and a line for whatever a person has to know."""

from typing import Any

import pytest
from attrs import evolve

from fiberq_core.changes import Change
from fiberq_core.inbox import ItemKind
from fiberq_core.planning import Cause, Held, Outcome, Plan
from fiberq_core.ports import Applied
from fiberq_core.receipt import COUNTS, Circumstances, receipt
from fiberq_core.registry import GEOMETRY
from fiberq_core.rows import Key, Row
from fiberq_core.sent import SentFile, SentLayer
from tests.core.offline import (
    AT,
    CABLES,
    OKNA,
    PHOTOS,
    POLES,
    TRAYS,
    WORKER,
    Device,
    Office,
    counts,
    line,
    point,
    uuid_of,
)

DONE = ("inserted", "updated", "deleted")


@pytest.fixture
def office():
    """Four poles and a manhole."""
    office = Office()
    for n, name in enumerate("abcd"):
        office.put(POLES, name, naziv=f"P-{n}", geometry=point(21 + n))
    office.put(OKNA, "m", broj_okna="7")
    return office


@pytest.fixture
def mixed(office) -> tuple[Office, dict[str, Any]]:
    """A receipt with a bit of everything."""
    phone = Device.of(office)
    office.edit(POLES, uuid_of("a"), naziv="office", materijal="Steel")
    office.edit(POLES, uuid_of("b"), napomena="office")
    office.edit(POLES, uuid_of("c"), napomena="office")
    phone.edit(POLES, uuid_of("a"), naziv="x", napomena="note")
    phone.edit(POLES, uuid_of("b"), naziv="y")
    phone.edit(POLES, uuid_of("d"), naziv="z")
    phone.delete(POLES, uuid_of("c"))
    phone.delete(OKNA, uuid_of("m"))
    phone.add(POLES, naziv="new", geometry=point(30))
    phone.add(TRAYS, tray_number=1)
    return office, phone.send()


def test_counts_equal_what_was_done(mixed):
    """Every count is read from what the transaction did and what is new in the inbox."""
    office, answer = mixed
    done = [v.op.value for v in office.past if v.by.sync_id == answer["sync_id"]]

    assert (1, 3, 1, 5, 2) == counts(answer, *DONE, "applied", "merged")
    assert (1, 1, 1, 0) == counts(answer, "conflicts", "held", "rejected", "unchanged")
    assert {"insert": 1, "update": 3, "delete": 1} == {op: done.count(op) for op in done}
    assert 3 == len(office.inbox)


def test_counts_by_layer_add_up(mixed):
    """The layers' counts are the same counts, and their sum is the whole."""
    _, answer = mixed

    for name in COUNTS:
        assert answer[name] == sum(layer[name] for layer in answer["layers"].values())
    assert (1, 0, 1) == counts(answer["layers"][OKNA], "deleted", "updated", "applied")
    assert (1, 3, 0) == counts(answer["layers"][POLES], "inserted", "updated", "deleted")
    assert 1 == answer["layers"][TRAYS]["rejected"]


def test_old_clients(mixed):
    """The client of the old server reads a status and one number."""
    _, answer = mixed

    assert ("ok", answer["applied"]) == (answer["status"], answer["features_merged"])


def test_revisions(mixed):
    """The receipt says between which revisions the upload came in."""
    office, answer = mixed

    assert (office.revision - 1, office.revision) == counts(answer, "revision_before", "revision_after")


def test_a_line_for_everything_that_was_done_or_waits(mixed):
    """What was done, what waits, with the row's numbers; unchanged rows are not listed."""
    _, answer = mixed
    lines = {(entry["outcome"], entry["layer"], entry.get("field")) for entry in answer["items"]}

    assert {
        ("inserted", POLES, None),
        ("updated", POLES, None),
        ("deleted", OKNA, None),
        ("conflict", POLES, "naziv"),
        ("held", POLES, None),
        ("rejected", TRAYS, None),
    } == lines
    [conflict] = [entry for entry in answer["items"] if entry["outcome"] == "conflict"]
    assert ("x", "office", 1, 1) == tuple(conflict[n] for n in ("device_value", "current_value", "id", "fid"))
    assert conflict["item_id"] and "somebody else" in conflict["reason"]
    [inserted] = [entry for entry in answer["items"] if entry["outcome"] == "inserted"]
    assert (5, 5) == (inserted["fid"], inserted["id"])


def test_what_was_not_written_is_not_counted(office):
    """A store that wrote less than was planned is believed, not the plan."""
    phone = Device.of(office)
    phone.edit(POLES, uuid_of("a"), naziv="x")
    lineage = office.lineage(phone.file())
    made = office._proposals(phone.file(), lineage, "copy")
    plan = office.plan(Cause(WORKER, AT, "copy"), made.rows)
    answer = receipt(plan, Applied(9, {}), (), {}, Circumstances("s", None, "export", 8, phone.file()))

    assert (0, 0, []) == (answer["updated"], answer["applied"], answer["items"])


def test_rows_that_turned_out_equal_are_unchanged(office):
    """S04: the server has the value already; the row was neither updated nor touched."""
    phone = Device.of(office)
    office.edit(POLES, uuid_of("a"), naziv="x")
    phone.edit(POLES, uuid_of("a"), naziv="x")

    assert (0, 5) == counts(phone.send(), "applied", "unchanged")


def test_rows_that_are_gone_are_not_unchanged(office):
    """Neither delivered rows that are gone, nor new ones that were sent before and are, count as anything else."""
    phone = Device.of(office)
    fid = phone.add(POLES, naziv="new", geometry=point(30))
    phone.edit(POLES, uuid_of("a"), naziv="x")
    phone.send()
    phone.delete(POLES, fid)
    phone.delete(POLES, uuid_of("b"))

    assert (2, 4) == counts(phone.send(), "deleted", "unchanged")


def test_s24_odd_values_are_flagged(office):
    """S21, S24: what was accepted as it is, and may be worth a look, has a line of its own beside what was done."""
    bow = bytes.fromhex("010300000001000000050000000000000000000000000000000000000000000000000024400000000000002440"
                        "0000000000002440000000000000000000000000000000000000000000002440" + "00" * 16)  # fmt: skip
    phone = Device.of(office)
    phone.add("Objects", naziv="crossing", geometry=bow)
    phone.add(CABLES, naziv="K", stanje="upside down", broj_vlakana=5000, geometry=line((21, 44), (22, 44)))
    answer = phone.send()
    flagged = {
        (entry["layer"], entry["field"]): entry["reason"] for entry in answer["items"] if entry["outcome"] == "flagged"
    }

    assert {("Objects", GEOMETRY), (CABLES, "stanje"), (CABLES, "broj_vlakana")} == set(flagged)
    assert "not valid" in flagged["Objects", GEOMETRY] and "5000" in flagged[CABLES, "broj_vlakana"]
    assert 2 == answer["inserted"]


def test_only_what_was_changed_is_flagged(office):
    """A value that was odd before is not flagged again for an edit beside it; nor is one that was cleared."""
    office.put(CABLES, "k", naziv="K", stanje="upside down", broj_vlakana=5000)
    phone = Device.of(office)
    phone.edit(CABLES, uuid_of("k"), naziv="K-1", broj_vlakana=None)

    assert ["updated"] == [entry["outcome"] for entry in phone.send()["items"]]


def test_values_as_json(office):
    """Geometry as GeoJSON, bytes as base64: every value of a receipt can be written as JSON."""
    phone = Device.of(office)
    office.edit(POLES, uuid_of("a"), slika=b"\x00\x01", geometry=point(40))
    phone.edit(POLES, uuid_of("a"), slika=b"\x00\x02", geometry=point(41))
    values = {entry["field"]: (entry["device_value"], entry["current_value"]) for entry in phone.send()["items"]}

    assert ("AAI=", "AAE=") == values["slika"]
    assert ([41.0, 44.0], [40.0, 44.0]) == tuple(value["coordinates"] for value in values[GEOMETRY])


def circumstances(**more: Any) -> Circumstances:
    """An upload of a file with two tables."""
    layers = (
        SentLayer(POLES, POLES, frozenset(), (), total=3),
        SentLayer("sync_issues", "sync_issues", frozenset(), (), total=2),
    )
    sent = SentFile(None, layers, unknown=("strange",), notes=("WAL",))
    return evolve(Circumstances("sync 1", "export", "row", 4, sent), **more)


def answer_to(plan: Plan, new: set[str], *decisions: Outcome, **more: Any) -> dict[str, Any]:
    """A receipt of a plan that wrote nothing."""
    return receipt(plan, Applied(4, {}), new, {}, circumstances(**more), decisions)


def test_what_the_file_was():
    """Unknown tables and notes are passed on; rows of the exported inbox are not rows of the project."""
    answer = answer_to(Plan(Cause(WORKER, AT, "copy"), (), ()), set(), dry_run=True)

    assert (["strange"], ["WAL"], True) == (answer["unknown_layers"], answer["notes"], answer["dry_run"])
    assert ("row", "export", "sync 1") == (answer["base"], answer["export_id"], answer["sync_id"])
    assert (3, {POLES}) == (answer["unchanged"], set(answer["layers"]))


@pytest.mark.parametrize("kind", ItemKind)
def test_items_are_counted_once_and_only_if_new(kind):
    """Two wishes that are one item count once; an item that was there before not at all, though it has its line."""
    held = Held(kind, (Change(Key(POLES, "u"), None, Row({"naziv": "x"})),), "because")
    plan = Plan(Cause(WORKER, AT, "copy"), (), (held, held))
    [item] = plan.items()
    new, old = answer_to(plan, {item.item_id}), answer_to(plan, set())
    where = {ItemKind.CONFLICT: "conflicts", ItemKind.REJECTED: "rejected"}.get(kind, "held")

    assert [1 if name == where else 0 for name in ("conflicts", "rejected", "held")] == list(
        counts(new, "conflicts", "rejected", "held")
    )
    assert (0, 0, 0) == counts(old, "conflicts", "rejected", "held")
    assert {item.item_id} == {entry["item_id"] for entry in old["items"]}


def test_notes_and_answers_have_lines():
    """S48: what became of an answer to an issue, and what a device that wins replaced, stand in the receipt."""
    won = Outcome(POLES, "u", "device_wins", 7, GEOMETRY, point(2), point(1), "the project's setting")
    answered = Outcome("sync_issues", "item", "refused", field="decision", device_value="restore", item_id="item")
    answer = answer_to(Plan(Cause(WORKER, AT, "copy"), (), (), (won,)), set(), answered)
    first, second = answer["items"]

    assert ("device_wins", 7, [2.0, 44.0]) == (first["outcome"], first["fid"], first["device_value"]["coordinates"])
    assert ("refused", "decision", "restore", "item") == tuple(
        second[n] for n in ("outcome", "field", "device_value", "item_id")
    )


def test_what_was_typed_can_be_written_as_json():
    """S21: a value that fits no column is shown as it was typed, in whatever form JSON has for it."""
    held = Held(ItemKind.REJECTED, (Change(Key(POLES, "u"), Row(), Row()),), "no", field="visina", raw=b"\xff")
    [entry] = answer_to(Plan(Cause(WORKER, AT, "copy"), (), (held,)), set())["items"]

    assert "/w==" == entry["device_value"]


def test_every_new_row_has_its_line(office):
    """S12: fids of one table are mapped to rows of one layer, whatever else came with them."""
    phone = Device.of(office)
    fids = [phone.add(PHOTOS, photo_path=f"{n}.jpg") for n in range(3)]
    answer = phone.send()

    assert [(fid, n + 1) for n, fid in enumerate(fids)] == [(e["fid"], e["id"]) for e in answer["items"]]
    assert {e["uuid"] for e in answer["items"]} == {k.uuid for k in office.rows if k.layer == PHOTOS}
