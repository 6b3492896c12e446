"""Daily reports for people: of a day or of a period, with what was used in all of it; on paper and in tables."""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import field, frozen

from fiberq_core.geojson import to_geojson
from fiberq_core.records.entries import Entry, entries
from fiberq_core.records.showing import position
from fiberq_core.registry import LAYER, work
from fiberq_core.registry.model import Labels
from fiberq_core.registry.vocabularies import WEATHER
from fiberq_core.rows import Key, Stored

REPORTS: Final = work.REPORTS.name
LANGUAGES: Final = ("en", "sr", "bg")
WORDS: Final[Mapping[str, Labels]] = {
    **{column.name: column.labels for column in LAYER[REPORTS].columns},
    "report": Labels("Daily report", "Dnevni izveštaj", "Дневен отчет"),
    "reports": LAYER[REPORTS].labels,
    "project": Labels("Project", "Projekat", "Проект"),
    "number": Labels("No.", "Br.", "№"),
    "order": Labels("Work order", "Radni nalog", "Работна поръчка"),
    "order_number": Labels("Work order No.", "Br. naloga", "№ на поръчката"),
    "name": Labels("Name", "Naziv", "Наименование"),
    "quantity": Labels("Quantity", "Količina", "Количество"),
    "unit": Labels("Unit", "Jedinica", "Мярка"),
    "note": Labels("Note", "Napomena", "Бележка"),
    "latitude": Labels("Latitude", "Geografska širina", "Географска ширина"),
    "longitude": Labels("Longitude", "Geografska dužina", "Географска дължина"),
    "totals": Labels("Materials in total", "Ukupno materijala", "Общо материали"),
    "hours": Labels("Hours in total", "Ukupno sati", "Общо часове"),
    "person_hours": Labels("Person-hours", "Čovek-časova", "Човекочасове"),
    "none": Labels("There are no reports in this period.", "U ovom periodu nema izveštaja.", "Няма отчети за периода."),
    "signature": Labels("Signature", "Potpis", "Подпис"),
}


@frozen
class Line:
    """One report. *order* is the title of its work order; *place* longitude and latitude, in degrees."""

    number: int
    project: str
    day: str
    reporter: str
    order_number: int | None
    order: str
    weather: str
    crew: int | None
    hours: float | None
    activities: tuple[Entry, ...]
    materials: tuple[Entry, ...]
    issues: str
    place: tuple[float | None, float | None] = (None, None)


@frozen
class Total:
    """What was used of something, where somebody counted it in this unit."""

    name: str
    quantity: float
    unit: str


@frozen
class Daybook:
    """The reports of a period, by day; *first* and *last* day as they were asked for."""

    lines: tuple[Line, ...]
    first: str | None = None
    last: str | None = None
    totals: tuple[Total, ...] = field(init=False)

    @totals.default
    def _totals(self) -> tuple[Total, ...]:
        sums: dict[tuple[str, str], float] = {}
        for one in (entry for line in self.lines for entry in line.materials):
            if isinstance(one.quantity, int | float):
                key = (one.name, one.unit)
                sums[key] = sums.get(key, 0.0) + one.quantity
        return tuple(Total(name, round(sums[name, unit], 6), unit) for name, unit in sorted(sums))

    @property
    def hours(self) -> float:
        """Hours that crews worked."""
        return round(sum(line.hours or 0.0 for line in self.lines), 2)

    @property
    def person_hours(self) -> float:
        """The same, times the people of each crew."""
        return round(sum((line.hours or 0.0) * (line.crew or 0) for line in self.lines), 2)


def words(language: str) -> Mapping[str, str]:
    """Every word of these pages in one of `LANGUAGES`."""
    return {name: getattr(labels, language) for name, labels in WORDS.items()}


def spoken(weather: str, language: str) -> str:
    """The weather as it is called in a language, where it is a known one; else as somebody typed it."""
    term = WEATHER.term(weather) if weather else None
    return getattr(term.labels, language) if term is not None else weather


def said(one: Entry) -> str:
    """An entry as one text."""
    counted = " ".join(part for part in (plain(one.quantity), one.unit) if part)
    return "".join([one.name, f": {counted}" if counted else "", f" ({one.note})" if one.note else ""])


def plain(number: float | str | None) -> str:
    """A number as people write it; a text, or nothing, as it is."""
    if isinstance(number, str) or number is None:
        return number or ""
    return str(number) if isinstance(number, int) else f"{number:.6f}".rstrip("0").rstrip(".")


def line_of(stored: Stored, project: str, names: Mapping[str, str], orders: Mapping[Key, Stored]) -> Line:
    """A report as people read it. *names* are those of people, *orders* the work orders that reports are about."""
    row = stored.row
    order = orders.get(Key(work.WORK_ORDERS.name, str(row.get("work_order_uuid"))))
    reporter = _text(row.get("reported_by_sub"))
    crew, hours = row.get("crew_size"), row.get("hours_worked")
    return Line(
        stored.id, project, _text(row.get("report_date")), names.get(reporter) or reporter,
        order.id if order else None, _text(order.row.get("title")) if order else "",
        _text(row.get("weather")), crew if isinstance(crew, int) else None,
        float(hours) if isinstance(hours, int | float) else None,
        entries(row.get("activities")), entries(row.get("materials_used")), _text(row.get("issues")),
        _place(row.geometry),
    )  # fmt: skip


def by_day(lines: Iterable[Line]) -> tuple[Line, ...]:
    """*lines* in the order of their days; those without one last."""
    return tuple(sorted(lines, key=lambda line: (not line.day, line.day, line.project, line.number)))


def _place(wkb: bytes | None) -> tuple[float | None, float | None]:
    longitude, latitude = position(to_geojson(wkb)) if wkb else (None, None)
    return _degrees(longitude), _degrees(latitude)


def _degrees(value: object) -> float | None:
    return value if isinstance(value, float) else None


def _text(value: object) -> str:
    return "" if value is None else str(value)
