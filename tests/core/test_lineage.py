"""Which earlier upload a file descends from: S14, S50, S51."""

import pytest
from attrs import evolve

from fiberq_core.changes import Change
from fiberq_core.inbox import Decision, ItemKind
from fiberq_core.rows import Key, Row
from tests.core.offline import (
    CLOSURES,
    ENGINEER,
    OKNA,
    ORDER_ITEMS,
    ORDERS,
    POLES,
    TRAYS,
    WORKER,
    Device,
    Office,
    line,
    point,
    uuid_of,
)

P, Q, R = uuid_of("p"), uuid_of("q"), uuid_of("r")


@pytest.fixture
def office():
    """Three poles."""
    office = Office()
    for n, name in enumerate("pqr"):
        office.put(POLES, name, naziv=f"P-{n}", materijal="Wood", visina=8.0 + n, geometry=point(21 + n))
    return office


@pytest.fixture
def phone(office):
    """A device that has the three poles."""
    return Device.of(office)


def parent(device: Device, by=WORKER) -> str | None:
    """The upload that a device's file is taken to descend from."""
    found = device.office.lineage(device.file(), by).parent
    return found.sync_id if found else None


def unseen(device: Device) -> list[str]:
    """The uploads of which a device's file shows nothing."""
    return [u.sync_id for u in device.office.lineage(device.file()).unseen]


def edit_of(office: Office, uuid: str, name: str) -> object:
    return office.value(POLES, uuid, name)


def test_the_first_upload_descends_from_the_export(phone):
    """Without an earlier upload there is nothing to descend from, and nothing to ask about."""
    phone.edit(POLES, P, naziv="x")

    assert (None, []) == (parent(phone), unseen(phone))


def test_s14_the_same_device_again(office, phone):
    """S14: what the device sent is its base; a value that it did not touch again is in no conflict."""
    phone.edit(POLES, P, naziv="x")
    phone.send()
    office.edit(POLES, P, naziv="y")
    phone.edit(POLES, P, materijal="Steel")

    receipt = phone.send()

    assert (1, 0, []) == (receipt["updated"], receipt["conflicts"], office.kinds())
    assert ("y", "Steel") == (edit_of(office, P, "naziv"), edit_of(office, P, "materijal"))


def test_s14_a_field_edited_again_is_compared_with_what_was_sent(office, phone):
    """S14: a second edit of a field counts from the first; what somebody else made of it meanwhile is in conflict."""
    phone.edit(POLES, P, naziv="x", materijal="Steel")
    phone.send()
    phone.edit(POLES, P, naziv="z")
    phone.send()
    assert ("z", []) == (edit_of(office, P, "naziv"), office.kinds())

    office.edit(POLES, P, naziv="y")
    phone.edit(POLES, P, naziv="w")
    phone.send()

    assert ("y", ["conflict"]) == (edit_of(office, P, "naziv"), office.kinds())


def test_s14_chains(office, phone):
    """Each upload of a device descends from its last one, whatever others did between them."""
    for n in range(1, 5):
        phone.edit(POLES, P, naziv=f"x{n}", visina=10.0 + n)
        phone.edit(POLES, Q, materijal=f"m{n}")
        phone.edit(POLES, R, **{f"own_{n}": n})
        assert (None if n == 1 else f"sync {n - 1}") == parent(phone)
        phone.send()
        office.edit(POLES, R, naziv=f"office {n}")

    assert "sync 4" == parent(phone)
    assert [] == office.kinds()
    assert ("x4", "m4", "office 4") == (
        edit_of(office, P, "naziv"),
        edit_of(office, Q, "materijal"),
        edit_of(office, R, "naziv"),
    )


@pytest.mark.parametrize("again", ["Wood", "Concrete"])
def test_s14_a_part_that_was_reverted(office, phone, again):
    """S14: an edit put back after the first upload is an edit, as any other value would be."""
    phone.edit(POLES, P, materijal="Steel")
    phone.edit(POLES, Q, naziv="Q")
    phone.send()
    phone.edit(POLES, P, materijal=again)

    assert "sync 1" == parent(phone)
    phone.send()
    assert (again, "Q", []) == (edit_of(office, P, "materijal"), edit_of(office, Q, "naziv"), office.kinds())


def test_s14_what_a_later_upload_reverted_is_not_reverted_again(office, phone):
    """What was put back and sent is part of the base: somebody else's later value is in no conflict with it."""
    phone.edit(POLES, P, materijal="Steel")
    phone.edit(POLES, Q, naziv="Q")
    phone.send()
    phone.edit(POLES, P, materijal="Wood")
    phone.send()
    office.edit(POLES, P, materijal="Concrete")
    phone.edit(POLES, R, naziv="R")

    phone.send()

    assert ("Concrete", "R", []) == (edit_of(office, P, "materijal"), edit_of(office, R, "naziv"), office.kinds())


def test_s14_an_upload_without_edits_is_where_the_next_one_starts(office, phone):
    """A file sent again unchanged changes nothing, and what follows still descends from it."""
    phone.edit(POLES, P, naziv="x")
    phone.send()
    again = phone.send()
    phone.edit(POLES, P, materijal="Steel")
    phone.send()

    assert again["revision_before"] == again["revision_after"]
    assert ("x", "Steel", []) == (edit_of(office, P, "naziv"), edit_of(office, P, "materijal"), office.kinds())


def test_s14_a_file_that_was_sent_for_weeks(office, phone):
    """S14: a device that sends its file every half hour, edited once long ago, is understood however often it did."""
    phone.edit(POLES, P, naziv="x")
    phone.send()
    [(export, first)] = office.uploads
    for n in range(2, 1502):
        again = evolve(first, sync_id=f"sync {n}", parent=f"sync {n - 1}")
        office.uploads.append((export, again))
    phone.edit(POLES, P, naziv="corrected")

    assert "sync 1501" == parent(phone)


def test_s50_a_copy_does_not_revert_what_it_never_touched(office, phone):
    """S50: the copy's own edits land, the first device's stay, and one question waits."""
    tablet = phone.copy()
    phone.edit(POLES, P, naziv="x")
    phone.send()
    tablet.edit(POLES, Q, naziv="y")

    assert (None, ["sync 1"]) == (parent(tablet), unseen(tablet))
    receipt = tablet.send()

    assert ("x", "y") == (edit_of(office, P, "naziv"), edit_of(office, Q, "naziv"))
    assert (1, 1, ["question"]) == (receipt["updated"], receipt["held"], office.kinds())


def test_s50_an_upload_without_edits_asks_nothing(phone):
    """S50: somebody only looked and sent the file back; nobody needs to know."""
    tablet = phone.copy()
    phone.send()
    tablet.edit(POLES, Q, naziv="y")

    assert (None, []) == (parent(tablet), unseen(tablet))


def test_s50_a_repeat_does_not_hide_what_came_before_it(office, phone):
    """S50: the first device sent its file twice, the second time without an edit; the copy is asked about all the same."""
    tablet = phone.copy()
    phone.edit(POLES, P, naziv="x")
    phone.send()
    phone.send()
    tablet.edit(POLES, Q, naziv="y")
    tablet.send()

    assert (["question"], "x") == (office.kinds(), edit_of(office, P, "naziv"))


def test_s50_the_question_is_asked_once(office, phone):
    """S50: the copy goes on sending, and others go on editing; nobody is asked again. Each device keeps its line."""
    tablet = phone.copy()
    phone.edit(POLES, P, naziv="x")
    phone.edit(POLES, R, naziv="xx")
    phone.send()
    tablet.edit(POLES, Q, naziv="y")
    tablet.send()
    office.edit(POLES, R, naziv="P-2")
    tablet.edit(POLES, Q, materijal="Steel")
    tablet.send()
    third = phone.copy()
    phone.edit(POLES, P, materijal="Concrete")
    phone.send()

    assert (["question"], "sync 4", "sync 3") == (office.kinds(), parent(phone), parent(tablet))
    assert "sync 1" == parent(third)


def test_s50_the_question_can_be_answered_with_the_files_side(office, phone):
    """S50: if the edits were undone on purpose, taking the file's side undoes them."""
    phone.edit(POLES, P, naziv="x")
    phone.send()
    phone.edit(POLES, P, naziv="P-0")
    phone.send()
    [question] = office.inbox
    assert (ItemKind.QUESTION, "x") == (question.kind, edit_of(office, P, "naziv"))

    office.decide(question, Decision.TAKE_MINE)

    assert "P-0" == edit_of(office, P, "naziv")


def test_s50_one_field_edited_by_both_copies_is_a_conflict(office, phone):
    """S50: two people gave one field two values from one export; nothing says that one saw the other's."""
    tablet = phone.copy()
    phone.edit(POLES, P, naziv="x")
    phone.edit(POLES, Q, naziv="xx")
    phone.send()
    tablet.edit(POLES, P, naziv="y")
    tablet.send()

    assert ("x", ["conflict", "question"]) == (edit_of(office, P, "naziv"), office.kinds())


def test_correcting_ones_own_entry(office, phone):
    """The only edit of an upload, edited again by the same person in a file written to since, is a correction."""
    phone.edit(POLES, P, naziv="x")
    phone.send()
    phone.edit(POLES, P, naziv="y")
    sent = phone.file()

    assert "sync 1" == parent(phone)
    assert office.lineage(sent, ENGINEER).parent is None
    assert office.lineage(evolve(sent, writes=1)).parent is None
    assert office.lineage(evolve(sent, writes=0)).parent is None
    phone.send()
    phone.send()
    phone.edit(POLES, P, naziv="z")
    assert "sync 3" == parent(phone)
    phone.edit(POLES, P, naziv="P-0")
    assert parent(phone) is None


def test_a_correction_of_one_entry_and_the_loss_of_another(office, phone):
    """Only where everything that was sent was edited again it is a correction; what is back as it was may be a copy's."""
    phone.edit(POLES, P, naziv="x")
    phone.edit(POLES, Q, naziv="x too")
    phone.send()
    phone.edit(POLES, P, naziv="y")
    phone.edit(POLES, Q, naziv="P-1")

    assert (None, ["sync 1"]) == (parent(phone), unseen(phone))


def test_a_word_that_two_people_chose_is_weak_evidence(office, phone):
    """Most of what the upload brought is as the export delivered it: one word from a list is a coincidence."""
    tablet = phone.copy()
    words = {P: "Steel", Q: "Concrete", R: "Composite"}
    for pole, word in words.items():
        phone.edit(POLES, pole, materijal=word)
    phone.send()
    tablet.edit(POLES, P, materijal="Steel")
    tablet.writes = 99
    tablet.send()

    assert words == {pole: edit_of(office, pole, "materijal") for pole in words}
    assert ["question"] == office.kinds()


def test_a_small_number_that_two_people_chose_is_weak_evidence(office, phone):
    """As a word from a list may be the same by coincidence, so may a number of few values."""
    tablet = phone.copy()
    for pole, count in ((P, 6), (Q, 12), (R, 24)):
        phone.edit(POLES, pole, godina_ugradnje=2000 + count)
    phone.send()
    tablet.edit(POLES, P, godina_ugradnje=2006)
    tablet.writes = 99

    assert (None, ["sync 1"]) == (parent(tablet), unseen(tablet))


def test_a_text_that_somebody_typed_is_strong_evidence(office, phone):
    """Most of what the upload brought was put back, but one text that nobody types twice is still there."""
    phone.edit(POLES, P, naziv="behind the mill", materijal="Steel", visina=9.0)
    for pole in (Q, R):
        phone.edit(POLES, pole, materijal="Steel")
    phone.send()
    for pole in (P, Q, R):
        phone.edit(POLES, pole, materijal="Wood")
    phone.send()

    assert {"Wood"} == {edit_of(office, pole, "materijal") for pole in (P, Q, R)}
    assert [] == office.kinds()


def test_a_text_that_somebody_types_everywhere_is_weak_evidence(office, phone):
    """The upload brought one text to many rows; a copy with the same habit shows it once."""
    tablet = phone.copy()
    for pole in (P, Q, R):
        phone.edit(POLES, pole, napomena="ok")
    phone.send()
    tablet.edit(POLES, P, napomena="ok")
    tablet.writes = 99

    assert (None, ["sync 1"]) == (parent(tablet), unseen(tablet))


@pytest.mark.parametrize("defaults", [{}, {"materijal": "Wood", "visina": 8.0, "naziv": "1"}])
def test_equal_values_in_new_rows_of_two_copies_are_no_evidence(office, phone, defaults):
    """S13, S50: both copies number and fill in their first new row alike; it lies elsewhere, so it is another row."""
    tablet = phone.copy()
    assert phone.add(POLES, geometry=point(25), **defaults) == tablet.add(POLES, geometry=point(26), **defaults)
    phone.send()

    assert parent(tablet) is None
    tablet.send()
    phone.edit(POLES, P, naziv="x")
    phone.send()

    assert [point(25), point(26)] == [row.geometry for row in office.all(POLES)][3:]


def test_a_new_row_is_known_by_its_place(office, phone):
    """S13, S14: a file whose only earlier edit is a new row descends from the upload that brought it."""
    phone.add(POLES, geometry=point(25))
    phone.send()
    phone.edit(POLES, 4, naziv="named later")

    assert "sync 1" == parent(phone)
    phone.send()
    assert (4, "named later") == (len(office.all(POLES)), office.all(POLES)[3].get("naziv"))


def test_a_new_row_is_known_by_its_uuid(phone):
    """S12: a new row with a uuid of its own is the same row wherever it was moved."""
    fid = phone.add(POLES, uuid_of("new"), naziv="A", geometry=point(25))
    phone.send()
    phone.edit(POLES, fid, naziv="B", geometry=point(26))

    assert "sync 1" == parent(phone)


def test_a_new_row_that_was_moved_cannot_be_recognised(office, phone):
    """Nothing of the only new row is left as it was sent: it may be another copy's, so both stay and somebody is asked."""
    fid = phone.add(POLES, naziv="A", geometry=point(25))
    phone.send()
    phone.edit(POLES, fid, naziv="B", geometry=point(26))
    phone.send()

    assert (5, ["question"]) == (len(office.all(POLES)), office.kinds())


def test_a_new_row_moved_in_a_file_that_is_known_is_the_same_row(office, phone):
    """S13: once the file is recognised by something else, its rows are known by their fids, whatever became of them."""
    fid = phone.add(POLES, naziv="A", geometry=point(25))
    phone.edit(POLES, P, naziv="x")
    phone.send()
    phone.edit(POLES, fid, naziv="B", geometry=point(26))
    phone.send()

    assert (4, "B", []) == (len(office.all(POLES)), office.all(POLES)[3].get("naziv"), office.kinds())


@pytest.fixture
def closure(office):
    """A splice closure."""
    return office.put(CLOSURES, "closure", naziv="N-4", geometry=point(21))


def test_a_new_tray_is_known_by_its_place_in_the_closure(office, closure):
    """S13, S41: a tray without uuid that points at its closure by number is found again and goes on being edited."""
    phone = Device.of(office)
    fid = phone.add(TRAYS, closure_fid=phone.fid(CLOSURES, closure), tray_number=1)
    phone.send()
    phone.edit(TRAYS, fid, capacity=24)

    assert "sync 1" == parent(phone)
    phone.send()
    assert ([24], []) == ([row.get("capacity") for row in office.all(TRAYS)], office.kinds())


def test_trays_of_two_closures_are_two_trays(office, closure):
    """S13, S50: the first new tray of each copy has the same fid and the same number, in another closure."""
    other = office.put(CLOSURES, "other closure", naziv="N-5", geometry=point(22))
    phone = Device.of(office)
    tablet = phone.copy()
    phone.add(TRAYS, closure_fid=phone.fid(CLOSURES, closure), tray_number=1)
    tablet.add(TRAYS, closure_fid=tablet.fid(CLOSURES, other), tray_number=1)
    phone.send()

    assert parent(tablet) is None
    tablet.send()
    assert [closure, other] == [row.get("closure_uuid") for row in office.all(TRAYS)]


@pytest.mark.parametrize("again, same", [("dig at the corner", True), ("dig at the mill", False)])
def test_a_new_row_without_any_place_is_known_by_all_that_it_says(office, again, same):
    """Rows that lie nowhere are the same only if they say the very same."""
    order = office.put(ORDERS, "order", title="W", order_type="repair", geometry=line((21, 44), (22, 44)))
    phone = Device.of(office)
    tablet = phone.copy()
    number = phone.fid(ORDERS, order)
    phone.add(ORDER_ITEMS, work_order_fid=number, item_type="other", description="dig at the corner")
    tablet.add(ORDER_ITEMS, work_order_fid=number, item_type="other", description=again)
    phone.send(ENGINEER)

    assert same == (parent(tablet, ENGINEER) is not None)


def test_deletions_are_shown_too(office, phone):
    """A row that an upload took away and that is still away shows the upload; put back, it is put back."""
    phone.delete(POLES, P)
    phone.send()
    assert "sync 1" == parent(phone)

    phone.edit(POLES, Q, naziv="x")
    phone.send()
    phone.put_back(POLES, 1)
    phone.send()

    assert ("P-0", "x", []) == (edit_of(office, P, "naziv"), edit_of(office, Q, "naziv"), office.kinds())


def test_s50_a_copy_made_after_an_upload_is_another_line(office, phone):
    """Two files that both descend from one upload: their new rows with the same fid are two rows, its rows are shared."""
    shared = phone.add(POLES, naziv="shared", geometry=point(25))
    phone.send()
    tablet = phone.copy()
    mine, theirs = phone.add(POLES, naziv="A", geometry=point(26)), tablet.add(POLES, naziv="B", geometry=point(27))
    phone.send()
    tablet.edit(POLES, shared, materijal="Steel")
    tablet.send()
    tablet.edit(POLES, theirs, naziv="B2")
    tablet.send()
    phone.edit(POLES, mine, naziv="A2")
    phone.send()
    tablet.edit(POLES, shared, geometry=point(29))
    tablet.send()

    assert mine == theirs
    assert ["shared", "A2", "B2"] == [row.get("naziv") for row in office.all(POLES)][3:]
    assert ("Steel", point(29)) == (office.all(POLES)[3].get("materijal"), office.all(POLES)[3].geometry)
    assert ["question"] == office.kinds()


def test_s14_a_table_or_column_that_is_missing_for_a_while(office, phone):
    """S14, S17, S19: what the device had sent of a missing table or column is still its base when it comes back."""
    phone.edit(POLES, P, naziv="x", materijal="Steel")
    phone.edit(POLES, Q, naziv="xx")
    okno = phone.add(OKNA, naziv="new", geometry=point(25))
    phone.send()
    poles = phone.tables.pop(POLES)
    phone.edit(OKNA, okno, naziv="newer")
    phone.send()
    phone.tables[POLES] = poles
    phone.without[POLES] = {"naziv"}
    phone.edit(POLES, P, materijal="Concrete")
    phone.send()
    phone.without.clear()
    office.edit(POLES, P, naziv="office")
    office.edit(POLES, Q, naziv="office")
    phone.edit(OKNA, okno, naziv="newest")
    phone.send()

    assert [] == office.kinds()
    assert ("office", "Concrete") == (edit_of(office, P, "naziv"), edit_of(office, P, "materijal"))
    assert ("office", "newest") == (edit_of(office, Q, "naziv"), office.all(OKNA)[0].get("naziv"))


def test_s14_what_came_back_rounded_is_what_was_sent(office, phone):
    """S14, S22: a file in another CRS shows an earlier upload though its coordinates differ in the last bits."""
    phone.reprojected = True
    phone.edit(POLES, P, geometry=point(21.5), naziv="x")
    phone.send()
    office.edit(POLES, P, geometry=point(21.7))
    phone.edit(POLES, P, geometry=point(21.5 + 1e-10), materijal="Steel")

    assert "sync 1" == parent(phone)
    phone.send()
    assert (point(21.7), "Steel", []) == (
        edit_of(office, P, "geometry"),
        edit_of(office, P, "materijal"),
        office.kinds(),
    )


def test_questions_are_about_what_still_stands(office, phone):
    """S50: edits of the unseen upload that somebody has taken back meanwhile need no answer."""
    tablet = phone.copy()
    phone.edit(POLES, P, naziv="x")
    phone.send()
    office.edit(POLES, P, naziv="P-0")
    tablet.edit(POLES, Q, naziv="y")
    tablet.send()

    assert [] == office.kinds()


def test_a_question_names_what_taking_the_files_side_would_do(office, phone):
    """S50: the question carries the way back for every row, new rows included."""
    tablet = phone.copy()
    phone.edit(POLES, P, naziv="x")
    phone.add(POLES, uuid_of("new"), geometry=point(25))
    phone.send()
    tablet.edit(POLES, Q, naziv="y")
    tablet.send()
    [question] = office.inbox

    new = Row({"geometry": point(25)})
    assert Change(Key(POLES, uuid_of("new")), new, None) in question.changes
    office.decide(question, Decision.TAKE_MINE)
    assert ("P-0", "y", 3) == (edit_of(office, P, "naziv"), edit_of(office, Q, "naziv"), len(office.all(POLES)))


def test_a_question_takes_back_only_what_came_since(office, phone):
    """S50: a fork shows the first upload and nothing of the second; its side takes the second back, not the first."""
    phone.edit(POLES, P, naziv="x")
    phone.edit(POLES, R, naziv="z")
    phone.send()
    tablet = phone.copy()
    phone.edit(POLES, Q, naziv="y")
    phone.edit(POLES, R, naziv="P-2")
    phone.send()
    tablet.edit(POLES, P, materijal="Steel")
    tablet.send()
    [question] = office.inbox
    office.decide(question, Decision.TAKE_MINE)

    assert ("x", "P-1", "z", "Steel") == (
        edit_of(office, P, "naziv"),
        edit_of(office, Q, "naziv"),
        edit_of(office, R, "naziv"),
        edit_of(office, P, "materijal"),
    )


def test_s50_a_copy_made_in_mid_work(office, phone):
    """S50: both files show what was typed before the copy was made, and nobody had sent it yet; the second file, written
    to less often than the first, cannot be its child, so what it lacks is a question, and new rows are known again.
    """
    phone.edit(POLES, P, naziv="before the copy")
    phone.add(POLES, naziv="before the copy", geometry=point(25))
    tablet = phone.copy()
    phone.edit(POLES, Q, naziv="phone")
    phone.edit(POLES, R, naziv="phone")
    phone.send()
    tablet.edit(POLES, R, materijal="Steel")
    tablet.send()

    assert ("phone", "phone", "Steel") == (
        edit_of(office, Q, "naziv"),
        edit_of(office, R, "naziv"),
        edit_of(office, R, "materijal"),
    )
    assert (["question"], 4) == (office.kinds(), len(office.all(POLES)))


def test_s16_a_copy_pasted_later_does_not_hide_the_row_that_it_was_made_from(office, phone):
    """S14, S16: of two rows with one uuid the one at the export's fid shows what was sent, not the pasted one."""
    phone.edit(POLES, P, naziv="x")
    phone.send()
    phone.add(POLES, P, naziv="P-0", geometry=point(21))

    assert "sync 1" == parent(phone)


def test_s16_a_pasted_row_is_known_again(office, phone):
    """S13, S16: a copy carries the original's uuid, so it got one of its own; it is known by its place when it comes again."""
    fid = phone.add(POLES, P, naziv="pasted", geometry=point(25))
    phone.send()
    phone.edit(POLES, fid, materijal="Steel")

    assert "sync 1" == parent(phone)
    phone.send()
    assert (4, "Steel") == (len(office.all(POLES)), office.all(POLES)[3].get("materijal"))


def test_what_was_sent_is_looked_up_and_not_made_anew(office, phone):
    """A file of many rows asks for its base at every row: what the parent had sent is laid out once."""
    phone.edit(POLES, P, naziv="x")
    phone.send()
    lineage = office.lineage(phone.file())

    assert [Key(POLES, P)] == list(lineage.deltas) and lineage.deltas is lineage.deltas
