"""A GeoPackage as the FiberQ QGIS plugin writes it: its layers, names, types, and the odd rows that its files have.

Every layer gets five rows: one with everything filled in, one as the plugin's defaults leave it (empty texts, zeros),
one of NULLs without geometry, a copy of the first with its uuid (B4), and one whose uuid is blank. One uuid stands in two
tables. (Areas and objects have a geometry in every row.)
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyogrio.raw
import pyproj
import shapely
from attrs import frozen

Value = str | int | float | bool | None
CABLE_ID = "Underground_cables_f5205a25_f262_4502_a6f7_1f8d4646bcaa"
SECOND_ID = "Underground_cables_2_0c1d2e3f_4a5b_4c6d_8e7f_90a1b2c3d4e5"
AERIAL_ID = "Aerial_cables_7a6b5c4d_3e2f_4a1b_9c8d_7e6f5a4b3c2d"
WHOLE, DEFAULTS, NULLS, COPY, BLANK = range(5)

_CABLE = """
    tip:Optical podtip:glavni color_code:TIA-598-C broj_cevcica#4 broj_vlakana#48 tip_kabla:A-DQ(ZN)2Y+4x12
    vrsta_vlakana:SM vrsta_omotaca:PE vrsta_armature:- talasno_podrucje:1310/1550 naziv:K vrsta_mreze:FTTH
    slabljenje_dbkm~0.35 hrom_disp_ps_nmxkm~17.5 stanje_kabla:Postojeće cable_laying:Podzemno godina_ugradnje#2021
    konstr_vlakna_u_cevcicama#1 konstr_sa_uzlepljenim_elementom#0 konstr_punjeni_kabl#1 konstr_sa_arm_vlaknima#0
    konstr_bez_metalnih#1 od:OKNO-1 do:OKNO-2 duzina_m~202.85030057757567 slack_m~20.0 total_len_m~222.85030057757567
    fibers_per_tube#12 total_fibers#48 color_standard:TIA-598-C"""
_PIPE = "materijal:PE kapacitet:2x3 fi#40 od:OKNO-1 do:OKNO-2 duzina_m~88.125"
_ELEMENT = """
    naziv:E proizvodjac:Huawei oznaka:01 kapacitet#24 ukupno_kj#24 zahtev_kapaciteta#16 zahtev_rezerve#4
    oznaka_izvoda:7 numeracija:1-24 naziv_objekta:Škola adresa_ulica:Николе+Тесле adresa_broj:12а address_id:70-1
    stanje:Built godina_ugradnje#2025"""
_ON_CABLE = f"cable_layer_id:{CABLE_ID} cable_fid#1"
_MANHOLE = """
    broj_okna:OKNO-1 tip_okna:octagonal+200x130x190 vrsta_okna:Mounted polozaj_okna:trotoar adresa:Glavna+5 opis:kod+škole
    stanje:Executed god_ugrad#2019 dimenzije:200x130x190 mat_zida:beton mat_poklop:liv poklop_tes?1 poklop_lak?0
    odvodnj:da lestve:ne br_nosaca#6 debl_zida~12.5"""
ELEMENTS = (
    "ODF TB Patch_panel OTB Indoor_OTB Outdoor_OTB Pole_OTB TO Indoor_TO Outdoor_TO Pole_TO Joint_Closure_TO".split()
)
# table: (layer of ours, kind of geometry, EPSG code, fields with the values of the first row)
_TABLES: Mapping[str, tuple[str, str, int, str]] = {
    "Manholes": ("OKNA", "Point", 3857, _MANHOLE),
    "Manholes_2": ("OKNA", "Point", 3857, _MANHOLE),
    "Poles": ("Stubovi", "Point", 3857, "tip:POLE podtip:ugaoni visina~9.5 materijal:Beton visina_vrha~11.25"),
    "Underground_cables": ("Kablovi_podzemni", "LineString", 3857, f"{_CABLE} branch_index#2"),
    "Underground_cables_2": ("Kablovi_podzemni", "LineString", 3857, _CABLE.replace("Optical", "bakarnI")),
    "Aerial_cables": ("Kablovi_vazdusni", "LineString", 3857, _CABLE.replace("Optical", "opticki").replace("glavni", "razvodnik")),
    "Route": ("Trasa", "LineString", 3857, "naziv:T duzina~1234.5678901 duzina_km~1.23 tip_trase:Underground"),
    "PE_pipes": ("PE cevi", "LineString", 3857, _PIPE),
    "Transition_pipes": ("Prelazne_cevi", "LineString", 3857, _PIPE.replace("2x3", "1x2").replace("40", "110")),
    "Joint_Closures": ("Nastavci", "Point", 3857, "naziv:Nastavak+1"),
    "Fiber_break": ("Prekid vlakna", "Point", 3857, f"naziv:Fiber+break {_ON_CABLE} distance_m~101.125 segments_hit#1 vreme:2024-03-02T14:05"),
    "Optical_slacks": ("Opticke_rezerve", "Point", 3857, f"tip:Mid+span duzina_m~20.0 lokacija:Auto {_ON_CABLE} strana:sredina napomena:ok"),
    "Service_Area": ("Service_Area", "Polygon", 32634, "name:Zona+1 created_at:2024-03-02T14:05:06 area_m2~1500.25 perim_m~160.5 count#7"),
    "Objects": ("Objects", "Polygon", 32634, "tip:Kuća spratova#2 podzemnih#1 ulica:Glavna broj:5 naziv:Dom napomena:-"),
    **dict.fromkeys(ELEMENTS, ("Elements", "Point", 3857, _ELEMENT)),
}  # fmt: skip
RENAMED = {
    "tip_okna": "tip", "god_ugrad": "godina_ugradnje", "duzina": "duzina_m", "stanje_kabla": "stanje", "do": "do_",
    "cable_layer_id": "kabl_layer_id", "cable_fid": "kabl_fid",
}  # fmt: skip
# What the other rows of these two tables point at: another table, a row that is not there, nothing.
REFERENCES: Mapping[int, tuple[Value, Value]] = {
    DEFAULTS: (SECOND_ID, 2),
    NULLS: ("", -1),
    COPY: (AERIAL_ID, 1),
    BLANK: (CABLE_ID, 99),
}
METADATA = {
    "schema_version": "1.0",
    "project_version": "1.0",
    "relations_json": json.dumps(
        {"relations": [{"id": "r1", "name": "Čvor–Škola", "category": "Main", "created": "", "cables": [{"layer_id": CABLE_ID, "fid": 1}]}]}
    ),
    "latent_elements_json": '{"cables": {}}\n',
    "color_standard": "TIA-598-C",
    "crs_epsg": "3857",
    "export_timestamp": "2024-03-02T14:05:06+00:00",
    "plugin_settings_json": '{"ui": {"language": "sr"},  "odd":   "spacing"}',
}  # fmt: skip


@frozen
class PluginRow:
    """One row as the plugin has it. *values* by the plugin's names; *place* in the table's own coordinates."""

    table: str
    fid: int
    uuid: str | None
    values: Mapping[str, Value]
    place: shapely.Geometry | None


def layer_of(table: str) -> str:
    """The layer of ours that a table is."""
    return _TABLES[table][0]


def fields(table: str) -> list[tuple[str, str, Value]]:
    """A table's fields: name, OGR's type in a GeoPackage, the value of the first row."""
    found: list[tuple[str, str, Value]] = []
    for word in _TABLES[table][3].split():
        mark = next(c for c in word if c in ":#~?")
        name, text = word.split(mark, 1)
        types: dict[str, tuple[str, Value]] = {
            ":": ("TEXT", text.replace("+", " ")),
            "#": ("MEDIUMINT", int(text) if mark == "#" else None),
            "~": ("REAL", float(text) if mark == "~" else None),
            "?": ("BOOLEAN", text == "1"),
        }
        found.append((name, *types[mark]))
    return found


def plugin_rows(table: str) -> list[PluginRow]:
    """The five rows of a table."""
    _, shape, epsg, _ = _TABLES[table]
    number = list(_TABLES).index(table)
    whole = {name: value for name, _, value in fields(table)}
    empty: dict[str, Value] = {"TEXT": "", "MEDIUMINT": 0, "REAL": 0.0, "BOOLEAN": False}
    rows = []
    for n in range(5):
        values = {name: empty[kind] for name, kind, _ in fields(table)} if n == DEFAULTS else dict(whole)
        values = dict.fromkeys(values) if n == NULLS else values
        if "cable_fid" in values and n in REFERENCES:
            values["cable_layer_id"], values["cable_fid"] = REFERENCES[n]
        first = next(name for name, kind, _ in fields(table) if kind == "TEXT")
        values[first] = values[first] if n != BLANK else f"{values[first]} {table} bez uuid"
        place = _place(shape, epsg, number, n) if n != NULLS or shape == "Polygon" else None
        uuid = _uuid("Manholes" if (table, n) == ("Manholes_2", WHOLE) else table, n)
        rows.append(PluginRow(table, n + 1, uuid, values, place))
    return rows


def all_rows() -> Iterator[PluginRow]:
    """Every row of the package."""
    for table in _TABLES:
        yield from plugin_rows(table)


def in_degrees(row: PluginRow) -> shapely.Geometry | None:
    """A row's place in EPSG:4326."""
    way = pyproj.Transformer.from_crs(_TABLES[row.table][2], 4326, always_xy=True)
    return row.place and shapely.transform(row.place, lambda xy: np.column_stack(way.transform(xy[:, 0], xy[:, 1])))


def write(path: Path, *, registered: bool = True, metadata: Mapping[str, str] = METADATA) -> None:
    """Write the package; *registered*: its settings stand in `gpkg_contents`."""
    for table in _TABLES:
        _write_layer(path, table, plugin_rows(table))
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE _fiberq_metadata (key TEXT PRIMARY KEY, value TEXT)")
        connection.executemany("INSERT INTO _fiberq_metadata VALUES (?, ?)", metadata.items())
        if registered:
            connection.execute(
                "INSERT INTO gpkg_contents (table_name, data_type, identifier)"
                " VALUES ('_fiberq_metadata', 'attributes', '_fiberq_metadata')"
            )
        connection.execute("CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, styleName TEXT)")
        connection.execute("INSERT INTO gpkg_contents (table_name, data_type) VALUES ('layer_styles', 'attributes')")
    connection.close()


def _uuid(table: str, n: int) -> str | None:
    number = list(_TABLES).index(table)
    blank = "" if number % 2 else None
    return blank if n == BLANK else f"{number:08x}-0000-4000-8000-{n % COPY:012x}"


def _place(shape: str, epsg: int, table: int, n: int) -> shapely.Geometry:
    x, y = (2_500_000.0, 5_320_000.0) if epsg == 3857 else (620_000.0, 4_770_000.0)
    x, y = x + 37.123456789 * table, y + 53.987654321 * n
    if shape == "Point":
        return shapely.Point(x, y)
    if shape == "LineString":
        return shapely.LineString([(x, y), (x + 10.1, y + 3.3), (x + 25.7, y + 4.4)])
    return shapely.box(x, y, x + 20.5, y + 10.25)


def _write_layer(path: Path, table: str, rows: Sequence[PluginRow]) -> None:
    types = [("fiberq_uuid", "TEXT"), *((name, kind) for name, kind, _ in fields(table))]
    data: list[object] = []
    masks: list[object] = []
    for name, kind in types:
        column = [r.uuid if name == "fiberq_uuid" else r.values[name] for r in rows]
        dtype, blank = {
            "TEXT": (object, None), "MEDIUMINT": (np.int32, 0), "REAL": (np.float64, 0.0), "BOOLEAN": (np.bool_, False),
        }[kind]  # fmt: skip
        masks.append(None if kind == "TEXT" else np.array([value is None for value in column]))
        data.append(np.array([blank if value is None else value for value in column], dtype=dtype))
    places = np.array([None if r.place is None else shapely.to_wkb(r.place) for r in rows], dtype=object)
    _, shape, epsg, _ = _TABLES[table]
    pyogrio.raw.write(
        path, places, data, [name for name, _ in types], masks, layer=table, driver="GPKG", geometry_type=shape,
        crs=f"EPSG:{epsg}", append=path.exists(),
    )  # fmt: skip
