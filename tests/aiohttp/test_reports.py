"""Daily reports: every way of saying what was done, and the same on paper and in tables, where no text calculates."""

import csv
import io
import re
import threading
import zipfile
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import aiohttp_jinja2
import pytest

from tests.aiohttp.serving import Caller
from tests.aiohttp.test_records import REPORTS, an_order, faults

pytestmark = pytest.mark.each_store

CELLS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
NASTY = '=HYPERLINK("http://x.example","a")'


@pytest.fixture
async def project(engineer: Caller) -> int:
    """A project in which the field worker works."""
    number = await engineer.project()
    await engineer.made(f"/api/projects/{number}/members", {"sub": "3", "role": "field_worker", "name": "Vuk Vuković"})
    return number


@pytest.fixture
async def order(engineer: Caller, project: int) -> dict[str, Any]:
    """An order of the field worker."""
    return await an_order(engineer, project, title="Ulica Ćirila", assigned_to_sub="3")


@pytest.mark.parametrize(
    "sent, shown",
    [
        (None, []),
        ("", []),
        ([], []),
        ("Trench, 40 m\nTwo poles", ["Trench, 40 m\nTwo poles"]),
        (["Trench", "Poles"], ["Trench", "Poles"]),
        ('["Trench", "Poles"]', ["Trench", "Poles"]),
        ({"name": "Trench", "quantity": 40, "unit": "m"}, [{"name": "Trench", "quantity": 40, "unit": "m"}]),
        ('[{"name": "Pole", "quantity": 2}]', [{"name": "Pole", "quantity": 2}]),
        ([{"name": "Pole", "note": None, "height": 9}, "x"], [{"name": "Pole", "note": None, "height": 9}, "x"]),
        ("[not a list", ["[not a list"]),
    ],
)
async def test_every_way_of_saying_it(engineer: Caller, order: dict[str, Any], sent: object, shown: object) -> None:
    """DL-34: text, texts, objects and JSON text come in, a list always goes out, and what is sent back is no edit."""
    body = {"work_order_id": order["id"], "activities": sent, "materials_used": sent}
    made = await engineer.made(REPORTS, body)
    again = await engineer("PUT", f"{REPORTS}/{made['id']}", json=made)

    assert (shown, shown) == (made["activities"], made["materials_used"])
    assert made == again.json


async def test_what_is_left_out(worker: Caller, order: dict[str, Any]) -> None:
    """DL-35: a report without a date, or with none, is today's; the rest is as old clients expect."""
    for body in ({}, {"report_date": None, "weather": None, "crew_size": None, "issues": None, "latitude": None}):
        made = await worker.made(REPORTS, {"work_order_id": order["id"], **body})
        today = datetime.now(UTC).date().isoformat()
        assert (today, "3", None) == (made["report_date"], made["reported_by_sub"], made["latitude"])
        expected = ("", 1, 0.0, "") if not body else (None, None, 0.0, None)
        assert expected == tuple(made[name] for name in ("weather", "crew_size", "hours_worked", "issues"))


async def test_sent_twice(worker: Caller, order: dict[str, Any]) -> None:
    """DL-34: a client that got no answer sends its report again, and there is one; another day's is another one."""
    body = {
        "work_order_id": order["id"],
        "report_date": "2026-05-04",
        "activities": "x",
        "latitude": 44.1,
        "longitude": 20.2,
    }
    first, again = [await worker("POST", REPORTS, json=body) for _ in range(2)]
    other = await worker("POST", REPORTS, json={**body, "report_date": "2026-05-05"})

    assert (201, 200, 201) == (first.status, again.status, other.status)
    assert first.json == again.json


@pytest.mark.parametrize("path", ["/api/smr-reports", "/api/work-orders/smr-reports"])
@pytest.mark.parametrize("pair", [("longitude", "latitude"), ("lon", "lat")])
async def test_places(engineer: Caller, order: dict[str, Any], path: str, pair: tuple[str, str]) -> None:
    """A place is two numbers, or GeoJSON; the two numbers sent back leave a height alone; null takes the place away."""
    made = await engineer.made(path, {"work_order_id": order["id"], pair[0]: 20.2, pair[1]: 44.1})
    one = f"{path}/{made['id']}"
    high = await engineer("PUT", one, json={"geometry": {"type": "Point", "coordinates": [20.2, 44.1, 512.5]}})
    same = await engineer("PUT", one, json={pair[0]: 20.2, pair[1]: 44.1})
    moved = await engineer("PUT", one, json={pair[0]: 20.3, pair[1]: 44.1})
    gone = await engineer("PUT", one, json={pair[0]: None, pair[1]: None})

    assert (20.2, 44.1) == (made["longitude"], made["latitude"])
    assert [20.2, 44.1, 512.5] == high.json["geometry"]["coordinates"] == same.json["geometry"]["coordinates"]
    assert [20.3, 44.1] == moved.json["geometry"]["coordinates"]
    assert (None, None, None) == tuple(gone.json[name] for name in ("geometry", "longitude", "latitude"))


@pytest.fixture
async def period(engineer: Caller, worker: Caller, order: dict[str, Any]) -> int:
    """Three days of reports; the number of the second day's."""
    number = 0
    for day, material in ((4, 1.5), (5, 2), (6, 0.25)):
        by = worker if day == 5 else engineer
        made = await by.made(
            REPORTS,
            {
                "work_order_id": order["id"], "report_date": f"2026-05-0{day}", "crew_size": 3, "hours_worked": 7.5, "weather": "Rain",
                "activities": ["Copanje rova", NASTY],
                "materials_used": [{"name": "PE cev", "quantity": material, "unit": "m", "note": "@x"}, {"name": NASTY}],
                "issues": "<script>alert(1)</script>\n-5 °C", "latitude": 44.1, "longitude": -20.2,
            },
        )  # fmt: skip
        number = made["id"] if day == 5 else number
    return number


async def test_lists_of_a_period(engineer: Caller, order: dict[str, Any], period: int) -> None:
    """By order, by who wrote them, by days."""
    elsewhere = await an_order(engineer, order["project_id"])

    async def days(query: str) -> list[str]:
        return [one["report_date"][-1] for one in (await engineer("GET", f"{REPORTS}?{query}")).json]

    assert ["6", "5", "4"] == await days(f"work_order_id={order['id']}") == await days("")
    assert ["5"] == await days("reported_by_sub=3") == await days("from=2026-05-05&to=2026-05-05")
    assert [] == await days(f"work_order_id={elsewhere['id']}")
    assert 404 == (await engineer("GET", f"{REPORTS}?work_order_id=99999")).status


def rows_of_csv(body: bytes) -> list[list[str]]:
    """The lines of a table."""
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("path", ["/api/smr-reports", "/api/work-orders/smr-reports"])
async def test_csv(engineer: Caller, project: int, period: int, path: str) -> None:
    """A line per report of the period, by day, with names and titles; no text begins a formula, numbers stay numbers."""
    answer = await engineer("GET", f"{path}/export.csv?project_id={project}&from=2026-05-05&lang=sr")
    head, *lines = rows_of_csv(answer.body)
    line = dict(zip(head, lines[0], strict=True))

    assert (200, "text/csv; charset=utf-8", 2) == (answer.status, answer.headers["Content-Type"], len(lines))
    assert "attachment" in answer.headers["Content-Disposition"]
    assert ("2026-05-05", "Vuk Vuković", "Ulica Ćirila", "-20.2") == (
        line["Datum"], line["Izveštaj podneo"], line["Radni nalog"], line["Geografska dužina"],
    )  # fmt: skip
    assert (f"Copanje rova; '{NASTY}", "Kiša") == (line["Aktivnosti"], line["Vremenski uslovi"])
    assert not [cell for row in lines for cell in row if re.search(r"(^|[;\r\n])\s*[=+@]", cell)]


async def test_nothing_calculates_in_csv(engineer: Caller, order: dict[str, Any]) -> None:
    """Whatever an office program would take for a formula begins with an apostrophe."""
    for nasty in (NASTY, "+1", "-1+2", "@SUM(1)", " =1", "\t=1"):
        await engineer.made(REPORTS, {"work_order_id": order["id"], "weather": nasty, "issues": "=1"})
    _, *lines = rows_of_csv((await engineer("GET", f"{REPORTS}/export.csv")).body)

    assert {"'"} == {line[6][0] for line in lines} == {line[11][0] for line in lines}


def part(book: zipfile.ZipFile, name: str) -> ET.Element:
    """A part of a workbook that we made."""
    return ET.fromstring(book.read(f"xl/{name}.xml"))  # noqa: S314 (our own)


async def test_xlsx(engineer: Caller, project: int, period: int) -> None:
    """Three sheets, with sums of what was used; every text is text, however it begins."""
    answer = await engineer("GET", f"{REPORTS}/export.xlsx?project_id={project}&lang=bg")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as book:
        names = [sheet.get("name") for sheet in part(book, "workbook").iter(f"{CELLS}sheet")]
        sheets = [part(book, f"worksheets/sheet{n}") for n in (1, 2, 3)]
        texts = ["".join(one.itertext()) for one in part(book, "sharedStrings")]
    totals = [
        [texts[int(c[0].text or 0)] if c.get("t") == "s" else c[0].text for c in r]
        for r in sheets[2].iter(f"{CELLS}row")
    ]

    assert (200, ["Дневни отчети", "Вложени материали", "Общо материали"]) == (answer.status, names)
    assert ["PE cev", "3.75", "m"] in totals
    assert NASTY in texts
    assert [] == [sheet for sheet in sheets if list(sheet.iter(f"{CELLS}f"))]
    assert [4, 7] == [len(list(sheet.iter(f"{CELLS}row"))) for sheet in sheets[:2]]


@pytest.mark.parametrize("lang, word", [("en", "Daily report"), ("sr", "Dnevni izveštaj"), ("bg", "Дневен отчет")])
async def test_a_page_to_print(engineer: Caller, project: int, period: int, lang: str, word: str) -> None:
    """One report, and a period with its sums: nothing is loaded from elsewhere, and nothing that was typed is markup."""
    one = await engineer("GET", f"{REPORTS}/{period}/print?lang={lang}")
    some = await engineer("GET", f"{REPORTS}/print?project_id={project}&from=2026-05-05&lang={lang}")
    text, whole = one.body.decode(), some.body.decode()

    assert (200, 200, "text/html; charset=utf-8") == (one.status, some.status, one.headers["Content-Type"])
    assert f'lang="{lang}"' in text and word in text and "Vuk Vuković" in text and "Ulica Ćirila" in text
    assert "default-src 'none'" in one.headers["Content-Security-Policy"]
    assert not re.search(r"(?:src|href)=|url\(|@import|<script", text + whole)
    assert "&lt;script&gt;" in text
    assert (1, 2) == (text.count("<article>"), whole.count("<article>"))
    assert ">2.25<" in whole and ">45<" in whole


async def test_a_long_page_keeps_nobody_waiting(engineer: Caller, period: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be thousands of reports on it: it is filled in beside the event loop."""
    real, threads = aiohttp_jinja2.render_string, []

    def watched(*given: Any) -> str:
        threads.append(threading.current_thread())
        return real(*given)

    monkeypatch.setattr(aiohttp_jinja2, "render_string", watched)

    assert 200 == (await engineer("GET", f"{REPORTS}/print")).status
    assert [False] == [thread is threading.current_thread() for thread in threads]


@pytest.mark.parametrize("path", ["export.csv", "export.xlsx", "print"])
async def test_nothing_foreign(outsider: Caller, engineer: Caller, project: int, period: int, path: str) -> None:
    """Who is no member finds neither the project nor one of its reports in any of these."""
    assert 404 == (await outsider("GET", f"{REPORTS}/{path}?project_id={project}")).status
    assert 404 == (await outsider("GET", f"{REPORTS}/{period}/print")).status
    empty = await outsider("GET", f"{REPORTS}/{path}")
    assert 200 == empty.status and b"Ulica" not in empty.body
    wrong = await engineer("GET", f"{REPORTS}/{path}?from=yesterday")
    assert (422, {"from"}) == (wrong.status, faults(wrong))
    assert 422 == (await engineer("GET", f"{REPORTS}/{path}?lang=de")).status
