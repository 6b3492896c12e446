"""Streets, routes, manholes, poles, pipes, houses and areas of the demo village."""

import math
from itertools import pairwise

import shapely
from attrs import frozen

from fiberq_storage.demo.ground import Path, Sheet, Spot, length, line, point, polygon

STREETS = ("Ulica Vuka Karadžića", "ул. „Христо Ботев“", "Station Road")
CROSSINGS = ("Nikole Tesle", "ул. „Иван Вазов“", "Mill Lane", "Cara Dušana", "ул. „Васил Левски“")
HEAD = (-34.0, 101.0)  # the rack in the town hall
TRANSITION = 2.045  # blocks along the middle street: the pole where the cable leaves the ground
BUILT, PLANNED = "Built", "Planned"

# closure, street, blocks from the west, side of the street (+1 north)
PLOTS = (
    *(("N-1", 1, u, side) for u, side in ((0.32, 1), (0.32, -1), (0.66, 1), (0.66, -1), (1.34, 1), (1.68, 1))),
    *(("N-2", 0, u, side) for u in (0.32, 0.66, 1.36, 1.70) for side in (1, -1)),
    *(("N-4", 1, u, side) for u in (2.35, 3.36, 3.68) for side in (1, -1)),
    *(("N-5", 0, u, side) for u, side in ((2.40, 1), (2.40, -1), (2.70, -1), (3.36, 1), (3.36, -1), (3.68, 1))),
)
HOUSE = {"N-1": "Kuća", "N-2": "Къща", "N-4": "House", "N-5": "House"}


@frozen
class House:
    """A subscriber: *door* is where the drop cable comes in, *curb* the spot on the street before it."""

    closure: str
    street: int
    u: float
    number: str
    object_uuid: str
    door: Spot


@frozen
class Routed:
    """A stretch of route: *pipe* is what lies in it, if anything does."""

    name: str
    kind: str
    path: Path
    state: str
    pipe: str | None = None
    ends: tuple[str, str] = ("", "")


def streets(sheet: Sheet) -> tuple[House, ...]:
    """Draw everything that cables lie in, hang on and lead to; returns the houses."""
    for route in _routes(sheet):
        _draw_route(sheet, route)
    _manholes(sheet)
    _poles(sheet)
    houses = tuple(_house(sheet, n, plot) for n, plot in enumerate(PLOTS, 1))
    _landmarks(sheet)
    _areas(sheet, houses)
    return houses


def _routes(sheet: Sheet) -> tuple[Routed, ...]:
    corners, street = sheet.grid.corners, sheet.grid.street

    def buried(name: str, path: Path, ends: tuple[str, str], state: str = BUILT, pipe: str = "2x2") -> Routed:
        return Routed(name, "podzemna", path, state, pipe, ends)

    def aerial(name: str, path: Path, state: str = BUILT) -> Routed:
        return Routed(name, "vazdusna", path, state)

    return (
        Routed("Town hall entry", "kroz objekat", (HEAD, corners[0, 1]), BUILT),
        buried("Христо Ботев 1", street(1, 0, 1), ("OKNO 1", "OKNO 2")),
        buried("Христо Ботев 2", street(1, 1, TRANSITION), ("OKNO 2", "OKNO 3")),
        buried("Иван Вазов 1", (corners[1, 1], corners[1, 0]), ("OKNO 2", "OKNO 5")),
        buried("Vuka Karadžića 1", street(0, 0, 1), ("OKNO 4", "OKNO 5"), pipe="1x2"),
        buried("Vuka Karadžića 2", street(0, 1, 2), ("OKNO 5", "OKNO 6"), pipe="1x2"),
        buried("Иван Вазов 2", (corners[1, 1], corners[1, 2]), ("OKNO 2", "OKNO 8"), PLANNED),
        buried("Station Road 1", street(2, 0, 1), ("OKNO 7", "OKNO 8"), PLANNED, "1x2"),
        buried("Station Road 2", street(2, 1, 2), ("OKNO 8", "OKNO 9"), PLANNED, "1x2"),
        aerial("Христо Ботев 3", street(1, TRANSITION, 3)),
        aerial("Христо Ботев 4", street(1, 3, 4)),
        aerial("Cara Dušana", (corners[3, 1], corners[3, 0])),
        aerial("Vuka Karadžića 3", street(0, 7 / 3, 3), PLANNED),
        aerial("Vuka Karadžića 4", street(0, 3, 4), PLANNED),
    )


def _draw_route(sheet: Sheet, route: Routed) -> None:
    metres = length(route.path)
    sheet.add(
        "Trasa", route.name, line(route.path),
        naziv=route.name, tip_trase=route.kind, duzina_m=metres, duzina_km=round(metres / 1000, 2), stanje=route.state,
    )  # fmt: skip
    if route.pipe:
        sheet.add(
            "PE cevi", route.name, line(route.path),
            naziv=f"PE {route.name}", materijal="PE", fi=40.0, kapacitet=route.pipe,
            od=route.ends[0], do_=route.ends[1], stanje=route.state, duzina_m=metres,
        )  # fmt: skip
    if route.kind == "kroz objekat":
        _transition(sheet, "Town hall duct", route.path, ("ODF", "OKNO 1"), "PVC")


def _transition(sheet: Sheet, name: str, path: Path, ends: tuple[str, str], material: str) -> None:
    sheet.add(
        "Prelazne_cevi", name, line(path),
        naziv=name, materijal=material, fi=110.0, kapacitet="1x2", od=ends[0], do_=ends[1], duzina_m=length(path), stanje=BUILT,
    )  # fmt: skip


def _manholes(sheet: Sheet) -> None:
    kinds = ("Standard octagonal 250x150x190", "Standard cable manhole", "Mounted mini cable manhole")
    for number, (i, j) in enumerate(((0, 1), (1, 1), (2, 1), (0, 0), (1, 0), (2, 0), (0, 2), (1, 2), (2, 2)), 1):
        built = j < 2
        kind = kinds[0] if (i, j) == (1, 1) else kinds[1 if i < 2 else 2]
        sheet.add(
            "OKNA", str(number), point(sheet.grid.corners[i, j]),
            broj_okna=str(number), naziv=f"KO {number}", tip=kind, vrsta_okna="Mounted" if "mini" in kind else "Standard",
            stanje=BUILT if built else PLANNED, godina_ugradnje=2025 if built else None,
            adresa=f"{STREETS[j]} / {CROSSINGS[i]}", dimenzije="250x150x190" if kind == kinds[0] else None,
            mat_zida="beton", mat_poklop="liveno gvožđe", poklop_tes=i < 2, poklop_lak=i == 2,
            br_nosaca=6 if i < 2 else 2, debl_zida=15.0 if i < 2 else 10.0,
        )  # fmt: skip


def _poles(sheet: Sheet) -> None:
    """Spans of some 37 m along the east of two streets and between them."""
    g = sheet.grid
    a, b = g.corners[3, 1], g.corners[3, 0]
    north = [g.at(1, u) for u in (TRANSITION, 7 / 3, 8 / 3, 3, 10 / 3, 11 / 3, 4)]
    link = [(a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share) for share in (1 / 3, 2 / 3)]
    south = [g.at(0, u) for u in (7 / 3, 8 / 3, 3, 10 / 3, 11 / 3, 4)]
    for number, spot in enumerate([*north, *link, *south], 1):
        planned = number > len(north) + len(link) and number != 12
        corner = spot in (north[0], a, b)
        sheet.add(
            "Stubovi", f"S-{number}", point(spot),
            naziv=f"S-{number}", tip="POLE", podtip="ugaoni" if corner else "linijski",
            visina=9.0 if corner else round(7.5 + sheet.rng.choice((0.0, 0.5)), 1),
            materijal="Concrete" if corner else "Wood", stanje=PLANNED if planned else BUILT,
            godina_ugradnje=None if planned else 2025,
        )  # fmt: skip
    _transition(sheet, "Riser S-1", (g.corners[2, 1], north[0]), ("OKNO 3", "S-1"), "FeZn")


def _house(sheet: Sheet, n: int, plot: tuple[str, int, float, int]) -> House:
    closure, street, u, side = plot
    g, rng = sheet.grid, sheet.rng
    half, depth, setback = rng.uniform(4.0, 6.5) / 110, rng.uniform(7.0, 10.0), rng.uniform(9.0, 12.0)
    near, far = setback * side, (setback + depth) * side
    ring = (
        g.beside(street, u - half, near), g.beside(street, u + half, near),
        g.beside(street, u + half, far), g.beside(street, u - half, far),
    )  # fmt: skip
    number = str(2 * round(u * 12) + (1 if side > 0 else 2))
    uuid = sheet.add(
        "Objects", f"house {n}", polygon(ring),
        tip=HOUSE[closure], spratova=rng.choice((1, 1, 2)), podzemnih=rng.choice((0, 0, 1)),
        ulica=STREETS[street], broj=number, naziv=f"{HOUSE[closure]} {number}",
    )  # fmt: skip
    return House(closure, street, u, number, uuid, g.beside(street, u, (setback + 1) * side))


def _landmarks(sheet: Sheet) -> None:
    x, y = HEAD
    for name, kind, (east, north), size in (
        ("Opština · Община · Town hall", "Javni objekat", (x - 6, y), 9.0),
        ("Школа · Училище · School", "Javni objekat", (55.0, 46.0), 13.0),
    ):
        ring = tuple((east + dx * size, north + dy * size * 0.7) for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
        sheet.add("Objects", name, polygon(ring), naziv=name, tip=kind, spratova=2, podzemnih=1)
    crossing = sheet.grid.at(0, 1.5)
    sketch = ((crossing[0] - 2, crossing[1] - 25), (crossing[0] + 3, crossing[1] + 25))
    sheet.add(
        "Drawings", "gas", line(sketch), naziv="Gasovod · Газопровод · Gas main", tip="Skica", napomena="d = 1.1 m"
    )
    spot = sheet.grid.beside(2, 1.0, 14)
    sheet.add("Drawings", "cabinet", point(spot), naziv="Mesto za ormar · Място за шкаф", tip="Skica")


def _areas(sheet: Sheet, houses: tuple[House, ...]) -> None:
    g = sheet.grid
    west = (g.beside(0, 0, -35), g.beside(0, 1.98, -35), g.beside(1, 1.98, 35), g.beside(1, 0, 35))
    east = (g.beside(0, 2.02, -35), g.beside(0, 4, -35), g.beside(1, 4, 35), g.beside(1, 2.02, 35))
    north = (g.beside(1, 0, 40), g.beside(1, 1.98, 40), g.beside(2, 2, 35), g.beside(2, 0, 35))
    for name, ring in (("Zapad", west), ("East", east), ("Север", north)):
        closed = (*ring, ring[0])
        area = shapely.Polygon(ring)
        sheet.add(
            "Service_Area", name, polygon(ring),
            name=name, created_at="2025-02-03 09:15:00", area_m2=round(float(area.area), 1),
            perim_m=round(sum(math.dist(a, b) for a, b in pairwise(closed)), 1),
            count=sum(bool(area.contains(shapely.Point(house.door))) for house in houses),
        )  # fmt: skip
