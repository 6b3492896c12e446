"""Work orders, daily reports, photos and the plugin's settings of the demo village."""

import json

from attrs import frozen

from fiberq_core.fibre import TIA_598_C
from fiberq_core.rows import Row, Value
from fiberq_storage.demo.cables import Plant
from fiberq_storage.demo.ground import Path, Sheet, Spot, length, point, polygon


@frozen
class People:
    """The subjects whose work it is."""

    crew: str
    engineer: str


@frozen
class Task:
    """An item of an order: what, how much, at which row, and whether it is done."""

    kind: str
    text: str
    quantity: float
    unit: str
    target: str | None
    done: bool = False


@frozen
class Order:
    """A work order with its items. *day* is when it was given."""

    title: str
    text: str
    kind: str
    priority: str
    status: str
    day: str
    due: str
    area: Path
    tasks: tuple[Task, ...]


REACHED = {  # status → how far the order has come: assigned, started, completed, verified
    "created": 0,
    "rejected": 1,
    "assigned": 1,
    "in_progress": 2,
    "completed": 3,
    "verified": 4,
}
HEX = (
    "1f77b4",
    "ff7f0e",
    "2ca02c",
    "8c564b",
    "7f7f7f",
    "ffffff",
    "d62728",
    "000000",
    "bcbd22",
    "9467bd",
    "e377c2",
    "17becf",
)
CATALOGUE = {"name": "TIA-598-C", "colors": [{"name": n, "hex": f"#{h}"} for n, h in zip(TIA_598_C, HEX, strict=True)]}
SETTINGS = tuple(
    Row({"key": key, "value": value})
    for key, value in {
        "schema_version": "1.0",
        "project_version": "1.0",
        "relations_json": '{"relations": []}',
        "latent_elements_json": '{"cables": {}}',
        "color_catalog_json": json.dumps({"catalogs": [CATALOGUE]}),
        "color_standard": "TIA-598-C",
        "crs_epsg": "4326",
    }.items()
)


def work(sheet: Sheet, plant: Plant, people: People) -> None:
    """Draw the orders, and what the crew reported and photographed."""
    uuids = [_order(sheet, order, people) for order in _orders(sheet, plant)]
    _reports(sheet, plant, uuids, people)
    _photos(sheet, plant, uuids, people)


def _orders(sheet: Sheet, plant: Plant) -> tuple[Order, ...]:
    trunk, closure, drops = plant.trunks, plant.closures, plant.drops
    return (
        Order(
            "Izgradnja glavnog kabla K-01", "Cevi, okna i uvlačenje kabla od opštine do nastavka N-1.",
            "installation", "high", "verified", "2025-03-03", "2025-03-28", _around(closure["N-1"].spot, 90),
            (
                Task("duct_install", "Polaganje PE cevi 2x2", _metres(sheet.grid.street(1, 0, 1)), "m", sheet.uuid("PE cevi", "Христо Ботев 1"), done=True),
                Task("manhole_install", "Montaža okna KO 2", 1.0, "kom", sheet.uuid("OKNA", "2"), done=True),
                Task("cable_laying", "Uvlačenje kabla K-01", _metres(trunk["K-01"].path), "m", trunk["K-01"].uuid, done=True),
            ),
        ),
        Order(
            "Сплайсване в муфа N-2", "Осем абонатни влакна, с измерване.",
            "splice", "medium", "completed", "2025-04-11", "2025-04-18", _around(closure["N-2"].spot, 30),
            (
                Task("splice", "Сплайсове 1–8", 8.0, "бр.", closure["N-2"].uuid, done=True),
                Task("other", "Измерване с OTDR", 8.0, "бр.", trunk["K-02"].uuid, done=True),
            ),
        ),
        Order(
            "Aerial extension to N-5", "String K-05, mount the closure and connect six houses.",
            "installation", "medium", "in_progress", "2025-05-19", "2025-07-04", _around(closure["N-5"].spot, 110),
            (
                Task("pole_install", "Corner pole S-12", 1.0, "pcs", sheet.uuid("Stubovi", "S-12"), done=True),
                Task("cable_laying", "String cable K-05", _metres(trunk["K-05"].path), "m", trunk["K-05"].uuid, done=True),
                Task("splice", "Splice N-5", 6.0, "pcs", closure["N-5"].uuid),
                Task("cable_laying", "Drop cables D-21 to D-26", 6.0, "pcs", drops[20].cable.uuid),
            ),
        ),
        Order(
            f"Popravka prekida na {drops[8].cable.name}", "Bager je presekao kabl, pretplatnik bez signala.",
            "repair", "urgent", "assigned", "2025-06-11", "2025-06-12", _around(drops[8].house.door, 40),
            (
                Task("other", "Otkop i pristup kablu", 1.0, "kom", plant.broken),
                Task("splice", "Spajanje prekinutih vlakana", 2.0, "kom", drops[8].cable.uuid),
            ),
        ),
        Order(
            "Проучване: Station Road", "Трасе и места за шахти за следващия етап.",
            "survey", "low", "created", "2025-06-16", "2025-08-29", _around(sheet.grid.corners[1, 2], 120),
            (
                Task("other", "Заснемане на трасето", 1.0, "бр.", sheet.uuid("Trasa", "Station Road 1")),
                Task("other", "Място за шкаф OD-1", 1.0, "бр.", sheet.uuid("Elements", "OD-1")),
            ),
        ),
        Order(
            "Replace pole S-6", "Leans a little; the crew found it sound.",
            "maintenance", "low", "rejected", "2025-06-02", "2025-06-30", _around(sheet.grid.at(1, 11 / 3), 20),
            (Task("pole_install", "New wooden pole", 1.0, "pcs", sheet.uuid("Stubovi", "S-6")),),
        ),
    )  # fmt: skip


def _metres(path: Path) -> float:
    return float(round(length(path)))


def _around(spot: Spot, half: float) -> Path:
    x, y = spot
    return (x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)


def _order(sheet: Sheet, order: Order, people: People) -> str:
    reached = REACHED[order.status]
    uuid = sheet.add(
        "Work_orders", order.title, polygon(order.area),
        title=order.title, description=order.text, order_type=order.kind, priority=order.priority, status=order.status,
        assigned_to_sub=people.crew if reached else None, assigned_by_sub=people.engineer if reached else None,
        due_date=order.due, created_at=f"{order.day}T07:30:00.000Z",
        started_at=f"{order.day}T09:00:00.000Z" if reached >= 2 else None,
        completed_at=f"{order.due}T14:00:00.000Z" if reached >= 3 else None,
        verified_at=f"{order.due}T16:30:00.000Z" if reached >= 4 else None,
        verified_by_sub=people.engineer if reached >= 4 else None,
    )  # fmt: skip
    for n, task in enumerate(order.tasks):
        done: dict[str, Value | None] = (
            {"completed_at": f"{order.day}T{12 + n}:00:00.000Z", "completed_by_sub": people.crew} if task.done else {}
        )
        sheet.add(
            "work_order_items", f"{order.title}/{n}", None,
            work_order_uuid=uuid, item_type=task.kind, description=task.text, target_uuid=task.target,
            quantity=task.quantity, unit=task.unit, status="done" if task.done else "pending", **done,
        )  # fmt: skip
    return uuid


def _reports(sheet: Sheet, plant: Plant, orders: list[str], people: People) -> None:
    days = (
        ("2025-03-12", orders[0], plant.closures["N-1"].spot, "Cloudy", 4, 8.0, "Uvlačenje kabla", "Kabl 48F", _metres(plant.trunks["K-01"].path), None),
        ("2025-04-15", orders[1], plant.closures["N-2"].spot, "Sunny", 2, 6.5, "Сплайсване N-2", "Протектори", 8, None),
        ("2025-05-21", orders[2], plant.closures["N-5"].spot, "Wind", 3, 7.0, "Strung K-05", "Cable 12F", _metres(plant.trunks["K-05"].path),
         "Wind stopped work on the pole at 15:00"),
    )  # fmt: skip
    for day, order, (x, y), weather, crew, hours, done, material, amount, issue in days:
        sheet.add(
            "SMR_reports", day, point((x + 2, y + 2)),
            work_order_uuid=order, reported_by_sub=people.crew, report_date=day, weather=weather, crew_size=crew,
            hours_worked=hours, activities=json.dumps([done], ensure_ascii=False),
            materials_used=json.dumps([{"name": material, "quantity": amount}], ensure_ascii=False), issues=issue,
        )  # fmt: skip


def _photos(sheet: Sheet, plant: Plant, orders: list[str], people: People) -> None:
    n1, drop = plant.closures["N-1"], plant.drops[8]
    shots = (
        ("Nastavci_20250408101503120", n1.muf_uuid, "Nastavak N-1, kasete", n1.spot, "2025-04-08T10:15:03.120Z"),
        ("OKNA_20250312083011450", sheet.uuid("OKNA", "2"), "KO 2, otvoreno", n1.spot, "2025-03-12T08:30:11.450Z"),
        ("Prekid_20250611090244007", plant.broken, "Прекъснатият кабел", drop.house.door, "2025-06-11T09:02:44.007Z"),
        ("Work_orders_20250521150210800", orders[2], "K-05 on S-12", plant.closures["N-5"].spot, "2025-05-21T15:02:10.800Z"),
    )  # fmt: skip
    for name, shows, caption, (x, y), at in shots:
        sheet.add(
            "field_photos", name, point((x + 1, y - 1)),
            related_uuid=shows, photo_path=f"DCIM/{name}.jpg", caption=caption, taken_at=at, taken_by_sub=people.crew,
        )  # fmt: skip
