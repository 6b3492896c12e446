"""Canonical values: what fits a column, and what is said of the rest (S20, S21)."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fiberq_core.registry.model import Column, Kind, Labels, Term, Vocabulary
from fiberq_core.values import BY_KIND, NULL, Canonical, Misfit, canonical, canonical_extra, remarks

NO_LABELS = Labels("", "", "")
TERMS = (Term("planned", Labels("Planned", "Planirano", "Планиран"), ("plan",)), Term("built", Labels("Built", "", "")))


def column(kind: Any, **options: Any) -> Column:
    """A column of that kind."""
    return Column("c", kind, NO_LABELS, **options)


def test_every_kind_is_known() -> None:
    """The table has a function for every kind."""
    assert set(Kind) == set(BY_KIND)


FITS = [
    (Kind.TEXT, "  as typed ", "  as typed "),
    (Kind.TEXT, "", ""),
    (Kind.TEXT, 12, "12"),
    (Kind.TEXT, 1.5, "1.5"),
    (Kind.TEXT, b"\xc5\xbe", "ž"),
    (Kind.INTEGER, 12, 12),
    (Kind.INTEGER, "12", 12),
    (Kind.INTEGER, " -12 ", -12),
    (Kind.INTEGER, 12.0, 12),
    (Kind.INTEGER, "12.0", 12),
    (Kind.INTEGER, "1e3", 1000),
    (Kind.INTEGER, True, 1),
    (Kind.INTEGER, "9223372036854775807", 2**63 - 1),
    (Kind.INTEGER, -(2**63), -(2**63)),
    (Kind.REAL, 12, 12.0),
    (Kind.REAL, "12.5", 12.5),
    (Kind.REAL, ".5", 0.5),
    (Kind.REAL, "1E-3", 0.001),
    (Kind.REAL, -0.0, 0.0),
    (Kind.BOOLEAN, 1, True),
    (Kind.BOOLEAN, 0.0, False),
    (Kind.BOOLEAN, "TRUE", True),
    (Kind.BOOLEAN, "0", False),
    (Kind.DATE, "2026-02-28", "2026-02-28"),
    (Kind.DATE, "2026/02/28", "2026-02-28"),
    (Kind.DATE, "2026-02-28T00:00:00Z", "2026-02-28"),
    (Kind.DATETIME, "2026-05-01T10:20:30.123Z", "2026-05-01T10:20:30.123Z"),
    (Kind.DATETIME, "2026-05-01 10:20:30", "2026-05-01T10:20:30.000Z"),
    (Kind.DATETIME, "2026-05-01T10:20", "2026-05-01T10:20:00.000Z"),
    (Kind.DATETIME, "2026-05-01", "2026-05-01T00:00:00.000Z"),
    (Kind.DATETIME, "2026/05/01 10:20:30+02", "2026-05-01T08:20:30.000Z"),
    (Kind.DATETIME, "2026-05-01T10:20:30,1234567-0130", "2026-05-01T11:50:30.123Z"),
    (Kind.DATETIME, "2026-12-31T23:59:59.999600Z", "2027-01-01T00:00:00.000Z"),
    (Kind.DATETIME, "0099-05-01T10:20:30Z", "0099-05-01T10:20:30.000Z"),
    (Kind.JSON, '{"a": 1}', '{"a": 1}'),
    (Kind.JSON, "not json", "not json"),
    (Kind.JSON, {"a": "ž"}, '{"a": "ž"}'),
    (Kind.UUID, "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    (Kind.UUID, "6f9619ff8b86d011b42d00cf4fc964ff", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
]


@pytest.mark.parametrize("kind, raw, value", FITS)
def test_fits(kind: Any, raw: Any, value: Any) -> None:
    """S21: what means a value of the kind becomes exactly that value, of that type."""
    fitted = canonical(column(kind), raw)

    assert isinstance(fitted, Canonical), fitted
    assert (value, type(value)) == (fitted.value, type(fitted.value))


@pytest.mark.parametrize(
    "kind, raw",
    [
        (Kind.TEXT, "nul\0inside"),
        (Kind.TEXT, "\ud800"),
        (Kind.TEXT, b"\xff"),
        (Kind.TEXT, ["list"]),
        (Kind.INTEGER, "12a"),
        (Kind.INTEGER, ""),
        (Kind.INTEGER, 12.5),
        (Kind.INTEGER, math.inf),
        (Kind.INTEGER, math.nan),
        (Kind.INTEGER, 2**63),
        (Kind.INTEGER, "9" * 400),
        (Kind.INTEGER, "1e300"),
        (Kind.INTEGER, "١٢"),
        (Kind.INTEGER, b"12"),
        (Kind.REAL, "12,5"),
        (Kind.REAL, ""),
        (Kind.REAL, "nan"),
        (Kind.REAL, "1e999"),
        (Kind.REAL, math.inf),
        (Kind.REAL, 10**400),
        (Kind.BOOLEAN, 2),
        (Kind.BOOLEAN, "yes"),
        (Kind.BOOLEAN, ""),
        (Kind.DATE, "2026-02-30"),
        (Kind.DATE, "28.02.2026"),
        (Kind.DATE, "2026-02-28T10:00:00Z"),
        (Kind.DATE, 20260228),
        (Kind.DATETIME, "yesterday"),
        (Kind.DATETIME, "2026-05-01T25:00:00Z"),
        (Kind.DATETIME, "0001-01-01T00:00:00+14:00"),
        (Kind.DATETIME, "9999-12-31T23:59:59.9999Z"),
        (Kind.DATETIME, 1714557600),
        (Kind.JSON, b"\xff"),
        (Kind.JSON, [math.nan]),
        (Kind.UUID, "not-a-uuid"),
        (Kind.UUID, 7),
    ],
)
def test_does_not_fit(kind: Any, raw: Any) -> None:
    """S21: anything else is a misfit with a sentence that can be shown and stored."""
    fitted = canonical(column(kind), raw)

    assert isinstance(fitted, Misfit)
    assert fitted.reason.encode("utf-8")
    assert len(fitted.reason) < 200


@pytest.mark.parametrize("kind", Kind)
def test_null_is_null(kind: Any) -> None:
    """NULL fits every column and stays NULL; "" is not NULL."""
    assert canonical(column(kind), None) == NULL
    assert canonical(column(kind), "") != NULL


RAW = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.binary(max_size=6),
    st.dates().map(str),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(Kind), RAW)
def test_canonical_is_total_and_idempotent(kind: Any, raw: Any) -> None:
    """Nothing that a file can hold raises, and a canonical value is its own canonical value."""
    fitted = canonical(column(kind), raw)

    assert isinstance(fitted, Canonical | Misfit)
    if isinstance(fitted, Canonical):
        assert canonical(column(kind), fitted.value) in (fitted, Canonical(fitted.value))


@settings(max_examples=100, deadline=None)
@given(
    st.datetimes(min_value=datetime(1900, 1, 1)),  # noqa: DTZ001 -- hypothesis takes naive bounds only
    st.sampled_from(["T", " "]),
)
def test_datetimes_are_rounded_to_the_millisecond(moment: Any, separator: Any) -> None:
    """The canonical text is within half a millisecond of the instant."""
    text = moment.replace(tzinfo=UTC).isoformat(sep=separator, timespec="microseconds")
    fitted = canonical(column(Kind.DATETIME), text)
    assert isinstance(fitted, Canonical)
    back = datetime.fromisoformat(str(fitted.value))

    assert abs((back - moment.replace(tzinfo=UTC)).total_seconds()) <= 0.0005
    assert back.microsecond % 1000 == 0


@pytest.mark.parametrize(
    "raw, seconds",
    [
        ("2026-05-01T10:20:30Z", True),
        ("2026-05-01T10:20:30.000Z", False),
        ("2026-05-01T10:20:30.000", True),
        ("2026-05-01T10:20:30.100", False),
    ],
)
def test_missing_fraction_is_reported(raw: Any, seconds: Any) -> None:
    """A date-time without a fraction of a second says so, since it then compares to the second."""
    fitted = canonical(column(Kind.DATETIME), raw)

    assert isinstance(fitted, Canonical)
    assert seconds is fitted.seconds


@pytest.mark.parametrize("raw", ["built", "Built"])
def test_closed_vocabulary_gives_the_code(raw: Any) -> None:
    """S21: where the system works by a vocabulary, labels and aliases become the code."""
    state = column(Kind.TEXT, vocabulary=Vocabulary("state", TERMS, closed=True))

    assert Canonical("built") == canonical(state, raw)
    assert Canonical("planned") == canonical(state, "Планиран") == canonical(state, "plan")


def test_closed_vocabulary_holds_other_values() -> None:
    """S21: a value outside a closed vocabulary does not fit, and the reason lists what does."""
    state = column(Kind.TEXT, vocabulary=Vocabulary("state", TERMS, closed=True))

    assert Misfit("“demolished” is not one of planned, built") == canonical(state, "demolished")


def test_open_vocabulary_keeps_what_was_typed() -> None:
    """S21: a descriptive vocabulary accepts anything as typed, and flags what it does not know."""
    state = column(Kind.TEXT, vocabulary=Vocabulary("state", TERMS))

    assert Canonical("Executed") == canonical(state, "Executed")
    assert Canonical("Built") == canonical(state, "Built")
    assert remarks(state, "Executed")
    assert () == remarks(state, "Built") == remarks(state, "") == remarks(state, None)


def test_ranges_are_remarks() -> None:
    """A number outside the usual range is kept and flagged."""
    year = column(Kind.INTEGER, minimum=2000, maximum=2050)

    assert ("1999 is less than 2000",) == remarks(year, 1999)
    assert ("2051 is more than 2050",) == remarks(year, 2051)
    assert () == remarks(year, 2000) == remarks(year, 2050)


@pytest.mark.parametrize("raw", ["text", "", 5, 2.5, b"\xff\0", None, -(2**63)])
def test_extra_values_stay_as_they_are(raw: Any) -> None:
    """S20: values of unknown columns keep value and type."""
    assert Canonical(raw) == canonical_extra(raw)


@pytest.mark.parametrize("raw", ["a\0b", "\ud800", math.inf, 2**63, [1]])
def test_extra_values_must_be_storable(raw: Any) -> None:
    """Text that no store takes and numbers that are none do not fit, also in unknown columns."""
    assert isinstance(canonical_extra(raw), Misfit)
