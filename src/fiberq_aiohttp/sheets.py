"""A period's daily reports as tables for office programs: CSV and XLSX. No text of anybody's becomes a formula there."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import xlsxwriter

from fiberq_core.daybook import Daybook, Line, said, spoken, words

Cell = str | float | None
FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a text begins with that office programs calculate
ANOTHER_CELL: Final = re.compile(r"([;\r\n][ \t]*)(?=[=+\-@])")
BOM: Final = "\ufeff"  # without it, they take UTF-8 for something else
COLUMNS: Final = (
    *("number", "report_date", "project", "order_number", "order", "reported_by_sub", "weather"),
    *("crew_size", "hours_worked", "activities", "materials_used", "issues", "latitude", "longitude"),
)
MATERIALS: Final = ("number", "report_date", "order_number", "name", "quantity", "unit", "note")
TOTALS: Final = ("name", "quantity", "unit")
WIDE: Final = frozenset({"order", "activities", "materials_used", "issues", "name", "note", "project"})
OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
LONGEST: Final = 32_767  # characters of a cell
LONGEST_NAME: Final = 31  # of a sheet


def csv_of(book: Daybook, language: str) -> bytes:
    """A line per report, after a line of headings; UTF-8 with a byte order mark, CRLF."""
    said_in = words(language)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([said_in[name] for name in COLUMNS])
    writer.writerows([_harmless(cell) for cell in _cells(line, language)] for line in book.lines)
    return (BOM + text.getvalue()).encode("utf-8")


def xlsx_of(book: Daybook, language: str) -> bytes:
    """Three sheets: reports, the materials of each, and what was used in all."""
    said_in = words(language)
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, OPTIONS) as workbook:
        _sheet(workbook, said_in, "reports", COLUMNS, [_cells(line, language) for line in book.lines])
        _sheet(workbook, said_in, "materials_used", MATERIALS, [row for line in book.lines for row in _materials(line)])
        _sheet(workbook, said_in, "totals", TOTALS, [(t.name, t.quantity, t.unit) for t in book.totals])
    return file.getvalue()


def _cells(line: Line, language: str) -> tuple[Cell, ...]:
    activities, materials = ("; ".join(map(said, some)) for some in (line.activities, line.materials))
    longitude, latitude = line.place
    return (
        line.number, line.day, line.project, line.order_number, line.order, line.reporter,
        spoken(line.weather, language),
        line.crew, line.hours, activities, materials, line.issues, latitude, longitude,
    )  # fmt: skip


def _materials(line: Line) -> Iterator[tuple[Cell, ...]]:
    for one in line.materials:
        yield line.number, line.day, line.order_number, one.name, one.quantity, one.unit, one.note


def _harmless(cell: Cell) -> Cell:
    """A text that no office program takes for a formula: with an apostrophe before what it would.

    Where a semicolon separates cells, or a line ends, another cell begins.
    """
    if not isinstance(cell, str):
        return cell
    inside = ANOTHER_CELL.sub(r"\1'", cell)
    return f"'{inside}" if cell.lstrip(" ").startswith(FORMULAS) else inside


def _sheet(
    workbook: xlsxwriter.Workbook,
    said_in: Mapping[str, str],
    title: str,
    names: Sequence[str],
    rows: Sequence[Sequence[Cell]],
) -> None:
    sheet = workbook.add_worksheet(said_in[title][:LONGEST_NAME])
    bold, wrapped = (
        workbook.add_format({"bold": True, "bottom": 1}),
        workbook.add_format({"text_wrap": True, "valign": "top"}),
    )
    for at, name in enumerate(names):
        sheet.set_column(at, at, 40 if name in WIDE else 14, wrapped)
        sheet.write_string(0, at, said_in[name], bold)
    sheet.freeze_panes(1, 0)
    for n, row in enumerate(rows, 1):
        for at, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(n, at, cell[:LONGEST])  # a string cell is never calculated
            elif cell is not None:
                sheet.write_number(n, at, cell)
