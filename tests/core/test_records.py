"""The table of records: every row of it fits the registry, and bodies become rows or faults, whatever they hold."""

import pytest

from fiberq_core.errors import Invalid
from fiberq_core.jsonvalues import parsed
from fiberq_core.records import ORDER_ITEMS, RECORDS, REPORTS, WORK_ORDERS, Record, bodies, entries
from fiberq_core.records.bodies import Body
from fiberq_core.records.entries import Entry
from fiberq_core.records.model import Filled, Form
from fiberq_core.records.showing import record_json
from fiberq_core.registry import GEOMETRY
from fiberq_core.rows import Key, Row, Stored

FILLED = {Filled.NOW: "2026-05-04T08:00:00.000Z", Filled.TODAY: "2026-05-04", Filled.ACTOR: "ana"}
OWN = {"id", "uuid", "project_id", "revision"}


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: r.layer_name)
class TestTable:
    """What holds of every record."""

    def test_columns_are_of_the_registry(self, record: Record) -> None:
        """Fields, filters, spans and parents name columns that there are, and numbers name references."""
        columns = [*(one.column for one in record.fields), *(one.column for one in record.filters)]
        columns += [record.span.column] if record.span else []
        columns += [record.parent.column] if record.parent else []
        geometry = {GEOMETRY} if record.layer.spatial else set()
        for name in (*columns, *(set(record.same_by) - geometry)):
            assert record.column(name).name == name
        numbers = [one.column for one in record.numbers]
        numbers += [one.column for one in record.filters if one.form is Form.NUMBER]
        assert all(record.targets(column) for column in numbers)

    def test_names_mean_one_thing(self, record: Record) -> None:
        """No two fields have a name in common, and none is called as what every record has."""
        names = [name for one in record.fields for name in one.names]
        names += [record.place.name, *record.place.aliases, *(record.place.pair or ())] if record.place else []

        assert len(names) == len(set(names))
        assert not OWN & set(names)

    def test_it_is_listed_by_number(self, record: Record) -> None:
        """Old clients know its rows by number, and it has a place where the layer has one."""
        assert record.layer.by_number
        assert record.layer.spatial == (record.place is not None)
        assert record.paths

    def test_what_it_cannot_do_without_can_be_sent(self, record: Record) -> None:
        """Every column that a row needs is writable, has a default, or comes from the path."""
        needed = {c.name for c in record.layer.columns if c.required and c.default is None}
        needed |= {r.column for r in record.layer.references if r.required}
        sent = {f.column for f in record.fields if f.writable} | ({record.parent.column} if record.parent else set())

        assert needed <= sent

    def test_nothing_is_a_body_too(self, record: Record) -> None:
        """An empty body says nothing; one of nulls clears, and neither is a fault."""
        nulls = {name: None for one in record.fields for name in one.names}

        assert Body() == bodies.read(record, {})
        assert not [v for v in bodies.read(record, nulls).values.values() if v is not None]

    @pytest.mark.parametrize("raw", [[], {}, [[1]], 10**30, "\0", "\ud800", True, {"a": [None]}, -1.5])
    def test_anything_may_be_sent(self, record: Record, raw: object) -> None:
        """Whatever stands in every field, the answer is a body or faults that name fields."""
        body = {name: raw for one in record.fields for name in one.names}
        body |= dict.fromkeys(["uuid", "lon", "latitude", *([record.place.name] if record.place else [])], raw)
        try:
            bodies.read(record, body, new=True)
        except Invalid as wrong:
            roots = {fault.path.partition(".")[0].partition("[")[0] for fault in wrong.faults}
            assert roots <= set(body) | {"longitude"}

    def test_what_is_shown_can_be_sent_back(self, record: Record) -> None:
        """A record as it is shown, sent back, says what the row says."""
        row = Row({c.name: c.default for c in record.layer.columns if c.default is not None})
        shown = record_json(record, 1, Stored(Key(record.layer_name, "u"), row, 1, 1, 1), {})
        said = bodies.read(record, {name: value for name, value in shown.items() if name != "uuid"})

        assert row == row.with_values({n: v for n, v in said.values.items() if v != "[]"})


def test_defaults_are_of_what_is_not_said() -> None:
    """Absent is not null: only what the server itself fills in stands for null too."""
    absent = bodies.read(REPORTS, {}).filled(REPORTS, FILLED).values
    null = bodies.read(REPORTS, {"crew_size": None, "report_date": None}).filled(REPORTS, FILLED).values

    assert (1, "2026-05-04", "ana", "") == tuple(
        absent[n] for n in ("crew_size", "report_date", "reported_by_sub", "weather")
    )
    assert (None, "2026-05-04") == (null["crew_size"], null["report_date"])


def test_the_path_beats_the_body() -> None:
    """An item belongs to the order of its path, whatever its body says of another one."""
    assert {} == bodies.read(ORDER_ITEMS, {"work_order_id": 7}).numbers
    assert {"work_order_uuid": 7} == bodies.read(REPORTS, {"work_order_id": "7"}).numbers


def test_an_alias_is_the_field() -> None:
    """What other clients call it is read, and a fault has the name that was sent."""
    said = bodies.read(WORK_ORDERS, {"assignee": "3", "reason": "no", "area_geom": None}).values
    assert {"assigned_to_sub": "3", "rejection_reason": "no", GEOMETRY: None} == said
    with pytest.raises(Invalid) as wrong:
        bodies.read(WORK_ORDERS, {"assignee": ["3"]})
    assert ["assignee"] == [fault.path for fault in wrong.value.faults]


@pytest.mark.parametrize(
    "stored, expected",
    [
        (None, ()),
        ("", ()),
        ("one\n\n two ", (Entry("one"), Entry("two"))),
        ('["a", {"name": "b", "quantity": 2, "unit": "m", "note": "n"}]', (Entry("a"), Entry("b", 2, "m", "n"))),
        ('{"description": "c", "quantity": "some"}', (Entry("description: c", "some"),)),
        ("[[1, 2]]", (Entry("[1, 2]"),)),
        ("[" * 5000, (Entry("[" * 5000),)),
    ],
)
def test_entries_for_people(stored: str | None, expected: tuple[Entry, ...]) -> None:
    """Whatever a column holds, people see things with names."""
    assert expected == entries.entries(stored)


@pytest.mark.parametrize(
    "text",
    [
        '[{"name": "x", "quantity": 1' + 30 * "0" + "}]",
        '[{"name": "x", "quantity": 1' + 400 * "0" + "}]",
        '[{"name": "x", "quantity": 1e999}]',
        r'[{"name": "\ud800"}]',
        r'[{"\ud800": 1}]',
        33 * "[" + 33 * "]",
        900 * "[" + 900 * "]",
    ],
)
def test_a_list_that_not_everybody_can_hold_stays_the_text_that_it_is(text: str) -> None:
    assert [text] == entries.shown(text)
    assert text == parsed(text)


def test_a_list_that_everybody_can_hold_is_a_list() -> None:
    assert [{"name": "x", "quantity": 2**63 - 1}] == entries.shown('[{"name": "x", "quantity": 9223372036854775807}]')
    assert isinstance(parsed(32 * "[" + 32 * "]"), list)
