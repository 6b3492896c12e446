"""Trays, splices and patches of the demo village: subscriber *n* has fibre *n* of the feeder.

Every fibre's end is used once. On the way a fibre meets a splice in each closure; the drop's first
fibre is the one that is used.
"""

from attrs import frozen

from fiberq_core.fibre import colour
from fiberq_core.rows import Value
from fiberq_storage.demo.cables import Cable, Closure, Drop, Plant
from fiberq_storage.demo.ground import Sheet

TRAY = 12  # splices
FAULTY = ("N-4", 3)  # a splice that failed its measurement
SPLICED_ON = {"N-1": "2025-04-08", "N-2": "2025-04-15", "N-3": "2025-05-06", "N-4": "2025-05-13"}
SPARE = ("N-3",)  # closures with an empty tray
JUMPERS, FREE_PORTS = 8, (27, 28)


@frozen
class Fibre:
    """One fibre of a cable, at one of its ends."""

    cable: Cable
    number: int
    end: str


Joint = tuple[Fibre, Fibre]


def splicing(sheet: Sheet, plant: Plant) -> None:
    """Fill the closures and the panels."""
    for name, joints in _joints(plant).items():
        _fill(sheet, plant.closures[name], joints)
    _panel(sheet, plant)
    for drop in plant.drops:
        _outlet(sheet, drop)


def _joints(plant: Plant) -> dict[str, list[Joint]]:
    """What is spliced to what in each closure, in the order of the trays."""
    trunk = plant.trunks
    drops = {name: [d for d in plant.drops if d.house.closure == name] for name in plant.closures}
    first, second, last = len(drops["N-1"]), len(drops["N-2"]), len(drops["N-4"])
    beyond = last + len(drops["N-5"])

    def through(a: str, b: str, count: int, skip_a: int = 0) -> list[Joint]:
        return [(Fibre(trunk[a], skip_a + n, "to"), Fibre(trunk[b], n, "from")) for n in range(1, count + 1)]

    def to_houses(a: str, name: str, skip_a: int = 0) -> list[Joint]:
        return [
            (Fibre(trunk[a], skip_a + n, "to"), Fibre(drop.cable, 1, "from")) for n, drop in enumerate(drops[name], 1)
        ]

    return {
        "N-1": [
            *to_houses("K-01", "N-1"),
            *through("K-01", "K-02", second, first),
            *through("K-01", "K-03", beyond, first + second),
        ],
        "N-2": to_houses("K-02", "N-2"),
        "N-3": through("K-03", "K-04", beyond),
        "N-4": [*to_houses("K-04", "N-4"), *through("K-04", "K-05", len(drops["N-5"]), last)],
        "N-5": to_houses("K-05", "N-5"),
    }


def _fill(sheet: Sheet, closure: Closure, joints: list[Joint]) -> None:
    trays = -(-len(joints) // TRAY) + (closure.name in SPARE)
    uuids = [_tray(sheet, closure, number) for number in range(1, trays + 1)]
    for n, (a, b) in enumerate(joints):
        sheet.add(
            "fiber_splices", f"{closure.name}/{n}", None,
            tray_uuid=uuids[n // TRAY], position_in_tray=n % TRAY + 1,
            **_side("a", a), **_side("b", b), **_measured(sheet, closure, n + 1, b),
        )  # fmt: skip


def _tray(sheet: Sheet, closure: Closure, number: int) -> str:
    return sheet.add(
        "fiber_splice_trays", f"{closure.name}/{number}", None,
        closure_uuid=closure.uuid, tray_number=number, tray_type="12F", capacity=TRAY,
    )  # fmt: skip


def _side(side: str, fibre: Fibre) -> dict[str, Value | None]:
    tube = (fibre.number - 1) // TRAY + 1
    return {
        f"cable_{side}_uuid": fibre.cable.uuid,
        f"cable_{side}_end": fibre.end,
        f"tube_{side}_number": tube,
        f"tube_{side}_color": colour(tube),
        f"fiber_{side}_number": fibre.number,
        f"fiber_{side}_color": colour((fibre.number - 1) % TRAY + 1),
    }


def _measured(sheet: Sheet, closure: Closure, n: int, onward: Fibre) -> dict[str, Value | None]:
    """How far the splicer has come: what leads to cables that are not there yet is planned."""
    if onward.cable.state != "Postojeće":
        return {"splice_type": "fusion", "status": "planned"}
    loss, status = round(sheet.rng.triangular(0.01, 0.12, 0.04), 3), "tested"
    note = None
    if (closure.name, n) == FAULTY:
        loss, status, note = 0.87, "faulty", "Ponoviti spoj · Да се повтори · redo"
    elif closure.name == "N-4":
        status = "spliced"
    return {
        "splice_type": "fusion",
        "status": status,
        "loss_db": loss if status != "spliced" else None,
        "spliced_at": f"{SPLICED_ON[closure.name]}T{8 + n // 6:02}:{n % 6 * 10:02}:00.000Z",
        "notes": note,
    }


def _panel(sheet: Sheet, plant: Plant) -> None:
    """The head end: port *n* of the frame has fibre *n* of the feeder; the first ports are lit."""
    feeder, rack = plant.trunks["K-01"], plant.elements
    built = {n for n, drop in enumerate(plant.drops, 1) if drop.built}
    for port in range(1, max(FREE_PORTS) + 1):
        status = "connected" if port in built else "free" if port in FREE_PORTS else "reserved"
        jumper = sheet.uuid("fiber_patch_connections", f"OLT/{port}") if port <= JUMPERS else None
        sheet.add(
            "fiber_patch_connections", f"ODF/{port}", None,
            element_uuid=rack["ODF"], port_number=port, connector_type="SC/APC", status=status, connected_to_uuid=jumper,
            **_fibre_of(Fibre(feeder, port, "from")),
        )  # fmt: skip
    for port in range(1, JUMPERS + 1):
        sheet.add(
            "fiber_patch_connections", f"OLT/{port}", None,
            element_uuid=rack["OLT"], port_number=port, connector_type="SC/UPC", status="connected",
            connected_to_uuid=sheet.uuid("fiber_patch_connections", f"ODF/{port}"),
        )  # fmt: skip


def _outlet(sheet: Sheet, drop: Drop) -> None:
    sheet.add(
        "fiber_patch_connections", f"{drop.cable.name}/1", None,
        element_uuid=drop.outlet, port_number=1, connector_type="SC/APC", status="connected" if drop.built else "reserved",
        **_fibre_of(Fibre(drop.cable, 1, "to")),
    )  # fmt: skip


def _fibre_of(fibre: Fibre) -> dict[str, Value | None]:
    return {
        "fiber_cable_uuid": fibre.cable.uuid,
        "fiber_cable_end": fibre.end,
        "fiber_number": fibre.number,
        "fiber_color": colour((fibre.number - 1) % TRAY + 1),
    }
