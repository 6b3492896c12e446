"""Fibre networks for tests: cables, closures, ports, and what is spliced and patched in them."""

from itertools import count
from typing import Any

from attrs import define, field

from fiberq_core.fibre.network import Network
from fiberq_core.rows import Key, Row, Stored, present
from tests.core.offline import line, point

CABLES, CLOSURES, ELEMENTS, TRAYS = "Kablovi_podzemni", "Splice_closures", "Elements", "fiber_splice_trays"
SPLICES, PATCHES, BREAKS, SLACK = "fiber_splices", "fiber_patch_connections", "Prekid vlakna", "Opticke_rezerve"


@define
class Plant:
    """Rows by name: a row's uuid is its name, so that tests can be read."""

    rows: dict[str, Stored] = field(factory=dict)
    _numbers: Any = field(factory=lambda: count(1))

    def add(self, layer: str, name: str, **values: Any) -> str:
        """A row."""
        number = next(self._numbers)
        self.rows[name] = Stored(Key(layer, name), Row(present(values)), number, number, 1)
        return name

    def cable(self, name: str, **values: Any) -> str:
        """A cable of a kilometre, unless something else is said."""
        return self.add(CABLES, name, **{"naziv": name, "total_len_m": 1000.0, "total_fibers": 24, **values})

    def element(self, name: str, **values: Any) -> str:
        """An element."""
        return self.add(ELEMENTS, name, **{"naziv": name, "tip": "ODF", "geometry": point(21), **values})

    def tray(self, closure: str, number: int = 1, **values: Any) -> str:
        """A tray, and its closure where it is not there yet."""
        if closure not in self.rows:
            self.add(CLOSURES, closure, naziv=closure, geometry=point(21))
        return self.add(TRAYS, f"{closure}/{number}", closure_uuid=closure, tray_number=number, **values)

    def splice(self, name: str, a: tuple[Any, ...], b: tuple[Any, ...], **values: Any) -> str:
        """A splice of two fibres: (cable, number) or (cable, number, end)."""
        sides = {**_side("a", *a), **_side("b", *b)}
        tray = values.pop("tray", None) or self.tray(f"closure of {name}")
        return self.add(SPLICES, name, tray_uuid=tray, position_in_tray=1, **sides, **values)

    def patch(self, element: str, port: int, fibre: tuple[Any, ...] = (), **values: Any) -> str:
        """A patch at a port, and its element where it is not there yet."""
        if element not in self.rows:
            self.element(element)
        cable, number, end = (*fibre, None, None, None)[:3]
        return self.add(
            PATCHES, f"{element}:{port}", element_uuid=element, port_number=port, fiber_cable_uuid=cable,
            fiber_number=number, fiber_cable_end=end, **values,
        )  # fmt: skip

    @property
    def network(self) -> Network:
        """All of it."""
        return Network.of(self.rows.values())


def _side(side: str, cable: str | None, number: int | None, end: str | None = None) -> dict[str, Any]:
    return {f"cable_{side}_uuid": cable, f"fiber_{side}_number": number, f"cable_{side}_end": end}


def chain(splices: int, *, flipped: int = 0, ends: bool = False) -> Plant:
    """Port ODF:1, then `splices` + 1 cables, then port TO:1. The bits of *flipped* say which splices are recorded b→a.

    Cable n is 100 + n metres long and runs on fibre n mod 12 + 1; *ends*: every end is named.
    """
    plant = Plant()
    for n in range(splices + 1):
        plant.cable(f"K{n}", total_len_m=100.0 + n)
    fibres = [(f"K{n}", n % 12 + 1) for n in range(splices + 1)]
    near, far = (("from",), ("to",)) if ends else ((), ())
    plant.patch("ODF", 1, (*fibres[0], *near))
    plant.patch("TO", 1, (*fibres[-1], *far))
    for n in range(splices):
        sides = (*fibres[n], *far), (*fibres[n + 1], *near)
        a, b = sides[::-1] if flipped >> n & 1 else sides
        plant.splice(f"S{n}", a, b, loss_db=0.01 * (n + 1) if n % 2 else None)
    return plant


__all__ = ["BREAKS", "CABLES", "PATCHES", "SLACK", "SPLICES", "TRAYS", "Plant", "chain", "line", "point"]
