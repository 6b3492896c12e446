"""Daily reports for people: in the order of days, with sums that add up, in every language."""

import pytest

from fiberq_core.daybook import LANGUAGES, WORDS, Daybook, Line, Total, by_day, line_of, plain, said, spoken, words
from fiberq_core.records.entries import Entry
from fiberq_core.rows import Key, Row, Stored


def a_line(number: int, day: str, *materials: Entry, crew: int | None = 2, hours: float | None = 4.0) -> Line:
    """A report."""
    return Line(number, "Selo", day, "Ana", None, "", "", crew, hours, (), materials, "")


def test_by_day() -> None:
    """By day, then as they were made; a report without a day comes last."""
    lines = [a_line(4, ""), a_line(3, "2026-05-02"), a_line(2, "2026-05-03"), a_line(1, "2026-05-02")]

    assert [1, 3, 2, 4] == [line.number for line in by_day(lines)]


def test_sums() -> None:
    """Materials add up by name and unit; what nobody counted is in no sum; hours with and without people."""
    book = Daybook(
        (
            a_line(1, "", Entry("Cable", 0.1, "m"), Entry("Cable", 2, "kg"), Entry("Pole")),
            a_line(2, "", Entry("Cable", 0.2, "m"), Entry("Cable", "some", "m"), crew=None),
            a_line(3, "", hours=None),
        )
    )

    assert (Total("Cable", 2, "kg"), Total("Cable", 0.3, "m")) == book.totals
    assert (8.0, 8.0) == (book.hours, book.person_hours)


def test_a_row_as_people_read_it() -> None:
    """With the name of who wrote it and the title of the order, where these are known."""
    row = Row({"work_order_uuid": "w", "reported_by_sub": "3", "activities": "dig", "hours_worked": 2.0})
    order = Stored(Key("Work_orders", "w"), Row({"title": "W-7"}), 7, 1, 1)
    report = Stored(Key("SMR_reports", "r"), row, 5, 1, 1)
    known = line_of(report, "Selo", {"3": "Vuk"}, {order.key: order})
    unknown = line_of(report, "Selo", {"3": ""}, {})

    assert ("Vuk", 7, "W-7", (Entry("dig"),), None) == (
        known.reporter, known.order_number, known.order, known.activities, known.crew,
    )  # fmt: skip
    assert ("3", None, "") == (unknown.reporter, unknown.order_number, unknown.order)


@pytest.mark.parametrize(
    "number, text", [(None, ""), (3, "3"), (3.0, "3"), (0.25, "0.25"), (1234567.5, "1234567.5"), ("some", "some")]
)
def test_numbers_for_people(number: float | str | None, text: str) -> None:
    """No exponents, no zeros at the end."""
    assert text == plain(number)


def test_an_entry_as_text() -> None:
    """Only what it says."""
    assert "Cable: 2.5 m (old)" == said(Entry("Cable", 2.5, "m", "old"))
    assert "Cable" == said(Entry("Cable"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_in_every_language(language: str) -> None:
    """Nothing is left out; weather is called by its name where it has one."""
    assert set(WORDS) == {name for name, word in words(language).items() if word}
    assert {"en": "Rain", "sr": "Kiša", "bg": "Дъжд"}[language] == spoken("Rain", language)
    assert ("Košava", "") == (spoken("Košava", language), spoken("", language))
