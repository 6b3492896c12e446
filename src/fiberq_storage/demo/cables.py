"""Closures, cables, elements, slack and the one break of the demo village."""

from attrs import evolve, frozen

from fiberq_storage.demo.ground import Path, Sheet, Spot, along, length, line, point
from fiberq_storage.demo.streets import BUILT, HEAD, PLANNED, STREETS, TRANSITION, House

BURIED, AERIAL = "Kablovi_podzemni", "Kablovi_vazdusni"
PORTS = {"ODF": 48, "OLT": 16}
BROKEN = 9  # the drop that a digger has found


@frozen
class Site:
    """Where a closure is to be: its type, model, and how many splices and trays it holds."""

    name: str
    spot: Spot
    kind: str
    model: str
    splices: int
    trays: int
    state: str = BUILT


@frozen
class Run:
    """A cable to be drawn: from where to where along *path*, and the metres of slack on it."""

    name: str
    layer: str
    fibres: int
    start: str
    end: str
    path: Path
    role: str
    state: str = "Postojeće"
    slack: float = 0.0


@frozen
class Cable:
    """A cable as the splicer sees it."""

    uuid: str
    name: str
    layer: str
    fibres: int
    path: Path
    state: str


@frozen
class Closure:
    """A joint closure with its splice closure."""

    uuid: str
    muf_uuid: str
    name: str
    spot: Spot


@frozen
class Drop:
    """A house with the cable that leads to it and the outlet at its end."""

    house: House
    cable: Cable
    outlet: str

    @property
    def built(self) -> bool:
        """Whether the house is connected yet."""
        return self.cable.state == "Postojeće"


@frozen
class Plant:
    """All that fibres run through."""

    closures: dict[str, Closure]
    trunks: dict[str, Cable]
    drops: tuple[Drop, ...]
    elements: dict[str, str]
    broken: str


def cables(sheet: Sheet, houses: tuple[House, ...]) -> Plant:
    """Draw the cables and what stands at their ends."""
    closures = {site.name: _closure(sheet, site) for site in _sites(sheet)}
    trunks = _trunks(sheet, closures)
    elements = {name: _head_end(sheet, name, n) for n, name in enumerate(PORTS)}
    drops = tuple(_drop(sheet, n, house, closures[house.closure]) for n, house in enumerate(houses, 1))
    _cabinet(sheet)
    return Plant(closures, trunks, drops, elements, _break(sheet, drops[BROKEN - 1].cable))


def _sites(sheet: Sheet) -> tuple[Site, ...]:
    c = sheet.grid.corners
    return (
        Site("N-1", c[1, 1], "dome", "FOSC-400 B4", 48, 4),
        Site("N-2", c[1, 0], "dome", "FOSC-400 A4", 24, 2),
        Site("N-3", sheet.grid.at(1, TRANSITION), "inline", "UCNCP 9-28", 24, 2),
        Site("N-4", c[3, 1], "dome", "FOSC-400 A4", 24, 2),
        Site("N-5", c[3, 0], "wall-mount", "GPJ09", 12, 1, PLANNED),
    )


def _closure(sheet: Sheet, site: Site) -> Closure:
    muf = sheet.add(
        "Nastavci", site.name, point(site.spot),
        naziv=site.name, tip=site.model, kapacitet=str(site.splices), stanje=site.state,
        godina_ugradnje=2025 if site.state == BUILT else None,
    )  # fmt: skip
    uuid = sheet.add(
        "Splice_closures", site.name, point(site.spot),
        naziv=site.name, muf_uuid=muf, closure_type=site.kind, closure_model=site.model,
        tray_count=site.trays, max_splices=site.splices,
    )  # fmt: skip
    return Closure(uuid, muf, site.name, site.spot)


def _trunks(sheet: Sheet, at: dict[str, Closure]) -> dict[str, Cable]:
    g = sheet.grid
    runs = (
        Run("K-01", BURIED, 48, "ODF", "N-1", (HEAD, *g.street(1, 0, 1)), "glavni"),
        Run("K-02", BURIED, 12, "N-1", "N-2", (g.corners[1, 1], g.corners[1, 0]), "distributivni"),
        Run("K-03", BURIED, 24, "N-1", "N-3", g.street(1, 1, TRANSITION), "distributivni"),
        Run("K-04", AERIAL, 24, "N-3", "N-4", g.street(1, TRANSITION, 3), "distributivni"),
        Run("K-05", AERIAL, 12, "N-4", "N-5", (g.corners[3, 1], g.corners[3, 0]), "distributivni", "U izgradnji"),
    )
    coils = {
        "K-01": (
            ("OKNO", "sredina", "Mid span", g.corners[0, 1], 15.0),
            ("OKNO", "do", "Terminal", at["N-1"].spot, 20.0),
        ),
        "K-02": (("OKNO", "do", "Terminal", at["N-2"].spot, 12.0),),
        "K-03": (("OKNO", "sredina", "Mid span", g.corners[2, 1], 15.0),),
        "K-04": (("Stub", "do", "Terminal", at["N-4"].spot, 18.0),),
        "K-05": (("Stub", "do", "Terminal", at["N-5"].spot, 12.0),),
    }
    trunks = {}
    for run in runs:
        cable = trunks[run.name] = _cable(sheet, evolve(run, slack=sum(coil[-1] for coil in coils[run.name])))
        for n, (place, side, kind, spot, metres) in enumerate(coils[run.name], 1):
            sheet.add(
                "Opticke_rezerve", f"{run.name} {n}", point(spot),
                tip=kind, duzina_m=metres, lokacija=place, strana=side, kabl_uuid=cable.uuid, napomena=f"{run.name}, {place}",
            )  # fmt: skip
    return trunks


def _cable(sheet: Sheet, run: Run) -> Cable:
    metres, tubes = length(run.path), max(1, run.fibres // 12)
    buried, built = run.layer == BURIED, run.state == "Postojeće"
    uuid = sheet.add(
        run.layer, run.name, line(run.path),
        naziv=run.name, tip="Optical", podtip=run.role, stanje=run.state, kapacitet=str(run.fibres),
        broj_cevcica=tubes, broj_vlakana=run.fibres, fibers_per_tube=run.fibres // tubes, total_fibers=run.fibres,
        tip_kabla=f"{tubes}x{run.fibres // tubes}", vrsta_vlakana="SM", color_code="TIA-598-C", color_standard="TIA-598-C",
        vrsta_omotaca="PE", talasno_podrucje="1310/1550", vrsta_mreze="FTTH", slabljenje_dbkm=0.35,
        hrom_disp_ps_nmxkm=18.0, cable_laying="Podzemno" if buried else "Vazdusno",
        konstr_vlakna_u_cevcicama=1, konstr_sa_uzlepljenim_elementom=0, konstr_punjeni_kabl=int(buried),
        konstr_sa_arm_vlaknima=int(not buried), konstr_bez_metalnih=1, godina_ugradnje=2025 if built else None,
        od=run.start, do_=run.end, relacija=f"{run.start} – {run.end}",
        duzina_m=metres, slack_m=run.slack, total_len_m=round(metres + run.slack, 2),
    )  # fmt: skip
    return Cable(uuid, run.name, run.layer, run.fibres, run.path, run.state)


def _head_end(sheet: Sheet, name: str, n: int) -> str:
    """The rack in the town hall: two units side by side."""
    return sheet.add(
        "Elements", name, point((HEAD[0] - 1.5 * n, HEAD[1])),
        naziv=f"{name}-1", tip=name, proizvodjac=("FiberHome", "Huawei")[n], oznaka=f"{name}-1", kapacitet=PORTS[name],
        ukupno_kj=PORTS[name], zahtev_kapaciteta=26, zahtev_rezerve=PORTS[name] - 26 if PORTS[name] > 26 else 0,
        naziv_objekta="Opština · Община · Town hall", adresa_ulica=STREETS[1], adresa_broj="1", stanje=BUILT,
        godina_ugradnje=2025,
    )  # fmt: skip


def _drop(sheet: Sheet, n: int, house: House, closure: Closure) -> Drop:
    layer = BURIED if house.closure in ("N-1", "N-2") else AERIAL
    built = house.closure != "N-5"
    start = 1.0 if layer == BURIED else 3.0
    path = (*sheet.grid.street(house.street, start, house.u), house.door)
    name, outlet = f"D-{n:02}", f"TO-{n:02}"
    state = "Postojeće" if built else "Projektovano"
    cable = _cable(sheet, Run(name, layer, 4, closure.name, outlet, path, "razvodni", state))
    uuid = sheet.add(
        "Elements", outlet, point(house.door),
        naziv=outlet, tip="Indoor TO" if layer == BURIED else "Outdoor TO", proizvodjac="Corning", oznaka=outlet,
        kapacitet=2, ukupno_kj=2, zahtev_kapaciteta=1, zahtev_rezerve=1, oznaka_izvoda=f"{closure.name}/{n}",
        adresa_ulica=STREETS[house.street], adresa_broj=house.number, stanje=BUILT if built else PLANNED,
        godina_ugradnje=2025 if built else None,
    )  # fmt: skip
    return Drop(house, cable, uuid)


def _cabinet(sheet: Sheet) -> None:
    sheet.add(
        "Elements", "OD-1", point(sheet.grid.beside(2, 1.0, 10)),
        naziv="OD-1", tip="Outdoor OTB", oznaka="OD-1", kapacitet=24, ukupno_kj=24, zahtev_kapaciteta=16, zahtev_rezerve=8,
        adresa_ulica=STREETS[2], adresa_broj="bb", stanje=PLANNED, napomena="Следващ етап · next phase",
    )  # fmt: skip


def _break(sheet: Sheet, cable: Cable) -> str:
    metres = round(length(cable.path) * 0.6, 3)
    return sheet.add(
        "Prekid vlakna", cable.name, point(along(cable.path, metres)),
        naziv="Fiber break", kabl_uuid=cable.uuid, distance_m=metres, segments_hit=1, vreme="2025-06-11 08:40",
        napomena="Bager pri iskopu · Багер при изкоп",
    )  # fmt: skip
